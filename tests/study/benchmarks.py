"""Benchmarks in a database, and judges on loopback that answer by what they are shown."""

import re
from collections.abc import Sequence

from judgebench import store
from judgebench.records import Instruction, Model, Output
from judgebench.store.database import Database
from tests.fault_server import Reply, Request

_QUALITY = re.compile(r"quality (\d+)")


def stored(database: Database, instructions: Sequence[Instruction], models: Sequence[str]) -> None:
    """The benchmark "bench"; the output of the model named "m7" says that its quality is 7."""
    outputs = [
        Output(each.key, model, f"{model} on {each.text[:20]}: quality {model[1:]}")
        for each in instructions
        for model in models
    ]
    with database.write() as connection:
        benchmark = store.benchmarks.add_benchmark(connection, "bench")
        store.benchmarks.add_instructions(connection, benchmark, instructions)
        for model in models:
            store.models.add_model(connection, Model(model))
        store.models.add_outputs(connection, benchmark, outputs)


def asked(count: int, **fields: object) -> list[Instruction]:
    return [Instruction((f"What is {number}?",), f"c{number % 2}", **fields) for number in range(count)]


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
