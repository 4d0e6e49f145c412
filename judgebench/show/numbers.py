"""How a number is written: in its unit, with its interval, or with the reason why there is none."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import inf, isnan
from typing import Literal

from judgebench.estimate import Estimate

Unit = Literal["share", "points", "number", "short", "rate", "elo", "logit", "score", "USD", "s"]
MISSING = "-"
NOT_IDENTIFIED = "not identified"
FREE, NOT_KNOWN = "free", "not known"  # of costs: nothing, and what nobody knows
_LEAST_USD = 0.0001  # written in a column
_PERCENT = ("share", "rate", "points")  # units of what is stored as a fraction
_FORMS: Mapping[Unit, tuple[str, str]] = {  # of the number, and the word after it
    "share": ("{:.1f}%", ""),
    "rate": ("{:.1f}%", ""),
    "points": ("{:+.1f}", " points"),
    "number": ("{:.3f}", ""),
    "short": ("{:.4g}", ""),  # where the unit differs from row to row
    "elo": ("{:.0f}", ""),
    "logit": ("{:.3f}", ""),
    "score": ("{:.3f}", ""),
    "USD": ("{:.4g}", " USD"),
    "s": ("{:.4g}", " s"),
}


@dataclass(frozen=True, slots=True)
class Labelled:
    """An estimate with what it is about, a line of a table."""

    label: str
    estimate: Estimate | None  # None: nobody asked for it
    unit: Unit = "share"


def plotted(value: float | None, unit: Unit) -> float | None:
    """The number as it is written: shares, rates and points in percent, all others as they are; None for NaN."""
    return None if value is None or isnan(value) else 100 * value if unit in _PERCENT else value


def amount(value: float | None, unit: Unit) -> str:
    """``63.1%``, ``+3.1 points``, ``0.631``, ``1034``, ``free`` of no USD; ``-`` for None and NaN."""
    if unit == "USD" and value == 0:
        return FREE
    digits = _digits(value, unit)
    return digits if digits == MISSING else digits + _FORMS[unit][1]


def fixed(value: float | None, places: int = 1) -> str:
    """``63.1`` with so many decimal places, for a column whose heading has the unit; ``-`` for None and NaN."""
    return MISSING if value is None or isnan(value) else f"{value:,.{places}f}"


def percent(share: float | None) -> str:
    """``63.1%`` of a share in [0, 1]."""
    return amount(share, "share")


def paid(usd: float | None) -> str:
    """``1.5 USD``, ``free``; ``cost not known`` for None."""
    return f"cost {NOT_KNOWN}" if usd is None else amount(usd, "USD")


def dollars(usd: float | None) -> str:
    """``12.34``, ``0.0012``, ``free`` or ``not known``, for a column whose heading has the unit."""
    if not usd:
        return NOT_KNOWN if usd is None else FREE
    if usd < _LEAST_USD:
        return f"<{_LEAST_USD}"
    return fixed(usd, 2 if usd >= 0.01 else 4)


def span(lower: float | None, upper: float | None, unit: Unit) -> str:
    """``[58.0%, 67.9%]``, ``[+1.0, +5.2]``; ``-`` for an end that is missing."""
    return f"[{_digits(lower, unit)}, {_digits(upper, unit)}]"


def ranks(lower: int | None, upper: int | None) -> str:
    """The ranks that the data leave open, as ``3`` or ``2-5``; ``-`` where there is none."""
    if lower is None or upper is None:
        return MISSING
    return str(lower) if lower == upper else f"{lower}-{upper}"


def value(estimate: Estimate | None, unit: Unit) -> str:
    """Without its interval; ``not identified`` where the data cannot tell it."""
    if estimate is None:
        return MISSING
    return NOT_IDENTIFIED if estimate.value is None else amount(estimate.value, unit)


def interval(estimate: Estimate | None, unit: Unit) -> str:
    """``[58.0%, 67.9%]``; an open end is infinite, and nothing where there is none."""
    if estimate is None or (estimate.lower is None and estimate.upper is None):
        return ""
    lower = "-inf" if estimate.lower is None else _digits(estimate.lower, unit)
    upper = "inf" if estimate.upper is None else _digits(estimate.upper, unit)
    return f"[{lower}, {upper}]"


def evidence(estimate: Estimate | None) -> str:
    """How many observations it rests on, and why its value or interval is missing."""
    if estimate is None:
        return ""
    if not estimate.identified and estimate.lower is None and estimate.upper is None:
        return estimate.reason
    return f"n = {estimate.n:,}" + (f"; {estimate.reason}" if estimate.reason else "")


def estimate(known: Estimate, unit: Unit) -> str:
    """``63.1% [58.0%, 67.9%]``, or with the reason why value or interval is missing."""
    between = interval(known, unit)
    reason = f" ({known.reason or 'no interval'})" if known.value is None or not between else ""
    return value(known, unit) + (f" {between}" if between else "") + reason


def whole(number: int | None) -> str:
    """``12,345``; ``-`` for None."""
    return MISSING if number is None else f"{number:,}"


def duration(seconds: float) -> str:
    """``100 s``, ``45 min``, ``2.3 h``."""
    minutes = seconds / 60
    return f"{seconds:.0f} s" if minutes < 2 else f"{minutes:.0f} min" if minutes < 100 else f"{minutes / 60:.1f} h"


def _digits(value: float | None, unit: Unit) -> str:
    written = plotted(value, unit)
    if written is None:
        return MISSING
    form = _FORMS[unit][0]
    # Four digits of more than ten thousand would be 1.234e+04.
    return f"{written:,.0f}" if form == "{:.4g}" and 1000 <= abs(written) < inf else form.format(written)
