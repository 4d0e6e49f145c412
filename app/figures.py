"""Figures with their intervals as rows of a table, and for each that is missing what would give it. No widgets here."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import streamlit as st

from app.text import name
from judgebench.estimate import Estimate

Unit = Literal["share", "points", "plain"]

# A word of the reason why there is no figure -> the command that would give it; the first that fits.
_REMEDIES = (
    (("null", "audit"), "judgebench audit null-models --benchmark {benchmark} --judge JUDGE"),
    (("likelihood",), "judgebench run --benchmark {benchmark} --judge embedded --all-pairs"),
    (("repeat",), "judgebench run --benchmark {benchmark} --judge JUDGE --repeats 3"),
    (("people", "human", "label", "person"), "judgebench labels import FILE --benchmark {benchmark} (or vote here)"),
    (("lineage", "declared", "relative", "related", "own outputs"), "judgebench lineage propose"),
    (("order", "first", "place"), "judgebench run --benchmark {benchmark} --judge JUDGE --orders both"),
    (("judge",), "judgebench run --benchmark {benchmark} --judge ANOTHER"),
)
_WIDTHS = {
    "Value": 120,
    "Interval": 170,
    "n": 70,
    "Grade": 60,
}  # pixels of columns in tables of figures
_ALWAYS = ("What", "Value", "Interval", "n")
_OTHERWISE = "judgebench run --benchmark {benchmark} --judge JUDGE (more instructions)"


@dataclass(frozen=True, slots=True)
class Shown:
    """One figure with what it is about."""

    what: str
    figure: Estimate
    unit: Unit = "share"


def remedy(figure: Estimate, benchmark: str) -> str:
    """A command that would give a missing figure; empty where nothing is missing."""
    if figure.value is not None:
        return ""
    reason = figure.reason.lower()
    command = next((command for words, command in _REMEDIES if any(word in reason for word in words)), _OTHERWISE)
    return command.format(benchmark=shlex.quote(benchmark))


def columns(rows: Sequence[Shown], benchmark: str) -> Mapping[str, list[Any]]:
    """Shares and points in percent; numbers are texts, since units differ from row to row.

    A column that holds nothing is left out.
    """
    found = {
        "What": [name(row.what, 200) for row in rows],
        "Value": [_number(row.figure.value, row.unit) for row in rows],
        "Interval": [_interval(row.figure, row.unit) for row in rows],
        "n": [row.figure.n for row in rows],
        "Not known because": [name(row.figure.reason, 200) for row in rows],
        "What would give it": [name(remedy(row.figure, benchmark), 200) for row in rows],
        "Method": [row.figure.method if row.figure.value is not None else "" for row in rows],
    }
    return {column: values for column, values in found.items() if column in _ALWAYS or any(values)}


def widths() -> dict[str, Any]:
    """The configuration of the columns that would else be too narrow."""
    return {column: st.column_config.Column(width=pixels) for column, pixels in _WIDTHS.items()}


def _number(value: float | None, unit: Unit) -> str:
    if value is None:
        return "not identified"
    return {"share": f"{value:.1%}", "points": f"{100 * value:+.1f} points", "plain": f"{value:.3g}"}[unit]


def _interval(figure: Estimate, unit: Unit) -> str:
    ends = [end for end in (figure.lower, figure.upper) if end is not None]
    if len(ends) < 2:
        return ""
    scale, form = (1, ".3g") if unit == "plain" else (100, "+.1f" if unit == "points" else ".1f")
    return f"{figure.level:.0%}: {scale * ends[0]:{form}} to {scale * ends[1]:{form}}"
