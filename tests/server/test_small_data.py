"""Small and odd data: the API answers what the command line prints, without a number that nothing backs."""

import json
import math
from collections.abc import Callable, Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

import judgebench
from judgebench.records import Instruction
from judgebench.server.state import ServerState
from judgebench.services.access import KNOWN_HOSTS, Policy
from judgebench.store.database import Database
from tests.cli.conftest import Invoke, invoke
from tests.filling import submitted
from tests.server.serving import serving

__all__ = ["invoke"]
PAIRWISE, POINTWISE = "pairwise/three-way", "pointwise/mt-bench"
Reply = Callable[[int], str]
ODD = ("org/model a", "c:\\models\\b", "模型-α")
DATA: dict[str, tuple[int, tuple[str, ...], str, Reply]] = {  # instructions, models, template, replies
    "one instruction": (1, ("m1", "m2", "m3"), PAIRWISE, lambda _: "[[A]]"),
    "two instructions": (2, ("m1", "m2", "m3"), PAIRWISE, lambda place: "[[A]]" if place % 3 else "[[B]]"),
    "ties alone": (6, ("m1", "m2"), PAIRWISE, lambda _: "[[C]]"),
    "all alike": (6, ("m1", "m2", "m3"), PAIRWISE, lambda place: "[[A]]" if place % 2 == 0 else "[[B]]"),
    "every trial failed": (3, ("m1", "m2", "m3"), PAIRWISE, lambda _: ""),
    "every score failed": (3, ("m1", "m2", "m3"), POINTWISE, lambda _: ""),
    "one model": (4, ("m1",), POINTWISE, lambda place: f"[[{place % 3 + 1}]]"),
    "one score": (6, ("m1", "m2", "m3"), POINTWISE, lambda _: "[[7]]"),
    "odd names": (4, ODD, PAIRWISE, lambda place: "[[A]]" if place % 3 else "[[B]]"),
}


def fill(database: Database, kind: str) -> tuple[str, ...]:
    """Returns the benchmark, the judge and the models."""
    instructions, models, template, reply = DATA[kind]
    benchmark, judge = ("基准/b \\ 1", "my/judge \\ é") if kind == "odd names" else ("bench", "judge")
    asked = [Instruction((f"Question {number}?",)) for number in range(instructions)]
    submitted(database, asked, models, lambda model, number: f"{model} says {number}", benchmark=benchmark)
    places = count()
    judgebench.run(
        database,
        **{"benchmark": benchmark, "judge": lambda _: reply(next(places)), "judge_name": judge, "judge_version": "1"},
        **{"template": template, "all_pairs": template == PAIRWISE},
    )
    return benchmark, judge, *models


def questions(benchmark: str, judge: str, *models: str) -> Iterator[tuple[str, dict[str, str], list[str]]]:
    """An address, its parameters, and the same as a command."""
    on = ["--benchmark", benchmark]
    for method in ("win-rate", "bradley-terry", "elo", "score"):
        yield "leaderboard", {"benchmark": benchmark, "method": method}, ["leaderboard", *on, "--method", method]
    yield "leaderboard", {"benchmark": benchmark, "margin": "0"}, ["leaderboard", *on, "--margin", "0"]
    yield "battles", {"benchmark": benchmark}, ["battles", *on]
    yield "card", {"judge": judge}, ["card", "--judge", judge]
    two = (*models, "m2")[:2]
    yield "compare", {"benchmark": benchmark, "first": two[0], "second": two[1]}, ["compare", *two, *on]
    yield "goals", {"benchmark": benchmark}, ["goals", *on]
    yield "steps", {"benchmark": benchmark}, ["steps", *on]


def unbacked(document: Any, where: str = "") -> Iterator[str]:
    """Numbers without an interval or a reason, intervals without width, and what JSON does not hold."""
    if isinstance(document, float) and not math.isfinite(document):
        yield where
    for name, value in (
        document.items() if isinstance(document, dict) else enumerate(document if isinstance(document, list) else ())
    ):
        if name == "standard_error" and value == 0:
            yield f"{where}.{name}"
        yield from unbacked(value, f"{where}.{name}")
    if isinstance(document, dict) and {"value", "lower", "upper", "reason"} <= document.keys():
        if document["lower"] is None and not document["reason"]:
            yield f"{where}: neither interval nor reason"
        if document["lower"] is not None and document["lower"] >= document["upper"]:
            yield f"{where}: certain"


@pytest.mark.slow
@pytest.mark.parametrize("kind", DATA)
def test_every_question_is_answered_as_at_the_command_line(kind: str, tmp_path: Path, invoke: Invoke) -> None:
    with closing(Database(str(tmp_path / "judgebench.db"), create=True)) as database:
        names = fill(database, kind)
        policy = Policy(False, {}, KNOWN_HOSTS)
        with serving(database, ServerState(database, lambda: policy)) as api:
            for route, parameters, words in questions(*names):
                answer = api.ask("GET", f"/{route}?{urlencode(parameters)}", "viewer")
                printed = invoke(*words, "--format", "json")
                assert answer.status in (200, 404, 422), (words, answer.body)
                if answer.status != 200:
                    assert (printed.code, printed.err) == (2, f"judgebench: {answer.json['error']}\n"), words
                    assert "run a judge first" not in printed.err, words
                    continue
                assert answer.json == json.loads(printed.out), words
                assert list(unbacked(answer.json)) == [], words
                told = " ".join(answer.json.get("notes", ()))
                for row in answer.json.get("rows", ()):
                    assert row["lower"] is not None or "no interval of" in told, words
                    assert row["lower"] is not None or row["standard_error"] is None, words
