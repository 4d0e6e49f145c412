"""What every command shares: the database it was pointed at, the environment, how to print, and progress."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from judgebench.engine.runner import RunTally
from judgebench.errors import InputError
from judgebench.records import Status
from judgebench.store.database import Database, parse_address

DEFAULT_DATABASE = "judgebench.db"


_PIPE_WIDTH = 160  # of tables that no terminal shows


class Format(StrEnum):
    """How a read command prints."""

    TABLE = "table"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Session:
    """One invocation."""

    address: str
    environment: Mapping[str, str]

    @property
    def shown_address(self) -> str:
        """The address as it may be printed: without a password."""
        url = parse_address(self.address)
        return self.address if url.password is None else url.render_as_string(hide_password=True)

    @contextmanager
    def database(self, *, create: bool = False) -> Iterator[Database]:
        opened = Database(self.address, create=create)
        try:
            yield opened
        finally:
            opened.close()


def out() -> Console:
    """The terminal for results; it never interprets what models or users wrote as markup."""
    width = None if sys.stdout.isatty() else _PIPE_WIDTH
    return Console(markup=False, highlight=False, emoji=False, soft_wrap=True, width=width)


def err() -> Console:
    """The terminal for everything that is not a result."""
    return Console(stderr=True, markup=False, highlight=False, emoji=False, soft_wrap=True)


def complain(message: str) -> None:
    err().print(f"judgebench: {visible(message)}")


def print_json(document: Any) -> None:
    """One JSON document; numbers that are not finite would not be JSON, and there are none."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2) + "\n")


def write_file(path: Path, text: str) -> None:
    """``text`` in UTF-8, with what is not Unicode replaced. Raises InputError where the file cannot be written."""
    try:
        path.write_text(text, encoding="utf-8", errors="replace")
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"{path}: cannot be written ({reason}): choose another path") from error


def visible(text: str) -> str:
    """``text`` without control characters, which could rewrite a terminal; line breaks stay."""
    return "".join(char if char.isprintable() or char == "\n" else "\ufffd" for char in text)


def counts(tally: RunTally) -> dict[str, Any]:
    """``planned`` and what it is the sum of."""
    return {"planned": tally.planned} | {str(s): tally.ended.get(s, 0) for s in Status} | {"pending": tally.pending}


def summary(tally: RunTally, calls: int) -> str:
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

    def show(self, tally: RunTally, calls: int) -> None:
        good = (Status.OK, Status.TIE)
        bad = sum(count for status, count in tally.ended.items() if status not in good)
        cost = "" if not tally.cost_usd else f"{tally.cost_usd:.3f} USD "
        more = f"{calls} calls {cost}" + (f"{bad} without verdict" if bad else "")
        self._bar.start()  # not before there is progress: bad input is one message and nothing else
        self._bar.update(self._task, total=tally.planned, completed=tally.planned - tally.pending, more=more)


def warn(message: str) -> None:
    """A line on stderr that is no error."""
    err().print(visible(message))


def print_rows(headings: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    table = Table(box=None, pad_edge=False)
    for name in headings:
        is_text = name in ("model", "opponent")
        table.add_column(name, justify="left" if is_text else "right", no_wrap=not is_text, overflow="fold")
    for row in rows:
        table.add_row(*(visible(str(cell)) for cell in row))
    out().print(table)


def say(line: str) -> None:
    out().print(visible(line))


def percent(share: float) -> str:
    return f"{share:.1%}"


def span(lower: float, upper: float) -> str:
    return f"[{percent(lower)}, {percent(upper)}]"


def print_list(
    rows: Sequence[dict[str, Any]], headings: Sequence[str], shown: Sequence[Sequence[Any]], output: Format
) -> None:
    if output is Format.JSON:
        print_json(list(rows))
        return
    table = Table(*headings, box=None, pad_edge=False)
    for line in shown:
        table.add_row(*(visible("" if cell is None else str(cell)) for cell in line))
    out().print(table)
