"""Every number is written in one way, and what is missing says so."""

import math

import pytest

from judgebench.estimate import Estimate, unidentified
from judgebench.show.numbers import (
    Unit,
    amount,
    dollars,
    estimate,
    evidence,
    interval,
    paid,
    percent,
    plotted,
    ranks,
    span,
    value,
)


def known(value: float, lower: float | None, upper: float | None, reason: str = "") -> Estimate:
    return Estimate(value, lower, upper, 0.95, "made up", 100, reason)


@pytest.mark.parametrize(
    ("number", "unit", "written"),
    [
        (0.6312, "share", "63.1%"),
        (0.6312, "rate", "63.1%"),
        (0.0312, "points", "+3.1 points"),
        (-0.0312, "points", "-3.1 points"),
        (0.63123, "number", "0.631"),
        (1034.4, "elo", "1034"),
        (-0.25, "logit", "-0.250"),
        (0.00012345, "USD", "0.0001234 USD"),
        (12.3456, "s", "12.35 s"),
        (12.3456, "short", "12.35"),
    ],
)
def test_a_number_in_its_unit(number: float, unit: Unit, written: str) -> None:
    assert amount(number, unit) == written


def test_a_missing_number_is_a_dash_and_never_nought() -> None:
    assert (amount(None, "USD"), amount(math.nan, "elo"), percent(None)) == ("-", "-", "-")
    assert span(None, 0.5, "share") == "[-, 50.0%]"
    assert (plotted(None, "rate"), plotted(0.5, "rate"), plotted(0.5, "logit")) == (None, 50.0, 0.5)


@pytest.mark.parametrize(
    ("usd", "sentence", "cell"),
    [
        (None, "cost not known", "not known"),
        (0.0, "free", "free"),
        (0.00000123, "1.23e-06 USD", "<0.0001"),
        (0.00123, "0.00123 USD", "0.0012"),
        (1234.5, "1,234 USD", "1,234.50"),
    ],
)
def test_a_cost_is_never_a_row_of_noughts(usd: float | None, sentence: str, cell: str) -> None:
    assert (paid(usd), dollars(usd)) == (sentence, cell)


def test_an_estimate_with_its_interval() -> None:
    assert estimate(known(0.631, 0.58, 0.679), "share") == "63.1% [58.0%, 67.9%]"
    assert estimate(known(0.031, 0.01, 0.052), "points") == "+3.1 points [+1.0, +5.2]"


def test_an_estimate_without_value_or_interval_says_why() -> None:
    missing = unidentified("one order only")
    assert (value(missing, "points"), interval(missing, "points"), evidence(missing)) == (
        "not identified",
        "",
        "one order only",
    )
    assert estimate(missing, "points") == "not identified (one order only)"
    alone = known(0.1, None, None, "fewer than two instructions")
    assert estimate(alone, "share") == "10.0% (fewer than two instructions)"
    assert evidence(alone) == "n = 100; fewer than two instructions"


def test_an_open_end_is_infinite_and_what_nobody_asked_for_is_a_dash() -> None:
    assert interval(known(0.1, 0.05, None), "points") == "[+5.0, inf]"
    assert (value(None, "share"), interval(None, "share"), evidence(None)) == ("-", "", "")


def test_numbers_of_four_digits_and_more_have_separators_and_no_exponents() -> None:
    assert [amount(number, "short") for number in (999.94, 1034.4, 12345.0, -1e6)] == [
        *("999.9", "1,034", "12,345", "-1,000,000")
    ]
    assert (amount(12345.6, "USD"), amount(0.01234, "USD"), amount(math.inf, "short")) == (
        *("12,346 USD", "0.01234 USD"),
        "inf",
    )


def test_ranks_left_open() -> None:
    assert (ranks(3, 3), ranks(2, 5)) == ("3", "2-5")
