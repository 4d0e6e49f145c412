"""Arguments of a wrong type are told by name, at every function."""

import asyncio
from typing import Any

import numpy as np
import pytest

import judgebench
from judgebench.errors import InputError
from judgebench.store.database import Database


def judge(messages: list[dict[str, str]]) -> str:
    return "A"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("function", "arguments", "name"),
    [
        ("run", {"judge": judge, "judge_name": "m", "judge_version": 3}, "judge_version"),
        ("run", {"judge": None}, "judge"),
        ("answer", {"model": "scripted:echo", "limit": "3"}, "limit"),
        ("run", {"judge": "scripted:coin", "repeats": True}, "repeats"),
        ("rank", {"benchmark": None}, "benchmark"),
        ("rank", {"interval": "bootstrap", "seed": -1}, "seed"),
        ("vote", {"preference": "1"}, "preference"),
        ("answer", {"model": 5}, "model"),
        ("submit", {"outputs": 5, "model": "m"}, "outputs"),
        ("battles", {"limit": -1}, "limit"),
        ("consensus", {"resamples": 0}, "resamples"),
        ("matrix", {"judge": 5}, "judge"),
        ("audit_results", {"kind": "x"}, "audit"),
    ],
)
def test_an_argument_of_a_wrong_type_is_named(
    judged: Database, function: str, arguments: dict[str, Any], name: str
) -> None:
    vote = {"annotator": "me", "instruction": "i", "first": "one", "second": "two"} if function == "vote" else {}
    with pytest.raises(InputError, match=name):
        getattr(judgebench, function)(judged, **({"benchmark": "b"} | vote | arguments))


def test_what_is_awaited_is_checked_too(judged: Database) -> None:
    with pytest.raises(InputError, match=r"judge cannot be '5' \(int\): it takes str \|"):
        asyncio.run(judgebench.arun(judged, benchmark="b", judge=5))  # type: ignore[arg-type]  # wrong on purpose


def test_the_same_holds_without_a_benchmark(judged: Database) -> None:
    for call in (
        lambda: judgebench.declare_lineage(judged, "one", trained_on=5),  # type: ignore[arg-type]  # wrong on purpose
        lambda: judgebench.plan(difference="x"),  # type: ignore[call-arg,arg-type]  # wrong on purpose
        lambda: judgebench.benchmarks("my.db"),  # type: ignore[arg-type]  # wrong on purpose
    ):
        with pytest.raises(InputError, match="cannot be"):
            call()


def test_numbers_of_numpy_are_numbers_and_python_says_what_is_missing(judged: Database) -> None:
    assert len(judgebench.battles(judged, benchmark="b", limit=np.int64(2))) == 2  # type: ignore[arg-type]  # numpy counts are taken, too
    with pytest.raises(TypeError, match=r"rank\(\) missing"):
        judgebench.rank(judged)  # type: ignore[call-arg]  # wrong on purpose
