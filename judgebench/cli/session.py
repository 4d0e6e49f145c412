"""What every command shares: the database it was pointed at, the environment, how to print, and progress."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from judgebench.errors import InputError
from judgebench.records import Status
from judgebench.show.numbers import FREE, amount, paid
from judgebench.show.sentences import stopped
from judgebench.show.text import count, visible

if TYPE_CHECKING:
    import typer
    from rich.console import Console

    from judgebench.audits.findings import AuditReport
    from judgebench.coverage import Coverage
    from judgebench.engine.answer import AnswerReport
    from judgebench.engine.run import RunReport
    from judgebench.engine.runner import OnProgress, RunTally
    from judgebench.estimate import Estimate
    from judgebench.formats.known import Known
    from judgebench.show.numbers import Unit
    from judgebench.show.printed import Table
    from judgebench.show.results import Result
    from judgebench.store.database import Database

    Line = tuple[str, Estimate | None, Unit]  # what it is, the estimate (None: not computed), its unit

DEFAULT_DATABASE = "judgebench.db"
FAILED = 1  # exit codes: an audit
INTERRUPTED = 130
WITHOUT_VERDICT = 3
_REASONS = 3  # shown
_PIPE_WIDTH = 160  # of tables that no terminal shows


@dataclass(frozen=True, slots=True)
class Session:
    """One invocation."""

    address: str
    environment: Mapping[str, str]
    server: str | None = None  # its address, where it is asked in place of a database

    @property
    def shown_address(self) -> str:
        """The address as it may be printed: without a password."""
        from judgebench.store.database import parse_address, without_password

        return without_password(parse_address(self.address)) if "://" in self.address else self.address

    @contextmanager
    def database(self, *, create: bool = False) -> Iterator[Database]:
        from judgebench.actors import actor
        from judgebench.store.database import Database

        if self.server is not None:
            raise InputError(f"a server does not do this: leave --server {self.server} out, name a database by --db")

        database = Database(self.address, create=create, actor=actor(self.environment))
        try:
            yield database
        finally:
            database.close()


def opened(context: typer.Context, *, create: bool = False) -> AbstractContextManager[Database]:
    """The database that the command was pointed at."""
    session: Session = context.obj
    return session.database(create=create)


@contextmanager
def known_to(context: typer.Context, benchmark: str | None) -> Iterator[Known]:
    """What the benchmark holds, for a reader of files; nothing where there is no database yet: none is made for it."""
    from judgebench import services
    from judgebench.formats.known import NOTHING

    with ExitStack() as stack:
        try:
            database = stack.enter_context(opened(context))
        except InputError:
            known = NOTHING
        else:
            known = services.known.of(database, benchmark)
        yield known


def out() -> Console:
    """The terminal for results; it never interprets what models or users wrote as markup."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else _PIPE_WIDTH
    return Console(markup=False, highlight=False, emoji=False, soft_wrap=True, width=width)


def err() -> Console:
    """The terminal for everything that is not a result."""
    from rich.console import Console

    return Console(stderr=True, markup=False, highlight=False, emoji=False, soft_wrap=True)


def say(*lines: str) -> None:
    """Lines of a result."""
    for line in lines:
        out().print(visible(line))


def tell(*lines: str) -> None:
    """Lines that are no result, on stderr."""
    for line in lines:
        err().print(visible(line))


def tell_findings(benchmark: str, *reports: AuditReport | None) -> None:
    """What audits of outputs found, on stderr; nothing where there was none."""
    from judgebench.show.tables import audit_notice

    audits = [report for report in reports if report is not None]
    tell(*(f"  audit: {line}" for line in audit_notice(audits, benchmark)))


def complain(message: str) -> None:
    tell(f"judgebench: {message}")


