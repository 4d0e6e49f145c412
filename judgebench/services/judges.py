"""Judges by name: remembered with their address, found again, and tried before money is spent on them.

What a judge is never changes under its name; where it is reached may. Keys are named, never stored.
"""

from collections.abc import Mapping
from pathlib import Path
from shlex import quote

from judgebench import engine, store
from judgebench.clients.base import Price
from judgebench.clients.probe import Report, check
from judgebench.engine.judges import (
    KnownJudge,
    ResolvedJudge,
    find_judge,
    known_judge,
    known_judges,
    open_model,
    resolve,
)
from judgebench.errors import InputError
from judgebench.records import Judge, check_name
from judgebench.spec import JudgeSpec
from judgebench.store.database import Database
from judgebench.store.judges import JudgeAddress

__all__ = ["KnownJudge", "add_judge", "find_judge", "judges", "known_judge", "known_judges", "resolved", "try_judge"]


def add_judge(database: Database, spec: JudgeSpec) -> Judge:
    """Remember a judge; adding it once more changes where it is reached.

    Raises InputError, and Conflict when the name belongs to another judge.
    """
    resolved = resolve(spec)
    judge = resolved.judge
    check_name("judge", judge.name)
    if spec.price is not None:
        Price.parse(spec.price)
    template = spec.template
    if template is not None and template.endswith(".md"):
        template = str(Path(template).resolve())  # it is looked for from any folder
    address = JudgeAddress(spec.url, spec.key_env, template, spec.price)
    with database.write() as connection:
        judge_id = store.judges.add_judge(connection, judge, resolved.template.shows)
        store.judges.set_address(connection, judge_id, address)
    return judge


def resolved(database: Database, judge: str | JudgeSpec | ResolvedJudge) -> ResolvedJudge:
    """The judge of this name, as ``find_judge`` finds it, or as it is specified. Raises InputError."""
    return resolve(find_judge(database, {"model": judge}) if isinstance(judge, str) else judge)


def try_judge(database: Database, name: str, environment: Mapping[str, str]) -> Report | None:
    """What the judge's server can do, by four short questions; None where it runs in this process.

    Raises InputError where its address is not known, and JudgeError where it does not answer.
    """
    spec = known_judge(database, name).spec
    if spec is None:
        raise InputError(
            f"it is not known where judge {name!r} is reached: judgebench judges add {quote(name)} --url URL ..."
        )
    return engine.runner.run_async(_try(resolve(spec), environment))


async def _try(judge: ResolvedJudge, environment: Mapping[str, str]) -> Report | None:
    opened = open_model(judge, environment, concurrency=1)
    try:
        return None if opened.server is None else await check(opened.server, judge.judge.settings, judge.template)
    finally:
        await opened.close()


def judges(database: Database) -> list[Judge]:
    with database.read() as connection:
        return store.judges.judges(connection)
