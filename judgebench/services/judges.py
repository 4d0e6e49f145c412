"""Judges by name: remembered with their address, found again, and tried before money is spent on them.

What a judge is never changes under its name; where it is reached may. Keys are named, never stored.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from judgebench import engine, store
from judgebench.clients.probe import Report, check
from judgebench.clients.providers import is_local
from judgebench.engine.judges import ResolvedJudge, open_model, resolve, template_of
from judgebench.errors import InputError
from judgebench.records import Judge, check_name
from judgebench.spec import JudgeSpec, load_template, make_judge
from judgebench.store.database import Connection, Database
from judgebench.store.judges import JudgeAddress


@dataclass(frozen=True, slots=True)
class KnownJudge:
    """A stored judge, and how it is asked where that is known: as it was added, or else as it was asked last."""

    judge: Judge
    spec: JudgeSpec | None  # None: only imported


def add_judge(database: Database, spec: JudgeSpec) -> Judge:
    """Remember a judge; adding it once more changes where it is reached.

    Raises InputError, and Conflict when the name belongs to another judge.
    """
    judge = resolve(spec).judge
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
        return [_known(connection, judge) for judge in store.judges.judges(connection)]


def known_judge(database: Database, name: str) -> KnownJudge:
    """Raises UnknownName, and InputError when the judge's template has changed since."""
    with database.read() as connection:
        known = _known(connection, store.judges.judge(connection, name))
    if known.spec is not None:
        template_of(known.judge, known.spec.template)
    return known


def find_judge(
    database: Database, fields: Mapping[str, Any], *, where: str = "flags", otherwise: str | None = None
) -> JudgeSpec:
    """The judge that these fields of JudgeSpec describe, each None where nothing was said.

    Without an address, ``model`` may be the name of a judge that was added or ran before: it is that judge then, with
    what the other fields say otherwise. By another template it is another judge, and its name is made anew.
    ``otherwise`` is the address of one that has none. Raises InputError, naming ``where``.
    """
    given = {name: value for name, value in fields.items() if value is not None}
    name = given.get("model")
    if name is not None and "url" not in given:
        with database.read() as connection:
            is_known = name in (judge.name for judge in store.judges.judges(connection))
        known = known_judge(database, name) if is_known else None
        if known is not None and known.spec is not None:
            given = _overlaid(known, known.spec, given)
        if otherwise is not None and "url" not in given and not is_local(given["model"]):
            given["url"] = otherwise
    return make_judge(given, where=where)


def resolved(database: Database, judge: str | JudgeSpec | ResolvedJudge) -> ResolvedJudge:
    """The judge of this name, as ``find_judge`` finds it, or as it is specified. Raises InputError."""
    return resolve(find_judge(database, {"model": judge}) if isinstance(judge, str) else judge)


def _overlaid(known: KnownJudge, spec: JudgeSpec, given: dict[str, Any]) -> dict[str, Any]:
    """The fields of a known judge with those given laid over them."""
    fields = spec.model_dump(exclude_none=True)
    if "template" in given and load_template(given["template"]).digest != known.judge.template_digest:
        usual = template_of(known.judge, spec.template).settings
        fields["settings"] = {name: value for name, value in spec.settings.items() if usual.get(name) != value}
        del fields["name"]
    return fields | given | {"model": spec.model}


def try_judge(database: Database, name: str, environment: Mapping[str, str]) -> Report | None:
    """What the judge's server can do, by four short questions; None where it runs in this process.

    Raises InputError where its address is not known, and JudgeError where it does not answer.
    """
    spec = known_judge(database, name).spec
    if spec is None:
        raise InputError(
            f"it is not known where judge {name!r} is reached: judgebench judges add {name!r} --url URL ..."
        )
    return engine.runner.run_async(_try(resolve(spec), environment))


async def _try(judge: ResolvedJudge, environment: Mapping[str, str]) -> Report | None:
    opened = open_model(judge, environment, concurrency=1)
    try:
        return None if opened.server is None else await check(opened.server, judge.judge.settings)
    finally:
        await opened.close()


def _known(connection: Connection, judge: Judge) -> KnownJudge:
    address = store.judges.addresses(connection).get(judge.name)
    if address is not None:
        fields = asdict(address)
    elif (ran := store.runs.last_specification(connection, judge.name)) is not None:
        fields = dict(ran["judge"])
    else:
        return KnownJudge(judge, None)
    if not (fields.get("template") or "").endswith(".md"):
        fields["template"] = judge.template  # this version, whatever is the newest
    fields |= {"name": judge.name, "model": judge.model, "settings": judge.settings}
    return KnownJudge(judge, make_judge(fields, where=f"judge {judge.name}"))


def judges(database: Database) -> list[Judge]:
    with database.read() as connection:
        return store.judges.judges(connection)
