"""What others call an instruction: question_id, uid ... Several ids of one are kept, and one id of several, too."""

from collections.abc import Collection, Mapping
from dataclasses import replace

import sqlalchemy as sa

from judgebench.records import Instruction
from judgebench.store import schema as t
from judgebench.store.among import among, rows_among

_NAME = "id"  # of every id: sources do not agree on what they call the same one
_e, _i = t.external_ids.c, t.instructions.c
_OF_INSTRUCTIONS = _e.output_id.is_(None) & (_e.name == _NAME)


def add(connection: sa.Connection, ids: Mapping[int, Collection[str]]) -> int:
    """Note the ids of instructions, which are named by their place; returns how many were not there."""
    there = of_instructions(connection, list(ids))
    rows = [
        {"instruction_id": place, "name": _NAME, "value": value}
        for place, values in ids.items()
        for value in sorted(set(values).difference(there.get(place, ())))
    ]
    if rows:
        connection.execute(sa.insert(t.external_ids), rows)
    return len(rows)


def of_instructions(connection: sa.Connection, places: Collection[int]) -> dict[int, tuple[str, ...]]:
    """Those of instructions that have any, sorted."""
    query = sa.select(_e.instruction_id, _e.value).where(_OF_INSTRUCTIONS, among(_e.instruction_id))
    ids: dict[int, list[str]] = {}
    for place, value in rows_among(connection, query, list(places)):
        ids.setdefault(place, []).append(value)
    return {place: tuple(sorted(values)) for place, values in ids.items()}


def of_benchmark(connection: sa.Connection, benchmark: int) -> dict[str, tuple[str, ...]]:
    """Those of a benchmark's instructions that have any, sorted, by the instruction's key."""
    query = sa.select(_i.key, _e.value).join(t.external_ids, _e.instruction_id == _i.id)
    ids: dict[str, list[str]] = {}
    for key, value in connection.execute(query.where(_i.benchmark_id == benchmark, _OF_INSTRUCTIONS)):
        ids.setdefault(key, []).append(value)
    return {key: tuple(sorted(values)) for key, values in ids.items()}


def with_ids(connection: sa.Connection, instructions: Mapping[int, Instruction]) -> dict[int, Instruction]:
    """Instructions by their places, each with its ids."""
    ids = of_instructions(connection, list(instructions))
    return {place: replace(row, ids=ids[place]) if place in ids else row for place, row in instructions.items()}
