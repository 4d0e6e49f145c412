"""What is deleted might never have come: every report is the same as where it never did. And how a person deletes."""

import re
import shutil
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import judgebench
from judgebench.actors import own_name
from judgebench.judging.templates import LabelScale, RewardScale, ScoreScale
from judgebench.records import Instruction
from judgebench.spec import load_template
from judgebench.store import schema as t
from judgebench.store.database import Database
from judgebench.store.transfer import check
from tests import kinds
from tests.cli.conftest import Invoke
from tests.cli.test_kinds import ASKING, LEAVES, QUICK, arguments
from tests.filling import submitted

# What stores, asks, or is about the database as a whole.
NO_REPORTS = {"submit", "import", "answer", "run", "reparse", "batch", "db", "export"}
NO_REPORTS |= {"judges add", "judges test", "labels import", "labels queue", "lineage accept", "lineage set"}
NO_REPORTS |= {"lineage import", "tokens create"}
# What tells when verdicts and votes came, which no two databases that are filled one after the other share.
NO_REPORTS |= {"history", "labels voters"}
REPORTS = [
    path for path in LEAVES if path not in ASKING and path[0] != "audit" and not {path[0], " ".join(path)} & NO_REPORTS
]


def judged(database: Database, name: str, template: str, *, silent: bool = False, benchmark: str = "bench") -> None:
    """By replies that hang on what is shown alone, whichever else is asked."""
    loaded = load_template(template)

    def reply(messages: Any) -> str:
        shown = re.sub(r"[0-9a-f]{16,}", "", str(messages))  # without what a run draws
        place = zlib.crc32(f"{name} {shown}".encode())
        match loaded.scale:
            case RewardScale():
                return f"{place % 7 - 3.25}"
            case ScoreScale() as scale:
                return f"[[{scale.low + place % int(scale.high - scale.low + 1):g}]]"
            case LabelScale() as scale:
                return scale.labels[place % 3 % len(scale.labels)].text
        raise AssertionError(loaded.scale)

    judgebench.run(
        database,
        benchmark=benchmark,
        judge=(lambda messages: "") if silent else reply,
        judge_name=name,
        judge_version="1",
        template=template,
        all_pairs=loaded.kind == "pairwise",
    )


def another_benchmark(database: Database) -> None:
    asked = [Instruction((f"Who was number {number}?",), "other") for number in range(4)]
    submitted(database, asked, ("m0", "m1", "m2"), lambda model, number: f"{model}: {number}", benchmark="other")
    with database.read() as connection:
        known = connection.scalar(sa.select(t.judges.c.template).where(t.judges.c.name == "judge"))
    for name, template in (("judge", known or kinds.PAIRWISE), ("third one", kinds.POINTWISE)):
        judged(database, name, template, benchmark="other")


def another_judge(database: Database) -> None:
    judged(database, "another", kinds.PAIRWISE)
    judged(database, "another pointwise", kinds.POINTWISE)


def fill(path: Path, kind: str, more: Callable[[Database], None] = lambda database: None) -> None:
    with closing(Database(str(path), create=True)) as database:
        kinds.KINDS[kind](database)
        more(database)
        with database.write() as connection:  # a card tells how quick a judge was
            connection.execute(sa.update(t.completions).values(latency_s=0.5))


def report(invoke: Invoke, words: list[str]) -> tuple[int, str, str]:
    said = invoke(*words)
    out, err = (re.sub(r"\d{4}-\d\d-\d\dT[\d:.+]+", "then", text) for text in (said.out, said.err))
    return said.code, out, err


