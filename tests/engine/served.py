"""Benchmarks in a database, and judges on loopback that answer by what they are shown."""

import re

from tests.fault_server import Reply, Request

_QUALITY = re.compile(r"quality (\d+)")


def prefers_quality(index: int, request: Request) -> Reply:
    """A server whose judge prefers the output of higher quality, and knows what it is asked for the list of models."""
    if request.method == "GET":
        return Reply.of({"data": [{"id": "judge"}]})
    first, second = (int(found) for found in _QUALITY.findall(request.text)[:2])
    return Reply.chat("[[A]]" if first >= second else "[[B]]")


def rates_quality(index: int, request: Request) -> Reply:
    """A server whose judge gives each output its quality as a rating."""
    if request.method == "GET":
        return Reply.of({"data": [{"id": "judge"}]})
    return Reply.chat(f"It is what it is.\nRating: [[{_QUALITY.findall(request.text)[0]}]]")
