"""The keys of a judge's stored trials, brought up to date with what its template shows.

Keys from before they held a reference or a checklist, and those of imported verdicts whose template was not known, say
something else than the trials of a plan do. They are made anew, once a judge, so that nothing is asked again.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from judgebench.judging.templates import shown_key
from judgebench.records import Battle, Instruction, Judge, Order, Output, Reading, trial_key
from judgebench.store import schema as t
from judgebench.store.benchmarks import OUTPUT_COLUMNS, instruction_of, output_of
from judgebench.store.judges import names_shown

_PAGE = 50  # instructions with their outputs, in memory at once
_i, _o, _j = t.instructions.c, t.outputs.c, t.judges.c
_HAS = {"reference": _i.reference.is_not(None), "checklist": _i.checklist != "[]"}


def are_current(connection: sa.Connection, judge: Judge, shows: Sequence[str]) -> bool:
    """Whether the keys of the judge's stored trials, if there are any, hold what its template shows: ``shows``."""
    stored = connection.execute(sa.select(_j.shows).where(_j.digest == judge.digest)).one_or_none()
    return stored is None or stored.shows == json.dumps(list(shows))


def make_current(connection: sa.Connection, judge: Judge, shows: Sequence[str]) -> None:
    """Have them hold it, in the connection's write transaction. A batch file goes on calling its trials as it does."""
    if are_current(connection, judge, shows):
        return
    judge_id, before = connection.execute(sa.select(_j.id, _j.shows).where(_j.digest == judge.digest)).one()
    for page in _instructions_that_have(connection, {*shows, *names_shown(before)}):
        outputs = _outputs(connection, page)
        about = {place: (instruction, shown_key(instruction, shows)) for place, instruction in page.items()}
        for table, mine in _tables(judge_id):
            rows = connection.execute(sa.select(table).where(mine, table.c.instruction_id.in_(list(page)))).all()
            keys = [_key(judge.digest, *about[row.instruction_id], outputs, row) for row in rows]
            if rows:
                changes = [{"row": row.id, "key": key} for row, key in zip(rows, keys, strict=True)]
                connection.execute(_change(table), changes)
    connection.execute(sa.update(t.judges).where(_j.id == judge_id).values(shows=json.dumps(list(shows))))


def _instructions_that_have(connection: sa.Connection, names: set[str]) -> Iterator[dict[int, Instruction]]:
    """A page at a time, by their ids, of all benchmarks: which other instructions' keys do not change."""
    after = 0
    has = sa.or_(sa.false(), *(_HAS[name] for name in sorted(names & _HAS.keys())))
    while True:
        rows = connection.execute(
            sa.select(t.instructions).where(has, _i.id > after).order_by(_i.id).limit(_PAGE)
        ).all()
        if not rows:
            return
        yield {row.id: instruction_of(row) for row in rows}
        after = rows[-1].id


def _outputs(connection: sa.Connection, instructions: Mapping[int, Instruction]) -> dict[int, Output]:
    query = (
        sa.select(_o.id, _o.instruction_id, t.models.c.name, *(_o[name] for name in OUTPUT_COLUMNS))
        .join(t.models, t.models.c.id == _o.model_id)
        .where(_o.instruction_id.in_(list(instructions)))
    )
    return {row[0]: output_of(instructions[row[1]].key, *row[2:]) for row in connection.execute(query)}


def _tables(judge_id: int) -> Iterator[tuple[sa.Table, sa.ColumnElement[bool]]]:
    """Those that hold trials, and which rows are the judge's."""
    yield t.verdicts, t.verdicts.c.judge_id == judge_id
    batches = sa.select(t.batches.c.id).join(t.runs, t.runs.c.id == t.batches.c.run_id)
    yield t.batch_trials, t.batch_trials.c.batch_id.in_(batches.where(t.runs.c.judge_id == judge_id))


def _key(digest: str, instruction: Instruction, shown: str, outputs: Mapping[int, Output], row: sa.Row[Any]) -> str:
    a = outputs[row.output_a_id]
    if row.output_b_id is None:
        return Reading(digest, instruction, a, row.repeat, shown).key
    order = None if row.order is None else Order(row.order)
    return trial_key(digest, Battle(instruction, a, outputs[row.output_b_id]), order, row.repeat, shown)


def _change(table: sa.Table) -> sa.Update:
    values: dict[str, Any] = {"trial_key": sa.bindparam("key")}
    if "sent_key" in table.c:
        values["sent_key"] = sa.func.coalesce(table.c.sent_key, table.c.trial_key)
    return sa.update(table).where(table.c.id == sa.bindparam("row")).values(values)
