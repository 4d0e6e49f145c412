"""Goals of dialogues: those that judges listed beside an output, and what all of them amount to."""

from collections.abc import Iterable, Mapping, Sequence

from app.views import elements
from judgebench.services.goals import FailureShare, GoalRate, GoalReading, ListAgreement
from judgebench.services.pages import Instruction, Output
from judgebench.show import goals
from judgebench.show.numbers import MISSING, Labelled, estimate, interval, value
from judgebench.show.text import one_line


def of_output(readings: Sequence[GoalReading], instruction: Instruction, output: Output) -> None:
    """A list a judge and repeat; nothing where none has listed its goals."""
    for reading in goals.of_output(readings, output):
        elements.line(goals.brief(reading))
        rows = goals.goal_cells(reading.goals, instruction.goals)
        columns = {heading: [row[at] for row in rows] for at, heading in enumerate(goals.GOAL_HEADINGS)}
        told = {heading: cells for heading, cells in columns.items() if {*cells} - {"", MISSING}}
        elements.values(told, alt="Goals")


def rates(rows: Sequence[GoalRate], what: str, level: float) -> None:
    """``what``: the heading of the names. What was counted nowhere has no column: a sentence above says so."""
    counted: dict[str, list[object]] = {
        "Out of scope": [goals.number(row.out_of_scope) if row.out_of_scope else "" for row in rows],
        "Not read": [row.unread or "" for row in rows],
    }
    columns: Mapping[str, Sequence[object]] = {
        what: [one_line(row.name) or "All" for row in rows],
        "Goal success": [value(row.estimate, "rate") for row in rows],
        f"{level:.0%} interval": [interval(row.estimate, "rate") or row.estimate.reason for row in rows],
        "Goals": [goals.number(row.goals) for row in rows],
        "Goals reached": [goals.number(row.reached) for row in rows],
        "Dialogues": [row.dialogues for row in rows],
        **{heading: cells for heading, cells in counted.items() if any(cells)},
    }
    elements.values(columns, alt=f"Goal success by {what.lower()}")


def failures(rows: Sequence[FailureShare], what: str, level: float) -> None:
    """``what``: the heading of the names. Those that no goal failed by are named below, all at once."""
    seen = [row for row in rows if row.failures]
    columns: Mapping[str, Sequence[object]] = {
        what: [one_line(row.name) for row in seen],
        "Goals failed": [goals.number(row.failures) for row in seen],
        "Share of failures": [value(row.estimate, "rate") for row in seen],
        f"{level:.0%} interval": [interval(row.estimate, "rate") for row in seen],
    }
    elements.values(columns, alt=f"Failures by {what.lower()}")
    if none := [one_line(row.name) for row in rows if not row.failures]:
        elements.line(f"No goal failed by: {', '.join(none)}.")


def alike(lists: Iterable[ListAgreement]) -> None:
    """How alike two lists of one dialogue are."""
    for one in lists:
        agreements(goals.agreement_title(one), goals.agreements(one))


def agreements(title: str, rows: Iterable[Labelled]) -> None:
    """How far two sides say the same."""
    elements.line(title)
    elements.lines(f"{row.label}: {estimate(row.estimate, row.unit)}" for row in rows if row.estimate)
