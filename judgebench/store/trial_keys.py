"""The keys of stored trials, brought up to date with what the judge's template shows, and with the names of models.

Keys from before they held a reference or a checklist, and those of imported verdicts whose template was not known, say
something else than the trials of a plan do; so do those of a model that has another name now. They are made anew, so
that nothing is asked again.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from judgebench.judging.templates import shown_key
from judgebench.records import Battle, Instruction, Judge, Order, Output, Reading, trial_key
from judgebench.store import schema as t
from judgebench.store.among import among, rows_among
from judgebench.store.benchmarks import OUTPUT_COLUMNS, instruction_of, output_of
from judgebench.store.judges import names_shown

_PAGE = 50  # instructions with their outputs, in memory at once
_i, _o, _j = t.instructions.c, t.outputs.c, t.judges.c
_of_run = sa.select(t.runs.c.judge_id).join(t.batches, t.batches.c.run_id == t.runs.c.id)
_TABLES: dict[sa.Table, sa.ColumnElement[Any]] = {  # that hold trials, and the judge of each
    t.verdicts: t.verdicts.c.judge_id,
    t.batch_trials: _of_run.where(t.batches.c.id == t.batch_trials.c.batch_id).scalar_subquery(),
}
_HAS = {
    **{"reference": _i.reference.is_not(None), "checklist": _i.checklist != "[]", "goals": _i.goals.is_not(None)},
    **{name: sa.exists().where(_o.instruction_id == _i.id, _o[name].is_not(None)) for name in ("steps", "afterwards")},
}


def are_current(connection: sa.Connection, judge: Judge, shows: Sequence[str]) -> bool:
    """Whether the keys of the judge's stored trials, if there are any, hold what its template shows: ``shows``."""
    stored = connection.execute(sa.select(_j.shows).where(_j.digest == judge.digest)).one_or_none()
    return stored is None or stored.shows == json.dumps(list(shows))


def make_current(connection: sa.Connection, judge: Judge, shows: Sequence[str]) -> None:
    """Have them hold it, in the connection's write transaction. A batch file goes on calling its trials as it does."""
    if are_current(connection, judge, shows):
        return
    judge_id, before = connection.execute(sa.select(_j.id, _j.shows).where(_j.digest == judge.digest)).one()
    has = sa.or_(sa.false(), *(_HAS[name] for name in sorted({*shows, *names_shown(before)} & _HAS.keys())))
    for page in _instructions(connection, has):
        for table, judged_by in _TABLES.items():
            rows = sa.select(table, _j.digest).join_from(table, t.judges, _j.id == judged_by)
            _renew(connection, table, page, rows.where(_j.id == judge_id), {judge.digest: shows})
    connection.execute(sa.update(t.judges).where(_j.id == judge_id).values(shows=json.dumps(list(shows))))


def follow_name(connection: sa.Connection, model_id: int) -> None:
    """Have the keys of all trials of the model hold the name that it has now, in the connection's write transaction."""
    mine = sa.select(_o.id).where(_o.model_id == model_id)
    shows = {row.digest: names_shown(row.shows) for row in connection.execute(sa.select(_j.digest, _j.shows))}
    answered = _i.id.in_(sa.select(_o.instruction_id).where(_o.model_id == model_id))
    for page in _instructions(connection, answered):
        for table, judged_by in _TABLES.items():
            rows = sa.select(table, _j.digest).join_from(table, t.judges, _j.id == judged_by)
            about_it = table.c.output_a_id.in_(mine) | table.c.output_b_id.in_(mine)
            _renew(connection, table, page, rows.where(about_it), shows)


def _renew(
    connection: sa.Connection,
    table: sa.Table,
    page: Mapping[int, Instruction],
    trials: sa.Select[Any],
    shows: Mapping[str, Sequence[str]],
) -> None:
    """Make the keys anew of those of the trials that are about the page's instructions; ``shows``: what is in them, by
    the judge's digest."""
    rows = list(rows_among(connection, trials.where(among(table.c.instruction_id)), list(page)))
    if not rows:
        return
    outputs = outputs_to(connection, page)
    changes = [
        {"row": row.id, "key": _key(row.digest, page[row.instruction_id], shows[row.digest], outputs, row)}
        for row in rows
    ]
    connection.execute(_change(table), changes)


def _instructions(connection: sa.Connection, chosen: sa.ColumnElement[bool]) -> Iterator[dict[int, Instruction]]:
    """A page at a time, by their ids, of all benchmarks."""
    after = 0
    while True:
        rows = connection.execute(
            sa.select(t.instructions).where(chosen, _i.id > after).order_by(_i.id).limit(_PAGE)
        ).all()
        if not rows:
            return
        yield {row.id: instruction_of(row) for row in rows}
        after = rows[-1].id


def outputs_to(connection: sa.Connection, instructions: Mapping[int, Instruction]) -> dict[int, Output]:
    """All outputs to the instructions, those by their ids as these by theirs."""
    query = (
        sa.select(_o.id, _o.instruction_id, t.models.c.name, *(_o[name] for name in OUTPUT_COLUMNS))
        .join(t.models, t.models.c.id == _o.model_id)
        .where(among(_o.instruction_id))
    )
    rows = rows_among(connection, query, list(instructions))
    return {row[0]: output_of(instructions[row[1]].key, *row[2:]) for row in rows}


def _key(
    digest: str, instruction: Instruction, shows: Sequence[str], outputs: Mapping[int, Output], row: sa.Row[Any]
) -> str:
    a, b = outputs[row.output_a_id], None if row.output_b_id is None else outputs[row.output_b_id]
    shown = shown_key(instruction, shows, (a,) if b is None else (a, b))
    return key_of(digest, instruction, shown, (a, b), row)


def key_of(
    digest: str, instruction: Instruction, shown: str, sides: tuple[Output, Output | None], row: sa.Row[Any]
) -> str:
    """The key of the trial of a row with an order and a repeat. ``shown``: as of a ``Trial``."""
    a, b = sides
    if b is None:
        return Reading(digest, instruction, a, row.repeat, shown).key
    order = None if row.order is None else Order(row.order)
    return trial_key(digest, Battle(instruction, a, b), order, row.repeat, shown)


def _change(table: sa.Table) -> sa.Update:
    values: dict[str, Any] = {"trial_key": sa.bindparam("key")}
    if "sent_key" in table.c:
        values["sent_key"] = sa.func.coalesce(table.c.sent_key, table.c.trial_key)
    return sa.update(table).where(table.c.id == sa.bindparam("row")).values(values)
