from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit

from judgebench.bias.position import effect_at, match_orders, position, repeatability
from judgebench.stats.intervals import critical_value
from tests.bias.factories import SCALERLAB, BiasedWorld, both_orders, judged_twice, rows_of, table_of
from tests.stats.factories import swapped

PLACES = ("first", "second", "tie")


def test_fairness_is_recency_minus_primacy():  # golden: pc = 12, rc = 30, n = 100 -> .18
    found = position(both_orders([("first", "tie")] * 12 + [("second", "second")] * 30 + [("tie", "tie")] * 58))
    assert found.preference_fairness.value == pytest.approx(0.18)
    assert (found.primacy.value, found.recency.value, found.consistency.value) == (0.12, 0.30, 0.58)
    assert found.conflict.value == 0.30


@pytest.mark.parametrize(
    ("labels", "where"),
    [
        *(((one, other), "consistency") for one, other in [("first", "second"), ("second", "first"), ("tie", "tie")]),
        *(((one, other), "primacy") for one, other in [("first", "first"), ("first", "tie"), ("tie", "first")]),
        *(((one, other), "recency") for one, other in [("second", "second"), ("second", "tie"), ("tie", "second")]),
    ],
)
def test_the_nine_outcomes(labels, where):  # golden: Shi et al. 2024, section 3
    found = position(both_orders([labels] * 3))
    shares = {name: getattr(found, name).value for name in ("consistency", "primacy", "recency")}
    assert shares == {name: float(name == where) for name in shares}


def test_a_judge_that_always_says_first():
    found = position(both_orders([("first", "first")] * 50))
    assert (found.consistency.value, found.first_rate.value, found.preference_fairness.value) == (0.0, 1.0, -1.0)
    hard = found.log_odds_hard
    assert (hard.value, hard.upper, hard.identified) == (None, None, False)
    assert hard.lower == pytest.approx(np.log(0.025 ** (1 / 50) / (1 - 0.025 ** (1 / 50))) / 2)
    assert hard.excludes_zero
    assert found.points.lower == pytest.approx(float(expit(hard.lower)) - 0.5)
    mirrored = position(both_orders([("second", "second")] * 50)).log_odds_hard
    assert (mirrored.lower, mirrored.upper) == (None, pytest.approx(-hard.lower))


def test_hard_effect_is_the_conditional_likelihood():  # golden: E13, b = .5 log(30/12), var = (1/30 + 1/12) / 4
    hard = position(both_orders([("first", "first")] * 30 + [("second", "second")] * 12)).log_odds_hard
    assert hard.value == pytest.approx(np.log(30 / 12) / 2)
    assert (hard.upper - hard.lower) / 2 / critical_value(0.95, 41) == pytest.approx(
        np.sqrt(1 / 30 + 1 / 12) / 2, rel=0.02
    )


@pytest.mark.parametrize("order", [0, -1])
def test_one_order_says_what_cannot_be_known(order):
    table = both_orders([("first", "second")] * 5)
    table = replace(table.select(table.order == 0), order=np.full(5, order, dtype=np.int8))
    found = position(table)
    assert (found.matched, found.unmatched) == (0, 5)
    for name in ("consistency", "preference_fairness", "log_odds_soft", "log_odds_hard", "points"):
        figure = getattr(found, name)
        assert (figure.value, figure.identified) == (None, False)
        assert ("cannot be told from quality" if order == 0 else "do not tell") in figure.reason


def test_no_verdict_at_all():
    table = both_orders([("tie", "tie")]).select(np.zeros(2, dtype=bool))
    assert position(table).consistency.reason == "there is no verdict"


def test_a_battle_without_its_other_order_is_counted_and_left_out():
    table = both_orders([("first", "second")] * 4).select(np.arange(7))
    found = position(table)
    assert (found.matched, found.unmatched, found.consistency.n) == (3, 1, 3)


