"""Renaming and deleting benchmarks, models, judges and runs, and saving the whole database; who did it is an event."""

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

from judgebench import store
from judgebench.engine.judges import OWN
from judgebench.engine.unstored import path_for
from judgebench.errors import Conflict, DatabaseError, InputError, UnknownName
from judgebench.records import Deletable, Named, check_name
from judgebench.services.imports import CASE
from judgebench.store.database import Connection, Database, parse_address
from judgebench.store.deletion import Going, Loss
from judgebench.store.events import ACTIONS, DELETED, RENAMED, Event
from judgebench.store.models import OF_AUDITS

__all__ = ["Change", "Event", "backup", "compact", "copy", "delete", "event_numbers", "events", "rename"]


@dataclass(frozen=True, slots=True)
class Change:
    """What deleting or renaming something changes, or would."""

    action: str  # "deleted" or "renamed"
    kind: str
    name: str
    new: str | None  # None: it is deleted
    rows: Mapping[str, int]  # that belong to it, by table: they go, or are under another name
    losses: tuple[Loss, ...]  # what the rankings of benchmarks that stay lose
    notes: tuple[str, ...]  # what else there is to know, in words
    done: bool


def delete(database: Database, what: Deletable, name: str, *, yes: bool = False) -> Change:
    """Delete it with all that belongs to it, in one transaction; without ``yes`` only say what that would be.

    Then the database is written anew, so that no text of it is left there. A run's ``name`` is its number.

    Raises UnknownName, Conflict while a run holds some of it, and DatabaseError where the database can only be read.
    """
    kind = _checked(what, Deletable)
    if not yes:
        with database.read() as connection:
            place = store.deletion.place(connection, kind, name)
            return _deletion(connection, Going(connection, kind, place), kind, name)
    _check_kept(database)
    with database.write() as connection:
        place = store.deletion.place(connection, kind, name)
        going = Going(connection, kind, place)
        _check_free(going, kind, name)
        change = _deletion(connection, going, kind, name)
        about: dict[str, Any] = {"rows": dict(change.rows), "benchmarks": going.benchmarks}
        if kind == "run":
            about["judge_digest"] = store.runs.judge_digest(connection, place)
        about["missing_ids"] = going.delete()
        if kind == "model":
            store.renaming.without_model(connection, name)
        store.events.record(connection, DELETED, kind, name, about)
    return replace(change, notes=(*change.notes, *_wipe(database)), done=True)


def rename(database: Database, what: Named, name: str, new: str, *, yes: bool = False) -> Change:
    """Call it by another name, wherever the old one stands; without ``yes`` only say what that would change.

    Raises UnknownName, InputError for an unusable name, Conflict where the name is taken or a run holds some of it.
    """
    kind = _checked(what, Named)
    check_name(kind, new)
    for called in (name, new):
        if called.startswith(OF_AUDITS) and kind != "judge":
            raise InputError(f"{kind} name {called!r} belongs to audits: they give it themselves")
    if yes:
        _check_kept(database)
    with database.write() if yes else database.read() as connection:
        place = store.deletion.place(connection, kind, name)
        if store.renaming.is_taken(connection, kind, place, new):
            raise Conflict(f"there is a {kind} {new!r} already: choose another name, nothing was renamed")
        going = Going(connection, kind, place)
        change = _renaming(connection, going, kind, name, new)
        if not yes:
            return change
        _check_free(going, kind, name)
        store.renaming.RENAME[kind](connection, place, name, new)
        about = {"new": new, "rows": dict(change.rows), "benchmarks": going.benchmarks}
        going.forget()
        store.events.record(connection, RENAMED, kind, name, about)
    return replace(change, done=True)


def backup(database: Database, target: Path) -> None:
    """Write the whole database into a new SQLite file, in which open jobs are stopped: else a worker of the copy would
    ask judges the same again. Its tokens stay good. Raises as ``store.transfer.backup``."""
    store.transfer.backup(database, target)
    _halt(str(target), database.actor)
    store.events.note(database, store.events.SAVED, "database", target.name, {})


def copy(database: Database, address: str) -> dict[str, int]:
    """Copy every row into the empty database at ``address``, where open jobs are stopped and tokens revoked; returns
    the number of rows by table. Raises as ``store.transfer.copy``."""
    counts = store.transfer.copy(database, address, whole=False)
    _halt(address, database.actor)
    url = parse_address(address)
    store.events.note(
        *(database, store.events.COPIED, "database", Path(url.database or "").name), {"rows": sum(counts.values())}
    )
    return counts


