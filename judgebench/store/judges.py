"""Judges, which never change under their name, and where they are reached, which may."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import sqlalchemy as sa

from judgebench.errors import Conflict
from judgebench.records import Judge
from judgebench.spec.addresses import place_of
from judgebench.store import schema as t
from judgebench.store.database import insert, row_id


@dataclass(frozen=True, slots=True)
class JudgeAddress:
    """Where a judge is reached, and what else is needed to ask it."""

    url: str | None  # None: it runs in this process
    key_env: str | None  # the name of an environment variable
    template: str | None  # as it was named, a file's path where it is a user's own; None: the default one
    price: str | None  # "PROMPT,COMPLETION" in USD per million tokens
    connection: Mapping[str, Any] = field(default_factory=dict)  # of a ServerConnection: secrets by name alone
    vllm: str | None = None  # flags with which its vLLM is started


def judges(connection: sa.Connection, benchmark: int | None = None) -> list[Judge]:
    """Judges by name: all, or those that have been asked about the benchmark."""
    query = sa.select(t.judges).order_by(t.judges.c.name)
    if benchmark is not None:
        ran = sa.select(t.runs.c.judge_id).where(t.runs.c.benchmark_id == benchmark)
        query = query.where(t.judges.c.id.in_(ran))
    return [_judge(row) for row in connection.execute(query)]


def judge(connection: sa.Connection, name: str) -> Judge:
    """Raises UnknownName."""
    row_id(connection, t.judges, "judge", name)
    return _judge(connection.execute(sa.select(t.judges).where(t.judges.c.name == name)).one())


def _judge(row: sa.Row[Any]) -> Judge:
    return Judge(row.name, row.model, row.template, row.template_digest, json.loads(row.settings))


def names_shown(shows: str | None) -> tuple[str, ...]:
    """What the column of this name says is in the keys of a judge's trials."""
    return () if shows is None else tuple(json.loads(shows))


def shows(connection: sa.Connection, judge: Judge) -> tuple[str, ...] | None:
    """What of an instruction beside its conversation is in the keys of the judge's trials, by name.

    None: nothing, since it was stored before keys held it, or is not stored.
    """
    stored = connection.scalar(sa.select(t.judges.c.shows).where(t.judges.c.digest == judge.digest))
    return None if stored is None else names_shown(stored)


def add_judge(connection: sa.Connection, judge: Judge, shows: Sequence[str] = ()) -> int:
    """The judge's id. ``shows``: what of an instruction beside its conversation its template shows, by name.

    Raises Conflict when the name belongs to a judge with other settings, or these settings to another name.
    """
    settings = json.dumps(dict(judge.settings), sort_keys=True)
    row = _checked(connection, judge)
    if row is None:
        return insert(
            connection,
            t.judges,
            name=judge.name,
            digest=judge.digest,
            model=judge.model,
            template=judge.template,
            template_digest=judge.template_digest,
            settings=settings,
            shows=json.dumps(list(shows)),
        )
    return int(row.id)


def check_judge(connection: sa.Connection, judge: Judge) -> None:
    """Raises Conflict as ``add_judge`` does, and writes nothing."""
    _checked(connection, judge)


def _checked(connection: sa.Connection, judge: Judge) -> sa.Row[Any] | None:
    """The judge's row, if it is stored. Raises Conflict."""
    c = t.judges.c
    row = connection.execute(sa.select(t.judges).where((c.name == judge.name) | (c.digest == judge.digest))).first()
    if row is not None and row.digest != judge.digest:
        settings = json.dumps(dict(judge.settings), sort_keys=True)
        raise Conflict(
            f"judge {judge.name!r} is stored with model {row.model}, template {row.template} and settings "
            f"{row.settings}, not {judge.model}, {judge.template} and {settings}: a changed judge is another judge, "
            "give it a name of its own (--judge-name, or NAME of judges add)"
        )
    if row is not None and row.name != judge.name:
        raise Conflict(f"this very judge is stored under the name {row.name!r}: use that name")
    return row