def test_repeats_are_paired_in_the_order_of_their_rows():
    order, preference = [0, 0, 0, 1, 1], [1.0, 0.0, 1.0, 0.5, 1.0]
    table = table_of([0] * 5, [1] * 5, preference, models=("a", "b"), instruction=[0] * 5, order=order)
    pairs = match_orders(table)
    assert (pairs.first_ab.tolist(), pairs.first_ba.tolist(), pairs.unmatched) == ([1.0, 0.0], [0.5, 0.0], 1)


ROWS = st.tuples(st.integers(0, 2), st.integers(1, 2), st.integers(0, 2), st.integers(0, 1), st.integers(-1, 1))


@given(st.lists(ROWS, max_size=40))
def test_orders_are_matched_as_by_looking_each_battle_up(rows):
    a, further, at, judge, order = np.array(rows, dtype=int).reshape(-1, 5).T
    preference = np.linspace(0.1, 0.9, len(rows))
    names = {"models": ("x", "y", "z"), "judges": ("j", "k"), "judge": judge}
    pairs = match_orders(table_of(a, (a + further) % 3, preference, instruction=at, order=order, **names))
    shown = {}
    for one, step, instruction, by, way, p in zip(a, further, at, judge, order, preference, strict=True):
        other = (one + step) % 3
        if way >= 0:
            low_first = (way == 0) == (one < other)
            battle = (instruction, min(one, other), max(one, other), by)
            shown.setdefault(battle, ([], []))[0 if low_first else 1].append(p if way == 0 else 1 - p)
    matched = [(key, *both) for key in sorted(shown) for both in zip(*shown[key], strict=False)]
    assert pairs.instruction.tolist() == [key[0] for key, _, _ in matched]
    assert pairs.pair.tolist() == [key[1] * 3 + key[2] for key, _, _ in matched]
    assert pairs.first_ab.tolist() == [p for _, p, _ in matched]
    assert pairs.first_ba.tolist() == [p for _, _, p in matched]
    assert pairs.unmatched + pairs.unknown + 2 * len(matched) == len(rows)


def test_repeatability_is_the_share_of_the_commonest_outcome():
    preference = [1.0, 1.0, 0.0, 0.5, 0.5, 1.0]
    order = [0, 0, 0, 1, 1, -1]
    found = repeatability(
        table_of([0] * 6, [1] * 6, preference, models=("a", "b"), instruction=[0] * 6, order=order)
    )  # fmt: skip
    assert (found.value, found.n) == (pytest.approx((2 / 3 + 1) / 2), 2)


def test_effect_at_another_quality_is_smaller():
    hard = position(both_orders([("first", "first")] * 30 + [("second", "second")] * 12)).log_odds_hard
    assert effect_at(hard, 0.9).value < effect_at(hard, 0.5).value
    assert effect_at(hard, 0.9).value == pytest.approx(effect_at(hard, 0.1).value)


LABELS = st.lists(st.tuples(st.sampled_from(PLACES), st.sampled_from(PLACES)), min_size=1, max_size=30)


@given(LABELS)
def test_shares_add_up(rows):
    found = position(both_orders(rows))
    assert found.consistency.value + found.primacy.value + found.recency.value == pytest.approx(1)
    assert found.preference_fairness.value == pytest.approx(found.recency.value - found.primacy.value)
    assert found.conflict.value <= 1 - found.consistency.value + 1e-12


@given(LABELS)
def test_calling_a_b_changes_nothing(rows):
    table = both_orders(rows)
    assert position(swapped(table)) == position(table)


@given(LABELS)
def test_mirrored_places_change_the_sign(rows):
    mirror = {"first": "second", "second": "first", "tie": "tie"}
    found, other = position(both_orders(rows)), position(both_orders([(mirror[x], mirror[y]) for x, y in rows]))
    assert other.preference_fairness.value == pytest.approx(-found.preference_fairness.value)
    assert other.first_rate.value == pytest.approx(1 - found.first_rate.value)


