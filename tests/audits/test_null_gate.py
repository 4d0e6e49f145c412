"""Bounds that hold at every stop, and the gate decided by them."""

import json
import math
import re
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgebench.audits.findings import Severity
from judgebench.audits.null_gate import EntrantResult, NullGate, Seen, gate_report, measure, next_round, resolution
from judgebench.stats.adaptive import Bounds, RunningBounds, running_bounds

GATE = NullGate()


def result(values: list[float], name: str = "null", entrants: int = 9) -> EntrantResult:
    seen = [Seen(f"i{n}", first, value) for n, value in enumerate(values) for first in (True, False)]
    return measure(name, "a text", seen, GATE, entrants=entrants)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 1), max_size=60))
def test_property_bounds_are_in_order_and_hold_the_mean(values: list[float]) -> None:
    bounds = running_bounds(values, lower_error=0.05, upper_error=0.05)
    assert 0 <= bounds.lower <= bounds.upper <= 1
    assert bounds.count == len(values)
    mirrored = running_bounds([1 - value for value in values], lower_error=0.05, upper_error=0.05)
    assert mirrored.lower == pytest.approx(1 - bounds.upper, abs=0.0015)


def test_values_outside_the_unit_interval_are_refused() -> None:
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        running_bounds([1.5], lower_error=0.05, upper_error=0.05)


def looks_at(values: np.ndarray, *, every: int, population: int | None = None) -> list[Bounds]:
    """The bounds after each ``every`` values; ``tests/stats/test_adaptive.py`` holds that looking changes nothing."""
    running, looks = RunningBounds(lower_error=0.05, upper_error=0.05, population=population), []
    for number, value in enumerate(values.tolist(), start=1):
        running.add(value)
        if number % every == 0:
            looks.append(running.bounds)
    return looks


@pytest.mark.parametrize("mean", [0.05, 0.1, 0.5])
def test_recovery_looking_often_keeps_the_error(mean: float) -> None:
    """Bounds are looked at after every tenth value of 60; both may be wrong in 5 % of 100 runs."""
    rng = np.random.default_rng(int(1000 * mean))
    wrong = {"lower": 0, "upper": 0}
    for _ in range(100):
        looks = looks_at((rng.random(60) < mean).astype(float), every=10)
        wrong["lower"] += any(look.lower > mean for look in looks)
        wrong["upper"] += any(look.upper < mean for look in looks)
    assert max(wrong.values()) <= 11  # 5 expected at most; 11 is the 99.5 % quantile


def test_a_null_model_that_wins_one_order_in_two_is_decided_within_50_verdicts() -> None:
    decided = next(n for n in range(1, 26) if result([0.5] * n).decided(GATE) is False)
    assert 2 * decided <= 50


def test_a_null_model_that_never_wins_passes() -> None:
    passing = result([0.0] * 50)
    assert passing.decided(GATE) is True
    report = gate_report([passing], GATE, {"worst": 0.2})
    assert report.passed
    assert report.details["margin"] == pytest.approx(0.2)


def named(values: list[float], name: str) -> EntrantResult:
    return result(values, name)


def test_everyone_is_asked_once_and_then_the_leader_goes_ahead() -> None:
    nothing = [named([], "a"), named([], "b")]
    assert next_round(nothing, {}, GATE, most=50) == {"a": 1, "b": 1}
    seen = [named([0.0], "a"), named([0.5], "b")]
    assert next_round(seen, {"a": 1, "b": 1}, GATE, most=50) == {"b": 5}
    assert next_round([named([0.0] * 5, "a"), named([0.0] * 5, "b")], {"a": 5, "b": 5}, GATE, most=50) == {
        "a": 10,
        "b": 10,
    }


def test_once_one_has_failed_only_those_that_also_win_and_the_control_are_followed() -> None:
    results = [named([0.9] * 20, "a"), named([0.0], "b"), named([0.5], "c"), named([0.0], "shuffled")]
    sizes = {"a": 20, "b": 1, "c": 1, "shuffled": 1}
    assert next_round(results, sizes, GATE, most=50) == {"c": 5, "shuffled": 5}
    assert next_round(results, sizes, GATE, most=50, everyone=True) == {"b": 5, "c": 5, "shuffled": 5}
    done = [named([0.9] * 20, "a"), named([0.0], "b"), named([0.1, 0.2] * 13, "c"), named([0.0] * 8, "shuffled")]
    assert next_round(done, {"a": 20, "b": 1, "c": 26, "shuffled": 8}, GATE, most=50) == {}


