"""Human labels as they were given, and what a person could label next."""

import random
from dataclasses import dataclass
from itertools import chain, islice

import sqlalchemy as sa

from judgebench.errors import UnknownName
from judgebench.records import HumanLabel, Instruction
from judgebench.store import labels, reader
from judgebench.store import tables as t
from judgebench.store.database import Database

_v, _h = t.verdicts.c, t.human_labels.c


@dataclass(frozen=True, slots=True)
class PairToLabel:
    """Two outputs for a person to compare, in the order to show them. Do not show the models' names."""

    instruction: Instruction
    first: str  # model
    second: str
    text_first: str
    text_second: str


def human_labels(
    database: Database, benchmark: str, *, annotator: str | None = None, category: str | None = None
) -> list[HumanLabel]:
    """The labels on a benchmark, in the order they were stored. Raises UnknownName."""
    with database.read() as connection:
        benchmark_id = reader.chosen_benchmark(connection, benchmark, (), category)
        known = labels.annotators(connection, benchmark_id)
        if annotator is not None and annotator not in known:
            raise UnknownName("annotator", annotator, known)
        return list(labels.labels(connection, benchmark_id, annotator=annotator, category=category))


def annotators(database: Database, benchmark: str) -> dict[str, int]:
    """How many labels each annotator gave on a benchmark. Raises UnknownName."""
    with database.read() as connection:
        return labels.annotators(connection, reader.benchmark_id(connection, benchmark))


def to_label(
    database: Database, benchmark: str, annotator: str, *, limit: int = 1, seed: int | None = None
) -> list[PairToLabel]:
    """Pairs that ``annotator`` has not labelled, one an instruction, those least labelled first and else at random.

    Only pairs that some judge has judged, so that every label can be compared with a verdict; pairs of identical
    outputs are left out. Which output comes first is drawn anew each time. Raises UnknownName.
    """
    rng = random.Random(seed)  # noqa: S311 - it shuffles, it keeps no secret
    with database.read() as connection:
        benchmark_id = reader.benchmark_id(connection, benchmark)
        left = _least_labelled(connection, benchmark_id, annotator, rng)
        pairs = chain.from_iterable(_one_pair(connection, each, annotator, rng) for each in left)
        return list(islice(pairs, limit))


def _least_labelled(connection: sa.Connection, benchmark_id: int, annotator: str, rng: random.Random) -> list[int]:
    """The instructions with a judged pair of different outputs that ``annotator`` has not labelled.

    They are ordered by how many the annotator has labelled; the like are in random order.
    """
    c, a, b = t.instructions.c, t.outputs.alias("a"), t.outputs.alias("b")
    labelled = sa.exists().where(
        _h.annotator == annotator, _h.output_a_id == _v.output_a_id, _h.output_b_id == _v.output_b_id
    )
    differ = (a.c.id == _v.output_a_id) & (b.c.id == _v.output_b_id) & (a.c.text != b.c.text)
    left = sa.exists().where(_v.instruction_id == c.id, differ, ~labelled)
    mine = sa.select(_h.instruction_id, sa.func.count()).where(_h.annotator == annotator).group_by(_h.instruction_id)
    counts = {row[0]: row[1] for row in connection.execute(mine)}
    ids = list(connection.scalars(sa.select(c.id).where(c.benchmark_id == benchmark_id, left).order_by(c.id)))
    rng.shuffle(ids)
    return sorted(ids, key=lambda row_id: counts.get(row_id, 0))


def _one_pair(connection: sa.Connection, instruction_id: int, annotator: str, rng: random.Random) -> list[PairToLabel]:
    """A pair on this instruction that is left to label; empty where there is none."""
    judged = sa.select(_v.output_a_id, _v.output_b_id).where(
        _v.instruction_id == instruction_id, _v.output_b_id.is_not(None)
    )
    mine = sa.select(_h.output_a_id, _h.output_b_id).where(
        _h.instruction_id == instruction_id, _h.annotator == annotator
    )
    done = {tuple(row) for row in connection.execute(mine)}
    left = sorted({tuple(row) for row in connection.execute(judged.distinct())} - done)
    rng.shuffle(left)
    outputs = sa.select(t.outputs.c.id, t.outputs.c.text).where(t.outputs.c.instruction_id == instruction_id)
    text = {row[0]: row[1] for row in connection.execute(outputs)}
    pair = next((list(pair) for pair in left if text[pair[0]] != text[pair[1]]), None)
    return [] if pair is None else [_shown(connection, pair, rng)]


def _shown(connection: sa.Connection, outputs: list[int], rng: random.Random) -> PairToLabel:
    o = t.outputs.c
    query = (
        sa.select(o.id, o.text, t.models.c.name, *(t.instructions.c[name] for name in _INSTRUCTION))
        .join(t.models, t.models.c.id == o.model_id)
        .join(t.instructions, t.instructions.c.id == o.instruction_id)
        .where(o.id.in_(outputs))
        .order_by(o.id)
    )
    rows = list(connection.execute(query))
    rng.shuffle(rows)
    first, second = rows
    return PairToLabel(reader.instruction(first), first.name, second.name, first.text, second.text)


_INSTRUCTION = ("turns", "category", "reference", "checklist")
