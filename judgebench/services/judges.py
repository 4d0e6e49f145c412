"""Judges by name: remembered with their address, found again, and tried before money is spent on them.

What a judge is never changes under its name; where it is reached may. Keys are named, never stored.
"""

from collections.abc import Mapping
from pathlib import Path
from shlex import quote
from typing import Any

from judgebench import engine, store
from judgebench.clients.base import Price
from judgebench.clients.probe import Report, check
from judgebench.engine.identity import identified, known_addresses
from judgebench.engine.judges import (
    KnownJudge,
    ResolvedJudge,
    find_judge,
    known_judge,
    known_judges,
    open_model,
    resolve,
    stored_price,
)
from judgebench.engine.sight import remember_sight
from judgebench.errors import InputError, JudgeError
from judgebench.records import Judge, check_name
from judgebench.spec import JudgeSpec
from judgebench.spec.addresses import place_of
from judgebench.store.database import Database
from judgebench.store.judges import JudgeAddress

__all__ = [
    "KnownJudge", "add_judge", "addresses", "find_judge", "judges", "known_judge", "known_judges", "remove_address",
    "resolved", "try_judge",
]  # fmt: skip


def add_judge(database: Database, spec: JudgeSpec) -> Judge:
    """Remember a judge; adding it once more adds where it is reached, and says anew what else is needed to ask it. Its
    price holds until another is given.

    Raises InputError, NewAddress as a run does, and Conflict when the name belongs to another judge.
    """
    resolved = identified(database, resolve(spec))
    judge = resolved.judge
    check_name("judge", judge.name)
    if spec.price is not None:
        Price.parse(spec.price)
    template = spec.template
    if template is not None and template.endswith(".md"):
        template = str(Path(template).resolve())  # it is looked for from any folder
    with database.write() as connection:
        judge_id = store.judges.add_judge(connection, judge, resolved.template.shows)
        price = spec.price or stored_price(connection, judge.name)
        how = (spec.key_env, template, price, spec.connection.stored(), spec.vllm)
        for url in spec.urls or (None,):
            store.judges.add_address(connection, judge_id, JudgeAddress(url, *how))
        store.events.record(connection, store.events.ADDED, "judge", judge.name, {})
    return judge


def remove_address(database: Database, name: str, url: str) -> None:
    """Forget an address at which a judge was added. Raises UnknownName, and InputError where there is no such one."""
    with database.write() as connection:
        judge = store.judges.judge(connection, name)
        removed = store.judges.remove_address(connection, store.judges.add_judge(connection, judge), url)
        known = known_addresses(connection, name)
        if removed:
            store.events.record(connection, store.events.REMOVED, "judge", name, {})
    if not removed:
        is_known = place_of(url) in {place_of(address) for address in known}
        stays = "; it was asked there, and its runs stay" if is_known else ""
        raise InputError(f"judge {name!r} was not added at {url}{stays}: see judgebench judges show {quote(name)}")


def addresses(database: Database, name: str) -> list[str]:
    """Where the judge is reached, and where it was asked before. A new one needs ``same_judge``."""
    with database.read() as connection:
        return known_addresses(connection, name)


def resolved(database: Database, judge: str | JudgeSpec | ResolvedJudge) -> ResolvedJudge:
    """The judge of this name, as ``find_judge`` finds it, or as it is specified. Raises InputError."""
    return identified(database, resolve(find_judge(database, {"model": judge}) if isinstance(judge, str) else judge))


def try_judge(
    database: Database, name: str, environment: Mapping[str, str], given: Mapping[str, Any] | None = None
) -> Report | None:
    """What the judge's server can do, by four short questions; None where it runs in this process.

    ``given``: fields of the judge, laid over those that are remembered.

    Raises InputError where its address is not known, and JudgeError where it does not answer.
    """
    if known_judge(database, name).spec is None:
        raise InputError(
            f"it is not known where judge {name!r} is reached: judgebench judges add {quote(name)} --url URL ..."
        )
    judge = resolve(find_judge(database, {**(given or {}), "model": name}, is_name=True))
    try:
        report = engine.runner.run_async(_try(judge, environment))
    except JudgeError:
        store.events.note(database, store.events.TESTED, "judge", name, {"answers": False})
        raise
    if report is not None:
        if report.images is not None and len(judge.spec.urls) <= 1:
            remember_sight(database, judge.judge.name, next(iter(judge.spec.urls), None), report.images)
        store.events.note(database, store.events.TESTED, "judge", name, {"answers": True})
    return report


async def _try(judge: ResolvedJudge, environment: Mapping[str, str]) -> Report | None:
    opened = open_model(judge, environment, concurrency=1)
    try:
        return None if opened.server is None else await check(opened.server, judge.judge.sent, judge.template)
    finally:
        await opened.close()


def judges(database: Database) -> list[Judge]:
    with database.read() as connection:
        return store.judges.judges(connection)
