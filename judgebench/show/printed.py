"""What a terminal shows of a result, as plain values: made where the result is, printed there or at the other end."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from judgebench.show.numbers import evidence, interval, value

if TYPE_CHECKING:
    from judgebench.show.numbers import Labelled


@dataclass(frozen=True, slots=True)
class Table:
    """Cells, the same number in each row."""

    headings: tuple[str, ...]  # none: estimates, whose first column says what each is
    rows: tuple[tuple[str, ...], ...]
    numbers: tuple[int, ...] = ()  # places of columns of numbers, which are never broken into lines; others are words


@dataclass(frozen=True, slots=True)
class Printed:
    """Lines and tables, in their order."""

    parts: tuple[str | Table, ...]

    def document(self) -> dict[str, Any]:
        return {"parts": [part if isinstance(part, str) else asdict(part) for part in self.parts]}


def read(document: Mapping[str, Any]) -> Printed:
    """What ``document`` made. Raises KeyError, TypeError and ValueError for anything else."""
    return Printed(tuple(part if isinstance(part, str) else _table(part) for part in document["parts"]))


def _table(part: Mapping[str, Any]) -> Table:
    rows = tuple(tuple(map(str, row)) for row in part["rows"])
    return Table(tuple(map(str, part["headings"])), rows, tuple(map(int, part["numbers"])))


def table(headings: Sequence[str], rows: Iterable[Sequence[object]], *, text: Collection[str] = ()) -> Table:
    """A table whose columns are numbers, except those named in ``text``; where none is named, all are words."""
    numbers = tuple(at for at, heading in enumerate(headings) if text and heading not in text)
    cells = tuple(tuple("" if cell is None else str(cell) for cell in row) for row in rows)
    return Table(tuple(headings), cells, numbers)


def estimates(title: str, lines: "Iterable[Labelled]") -> Iterator[str | Table]:
    """Estimates under a title: what each is, value, interval, and what it rests on or why it is missing."""
    yield title
    cells = (estimate_cells(line) for line in lines)
    yield Table((), tuple((f"  {label}", *numbers) for label, *numbers in cells), (1,))


def estimate_cells(row: "Labelled") -> tuple[str, str, str, str]:
    """What it is, value, interval, and what it rests on or why it is missing."""
    return (row.label, value(row.estimate, row.unit), interval(row.estimate, row.unit), evidence(row.estimate))
