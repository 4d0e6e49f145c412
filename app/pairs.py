"""Pairwise win rates as a list of cells, for the matrix and the table beside it. No widgets here."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

from judgebench.formats.writing import write_csv
from judgebench.stats.win_rate import PairRates

_COLUMNS = ("model", "opponent", "win_rate", "lower", "upper", "battles")


@dataclass(frozen=True, slots=True)
class Cell:
    """One model against another; places count from 0 in the order shown, rates are in percent."""

    row: int
    column: int
    percent: float
    lower: float
    upper: float
    battles: int


def cells(found: PairRates, models: Sequence[str]) -> list[Cell]:
    """The pairs of ``models`` that met, row by row."""
    codes = [found.models.index(model) for model in models]
    return [
        Cell(
            row=row,
            column=column,
            percent=100 * float(found.rate[a, b]),
            lower=100 * float(found.lower[a, b]),
            upper=100 * float(found.upper[a, b]),
            battles=int(found.battles[a, b]),
        )
        for row, a in enumerate(codes)
        for column, b in enumerate(codes)
        if found.battles[a, b]
    ]


def as_csv(found: PairRates, models: Sequence[str]) -> bytes:
    """Every pair of ``models`` that met, one line a direction; rates in [0, 1]."""
    stream = io.StringIO(newline="")
    write_csv(found.pairs(models), _COLUMNS, stream)
    return stream.getvalue().encode()
