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


def prefers_quality_aloud(index: int, request: Request) -> Reply:
    """A judge that names the output of higher quality with .99. Its server moves the thinking, in which the other label
    stands with .7, beside the text and leaves it among the log-probabilities."""
    if request.method == "GET":
        return Reply.of({"data": [{"id": "judge"}]})
    first, second = (int(quality) for quality in _QUALITY.findall(request.text)[:2])
    label, other = ("A", "B") if first >= second else ("B", "A")
    odds = {label: -0.01, other: -4.6}
    thought = ["<think>", other, " or ", label, "?", "</think>", "\n\n"]
    tokens = [(word, {other: -0.36, label: -1.2}) for word in thought] + [(label, odds), ("<|im_end|>", odds)]
    content = [
        {"token": word, "logprob": -0.1, "top_logprobs": [{"token": t, "logprob": p} for t, p in top.items()]}
        for word, top in tokens
    ]
    choice = {"logprobs": {"content": content}}
    return Reply.chat(label, choice=choice, message={"reasoning": "".join(thought[1:5])})
