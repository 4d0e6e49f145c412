"""Verdicts on steps and places: in sentences, in tables, as rows, and beside the text that they are about.

A rating is told by its sign and its word as well as by its colour.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from judgebench.records import Rating
from judgebench.show import tables
from judgebench.show.colours import GREEN, ORANGE, RED
from judgebench.show.numbers import MISSING, Labelled, fixed, interval, value
from judgebench.show.text import count, escaped_html, one_line

if TYPE_CHECKING:
    from judgebench.records import Output
    from judgebench.services.steps import JudgedStep, StepPart, StepReading, StepReport

COLUMNS = (
    *("instruction", "model", "sample", "repeat", "number", "start", "stop", "text", "rating", "kind", "reason"),
    *("labels", "first_error", "score"),
)
STEP_HEADINGS = ("Number", "Step", "Rating", "Kind", "Why")
_MOST_CHARS = 300  # of a step, in a table
SIGNS: Mapping[Rating, str] = {"good": "✓", "neutral": "~", "bad": "✗"}
_TINTS: Mapping[Rating, str] = {"good": GREEN, "neutral": ORANGE, "bad": RED}
_AGGREGATES = {
    "min": "worst step",
    "product": "product of the steps, which falls with their number",
    "last": "last step",
    "mean": "mean over the steps",
    "before-error": "share of steps before the first error",
}
_LABELS = {
    "first_error": "first errors named, of outputs that have one",
    "no_error": "outputs without an error that are said to have none",
    "process_score": "harmonic mean of the two (ProcessBench)",
    "accuracy": "single steps judged as labelled",
    "f1": "F1 of steps that are not bad",
    "negative_f1": "F1 of bad steps",
    "prm_score": "mean of the two (PRMBench, equal weights)",
}
_WRAPPED = "white-space: pre-wrap; overflow-wrap: anywhere"


def sentences(report: "StepReport") -> list[str]:
    """What was judged, and what it is compared with."""
    whole, names = report.whole, {"steps": "step", "spans": "fault"}
    number = whole.steps if report.protocol == "steps" else sum(whole.faults.values())
    lines = [
        f"{one_line(report.judge)} on {one_line(report.benchmark)}: {count(number, names[report.protocol])} of "
        f"{count(whole.outputs, 'output')}, {count(whole.readings, 'reading')}"
    ]
    if report.without:
        kinds = ", ".join(f"{status} ({number:,})" for status, number in sorted(report.without.items()))
        lines.append(f"trials without a verdict: {kinds}")
    if report.elsewhere:
        lines.append(f"left out: {count(report.elsewhere, 'reading')} of other steps than the output has")
    if whole.faults:
        kinds = ", ".join(f"{one_line(kind)} ({number:,})" for kind, number in whole.faults.items())
        lines.append(f"kinds of faults: {kinds}")
    if whole.labels is None:
        lines.append("no step that was judged is labelled by people or a source")
    else:
        labels = whole.labels
        who = ", ".join(one_line(name) for name in report.annotators[:5])
        more = f" and {len(report.annotators) - 5:,} more" if len(report.annotators) > 5 else ""
        lines.append(
            f"labels by {who}{more}: {count(labels.steps, 'step')} of {count(labels.outputs, 'output')}; "
            f"{labels.unknown:,} judged without a label count nowhere; the first error is known of "
            f"{count(labels.with_error + labels.without_error, 'output')}, {labels.without_error:,} without any"
        )
    return lines


def labelled(part: "StepPart") -> Iterator[Labelled]:
    """The estimates, lines of a table."""
    yield Labelled("outputs without a bad step or fault", part.right)
    if part.score is not None:
        yield Labelled("score, as the judge's template makes it", part.score, "number")
    for how, known in part.aggregates.items():
        yield Labelled(_AGGREGATES[how], known, "number")
    if part.labels is not None:
        for name, label in _LABELS.items():
            yield Labelled(label, getattr(part.labels, name))


def logs(part: "StepPart") -> str:
    """The mean logarithm that stands beside the product."""
    none = f"; {count(part.zeros, 'reading')} with a step worth 0 have none" if part.zeros else ""
    return f"mean logarithm of a step's worth, beside the product: {fixed(part.mean_log, 3)}{none}"


def part_headings(report: "StepReport", name: str) -> tuple[str, ...]:
    labels = ("first error", "interval", "PRM score", "interval") if report.whole.labels else ()
    return (name, "outputs", "without error", "interval", *labels)


def part_cells(report: "StepReport", parts: Iterable["StepPart"]) -> list[tuple[str, ...]]:
    return [_cells(part, with_labels=report.whole.labels is not None) for part in parts]


def _cells(part: "StepPart", *, with_labels: bool) -> tuple[str, ...]:
    numbers = [part.right]
    if with_labels:
        numbers += [part.labels.process_score, part.labels.prm_score] if part.labels else []
    cells = [text for known in numbers for text in (value(known, "rate"), interval(known, "rate"))]
    return (one_line(part.name), f"{part.outputs:,}", *cells, *["-"] * (2 + 4 * with_labels - len(cells)))


def rows(readings: Iterable["StepReading"]) -> Iterator[dict[str, Any]]:
    """One a step or fault, by COLUMNS."""
    for reading in readings:
        about = {
            "instruction": reading.instruction.key,
            "model": reading.output.model,
            "sample": reading.output.sample,
            "repeat": reading.repeat,
            "first_error": reading.first_error,
            "score": reading.score,
        }
        for number, step in enumerate(reading.steps, 1):
            labels = "; ".join(f"{who}: {rating}" for who, rating in sorted(step.labels.items()))
            mine = {name: getattr(step, name) for name in ("start", "stop", "text", "rating", "kind", "reason")}
            yield {name: (about | mine | {"number": number, "labels": labels or None})[name] for name in COLUMNS}


def brief(reading: "StepReading") -> str:
    """What it comes to, in a few words."""
    repeat = f", reading {reading.repeat + 1}" if reading.repeat else ""
    who = f"{one_line(reading.judge)}{repeat}"
    if reading.protocol == "spans":
        return f"{who}: {count(len(reading.steps), 'fault') if reading.steps else 'no fault'}"
    first = reading.first_error
    told = f"first error in step {first} of" if first else "no error in"
    return f"{who}: {told} {count(len(reading.steps), 'step')}"


def step_cells(reading: "StepReading") -> list[list[str]]:
    """A row for each step or fault, with a cell for each of STEP_HEADINGS."""
    return [
        [
            *(str(number), one_line(step.text, _MOST_CHARS), step.rating or MISSING, one_line(step.kind or MISSING)),
            one_line(step.reason or "", _MOST_CHARS),
        ]
        for number, step in enumerate(reading.steps, 1)
    ]


def markup(reading: "StepReading") -> str:
    """The output's last reply as HTML: its steps in a list with their ratings, or its text with the faults marked."""
    if reading.protocol == "steps":
        items = "".join(_item(number, step) for number, step in enumerate(reading.steps, 1))
        return f"<ol role='list' style='list-style: none; padding: 0; margin: 0'>{items}</ol>"
    return f"<div style='{_WRAPPED}'>{''.join(_marked(reading.output.text, reading.steps))}</div>"