def add_address(connection: sa.Connection, judge_id: int, address: JudgeAddress) -> None:
    """Remember where the judge is reached, beside the addresses that were known before."""
    c = t.judge_addresses.c
    for row in connection.execute(sa.select(c.id, c.url).where(c.judge_id == judge_id)).all():
        if address.url is None or row.url is None or place_of(row.url) == place_of(address.url):
            connection.execute(sa.delete(t.judge_addresses).where(c.id == row.id))
    values = asdict(address)
    more = values.pop("connection") | {"vllm": values.pop("vllm")}
    kept = {name: value for name, value in more.items() if value is not None}
    settings = json.dumps(kept, sort_keys=True) if kept else None
    connection.execute(sa.insert(t.judge_addresses).values(judge_id=judge_id, settings=settings, **values))


def remove_address(connection: sa.Connection, judge_id: int, url: str) -> bool:
    """Forget an address of the judge; False where it has no such one."""
    c = t.judge_addresses.c
    rows = connection.execute(sa.select(c.id, c.url).where(c.judge_id == judge_id, c.url.is_not(None))).all()
    gone = [row.id for row in rows if place_of(row.url) == place_of(url)]
    connection.execute(sa.delete(t.judge_addresses).where(c.id.in_(gone)))
    return bool(gone)


def addresses(connection: sa.Connection) -> dict[str, tuple[JudgeAddress, ...]]:
    """Of those judges that have any, by the judge's name, in the order in which they were stored."""
    query = sa.select(t.judge_addresses, t.judges.c.name).join(t.judges).order_by(t.judge_addresses.c.id)
    known: dict[str, tuple[JudgeAddress, ...]] = {}
    for row in connection.execute(query):
        address = JudgeAddress(row.url, row.key_env, row.template, row.price, *_more(row.settings))
        known[row.name] = (*known.get(row.name, ()), address)
    return known


def note_ability(connection: sa.Connection, judge: str, url: str | None, name: str, ability: Mapping[str, Any]) -> None:
    """Remember with an address at which the judge was added what its server was found to take; nothing where it was not
    added there."""
    for row_id_, at, abilities_ in _abilities(connection, judge):
        if (at is None) == (url is None) and (at is None or url is None or place_of(at) == place_of(url)):
            written = json.dumps({**abilities_, name: ability}, sort_keys=True)
            change = sa.update(t.judge_addresses).where(t.judge_addresses.c.id == row_id_)
            connection.execute(change.values(abilities=written))


def abilities(connection: sa.Connection, judge: str) -> dict[str, dict[str, Any]]:
    """What the judge's servers were found to take, by the addresses at which it was added; "" in this process."""
    return {url or "": abilities for _, url, abilities in _abilities(connection, judge) if abilities}


def _abilities(connection: sa.Connection, judge: str) -> list[tuple[int, str | None, dict[str, Any]]]:
    c = t.judge_addresses.c
    query = sa.select(c.id, c.url, c.abilities).join(t.judges).where(t.judges.c.name == judge)
    return [(row.id, row.url, json.loads(row.abilities or "{}")) for row in connection.execute(query)]


def _more(settings: str | None) -> tuple[dict[str, Any], str | None]:
    """The connection and the flags for vLLM, which lie together."""
    fields = json.loads(settings or "{}")
    flags = fields.pop("vllm", None)
    return fields, flags


def only_imported(connection: sa.Connection, names: Sequence[str]) -> set[str]:
    """Those of the judges of whom only imported verdicts are stored, so that nobody knows where to ask them."""
    j = t.judges.c
    ran = sa.select(t.runs.c.judge_id).where(t.runs.c.kind == "run")
    known = sa.select(t.judge_addresses.c.judge_id)
    return set(connection.scalars(sa.select(j.name).where(j.name.in_(names), j.id.not_in(ran), j.id.not_in(known))))
