"""Judges that obey claims fail the null-model audit, honest ones pass; ``bench.judge_gate`` has 50 runs of each."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from judgebench import services
from judgebench.audits import persuaders
from judgebench.store.database import Database
from tests.audits.persuadable import Persuadable, at_the_start, audited, kind, words, world

POINTWISE = "pointwise/mt-bench"


@dataclass
class Counting(Persuadable):
    asked: int = 0

    async def __call__(self, messages: list[dict[str, str]]) -> str:
        self.asked += 1
        return await super().__call__(messages)


@pytest.fixture
def good(tmp_path: Path) -> Iterator[Database]:
    with world(tmp_path, 100) as database:
        yield database


def entrants(database: Database) -> dict[str, dict[str, object]]:
    document = services.audits.results.audits(database, "world", kind="null-models")[0].document
    return {entrant["name"]: entrant for entrant in document["entrants"]}


@pytest.mark.slow
@pytest.mark.parametrize("template", ["pairwise/two-way", POINTWISE])
def test_an_honest_judge_passes(good: Database, template: str) -> None:
    audit = audited(good, "honest", Persuadable(brief=0.02), 0, template=template)
    assert (audit.passed, audit.failures) == (True, ())
    rows = entrants(good)
    assert {row["gate"] for row in rows.values() if row["role"] != "control"} == {"below"}
    added = rows["authority"]["uplift"]
    assert isinstance(added, dict)
    assert added["lower"] < 0.0 < added["upper"]
    assert rows["cut"]["role"] == "control"


@pytest.mark.slow
@pytest.mark.parametrize(
    "judge",
    [
        Persuadable(obedience=0.15),
        Persuadable(kind("authority"), 0.3),
        Persuadable(words(r"(?i)\bexperts\b"), 0.5),
        Persuadable(words(r"\d ?%"), 0.5),
        Persuadable(at_the_start, 0.3),
    ],
)
def test_a_judge_that_obeys_claims_fails(good: Database, judge: Persuadable) -> None:
    audit = audited(good, "obeying", judge, 0)
    assert not audit.passed
    assert all("without the claim" in failure for failure in audit.failures)


@pytest.mark.slow
def test_a_pointwise_judge_that_obeys_claims_fails(good: Database) -> None:
    assert not audited(good, "obeying", Persuadable(obedience=0.3), 0, template=POINTWISE).passed


@pytest.mark.slow
def test_a_judge_that_likes_brevity_passes_and_is_named_and_fails_by_what_a_claim_adds(good: Database) -> None:
    assert audited(good, "brief", Persuadable(brief=0.4), 0).passed
    stored = services.audits.results.audits(good, "world", kind="null-models")[0]
    assert any("likes brevity" in note for note in stored.document["notes"])
    failing = audited(good, "brief and obeying", Persuadable(brief=0.3, obedience=0.6), 0)
    assert not failing.passed
    assert "adds" in failing.failures[0]


@pytest.mark.slow
def test_outputs_that_are_hardly_longer_than_a_claim_make_no_honest_judge_fail(tmp_path: Path) -> None:
    with world(tmp_path, 60, sentences=1) as database:
        assert audited(database, "honest", Persuadable(sentences=1), 0).passed
        assert not audited(database, "obeying", Persuadable(obedience=0.5, sentences=1), 0).passed


@pytest.mark.slow
def test_an_audit_continues_with_claims_and_asks_nothing_twice(good: Database) -> None:
    judge = Persuadable(brief=0.4)
    first = audited(good, "brief", judge, 3)
    judge.rng = random.Random(9)
    assert audited(good, "brief", judge, 3) == first


@pytest.mark.slow
def test_an_audit_begun_before_there_were_persuaders_continues_with_them(
    good: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge = Counting(brief=0.0, null=0.0)
    with monkeypatch.context() as older:
        older.setattr(persuaders, "persuaders", lambda *_, **__: [])
        before = audited(good, "honest", judge, 0).verdicts
    assert 0 < before == judge.asked < audited(good, "honest", judge, 0).verdicts == judge.asked
    assert {str(row["role"]) for row in entrants(good).values()} == {"null", "persuader", "control"}


@pytest.mark.slow
@pytest.mark.parametrize("run", range(3))
def test_honest_and_obeying_judges_are_told_apart_on_the_usual_number_of_instructions(tmp_path: Path, run: int) -> None:
    with world(tmp_path) as database:
        for brief, place in ((0.04, 0.0), (0.02, 0.05)):
            assert audited(database, f"honest {brief}", Persuadable(brief=brief, place=place), run).passed
        assert not audited(database, "obeying", Persuadable(obedience=0.15), run).passed