def is_about(reading: "StepReading", output: "Output") -> bool:
    """Whether it is a reading of this very output."""
    mine = reading.output
    return (mine.model, mine.sample, mine.text) == (output.model, output.sample, output.text)


def lists(readings: "Sequence[StepReading]", output: "Output") -> str:
    """What each judge says of the output as HTML that unfolds, the first of it open; empty where none judged its
    steps."""
    mine = [reading for reading in readings if is_about(reading, output)]
    return "".join(
        f"<details{' open' if number == 0 else ''}><summary>{escaped_html(brief(reading))}</summary>"
        f"{markup(reading)}</details>"
        for number, reading in enumerate(mine)
    )


def _item(number: int, step: "JudgedStep") -> str:
    rating: Rating = step.rating or "neutral"
    notes = [step.kind, step.reason, *(f"{who} says {label}" for who, label in sorted(step.labels.items()))]
    beside = "; ".join(escaped_html(one_line(note, 500)) for note in notes if note)
    return (
        f"<li style='border-left: 4px solid {_TINTS[rating]}; padding: 0.1rem 0.6rem; margin: 0.2rem 0'>"
        f"<strong>{SIGNS[rating]} {number}. {rating}</strong>"
        f"<div style='{_WRAPPED}'>{escaped_html(step.text.rstrip())}</div>"
        f"{f'<small>{beside}</small>' if beside else ''}</li>"
    )


def _marked(text: str, faults: Sequence["JudgedStep"]) -> Iterator[str]:
    """The text with every fault in a mark, and its kind behind it."""
    places = sorted({0, len(text), *(end for fault in faults for end in (fault.start, fault.stop))})
    for start, stop in pairwise(places):
        piece = escaped_html(text[start:stop])
        inside = any(fault.start <= start and stop <= fault.stop for fault in faults)
        yield f"<mark style='background: #f6c7c3; color: #111'>{piece}</mark>" if inside else piece
        for fault in faults:
            if fault.stop == stop:
                why = f": {escaped_html(one_line(fault.reason, 300))}" if fault.reason else ""
                yield f"<small> [✗ {escaped_html(one_line(fault.kind or 'fault'))}{why}] </small>"


def document(report: "StepReport") -> dict[str, Any]:
    """All of it, as JSON can say it; readings as rows."""
    about = {name: getattr(report, name) for name in ("benchmark", "judge", "protocol", "annotators", "level")}
    parts = {name: tables.document(getattr(report, name)) for name in ("whole", "categories", "models")}
    without = {str(status): number for status, number in sorted(report.without.items())}
    return about | {"without": without, "elsewhere": report.elsewhere} | parts | {"steps": list(rows(report.readings))}