def _halt(address: str, actor: str) -> None:
    with closing(Database(address, actor=actor)) as copied:
        with copied.read() as connection:
            if not store.jobs.jobs(connection, states=store.jobs.OPEN, most=1):
                return
        with copied.write() as connection:
            stopped = store.jobs.halt(connection, "it was open where this copy was made: resume it to go on here")
            name = Path(copied.url.database or "").name
            store.events.record(connection, store.events.STOPPED, "database", name, {"jobs": stopped})


def compact(database: Database) -> None:
    """Write the database anew, so that nothing is left of what was deleted. Raises as ``Database.compact``."""
    database.compact()
    store.events.note(database, store.events.COMPACTED, "database", Path(database.engine.url.database or "").name, {})


def events(
    database: Database,
    *,
    actors: Sequence[str] = (),
    actions: Sequence[str] = (),
    skip: int = 0,
    most: int | None = None,
) -> list[Event]:
    """Who did what, the newest first: all, or ``most`` after the newest ``skip``; by any of the ``actors``, of any of
    the ``actions``, where some are named. Raises UnknownName for an action that there is not."""
    for action in actions:
        if action not in ACTIONS:
            raise UnknownName("action", action, ACTIONS)
    with database.read() as connection:
        return store.events.events(connection, actors=actors, actions=actions, skip=skip, most=most)


def event_numbers(database: Database) -> dict[tuple[str, str], int]:
    """How many events the log has of each actor and action."""
    with database.read() as connection:
        return store.events.numbers(connection)


def _checked(what: str, kinds: object) -> str:
    """Raises UnknownName."""
    if what not in get_args(kinds):
        raise UnknownName("kind", what, get_args(kinds))
    return what


def _check_kept(database: Database) -> None:
    """Raises Conflict while replies wait to be stored, which name what they are about."""
    kept = path_for(database)
    if kept is not None and kept.exists():
        raise Conflict(
            f"replies that could not be stored wait in {kept}: the command that left them stores them; or move the "
            "file away. Nothing was changed"
        )


def _check_free(going: Going, kind: str, name: str) -> None:
    """Raises Conflict."""
    if going.open_jobs:
        numbers = ", ".join(map(str, going.open_jobs))
        raise Conflict(
            f"jobs that are queued or running name {kind} {name!r}: stop them first, judgebench jobs stop {numbers}. "
            "Nothing was changed"
        )
    if (until := going.in_use) is not None:
        raise Conflict(
            f"a run that goes on holds trials of {kind} {name!r} until {until[:19]} UTC: stop it, or wait until it "
            "has ended. Nothing was changed"
        )


def _deletion(connection: Connection, going: Going, kind: str, name: str) -> Change:
    notes = []
    if kind in ("benchmark", "model") and (made := store.benchmarks.beginning(connection, CASE)):
        names = ", ".join(map(repr, made))
        notes.append(f"what judges replied was imported as {names}: instructions there quote outputs, and stay")
    if kind == "model" and (heirs := store.models.heirs(connection, name)):
        notes.append(f"lineages go on naming it: {', '.join(map(repr, heirs))}")
    if kind in ("model", "judge"):
        row = store.deletion.place(connection, kind, name)
        notes += [
            f"the standing board of {board!r} loses it: see judgebench benchmarks standing {board}"
            for board in store.standing.holding(connection, kind, row)
        ]
    return Change(DELETED, kind, name, None, going.counts, tuple(going.losses), tuple(notes), done=False)


def _renaming(connection: Connection, going: Going, kind: str, name: str, new: str) -> Change:
    notes = []
    if kind == "model":
        llm_of = [judge.name for judge in store.judges.judges(connection) if judge.model == name]
        if llm_of:
            names = ", ".join(map(repr, llm_of))
            notes.append(f"the LLM of {names} goes on being called {name!r}, and no longer counts as this model")
        if drawn := store.runs.drawing_orders(connection, going.benchmarks):
            notes.append(f"orders were drawn by names: {drawn} runs would ask some battles again in the other order")
    if kind == "judge" and store.judges.judge(connection, name).model.startswith(OWN):
        notes.append("a function is known by the name that it has in Python: its studies no longer go on")
    return Change(RENAMED, kind, name, new, going.counts, (), tuple(notes), done=False)


def _wipe(database: Database) -> tuple[str, ...]:
    """Notes on what is left of what was deleted."""
    try:
        database.compact()
    except DatabaseError as error:
        return (f"what was deleted may still be found in the database's files: judgebench db compact ({error})",)
    return ()
