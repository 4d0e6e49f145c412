"""A model's profile, and what it did on parts of a benchmark, as cells of tables."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from judgebench.leaderboard import Leaderboard
from judgebench.show.numbers import Unit, amount, estimate, interval, value
from judgebench.show.text import one_line

if TYPE_CHECKING:
    from judgebench.services.part_rates import PartRate
    from judgebench.services.profiles import OnInstruction
    from judgebench.services.styles import StyleLine

_BRIEF_CHARS = 70


def unit_of(board: Leaderboard) -> Unit:
    """Of what stands by category and opponent: ratings stand beside win rates."""
    return "score" if board.scale == "score" else "rate"


def part_headings(what: str, unit: Unit) -> tuple[str, ...]:
    return (what, "mean score", "interval", "outputs") if unit == "score" else (what, "win rate", "interval", *_COUNTS)


_COUNTS = ("battles", "won", "lost", "tied")


def part_cells(parts: Iterable["PartRate"], unit: Unit) -> Iterator[tuple[str, ...]]:
    """Aligned to ``part_headings``."""
    for part in parts:
        counts = (part.battles,) if unit == "score" else (part.battles, part.wins, part.losses, part.ties)
        known = part.estimate
        numbers = (f"{number:,}" for number in counts)
        yield (part.name or "no category", value(known, unit), interval(known, unit), *numbers)


def instruction_cells(rows: Iterable["OnInstruction"], unit: Unit) -> Iterator[tuple[str, str, str]]:
    """What was asked, its category, and what the model did."""
    for row in rows:
        yield one_line(row.text, _BRIEF_CHARS), one_line(row.category or ""), amount(row.value, unit)


STYLE_HEADINGS = ("an output has", "mean", "median of all", "place")
_FEATURES = {"length": "characters", "headers": "headers", "lists": "list items", "bold": "bold", "code": "code blocks"}


def style_cells(lines: Iterable["StyleLine"]) -> Iterator[tuple[str, str, str, str]]:
    """Aligned to STYLE_HEADINGS; the mean with its interval."""
    for line in lines:
        place = f"{line.place:,} of {line.models:,}"
        yield _FEATURES[line.feature], estimate(line.mean, "short"), amount(line.field, "short"), place
