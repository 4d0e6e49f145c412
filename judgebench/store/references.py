"""References that come later than their instructions: given to those that have none, as long as nothing was judged.

A judge may have been shown that there was none, and keys of trials say what was shown: so an instruction that was
judged keeps what it had.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa

from judgebench.records import Instruction
from judgebench.store import schema as t
from judgebench.store.among import among, rows_among
from judgebench.store.verdicts import every_revision


@dataclass(frozen=True, slots=True)
class References:
    """What became of references to instructions that had none."""

    given: int
    left_out: int  # to instructions that were judged without one


def give(connection: sa.Connection, benchmark: int, instructions: Iterable[Instruction]) -> References:
    """Store the references of those of the benchmark's instructions that have none there."""
    texts = {row.key: row.reference for row in instructions if row.reference is not None}
    i, v = t.instructions.c, every_revision().c
    judged = sa.exists().where(v.instruction_id == i.id)
    bare = (i.benchmark_id == benchmark, i.reference.is_(None), among(i.key))
    rows = list(rows_among(connection, sa.select(i.id, i.key, judged.label("judged")).where(*bare), list(texts)))
    free = [{"place": row.id, "text": texts[row.key]} for row in rows if not row.judged]
    if free:
        update = sa.update(t.instructions).where(i.id == sa.bindparam("place"))
        connection.execute(update.values(reference=sa.bindparam("text")), free)
    return References(len(free), len(rows) - len(free))
