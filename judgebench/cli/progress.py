"""What run, answer and demo show while they work, and how they count at the end."""

from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from judgebench.cli.session import err
from judgebench.engine.runner import Tally
from judgebench.records import Status


def counts(tally: Tally) -> dict[str, Any]:
    """``planned`` and what it is the sum of."""
    return {"planned": tally.planned} | {str(s): tally.ended.get(s, 0) for s in Status} | {"pending": tally.pending}


def summary(tally: Tally, calls: int) -> str:
    """The counts that are not zero, in words."""
    shown = ", ".join(f"{count} {name}" for name, count in counts(tally).items() if count)
    cost = "cost not known" if tally.cost_usd is None else f"{tally.cost_usd:.4f} USD"
    return f"{shown}; {calls} calls, {cost}"


class ProgressLine:
    """Done, time left, cost and failures on one line of stderr."""

    def __init__(self, what: str = "judging") -> None:
        self._bar = Progress(
            TextColumn(what),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("eta"),
            TimeRemainingColumn(),
            TextColumn("{task.fields[more]}"),
            console=err(),
        )
        self._task = self._bar.add_task(what, total=None, more="")

    def __enter__(self) -> "ProgressLine":
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(self, tally: Tally, calls: int) -> None:
        good = (Status.OK, Status.TIE)
        bad = sum(count for status, count in tally.ended.items() if status not in good)
        cost = "" if not tally.cost_usd else f"{tally.cost_usd:.3f} USD "
        more = f"{calls} calls {cost}" + (f"{bad} without verdict" if bad else "")
        self._bar.start()  # not before there is progress: bad input is one message and nothing else
        self._bar.update(self._task, total=tally.planned, completed=tally.planned - tally.pending, more=more)