@pytest.mark.slow
@pytest.mark.parametrize("what", ["benchmark", "model", "judge"])
@pytest.mark.parametrize(
    "kind", [kind if kind in QUICK & {"both"} else pytest.param(kind, marks=pytest.mark.slow) for kind in kinds.KINDS]
)
def test_reports_are_as_if_it_had_never_come(
    invoke: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, what: Any
) -> None:
    monkeypatch.setattr(kinds, "judged", judged)
    fill(tmp_path / "alone.db", kind)
    if what == "model":
        monkeypatch.setattr(kinds, "MODELS", (*kinds.MODELS, "m22"))
    more = {"benchmark": another_benchmark, "judge": another_judge, "model": lambda database: None}[what]
    fill(tmp_path / "both.db", kind, more if kind != "nothing" or what == "benchmark" else lambda database: None)
    names = {"benchmark": ["other"], "model": ["m22"], "judge": ["another", "another pointwise"]}[what]
    for name in names if kind != "nothing" or what == "benchmark" else []:
        assert invoke("--db", "both.db", "db", "delete", what, name, "--yes").code == 0
    different = []
    for path in REPORTS:
        told = []
        for name in ("alone.db", "both.db"):
            shutil.copy(name, "judgebench.db")
            told.append(report(invoke, arguments(path)))
        different += [] if told[0] == told[1] else [(path, *told)]
    assert different == []
    with closing(Database("both.db")) as database:
        assert check(database).problems == ()
    assert invoke("--db", "both.db", "db", "check").code == 0


def test_without_yes_nothing_is_changed_and_the_summary_says_what_would_be(submitted: Invoke) -> None:
    run = ("run", "--benchmark", "bench", "--judge", "scripted:coin", "--all-pairs")
    assert submitted(*run).code == 0
    told = submitted("db", "delete", "model", "beta")
    assert (told.code, told.err) == (2, "judgebench: nothing was deleted: add --yes\n")
    assert told.out.splitlines()[0] == "model 'beta' would be deleted"
    assert told.out.splitlines()[1].endswith("models 1, audits 2, outputs 4, verdicts 16")
    assert "the rankings of 'bench' lose 16 of 24 verdicts and 1 of 3 models" in told.out
    deleted = ("db", "events", "--action", "deleted", "--format", "json")
    assert submitted(*deleted).json == []
    done = submitted("db", "delete", "model", "beta", "--yes", "--format", "json")
    assert (done.code, done.json["done"]) == (0, True)
    assert submitted("db", "check").code == 0
    (event,) = submitted(*deleted).json
    assert (event["actor"], event["action"], event["kind"], event["name"]) == (own_name(), "deleted", "model", "beta")
    gone = submitted("db", "delete", "model", "beta", "--yes")
    assert gone.code == 2
    assert gone.err.startswith("judgebench: unknown model 'beta': it was deleted on ")


def test_runs_go_by_their_number(submitted: Invoke) -> None:
    for judge in ("scripted:coin", "scripted:always-first"):
        assert submitted("run", "--benchmark", "bench", "--judge", judge, "--all-pairs").code == 0
    runs = submitted("db", "runs", "--format", "json").json
    assert [(run["id"], run["judge"]) for run in runs] == [(2, "scripted:always-first"), (1, "scripted:coin")]
    assert submitted("db", "delete", "run", "2", "--yes").code == 0
    assert [line.split()[:4] for line in submitted("db", "runs").out.splitlines()[1:]] == [
        ["1", "run", "bench", "scripted:coin"]
    ]
    assert submitted("db", "delete", "run", "two", "--yes").code == 2
    assert submitted("db", "check").code == 0
    again = submitted("run", "--benchmark", "bench", "--judge", "scripted:always-first", "--all-pairs")
    assert again.code == 0
    assert submitted("db", "compact").out.endswith(": written anew\n")


def test_a_study_goes_on_under_the_new_name(submitted: Invoke) -> None:
    run = ("run", "--benchmark", "bench", "--judge", "scripted:coin")
    assert submitted(*run, "--baseline", "alpha").code == 0
    assert submitted("db", "rename", "model", "alpha", "zeta", "--yes").code == 0
    old = submitted(*run, "--baseline", "alpha")
    assert old.code == 2
    assert old.err.startswith("judgebench: unknown model 'alpha': it was renamed to 'zeta' on ")
    assert "0 calls" in submitted(*run, "--baseline", "zeta").out
    assert submitted("db", "check").code == 0


def test_a_database_that_can_only_be_read_says_so_in_a_line(submitted: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("judgebench.store.database._is_read_only", lambda path: True)
    assert submitted("db", "delete", "model", "beta").err == "judgebench: nothing was deleted: add --yes\n"
    for words in (("delete", "model", "beta"), ("rename", "model", "beta", "new")):
        refused = submitted("db", *words, "--yes")
        assert refused.code == 1 or refused.code == 2
        assert len(refused.err.splitlines()) == 1
        assert "can only be read" in refused.err
