"""judgebench compare."""

import csv
import io
import re
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import judgebench
from judgebench.store.database import Database
from tests.cli.conftest import Invoke


def test_two_models_beside_each_other(judged: Invoke) -> None:
    where = ("--benchmark", "bench", "--judge", "scripted:coin")
    between = judged("compare", "alpha", "beta", *where, "--format", "json").json
    pairs = judged("matrix", *where, "--format", "json").json["pairs"]
    [pair] = [pair for pair in pairs if (pair["model"], pair["opponent"]) == ("alpha", "beta")]
    assert between["whole"]["estimate"]["value"] == pair["win_rate"]
    assert len(between["battles"]) == pair["battles"]
    shown = judged("compare", "alpha", "beta", *where)
    assert "alpha against beta" in shown.out
    assert "beta as a new version of alpha" in shown.out
    assert judged("compare", "alpha", "alpha", *where).code == 2
    assert judged("compare", "alpha", "nobody", *where).code == 2
    assert judged("compare", "alpha", "beta", *where, "--right-from", "3").code == 2
    assert judged("compare", "alpha", "beta", *where, "--margin", "nan").code == 2


def test_no_battles_are_counted_between_models_that_never_met(
    invoke: Invoke, outputs: Callable[..., Path], tmp_path: Path
) -> None:
    for model in ("alpha", "beta", "gamma"):
        assert invoke("submit", outputs(model, 6), "--model", model, "--benchmark", "b").code == 0
    assert invoke("run", "--benchmark", "b", "--judge", "scripted:coin", "--baseline", "gamma").code == 0
    shown = invoke("compare", "alpha", "beta", "--benchmark", "b").out
    assert "by what each did against gamma" in shown
    assert not re.search("alpha against beta|battles|win rate", shown)
    assert "alpha against gamma" in invoke("compare", "alpha", "gamma", "--benchmark", "b").out


@pytest.fixture
def scored(invoke: Invoke, outputs: Callable[..., Path], tmp_path: Path) -> Invoke:
    """Forty outputs of "old", "same" and "worse", of which the last is wrong on three in four."""
    for model in ("old", "same", "worse"):
        assert invoke("submit", outputs(model, 40), "--model", model, "--benchmark", "b").code == 0
    with closing(Database(str(tmp_path / "judgebench.db"))) as database:
        judgebench.run(
            database, benchmark="b", judge=_reply, judge_name="reader", judge_version="1", template="pointwise/yes-no"
        )
    return invoke


def _reply(messages: Sequence[Any]) -> str:
    """Of a judge that reads whose output it is, and the number of the question."""
    text = str(messages)
    number = int(re.findall(r"Question (\d+)\?", text)[0])
    return "No" if "worse on" in text and number % 4 else "Yes"


def test_the_exit_code_says_whether_the_new_version_is_worse(scored: Invoke) -> None:
    worse = scored("compare", "old", "worse", "--benchmark", "b")
    assert worse.code == 1
    assert "worse is worse than old" in worse.out
    assert scored("compare", "worse", "old", "--benchmark", "b").code == 0
    assert scored("compare", "old", "same", "--benchmark", "b").code == 3
    assert scored("compare", "old", "same", "--benchmark", "b", "--margin", "0.2").code == 0
    assert scored("compare", "old", "worse", "--benchmark", "b", "--margin", "0.99").code == 0


def test_every_instruction_is_a_line_of_csv_and_the_flips_are_the_planted_ones(scored: Invoke) -> None:
    shown = scored("compare", "old", "worse", "--benchmark", "b", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(shown.out)))
    assert len(rows) == 40
    negative = {row["text"] for row in rows if row["flip"] == "negative"}
    assert negative == {f"Question {number}?" for number in range(40) if number % 4}
    document = scored("compare", "old", "worse", "--benchmark", "b", "--format", "json").json
    assert (document["decision"], document["change"]["whole"]["flips"]["negative"]) == ("worse", 30)
