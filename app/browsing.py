"""Where one is in a list of battles, and which battle comes before and after. No widgets here."""

from dataclasses import dataclass

from app import data
from judgebench.store.battles import BattleFilter, BattleSummary

ROWS = 20  # battles on a page of the list

Identity = tuple[str, str, str]  # instruction's key, model A, model B


@dataclass(frozen=True, slots=True)
class View:
    """The battles of a benchmark that pass a filter."""

    source: data.Source
    benchmark: str
    chosen: BattleFilter

    @property
    def total(self) -> int:
        return self._read(1)[1]

    @property
    def pages(self) -> int:
        """At least one, which may be empty."""
        return max(-(-self.total // ROWS), 1)

    def rows(self, page: int) -> list[BattleSummary]:
        """The battles of a page, counted from 1."""
        return self._read(page)[0]

    def _read(self, page: int) -> tuple[list[BattleSummary], int]:
        return data.battles(self.source, self.benchmark, self.chosen, limit=ROWS, offset=(page - 1) * ROWS)


@dataclass(frozen=True, slots=True)
class Spot:
    """A place in a list."""

    page: int  # from 1
    row: int  # from 0; -1 is the last of its page


def identity(battle: BattleSummary) -> Identity:
    return battle.instruction, battle.model_a, battle.model_b


def beside(spot: Spot, step: int, *, rows: int, pages: int) -> Spot | None:
    """The spot before (``step`` -1) or after (1) ``spot`` on a page of ``rows``; None at either end of the list."""
    if 0 <= spot.row + step < rows:
        return Spot(spot.page, spot.row + step)
    page = spot.page + step
    return Spot(page, -1 if step < 0 else 0) if 1 <= page <= pages else None
