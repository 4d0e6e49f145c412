"""People who vote, one by one: careful ones are left in peace, odd ones are remarked on, and no number lacks its n."""

from dataclasses import replace

import numpy as np
import pytest

from judgebench.bias.human_agreement import agreement_report, labelled_battles
from judgebench.bias.voters import VotersReport, voters_report
from judgebench.records import HumanLabel, Order
from judgebench.stats.agreement import Resampling
from judgebench.stats.verdict_table import LabelTable
from tests.bias.factories import table_of


def report(seed: int, people: int = 4, n: int = 120, *, odd: bool = False, fast: bool = False) -> VotersReport:
    """People who name the better of two outputs in 8 of 10 cases, in orders that are drawn; ``odd``: the first of them
    always names what is shown first."""
    rng = np.random.default_rng(seed)
    truth = rng.random(n) < 0.5
    shown = rng.random((n, people)) < 0.5  # whether A is shown first
    toward = (rng.random((n, people)) < 0.8) == truth[:, None]
    if odd:
        toward[:, 0] = shown[:, 0]
    names = tuple(f"p{number}" for number in range(people))
    rows, who = np.repeat(np.arange(n), people), np.tile(np.arange(people), n)
    zeros = np.zeros(len(rows), dtype=np.int32)
    table = LabelTable(names, who.astype(np.int32), rows.astype(np.int32), zeros, zeros + 1, toward.ravel() * 1.0)
    verdicts = table_of(
        np.zeros(n), np.ones(n), truth * 1.0, models=("a", "b"), instruction=range(n), order=np.zeros(n)
    )
    labels = [
        HumanLabel(names[person], f"k{item:03}", "a", "b", float(toward[item, person]),
                   order=Order.AB if shown[item, person] else Order.BA)
        for item in range(n) for person in range(people)
    ]  # fmt: skip
    if fast:
        times = {f"k{item:03}": f"2026-01-01T00:{2 * item // 60:02}:{2 * item % 60:02}+00:00" for item in range(n)}
        labels = [replace(label, created_at=times[label.instruction]) for label in labels]
    return voters_report(labelled_battles(verdicts, table), labels, how=Resampling(resamples=2))


def test_agreement_and_leaning_are_those_that_the_votes_were_made_with() -> None:
    told = report(0)
    assert [(voter.name, voter.votes) for voter in told.voters] == [(f"p{number}", 120) for number in range(4)]
    for voter in told.voters:
        assert voter.with_judges["judge"].ends[0] < 0.8 < voter.with_judges["judge"].ends[1]
        assert voter.with_people.ends[0] < 0.68 < voter.with_people.ends[1]  # 0.8 ** 2 + 0.2 ** 2
        assert voter.first.ends[0] - 0.05 < 0.5 < voter.first.ends[1] + 0.05
        assert (voter.ties.value, voter.seconds) == (0.0, None)


def test_what_a_voter_and_all_people_have_with_a_judge_is_one_number_where_there_is_one_voter() -> None:
    rng = np.random.default_rng(1)
    n, truth = 40, rng.random(40)
    given = LabelTable(
        *(("p",), np.zeros(n, dtype=np.int32), np.arange(n, dtype=np.int32)),
        *(np.zeros(n, dtype=np.int32), np.ones(n, dtype=np.int32), rng.choice([0.0, 0.5, 1.0], n)),
    )
    verdicts = table_of(
        np.zeros(n), np.ones(n), np.round(2 * truth) / 2, models=("a", "b"), instruction=range(n), order=np.zeros(n)
    )
    labels = [
        HumanLabel("p", f"k{item:03}", "a", "b", value)
        for item, value in zip(given.instruction, given.preference, strict=True)
    ]
    items, how = labelled_battles(verdicts, given), Resampling(resamples=2)
    [voter] = voters_report(items, labels, how=how).voters
    [judge] = agreement_report(items, how=how).judges
    assert voter.with_judges["judge"] == judge.each_person
    assert judge.each_person.value == pytest.approx(judge.consensus.raw.value)


def test_who_is_not_odd_is_hardly_ever_remarked_on_and_who_is_nearly_always() -> None:
    remarks = [voter.remarks for seed in range(15) for voter in report(seed).voters]
    assert sum(map(bool, remarks)) <= 2
    for seed in range(5):
        first, *others = report(seed, odd=True).voters
        assert first.remarks[0] == "names the output shown first more often than the other"
        assert not any("shown first" in " ".join(voter.remarks) for voter in others)


def test_votes_that_follow_each_other_fast_are_told() -> None:
    voter = report(1, people=1, fast=True).voters[0]
    assert voter.seconds == 2.0
    assert voter.remarks == ("half of 119 votes came within 2.0 s of the one before",)
    assert not voter.with_people.identified


def test_those_with_fewest_votes_are_counted_where_not_listed() -> None:
    rows = np.zeros(3, dtype=np.int32)
    table = LabelTable(("x", "y"), np.array([0, 0, 1], dtype=np.int32), np.arange(3, dtype=np.int32), rows, rows + 1,
                       np.ones(3))  # fmt: skip
    verdicts = table_of([0] * 3, [1] * 3, [1.0] * 3, models=("a", "b"), instruction=range(3), order=[0] * 3)
    labels = [HumanLabel(name, f"k{item}", "a", "b", 1.0) for item, name in enumerate("xxy")]
    told = voters_report(labelled_battles(verdicts, table), labels, most=1)
    assert ([voter.name for voter in told.voters], told.left_out) == (["x"], 1)
