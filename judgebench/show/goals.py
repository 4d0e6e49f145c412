"""Goals of dialogues: in sentences, and as cells and rows of tables."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from judgebench.show.numbers import MISSING, Labelled, amount, estimate, fixed, interval, value
from judgebench.show.text import count, escaped_html, escaped_markdown, one_line

if TYPE_CHECKING:
    from judgebench.records import Goal, Instruction, Output
    from judgebench.services.goals import (
        FailureShare,
        GoalRate,
        GoalReading,
        GoalReport,
        ListAgreement,
        SuccessAgreement,
    )

COLUMNS = (
    *("part", "name", "value", "lower", "upper", "level", "goals", "reached", "out_of_scope", "failures"),
    *("dialogues", "unread", "reason"),
)
_RATE_HEADINGS = ("goal success", "interval", "goals", "reached", "out of scope", "dialogues", "not read")
_FAILURE_HEADINGS = ("failures", "share", "interval")
GOAL_HEADINGS = ("Goal", "Turns", "Reached", "Cause", "Failed at turn", "Why")
_REACHED = {"yes": "yes", "no": "no", "out-of-scope": "out of scope"}
_MOST_CHARS = 300  # of a goal, in a table
_CELL = "padding: 0.1rem 0.6rem 0.1rem 0; text-align: left; vertical-align: top; overflow-wrap: anywhere"


def sentences(report: "GoalReport") -> Iterator[str]:
    """What the numbers rest on, and what they leave out."""
    whole = report.whole
    yield (
        f"by {one_line(report.judge)}: {count(whole.dialogues, 'dialogue')} with goals; {_goals(whole.goals)} "
        f"within scope, {number(whole.reached)} reached; {number(whole.out_of_scope)} out of scope, in no rate"
    )
    if report.without_goals:
        why = ", ".join(f"{cases:,} {status}" for status, cases in sorted(report.without_goals.items()))
        without = sum(report.without_goals.values())
        yield (
            f"{without:,} of {count(report.readings, 'reading')} without goals: {why}; of "
            f"{count(whole.unread, 'dialogue')} nothing could be read, which are in no rate"
        )
    if whole.estimate.lower is not None:
        yield f"intervals: {whole.estimate.method}, level {report.level:.0%}"
    if report.unasked:
        yield f"{count(report.unasked, 'dialogue')} not asked about"
    if report.readings > whole.dialogues + whole.unread:
        yield "repeats are averaged inside each dialogue first, so that numbers of goals may be broken"
    if report.unlabelled:
        yield f"{count(report.unlabelled, 'label')} on dialogues of which there is no list: left out"


def _goals(known: float) -> str:
    return f"{number(known)} {'goal' if known == 1 else 'goals'}"


def number(goals: float) -> str:
    """Of goals, which a mean over repeats may break."""
    return f"{goals:,.0f}" if float(goals).is_integer() else fixed(goals, 1)


def rate_cells(rate: "GoalRate", name: str | None = None) -> list[str]:
    """Name, and a cell for each heading of rates."""
    known = rate.estimate
    numbers = (rate.goals, rate.reached, rate.out_of_scope)
    return [
        one_line(rate.name) if name is None else name,
        *(value(known, "rate"), interval(known, "rate") or known.reason),
        *map(number, numbers),
        *(f"{rate.dialogues:,}", f"{rate.unread:,}"),
    ]


def failure_cells(share: "FailureShare") -> list[str]:
    """Name, and a cell for each heading of failures."""
    known = share.estimate
    return [one_line(share.name), number(share.failures), value(known, "rate"), interval(known, "rate")]


def differences(report: "GoalReport") -> list[Labelled]:
    """Versions against the older one, in points."""
    return [
        Labelled(
            f"{one_line(row.new)} less {one_line(row.old)}, on {count(row.dialogues, 'dialogue')}",
            row.estimate,
            "points",
        )
        for row in report.differences
    ]


def agreements(of: "ListAgreement") -> list[Labelled]:
    """How alike lists are."""
    return [
        Labelled("segmentation, beyond chance", of.segments, "number"),
        Labelled("goals of both: same verdict", of.success_alike, "share"),
        Labelled("goals of both: kappa of the verdict", of.success, "number"),
        Labelled("goals that both fail: kappa of the cause", of.causes, "number"),
    ]


def agreement_title(of: "ListAgreement") -> str:
    who = "repeats of the judge" if of.between == "repeats" else f"the judge and {one_line(of.between)}"
    chance = f"; Jaccard {amount(of.observed, 'number')}, {amount(of.chance, 'number')} by chance" if of.pairs else ""
    return (
        f"{who}: {count(of.pairs, 'pair')} of lists on {count(of.dialogues, 'dialogue')}, {count(of.matched, 'goal')} "
        f"in both, {of.unmatched:,} without a partner{chance}"
    )


def success_lines(success: "SuccessAgreement") -> tuple[str, list[Labelled]]:
    """A title, and how far judge and person agree on whole dialogues."""
    title = f"the judge and {one_line(success.annotator)}: all goals reached, in {count(success.dialogues, 'dialogue')}"
    return title, [Labelled("same", success.alike, "share"), Labelled("kappa", success.kappa, "number")]


def tables_of(report: "GoalReport") -> Iterator[tuple[list[str], list[list[str]]]]:
    """Headings and cells: of rates, and of failures."""
    between = f"{report.level:.0%} interval"
    rates, shares = (
        [between if heading == "interval" else heading for heading in headings]
        for headings in (_RATE_HEADINGS, _FAILURE_HEADINGS)
    )
    whole = [rate_cells(report.whole, "all")] if len(report.models) > 1 else []
    yield ["model", *rates], [*map(rate_cells, report.models), *whole]
    if report.categories:
        yield ["category", *rates], [rate_cells(rate, rate.name or "none") for rate in report.categories]
    if report.whole.failed:
        yield ["cause", *shares], [failure_cells(share) for share in report.causes]
        yield ["failed at turn", *shares], [failure_cells(share) for share in report.turns]


def markdown(report: "GoalReport") -> str:
    """Sentences and tables; names cannot break out of their cell."""
    from judgebench.show.tables import markdown as table

    parts = ["\n".join(f"- {escaped_markdown(line)}" for line in sentences(report))]
    parts += [table(headings, cells) for headings, cells in tables_of(report)]
    known = [*differences(report), *(line for alike in lists_compared(report) for line in agreements(alike))]
    if known:
        parts.append(
            "\n".join(
                f"- {escaped_markdown(f'{line.label}: {estimate(line.estimate, line.unit)}')}"
                for line in known
                if line.estimate
            )
        )
    return "\n\n".join(parts)


def csv(report: "GoalReport") -> str:
    """``rows`` as a file."""
    from judgebench.show.tables import csv_text

    return csv_text(rows(report), COLUMNS)


def lists_compared(report: "GoalReport") -> "list[ListAgreement]":
    """Of repeats, where there are any, and with people."""
    return [*([report.steadiness] if report.steadiness else []), *report.people]


def rows(report: "GoalReport") -> Iterator[dict[str, object]]:
    """Of a file, with the columns COLUMNS."""
    yield _rate_row("all", report.whole)
    yield from (_rate_row("model", rate) for rate in report.models)
    yield from (_rate_row("category", rate) for rate in report.categories)
    for part, shares in (("cause", report.causes), ("failed_at", report.turns)):
        yield from (_estimate_row(part, share.name, share.estimate) | {"failures": share.failures} for share in shares)
    for row in report.differences:
        yield _estimate_row("difference", f"{row.new} less {row.old}", row.estimate) | {"dialogues": row.dialogues}


def _rate_row(part: str, rate: "GoalRate") -> dict[str, object]:
    names = ("goals", "reached", "out_of_scope", "dialogues", "unread")
    return _estimate_row(part, rate.name, rate.estimate) | {name: getattr(rate, name) for name in names}


def _estimate_row(part: str, name: str, known: object) -> dict[str, object]:
    numbers = {column: getattr(known, column) for column in ("value", "lower", "upper", "level", "reason")}
    return dict.fromkeys(COLUMNS) | {"part": part, "name": name} | numbers


def goal_cells(goals: "Sequence[Goal]", declared: Sequence[str] = ()) -> list[list[str]]:
    """A row for each goal, with a cell for each of GOAL_HEADINGS. ``declared``: the instruction's own."""
    return [
        [
            _named(goal, declared),
            ", ".join(map(str, goal.turns)),
            _REACHED[goal.reached],
            one_line(goal.cause) if goal.cause else MISSING,
            str(goal.failed_at) if goal.failed_at else MISSING,
            one_line(goal.reason, _MOST_CHARS) if goal.reason else "",
        ]
        for goal in goals
    ]