def test_the_audit_ends_at_its_limit_though_no_verdict_came() -> None:
    assert next_round([named([], "a")], {"a": 30}, GATE, most=30) == {}


def test_small_benchmarks_are_decided_when_all_is_seen() -> None:
    def of(values: list[float], population: int) -> EntrantResult:
        seen = [Seen(f"i{n}", None, value) for n, value in enumerate(values)]
        return measure("null", "", seen, GATE, entrants=9, population=population)

    assert of([0.0] * 12, 12).decided(GATE) is True
    assert of([0.0] * 12, 12).bounds.upper == pytest.approx(0.0, abs=0.0011)
    assert of([0.0, 1.0, 0.0, 0.0], 4).bounds.lower == pytest.approx(0.25, abs=0.0011)
    assert of([0.0] * 8, 12).decided(GATE) is None
    with pytest.raises(ValueError, match="population"):
        of([0.0] * 5, 4)


def test_recovery_drawing_without_replacement_keeps_the_error() -> None:
    rng = np.random.default_rng(9)
    population = np.array([1.0] * 12 + [0.0] * 48)  # mean 0.2
    wrong = {"lower": 0, "upper": 0}
    for _ in range(100):
        looks = looks_at(rng.permutation(population), every=5, population=60)
        wrong["lower"] += any(look.lower > 0.2005 for look in looks)
        wrong["upper"] += any(look.upper < 0.1995 for look in looks)
    assert max(wrong.values()) <= 11


def test_the_worst_real_model_lowers_the_gate_where_it_can_be_told_from_nothing() -> None:
    gate = NullGate(worst_real=0.04)
    assert result([0.0] * 40).decided(gate) is None
    assert result([0.0] * 150).decided(gate) is True
    assert resolution(GATE, 200, None) < 0.021
    assert resolution(GATE, 30, 30) < 0.002


def test_undecided_is_no_pass() -> None:
    report = gate_report([result([0.0] * 5)], GATE, {})
    assert not report.passed
    assert report.findings[0].severity is Severity.MEDIUM
    assert "not shown to be below" in report.failures[0]


def test_no_verdict_is_no_pass_and_no_number() -> None:
    empty = measure("null", "a text", [], GATE, entrants=1)
    assert math.isnan(empty.bounds.mean)
    report = gate_report([empty], GATE, {"real": 0.3})
    assert not report.passed
    document = json.dumps(report.document(), allow_nan=False)
    assert json.loads(document)["entrants"][0]["win_rate"] is None


def test_a_null_model_above_a_real_one_fails_below_the_gate_too() -> None:
    report = gate_report([result([0.05, 0.06] * 200)], NullGate(worst_real=0.02), {"real": 0.02, "other": 0.5})
    assert [finding.rule for finding in report.findings] == ["above-real-model"]
    assert not report.passed


def test_a_real_model_that_never_wins_is_noted_and_does_not_fail_the_judge() -> None:
    report = gate_report([result([0.0] * 60)], GATE, {"hopeless": 0.0})
    assert report.passed
    assert "hopeless" in report.notes[0]


def test_orders_are_told_apart() -> None:
    seen = [Seen(f"i{n}", first, float(first)) for n in range(10) for first in (True, False)]
    measured = measure("null", "", seen, GATE, entrants=1)
    assert dict(measured.by_order) == {"first": 1.0, "second": 0.0}
    assert measured.bounds.mean == 0.5


def test_sentences_give_a_rate_with_its_interval_and_level() -> None:
    failing, control = result([0.9] * 60, "a"), replace(result([0.5] * 60, "cut"), role="control")
    report = gate_report([failing, control], GATE, {})
    told = [report.failures[0], next(note for note in report.notes if "cut short" in note)]
    assert all(re.search(r"\d% \[\d+\.\d%, \d+\.\d%; \d\d%\]", words) for words in told), told
