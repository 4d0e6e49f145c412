"""What a person should vote on next, and how far they have come."""

import random
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa

from judgebench.bias.figure import Figure, bounded_mean, unidentified
from judgebench.queries.labels import PairToLabel, to_label
from judgebench.store import battle_reader, reader
from judgebench.store import tables as t
from judgebench.store.database import Database

_POOL = 8  # pairs of which the one that judges are least sure of is asked
_v, _h = t.verdicts.c, t.human_labels.c


@dataclass(frozen=True, slots=True)
class Progress:
    """Of one voter on a benchmark."""

    mine: int  # votes
    all: int  # votes of everybody
    pairs: int  # that judges have judged
    agreement: Figure  # share of one's votes that name the winner of the judges' mean, or a tie with them


def next_pair(database: Database, benchmark: str, annotator: str, *, seed: int | None = None) -> PairToLabel | None:
    """The pair that teaches most: of a few drawn as ``to_label`` draws, the one that judges are least sure of.

    Drawing first keeps votes spread over instructions and models. None when nothing is left. Raises UnknownName.
    """
    pairs = to_label(database, benchmark, annotator, limit=_POOL, seed=seed)
    with database.read() as connection:
        doubts = [_doubt(connection, benchmark, pair) for pair in pairs]
    order = list(range(len(pairs)))
    random.Random(seed).shuffle(order)  # noqa: S311  # it breaks ties, it keeps no secret
    best = max(order, key=lambda at: doubts[at], default=None)
    return None if best is None else pairs[best]


def progress(database: Database, benchmark: str, annotator: str) -> Progress:
    """Raises UnknownName."""
    i = t.instructions.c
    judged = (
        sa.select(sa.func.avg(_v.preference))
        .where(
            _v.instruction_id == _h.instruction_id,
            _v.output_a_id == _h.output_a_id,
            _v.output_b_id == _h.output_b_id,
            reader.IN_FORCE,
        )
        .scalar_subquery()
    )
    with database.read() as connection:
        benchmark_id = reader.benchmark_id(connection, benchmark)
        asked = sa.select(i.id).where(i.benchmark_id == benchmark_id)
        mine = sa.select(_h.instruction_id, _h.preference, judged.label("judged")).where(
            _h.instruction_id.in_(asked), _h.annotator == annotator
        )
        rows = connection.execute(mine).all()
        everybody = sa.select(sa.func.count()).where(_h.instruction_id.in_(asked))
        pairs = sa.select(_v.instruction_id, _v.output_a_id, _v.output_b_id).distinct()
        pairs = pairs.where(_v.instruction_id.in_(asked), _v.output_b_id.is_not(None))
        return Progress(
            mine=len(rows),
            all=connection.scalar(everybody) or 0,
            pairs=connection.scalar(sa.select(sa.func.count()).select_from(pairs.subquery())) or 0,
            agreement=_agreement([(row.instruction_id, row.preference, row.judged) for row in rows]),
        )


def _agreement(votes: list[tuple[int, float, float | None]]) -> Figure:
    known = [(key, mine, judged) for key, mine, judged in votes if judged is not None]
    if not known:
        return unidentified("no vote on a battle that a judge has a preference on yet")
    same = np.array([float(np.sign(mine - 0.5) == np.sign(judged - 0.5)) for _, mine, judged in known])
    return bounded_mean(same, np.array([key for key, _, _ in known]))


def _doubt(connection: sa.Connection, benchmark: str, pair: PairToLabel) -> float:
    """How near the judges' mean preference is to a tie, in [0, 1]; contradictory verdicts are near one."""
    first, second = sorted((pair.first, pair.second))
    i = t.instructions.c
    asked = (
        sa.select(i.id)
        .join(t.benchmarks, t.benchmarks.c.id == i.benchmark_id)
        .where(t.benchmarks.c.name == benchmark, i.key == pair.instruction.key)
    )
    a, b = (battle_reader.output_id(benchmark, pair.instruction.key, name) for name in (first, second))
    mean = connection.scalar(
        sa.select(sa.func.avg(_v.preference)).where(
            _v.instruction_id == asked.scalar_subquery(), _v.output_a_id == a, _v.output_b_id == b
        )
    )
    return 1.0 if mean is None else 1.0 - 2.0 * abs(mean - 0.5)
