"""What changed from one version to the next: planted flips are found by every kind of verdict, each said to be so."""

import re
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

import judgebench
from judgebench import services
from judgebench.errors import InputError, StatisticsError, UnknownName
from judgebench.records import Instruction
from judgebench.services.profiles import Comparison
from judgebench.services.versions import ByVersions
from judgebench.store.database import Database
from tests.factories import instruction
from tests.filling import submitted

COUNT = 40
BROKEN, MENDED = {2, 11, 30}, {5}
KEYS = [instruction(number).key for number in range(COUNT)]


def quality(model: str, number: int) -> int:
    """Of ten: the baseline is between what is right and what is wrong."""
    wrong = MENDED if model == "old" else BROKEN if model == "new" else set()
    return 5 if model == "base" else 2 if number in wrong else 8


def reply(messages: Sequence[Any]) -> str:
    """Of a judge that reads the qualities and errs never; of equal outputs it names the first."""
    seen = [int(digit) for digit in re.findall(r"quality (\d)", str(messages))]
    return "B" if len(seen) > 1 and seen[1] > seen[0] else "A" if len(seen) > 1 else f"Rating: [[{seen[0]}]]"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with closing(Database(str(tmp_path / "judgebench.db"), create=True)) as database:
        asked = [instruction(number, category=f"c{number % 2}") for number in range(COUNT)]
        submitted(database, asked, ("base", "new", "old"), lambda model, number: f"quality {quality(model, number)}")
        yield database


def judged(database: Database, template: str = "pairwise/two-way", **design: Any) -> Database:
    judgebench.run(
        database, benchmark="bench", judge=reply, judge_name=template, judge_version="1", template=template, **design
    )
    return database


def compare(database: Database, by: ByVersions | None = None) -> Comparison:
    return services.profiles.compare(database, "bench", "old", "new", by=by or ByVersions())


def flipped(comparison: Comparison, sign: str) -> set[int]:
    return {KEYS.index(row.key) for row in comparison.change.instructions if row.flip == sign}


def test_of_two_that_met_those_lost_in_both_orders(database: Database) -> None:
    comparison = compare(judged(database, pairs=[("old", "new")], repeats=2))
    change = comparison.change
    assert (change.evidence, change.baseline, change.clusters) == ("battles", None, COUNT)
    assert flipped(comparison, "negative") == BROKEN
    assert flipped(comparison, "positive") == MENDED
    assert change.whole.flips.confirmed == len(BROKEN)
    assert {KEYS.index(row.key) for row in change.instructions[:3]} == BROKEN
    assert change.whole.difference.value == pytest.approx(-2 / COUNT)
    assert comparison.whole.wins == change.whole.losses == 3
    assert change.whole.retest.value == 0.0
    assert {part.name: part.change.flips.negative for part in change.categories} == {"c0": 2, "c1": 1}


def test_of_two_that_did_not_meet_what_each_did_against_the_opponent_they_share(database: Database) -> None:
    comparison = compare(judged(database, baseline="base"))
    change = comparison.change
    assert (change.evidence, change.baseline) == ("baseline", "base")
    assert flipped(comparison, "negative") == BROKEN
    assert flipped(comparison, "positive") == MENDED
    first = change.instructions[0]
    assert (first.old, first.new, first.difference, first.confirmed) == (1.0, 0.0, -1.0, False)
    assert comparison.coverage.models == 3
    assert sum(comparison.coverage.judges.values()) == 4 * COUNT
    assert len(comparison.battles) == COUNT
    assert compare(database, ByVersions(baseline="base")).change == change


def test_a_baseline_that_is_named_wins_over_battles_between_the_two(database: Database) -> None:
    judged(database, all_pairs=True)
    assert compare(database).change.evidence == "battles"
    assert compare(database, ByVersions(baseline="base")).change.evidence == "baseline"
    for by, complaint in ((ByVersions(baseline="old"), "one of the two"), (ByVersions(right_from=3), "about scores")):
        with pytest.raises(InputError, match=complaint):
            compare(database, by)
    with pytest.raises(UnknownName):
        compare(database, ByVersions(baseline="nobody"))
    with pytest.raises(StatisticsError, match="margin"):
        compare(database, ByVersions(margin=-1.0))
    with pytest.raises(InputError, match="is five points"):
        compare(database, ByVersions(margin=20))


def test_scores_are_graded_or_right_from_one_on(database: Database) -> None:
    judged(database, "pointwise/mt-bench")
    graded = compare(database).change
    assert (graded.evidence, graded.graded) == ("scores", True)
    assert graded.whole.difference.value == pytest.approx(-6 * 2 / COUNT)
    assert {KEYS.index(row.key) for row in graded.instructions[:3]} == BROKEN
    cut = compare(database, ByVersions(right_from=5))
    assert cut.change.graded is False
    assert flipped(cut, "negative") == BROKEN
    assert flipped(cut, "positive") == MENDED
    with pytest.raises(InputError, match="leave it out"):
        compare(database, ByVersions(baseline="base"))


def test_models_of_whom_nothing_common_is_known_are_refused(database: Database) -> None:
    with pytest.raises(StatisticsError, match="never met"):
        compare(judged(database, pairs=[("base", "old")]))


def test_the_decision_is_by_the_margin(database: Database) -> None:
    judged(database, pairs=[("old", "new")])
    decisions = {margin: compare(database, ByVersions(margin=margin)).change.decision for margin in (0.0, 0.1, 0.3)}
    assert decisions == {0.0: "cannot tell", 0.1: "cannot tell", 0.3: "no worse"}


def test_instructions_of_one_dialogue_or_category_are_one_cluster(tmp_path: Path) -> None:
    """Ten dialogues, each asked at its first, second and third turn."""
    asked = [
        Instruction((f"Start {number}", "More", "Still more")[:length], f"c{number % 4}")
        for number in range(10)
        for length in (1, 2, 3)
    ]
    with closing(Database(str(tmp_path / "judgebench.db"), create=True)) as database:
        submitted(database, asked, ("new", "old"), lambda model, number: f"quality {quality(model, number % 20)}")
        judged(database, all_pairs=True)
        by_dialogue = compare(database).change
        by_category = compare(database, ByVersions(cluster="category")).change
    assert (by_dialogue.clusters, by_category.clusters) == (10, 4)
    assert by_dialogue.whole.difference.value == by_category.whole.difference.value