def markup(readings: "Sequence[GoalReading]", instruction: "Instruction", output: "Output") -> str:
    """The lists of one dialogue, as HTML; empty where there is none."""
    parts = []
    for reading in of_output(readings, output):
        cells = goal_cells(reading.goals, instruction.goals)
        told = [at for at in range(len(GOAL_HEADINGS)) if {row[at] for row in cells} - {"", MISSING}]
        heads = "".join(f"<th style='{_CELL}; overflow-wrap: normal'>{GOAL_HEADINGS[at]}" for at in told)
        rows = ("<tr>" + "".join(f"<td style='{_CELL}'>{escaped_html(row[at])}" for at in told) for row in cells)
        parts.append(
            f"<p>{escaped_html(brief(reading))}</p><table><thead><tr>{heads}</thead><tbody>{''.join(rows)}</table>"
        )
    return "".join(parts)


def of_output(readings: "Sequence[GoalReading]", output: "Output") -> "list[GoalReading]":
    """Those that are about it."""
    return [row for row in readings if (row.model, row.sample) == (output.model, output.sample)]


def _named(goal: "Goal", declared: Sequence[str]) -> str:
    text = one_line(goal.goal, _MOST_CHARS)
    if goal.declared is None or goal.declared >= len(declared):
        return text
    return f"{text} (declared: {one_line(declared[goal.declared], _MOST_CHARS)})"


def brief(reading: "GoalReading") -> str:
    """Whose list it is, and how many goals were reached."""
    within = [goal for goal in reading.goals if goal.reached != "out-of-scope"]
    reached = sum(goal.reached == "yes" for goal in within)
    again = f", repeat {reading.repeat + 1}" if reading.repeat else ""
    return f"{one_line(reading.judge)}{again}: {reached} of {count(len(within), 'goal')} reached"


def documented(report: "GoalReport") -> dict[str, object]:
    """As a JSON document."""
    from judgebench.show.tables import document

    written: dict[str, object] = document(report)
    return written