def print_json(document: Any) -> None:
    """One JSON document; numbers that are not finite would not be JSON, and there are none."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, allow_nan=False, indent=2) + "\n")


def say_coverage(coverage: Coverage | None) -> None:
    """What a result counts and leaves out, above it."""
    from judgebench.show.coverage import sentences

    say(*sentences(coverage))


def print_table(headings: Sequence[str], rows: Iterable[Sequence[object]], *, text: Collection[str] = ()) -> None:
    """A table whose columns are numbers, except those named in ``text``; where none is named, all are text."""
    from judgebench.show.printed import table

    _print(table(headings, rows, text=text))


def print_estimates(title: str, lines: Iterable[Line]) -> None:
    """Estimates under a title."""
    from judgebench.show.numbers import Labelled
    from judgebench.show.printed import Printed, estimates

    print_result(Printed(tuple(estimates(title, (Labelled(*line) for line in lines)))))


def print_result(result: Result) -> None:
    """In the form that it has: lines and tables, a text as it is, or a JSON document."""
    from judgebench.show.printed import Printed

    if isinstance(result, str):
        write(result)
    elif isinstance(result, Printed):
        for part in result.parts:
            if isinstance(part, str):
                say(part)
            else:
                _print(part)
    else:
        print_json(result)


def _print(part: Table) -> None:
    from rich.table import Table as Drawn

    drawn = Drawn(box=None, pad_edge=False, show_header=bool(part.headings))
    for at in range(len(part.headings or (part.rows or ((),))[0])):
        number = at in part.numbers
        heading = visible(part.headings[at]) if part.headings else ""
        drawn.add_column(heading, justify="right" if number else "left", no_wrap=number, overflow="fold")
    for row in part.rows:
        drawn.add_row(*map(visible, row))
    out().print(drawn)


def write(text: str) -> None:
    """A document that is text, as it is."""
    sys.stdout.write(text)


def write_file(path: Path, text: str) -> None:
    """``text`` in UTF-8, with what is not Unicode replaced. Raises InputError where the file cannot be written."""
    try:
        path.write_text(text, encoding="utf-8", errors="replace")
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        reason = error.strerror if isinstance(error, OSError) else error
        raise InputError(f"{path}: cannot be written ({reason}): choose another path") from error


def write_page(path: Path, page: str) -> None:
    """Write an HTML page, and say so. Raises InputError."""
    write_file(path, page)
    tell(f"written to {path}")


def agreed(*, needs_consent: bool, yes: bool, output: str) -> bool:
    """Whether whoever asks agrees to the cost: by a flag, or by an answer at a terminal."""
    import typer

    if needs_consent and not yes and output == "table" and sys.stdin is not None and sys.stdin.isatty():
        return typer.confirm("Ask?", err=True)
    return yes


def counts(tally: RunTally) -> dict[str, Any]:
    """``planned`` and what it is the sum of."""
    return {"planned": tally.planned} | {str(s): tally.ended.get(s, 0) for s in Status} | {"pending": tally.pending}


def ending(tally: RunTally) -> dict[str, Any]:
    """``counts``; where a limit ended it, which, "max_cost" say; where another run asked some of them, how many."""
    shared = {"by_others": tally.by_others} if tally.by_others else {}
    return counts(tally) | ({} if tally.stopped_by is None else {"stopped_by": tally.stopped_by}) | shared


def tell_stopped(tally: RunTally) -> None:
    """That a limit ended it, on stderr."""
    for sentence in stopped(tally.stopped_by, tally.pending):
        complain(sentence)


def summary(tally: RunTally, calls: int, reasons: Sequence[tuple[str, int]] = ()) -> str:
    """The counts that are not zero, in words; of the failures how many were empty, by the ``reasons``."""
    empty = sum(number for why, number in reasons if why.startswith("empty"))
    why = {str(Status.FAILED): f" ({empty} empty)"} if empty else {}
    shown = ", ".join(f"{number:,} {name}{why.get(name, '')}" for name, number in counts(tally).items() if number)
    over = tally.taken_over
    taken_over = f"; {count(over, 'verdict')} taken over from other benchmarks, without a call" if over else ""
    shared = f"; {tally.by_others:,} of these by another run that went on meanwhile" if tally.by_others else ""
    limit = "".join(f"; {sentence}" for sentence in stopped(tally.stopped_by, tally.pending))
    return f"{shown}{shared}; {count(calls, 'call')}, {paid(tally.cost_usd)}{taken_over}{limit}"


def warn(whom: str, report: RunReport | AnswerReport, *, lacking: str) -> None:
    """What a judge's or a model's server did otherwise than it was asked, and why results are lacking, on stderr."""
    if report.other_models:
        names = ", ".join(repr(name) for name in report.other_models)
        complain(f"warning: {whom} was answered by {names}, which is not the model that was asked")
    if report.left_out:
        complain(f"warning: the server does not take {', '.join(report.left_out)}: {whom} was asked without")
    for change in report.changed:
        complain(f"warning: {whom} was asked with {change}")
    for why, number in report.reasons[:_REASONS]:
        complain(f"{number} without {lacking}: {why[:200]}")


def leave(*reports: RunReport, interrupted: bool) -> None:
    """Exit as a run does that was stopped, or that has trials without a verdict. Raises typer.Exit, or nothing."""
    import typer

    if interrupted:
        complain("interrupted; the same command continues where it stopped")
        raise typer.Exit(INTERRUPTED)
    if any(report.tally.without_verdict for report in reports):
        raise typer.Exit(WITHOUT_VERDICT)


def asked_otherwise(report: RunReport | AnswerReport) -> dict[str, Any]:
    """What ``warn`` says, for JSON."""
    warned = {"answered_by": list(report.other_models), "not_taken": list(report.left_out)}
    return warned | {"changed": list(report.changed), "reasons": dict(report.reasons)}


def expected(cost_usd: float | None) -> str:
    """What something would cost."""
    return f"{paid(None)} (give --price)" if cost_usd is None else f"cost about {paid(cost_usd)}" if cost_usd else FREE


@contextmanager
def progress_bar(what: str = "judging") -> Iterator[Callable[[int, int, str], None]]:
    """Done and time left on one line of stderr: what is called with how much is planned and done, and what else there
    is to say."""
    from rich import progress as rich
    from rich.console import Console

    done, passed, left = rich.MofNCompleteColumn(), rich.TimeElapsedColumn(), rich.TimeRemainingColumn()
    parts = (rich.TextColumn(what), rich.BarColumn(), done, passed, rich.TextColumn("eta"), left)
    bar = rich.Progress(*parts, rich.TextColumn("{task.fields[more]}"), console=Console(stderr=True))
    task = bar.add_task(what, total=None, more="")

    def show(planned: int, done: int, more: str) -> None:
        bar.start()  # not before there is progress: bad input is one message and nothing else
        bar.update(task, total=planned, completed=done, more=more)

    try:
        yield show
    finally:
        if bar.live.is_started:  # else it would write an empty line
            bar.stop()


def ended_so_far(calls: int | None, cost_usd: float | None, taken_over: int, without_verdict: int) -> str:
    """What stands beside how much is done, of what is not zero."""
    parts = (
        "" if calls is None else count(calls, "call"),
        amount(cost_usd, "USD") if cost_usd else "",
        f"{taken_over:,} taken over" if taken_over else "",
        f"{without_verdict:,} without verdict" if without_verdict else "",
    )
    return " ".join(filter(None, parts))


@contextmanager
def progress_line(what: str = "judging") -> Iterator[OnProgress]:
    """A ``progress_bar`` with cost and failures: what is called to show them."""
    told = {"stopping": False, "waiting": False}

    def tell_once(kind: str, number: int | None, noun: str, more: str) -> None:
        if number and not told[kind]:
            told[kind] = True
            complain(f"{kind}: {count(number, noun)} {more}")

    def show(tally: RunTally, calls: int) -> None:
        bad = sum(number for status, number in tally.ended.items() if status not in (Status.OK, Status.TIE))
        more = ended_so_far(calls, tally.cost_usd, tally.taken_over, bad)
        tell_once("stopping", tally.waiting_for, "question", "in flight, to be stored; once more stops at once")
        tell_once("waiting", tally.awaited, "trial", "asked by another run at this moment")
        bar(tally.planned, tally.planned - tally.pending, more)

    with progress_bar(what) as bar:
        yield show
