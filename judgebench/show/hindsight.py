"""What hindsight changes: in sentences, and as cells and rows of tables."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from judgebench.show import tables
from judgebench.show.numbers import Labelled, Unit, interval, value
from judgebench.show.text import count, one_line

if TYPE_CHECKING:
    from judgebench.services.hindsight import Hindsight, HindsightPart

COLUMNS = ("instruction", "text", "category", "model_a", "model_b", "before", "after", "difference")
HEADINGS = ("", "trials", "difference", "interval", "changed", "interval")


def sentences(known: "Hindsight") -> list[str]:
    """Who read what."""
    lines = [
        f"{count(known.whole.trials, 'trial')} of {one_line(known.benchmark)} read by {one_line(known.judge)}, and by "
        f"{one_line(known.informed)}, which was shown what happened afterwards"
    ]
    for name, alone, without in zip((known.judge, known.informed), known.alone, known.without, strict=True):
        told = ", ".join(f"{status} ({number:,})" for status, number in sorted(without.items()))
        if alone or told:
            more = f"; trials without a verdict: {told}" if told else ""
            lines.append(f"{count(alone, 'trial')} by {one_line(name)} alone, left out{more}")
    return lines


def labelled(known: "Hindsight") -> Iterator[Labelled]:
    """The estimates, lines of a table."""
    unit = unit_of(known)
    if known.is_score:
        yield Labelled("difference, with hindsight less without", known.whole.difference, unit)
    yield Labelled("mean size of the difference", known.whole.size, unit)
    yield Labelled("another score" if known.is_score else "another winner", known.whole.changed)


def unit_of(known: "Hindsight") -> Unit:
    return "score" if known.is_score else "points"


def part_cells(known: "Hindsight", parts: Iterable["HindsightPart"]) -> list[tuple[str, ...]]:
    unit = unit_of(known)
    return [
        (
            *(one_line(part.name), f"{part.trials:,}", value(part.difference, unit), interval(part.difference, unit)),
            *(value(part.changed, "rate"), interval(part.changed, "rate")),
        )
        for part in parts
    ]


def rows(known: "Hindsight") -> Iterator[dict[str, Any]]:
    """One a trial, by COLUMNS."""
    for trial in known.trials:
        yield {
            "instruction": trial.instruction.key,
            "text": trial.instruction.brief,
            "category": trial.instruction.category,
            "model_a": trial.models[0],
            "model_b": trial.models[1] if len(trial.models) > 1 else None,
            "before": trial.before,
            "after": trial.after,
            "difference": trial.after - trial.before,
        }


def document(known: "Hindsight") -> dict[str, Any]:
    """All of it, as JSON can say it; trials as rows."""
    about = {name: getattr(known, name) for name in ("benchmark", "judge", "informed", "is_score")}
    parts = {name: tables.document(getattr(known, name)) for name in ("whole", "categories", "models")}
    without = [{str(status): number for status, number in sorted(one.items())} for one in known.without]
    return about | {"alone": list(known.alone), "without": without} | parts | {"trials": list(rows(known))}
