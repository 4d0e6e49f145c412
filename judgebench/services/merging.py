"""Databases of one study brought together: its parts were judged side by side, each in a database of its own."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from judgebench import store
from judgebench.errors import DatabaseError, InputError
from judgebench.spec import Study, make
from judgebench.store.database import Connection, Database
from judgebench.store.marks import StoredMarks
from judgebench.store.merging import MergedRun, SourceRun

__all__ = ["Merged", "merge"]
_ASKS = ("url", "key_env", "connection", "vllm", "price", "template", "same_judge")  # who, how, and with whose key


@dataclass(frozen=True, slots=True)
class Merged:
    """What a database brought."""

    source: str  # its address, without a password
    runs: int  # that were new
    new: int  # trials with a verdict that counts here from now on
    known: int  # trials of which what counts was here
    beside: int = 0  # new marks of steps and places, and outputs of which it came what happened afterwards
    contradicting: int = 0  # marks of one annotator that say something else of an output than is stored: left out


def merge(database: Database, address: str) -> Merged:
    """Take in the verdicts of the database at ``address`` with their runs, and what stands beside outputs: marks of
    their steps and places, and what happened afterwards. Its labels, audits, outputs and addresses of judges stay
    there. Merged again, it changes nothing.

    What was taken in before an error stays: nothing where both are one, or what was judged there is not here.
    Raises InputError then, where outputs read otherwise, and where the other holds what no judgebench stores; Conflict
    where they know different judges by one name.
    """
    source = Database(address)
    try:
        if _place(source) == _place(database):
            raise InputError(f"{source.name} is this database itself: name those that are to be merged into it")
        return _merge(database, source)
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:  # of somebody else's rows
        raise DatabaseError(
            f"the database {source.name} holds what no judgebench stores ({type(error).__name__}: {str(error)[:80]}): "
            "nothing further of it was taken in"
        ) from error
    finally:
        source.close()


def _merge(database: Database, source: Database) -> Merged:
    new = known = 0
    beside = StoredMarks()
    with source.read() as reading:
        with database.write() as writing:
            store.merging.check_outputs(writing, reading)
            runs, ended = _add_runs(writing, reading)
        new_runs = sum(run.new for run in runs.values())
        try:
            for given in store.merging.merge_beside(database, reading):  # it is part of what some judges were shown
                beside += given
            for stored in store.merging.merge_verdicts(database, reading, runs):
                new, known = new + stored.new, known + stored.known
        finally:
            if new_runs or new or beside.new or beside.given:
                about = {"runs": new_runs, "trials": new, "beside": beside.new + beside.given}
                with database.write() as writing:
                    store.events.record(writing, store.events.MERGED, "database", source.name, about)
    with database.write() as writing:
        store.merging.finish_runs(writing, ended)
    return Merged(source.name, new_runs, new, known, beside.new + beside.given, beside.contradicting)


def _place(database: Database) -> object:
    return Path(database.url.database or "").resolve() if database.is_sqlite else database.url


def _add_runs(writing: Connection, reading: Connection) -> tuple[dict[int, MergedRun], dict[int, str]]:
    """The runs by their ids there, and when those that did came to their ends, by their ids here."""
    runs: dict[int, MergedRun] = {}
    ended: dict[int, str] = {}
    for run in store.merging.source_runs(reading):
        merged = runs[run.row["id"]] = store.merging.add_run(writing, reading, run, _study(run))
        if run.row["finished_at"] is not None:
            ended[merged.id] = run.row["finished_at"]
    return runs, ended


def _study(run: SourceRun) -> dict[str, Any]:
    """What was planned, and nothing by which somebody would be asked; empty where that is no study of today."""
    fields = run.specification
    try:
        judge = {name: value for name, value in fields["judge"].items() if name not in _ASKS}
        study = make(Study, {**fields, "judge": judge}, where="its study")
    except (InputError, TypeError, LookupError, AttributeError):
        return {}
    return study.model_dump(mode="json", exclude_defaults=True)
