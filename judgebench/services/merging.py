"""Databases of one study brought together: its parts were judged side by side, each in a database of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from judgebench import store
from judgebench.engine.identity import known_addresses
from judgebench.errors import InputError
from judgebench.spec.addresses import place_of
from judgebench.store.database import Connection, Database
from judgebench.store.merging import SourceRun

__all__ = ["Merged", "merge"]


@dataclass(frozen=True, slots=True)
class Merged:
    """What a database brought."""

    source: str  # its address, without a password
    runs: int  # that were new
    new: int  # trials with a verdict that was not here
    known: int  # trials of which everything was here, or something that counts before it


def merge(database: Database, address: str) -> Merged:
    """Take in the verdicts of the database at ``address`` with their runs; its labels, audits, outputs and addresses of
    judges stay there. Merged again, it changes nothing.

    What was taken in before an error stays. Raises InputError where both are one, or do not hold the same benchmarks
    and outputs; Conflict where they know different judges by one name.
    """
    source = Database(address)
    try:
        if source.url == database.url:
            raise InputError(f"{source.name} is this database itself: name those that are to be merged into it")
        with source.read() as reading:
            with database.write() as writing:
                runs, new_runs = _add_runs(writing, reading)
            stored = store.merging.merge_verdicts(database, reading, runs)
        with database.write() as writing:
            if new_runs or stored.new:
                about = {"runs": new_runs, "trials": stored.new}
                store.events.record(writing, store.events.MERGED, "database", source.name, about)
        return Merged(source.name, new_runs, stored.new, stored.known)
    finally:
        source.close()


def _add_runs(writing: Connection, reading: Connection) -> tuple[dict[int, int], int]:
    """The runs' ids here by their ids there, and how many are new."""
    runs: dict[int, int] = {}
    new = 0
    for run in store.merging.source_runs(reading):
        runs[run.row["id"]], is_new = store.merging.add_run(writing, reading, run, _trusted(writing, run))
        new += is_new
    return runs, new


def _trusted(writing: Connection, run: SourceRun) -> dict[str, Any]:
    """The study without addresses that nobody here has named: a later run would ask there, and send a key along."""
    study = run.specification
    judge = study.get("judge")
    if isinstance(judge, dict) and judge.get("url") is not None:
        urls: Sequence[str] = [judge["url"]] if isinstance(judge["url"], str) else judge["url"]
        places = {place_of(url) for url in known_addresses(writing, run.judge)}
        if not {place_of(url) for url in urls} <= places:
            kept = {name: value for name, value in judge.items() if name not in ("url", "key_env", "connection")}
            study = {**study, "judge": kept}
    return study
