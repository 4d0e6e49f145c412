"""About judges besides their preferences: how trials ended, what they cost, lineage, and the style of outputs."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter
from weakref import WeakKeyDictionary

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from judgebench.records import Lineage, Source, Status
from judgebench.stats.style import count_style
from judgebench.store import tables as t
from judgebench.store.columns import number_columns
from judgebench.store.reader import IN_FORCE
from judgebench.store.verdict_columns import STATUSES, status_code

_v, _c = t.verdicts.c, t.completions.c
STYLE = ("headers", "lists", "bold", "code")
_STYLE_OF = attrgetter(*STYLE)
_KEPT: WeakKeyDictionary[sa.Engine, dict[int, NDArray[np.int32]]] = WeakKeyDictionary()  # by benchmark, see _counted


@dataclass(frozen=True, slots=True, eq=False)
class Trials:
    """n trials in force of one judge on one benchmark."""

    instruction: NDArray[np.int64]  # (n,) ids
    status: NDArray[np.str_]
    recorded: NDArray[np.bool_]  # imported with the value that its publisher recorded
    cost_usd: NDArray[np.float64]  # NaN where not known
    latency_s: NDArray[np.float64]  # NaN where not known


def trials(connection: sa.Connection, benchmark_id: int, judge: str) -> Trials:
    """Every trial that the judge was asked about on the benchmark, failures included."""
    i = t.instructions.c
    from_publisher = sa.case((_v.source == str(Source.RECORDED), 1), else_=0)
    query = (
        sa.select(_v.instruction_id, status_code(), from_publisher, _c.cost_usd, _c.latency_s)
        .join(t.judges, t.judges.c.id == _v.judge_id)
        .join(t.instructions, i.id == _v.instruction_id)
        .outerjoin(t.completions, _c.id == _v.completion_id)
        .where(i.benchmark_id == benchmark_id, t.judges.c.name == judge, IN_FORCE)
    )
    kinds = (np.int64, np.int64, np.int8, np.float64, np.float64)
    instruction, status, recorded, cost, latency = number_columns(connection, query, [np.dtype(kind) for kind in kinds])
    return Trials(instruction, np.array(STATUSES, dtype=np.str_)[status], recorded.astype(bool), cost, latency)


def benchmarks_of(connection: sa.Connection, judge: str) -> dict[str, int]:
    """On which benchmarks the judge has verdicts, failures included, and how many."""
    i, b = t.instructions.c, t.benchmarks.c
    query = (
        sa.select(b.name, sa.func.count())
        .select_from(t.verdicts)
        .join(t.judges, t.judges.c.id == _v.judge_id)
        .join(t.instructions, i.id == _v.instruction_id)
        .join(t.benchmarks, b.id == i.benchmark_id)
        .where(t.judges.c.name == judge, IN_FORCE)
        .group_by(b.name)
    )
    return dict(sorted((row[0], row[1]) for row in connection.execute(query)))


def failed_battles(connection: sa.Connection, benchmark_id: int) -> list[tuple[str, str, str, str]]:
    """Judge, instruction's key and both models of every pairwise trial in force without a preference."""
    a, b = t.outputs.alias("output_a"), t.outputs.alias("output_b")
    model_a, model_b = t.models.alias("of_a"), t.models.alias("of_b")
    i = t.instructions.c
    query = (
        sa.select(t.judges.c.name, i.key, model_a.c.name, model_b.c.name)
        .select_from(t.verdicts)
        .join(t.judges, t.judges.c.id == _v.judge_id)
        .join(t.instructions, i.id == _v.instruction_id)
        .join(a, a.c.id == _v.output_a_id)
        .join(b, b.c.id == _v.output_b_id)
        .join(model_a, model_a.c.id == a.c.model_id)
        .join(model_b, model_b.c.id == b.c.model_id)
        .where(i.benchmark_id == benchmark_id, IN_FORCE, _v.status.not_in([Status.OK, Status.TIE]))
    )
    return [(row[0], row[1], row[2], row[3]) for row in connection.execute(query)]


def lineages(connection: sa.Connection) -> dict[str, Lineage]:
    """What was declared, by the name of the model; of LLMs of judges as well, where it was declared."""
    rows = connection.execute(sa.select(t.models).order_by(t.models.c.name))
    return {row.name: Lineage(row.family, row.parent, tuple(json.loads(row.trained_on))) for row in rows}


def style_counts(
    connection: sa.Connection, benchmark_id: int, *, models: Sequence[str], instructions: Sequence[str]
) -> dict[str, NDArray[np.float64]]:
    """(instructions, models) how often each feature of STYLE occurs in each output; 0 where there is none."""
    i, m = t.instructions.c, t.models.c
    asked = {row.key: row.id for row in connection.execute(sa.select(i.key, i.id).where(i.id.in_(_of(benchmark_id))))}
    known = {row.name: row.id for row in connection.execute(sa.select(m.name, m.id))}
    counted = _counted(connection, benchmark_id)
    row, column = (
        _places([ids.get(name, 0) for name in names], counted[:, at])
        for ids, names, at in ((asked, instructions, 1), (known, models, 2))
    )
    found = {}
    for feature, counts in zip(STYLE, counted.T[3:], strict=True):
        cells = np.zeros((len(instructions) + 1, len(models) + 1))  # the last of each take what was not asked for
        cells[row, column] = counts
        found[feature] = cells[:-1, :-1]
    return found


def _counted(connection: sa.Connection, benchmark_id: int) -> NDArray[np.int32]:
    """(outputs, 3 + features) ids of every output, its instruction and its model, and the counts of STYLE.

    Outputs are only ever appended: what was counted is kept as long as the database is open.
    """
    kept = _KEPT.setdefault(connection.engine, {})
    before = kept.get(benchmark_id, np.empty((0, 3 + len(STYLE)), dtype=np.int32))
    o = t.outputs.c
    newer = (
        sa.select(o.id, o.instruction_id, o.model_id, o.text)
        .where(o.instruction_id.in_(_of(benchmark_id)), o.id > int(before[:, 0].max(initial=0)))
        .execution_options(yield_per=1000)
    )
    parts = [
        np.array([(*row[:3], *_STYLE_OF(count_style(row.text))) for row in rows], dtype=np.int32)
        for rows in connection.execute(newer).partitions()
    ]
    kept[benchmark_id] = np.concatenate([before, *parts])
    return kept[benchmark_id]


def _places(ids: Sequence[int], wanted: NDArray[np.int32]) -> NDArray[np.int64]:
    """Where each of ``wanted`` stands in ``ids``; their number where it does not."""
    places = np.full(max(max(ids, default=0), int(wanted.max(initial=0))) + 1, len(ids))
    places[ids] = np.arange(len(ids))
    return places[wanted]


def _of(benchmark_id: int) -> sa.Select[tuple[int]]:
    i = t.instructions.c
    return sa.select(i.id).where(i.benchmark_id == benchmark_id)
