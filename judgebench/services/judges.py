"""Judges by name: remembered with their address, found again, and tried before money is spent on them.

What a judge is never changes under its name; where it is reached may. Keys are named, never stored.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from judgebench import engine, store
from judgebench.clients.probe import Report, check
from judgebench.engine.judges import describe, open_judge
from judgebench.errors import InputError
from judgebench.records import Judge, check_name
from judgebench.spec import JudgeSpec, make_judge
from judgebench.store.database import Database
from judgebench.store.judges import JudgeAddress


@dataclass(frozen=True, slots=True)
class KnownJudge:
    """A stored judge, and how it is asked where that is known."""

    judge: Judge
    spec: JudgeSpec | None  # None: imported, or only ever run with its address in flags


def add_judge(database: Database, spec: JudgeSpec) -> Judge:
    """Remember a judge; adding it once more changes where it is reached.

    Raises InputError, and Conflict when the name belongs to another judge.
    """
    judge, _ = describe(spec)
    check_name("judge", judge.name)
    template = spec.template
    if template is not None and template.endswith(".md"):
        template = str(Path(template).resolve())  # it is looked for from any folder
    address = JudgeAddress(spec.url, spec.key_env, template, spec.price)
    with database.write() as connection:
        store.judges.set_address(connection, store.judges.add_judge(connection, judge), address)
    return judge


def known_judges(database: Database) -> list[KnownJudge]:
    """Every stored judge, by name."""
    with database.read() as connection:
        addresses = store.judges.addresses(connection)
        judges = store.judges.judges(connection)
    return [KnownJudge(judge, _spec(judge, addresses.get(judge.name))) for judge in judges]


def known_judge(database: Database, name: str) -> KnownJudge:
    """Raises UnknownName, and InputError when the judge's template has changed since."""
    with database.read() as connection:
        judge = store.judges.judge(connection, name)
    known = next(each for each in known_judges(database) if each.judge.name == name)
    if known.spec is not None and describe(known.spec)[0].digest != judge.digest:
        raise InputError(
            f"template {judge.template} has changed since judge {name!r} was added with it: bring it back, or add "
            "the judge under another name"
        )
    return known


def find_judge(database: Database, judge: str, given: Mapping[str, str | None]) -> JudgeSpec:
    """The judge that flags name: one that was added or has run before, with what ``given`` says otherwise, or one as
    given alone.

    ``given`` holds fields of JudgeSpec, None where nothing was said. Raises InputError.
    """
    fields = {name: value for name, value in given.items() if value is not None}
    if "url" not in fields and fields.get("template") is None:
        added = {each.judge.name for each in known_judges(database) if each.spec is not None}
        spec = known_judge(database, judge).spec if judge in added else _ran(database, judge)
        if spec is not None:
            return make_judge(spec.model_dump(exclude_none=True) | fields, where="flags")
    return make_judge({"model": judge} | fields, where="flags")


def _ran(database: Database, name: str) -> JudgeSpec | None:
    """The judge of this name as it was asked last; None where it never was, or would be another judge today."""
    with database.read() as connection:
        study = store.runs.last_specification(connection, name)
        judge = None if study is None else store.judges.judge(connection, name)
    if study is None or judge is None:
        return None
    spec = make_judge(study["judge"], where=f"the last run of {name}")
    return spec if describe(spec)[0].digest == judge.digest else None


def try_judge(database: Database, name: str, environment: Mapping[str, str]) -> Report | None:
    """What the judge's server can do, by four short questions; None where it runs in this process.

    Raises InputError where its address is not known, and JudgeError where it does not answer.
    """
    spec = known_judge(database, name).spec
    if spec is None:
        raise InputError(
            f"it is not known where judge {name!r} is reached: judgebench judges add {name!r} --url URL ..."
        )
    return engine.runner.run_async(_try(spec, environment))


async def _try(spec: JudgeSpec, environment: Mapping[str, str]) -> Report | None:
    opened = open_judge(spec, environment, concurrency=1)
    try:
        return None if opened.server is None else await check(opened.server, opened.judge.settings)
    finally:
        await opened.client.close()


def _spec(judge: Judge, address: JudgeAddress | None) -> JudgeSpec | None:
    if address is None:
        return None
    return JudgeSpec(
        name=judge.name,
        model=judge.model,
        settings=judge.settings,
        url=address.url,
        key_env=address.key_env,
        template=address.template,
        price=address.price,
    )


def judges(database: Database) -> list[Judge]:
    with database.read() as connection:
        return store.judges.judges(connection)