@pytest.mark.parametrize("soft", [True, False])
def test_effect_comes_back_at_the_nominal_rate(soft):  # recovery, with quality noise that instructions share
    rng = np.random.default_rng(7)
    world = BiasedWorld(strengths=(0.6, 0.0, -0.6), slots=(0.4,), instructions=60, noise=0.8, soft=soft)
    found = [position(world.table(rng)) for _ in range(200)]
    figures = [f.log_odds_soft if soft else f.log_odds_hard for f in found]
    assert np.mean([f.value for f in figures]) == pytest.approx(0.4, abs=0.03)
    assert np.mean([f.lower <= 0.4 <= f.upper for f in figures]) > 0.91


def test_false_alarms_are_nominal():
    rng = np.random.default_rng(8)
    world = BiasedWorld(strengths=(0.6, 0.0, -0.6), instructions=60, noise=0.8)
    found = [position(world.table(rng)) for _ in range(300)]
    for alarms in (
        [f.log_odds_hard.excludes_zero for f in found],
        [f.preference_fairness.excludes_zero for f in found],
    ):
        assert 0.02 < np.mean(alarms) < 0.085


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "consistent", "first", "second", "conflict"),
    [
        # counted by hand from the pairs of decisions, rows with a missing decision left out
        ("claude-3-haiku-20240307_on_claude-3-5-sonnet", 54 + 42 + 39, 37 + 32 + 20, 7 + 13 + 13, 37 + 7),
        ("Skywork-Reward-Llama-3.1-8B_on_gpt-4o", 182 + 167, 0, 1, 1),
    ],
)
def test_published_judgments_equal_a_direct_count(shared, name, consistent, first, second, conflict):
    if not SCALERLAB.is_dir():
        pytest.skip("the published judgments are not here")
    rows = rows_of(name)
    pairs = [[j and j["decision"] for j in row["judgments"]] for row in rows]
    counts = Counter(tuple(pair) for pair in pairs if None not in pair)
    n = sum(counts.values())
    assert counts["A>B", "B>A"] + counts["B>A", "A>B"] + counts["A=B", "A=B"] == consistent
    found = position(judged_twice(rows))
    assert (found.matched, found.unmatched) == (n, sum(pair.count(None) == 1 for pair in pairs))
    assert found.consistency.value == pytest.approx(consistent / n)
    assert found.primacy.value == pytest.approx(first / n)
    assert found.preference_fairness.value == pytest.approx((second - first) / n)
    assert found.conflict.value == pytest.approx(conflict / n)
    ff, ss = counts["A>B", "A>B"], counts["B>A", "B>A"]
    if ff and ss:
        assert found.log_odds_hard.value == pytest.approx(np.log(ff / ss) / 2)
    else:
        assert not found.log_odds_hard.identified


@pytest.mark.shared
def test_published_judgments_by_source_equal_a_direct_count(shared):
    rows = rows_of("claude-3-haiku-20240307_on_claude-3-5-sonnet")
    for source in {row["source"] for row in rows}:
        chosen = [row for row in rows if row["source"] == source]
        pairs = [[j and j["decision"] for j in row["judgments"]] for row in chosen]
        whole = [pair for pair in pairs if None not in pair]
        same = sum({"A>B": "B>A", "B>A": "A>B", "A=B": "A=B"}[one] == other for one, other in whole)
        found = position(judged_twice(chosen))
        assert found.matched == len(whole)
        assert found.consistency.value == pytest.approx(same / len(whole))


def test_samples_are_told_apart_whichever_model_is_called_a():
    said = table_of(
        [0, 0, 1, 0], [1, 1, 0, 1], [1.0, 1.0, 1.0, 0.0], models=("a", "b"), instruction=[0] * 4, order=[0, 1, 0, 1]
    )
    apart = replace(said, samples=np.array([[0, 7], [0, 7], [0, 7], [7, 0]]))
    found = position(apart)
    assert (found.matched, found.unmatched, found.consistency.value) == (1, 2, 1.0)
    assert (found.repeatability.value, found.repeatability.n) == (1.0, 1)
    assert repeatability(said).value == pytest.approx(2 / 3)
