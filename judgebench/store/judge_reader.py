"""About judges besides their preferences: how trials ended, what they cost, lineage, and the style of outputs."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

import numpy as np
import sqlalchemy as sa
from numpy.typing import NDArray

from judgebench.records import Lineage, Source, Status
from judgebench.stats.style import count_style
from judgebench.store import tables as t
from judgebench.store.reader import IN_FORCE

_v, _c = t.verdicts.c, t.completions.c
STYLE = ("headers", "lists", "bold", "code")


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
    query = (
        sa.select(_v.instruction_id, _v.status, _v.source, _c.cost_usd, _c.latency_s)
        .join(t.judges, t.judges.c.id == _v.judge_id)
        .join(t.instructions, i.id == _v.instruction_id)
        .outerjoin(t.completions, _c.id == _v.completion_id)
        .where(i.benchmark_id == benchmark_id, t.judges.c.name == judge, IN_FORCE)
    )
    columns = list(zip(*connection.execute(query).all(), strict=True))
    instruction, status, source, cost, latency = columns or ((), (), (), (), ())
    return Trials(
        np.array(instruction, dtype=np.int64),
        np.array(status, dtype=np.str_),
        np.array(source, dtype=np.str_) == str(Source.RECORDED),
        np.array(cost, dtype=np.float64),  # None becomes NaN
        np.array(latency, dtype=np.float64),
    )


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
    found = {name: np.zeros((len(instructions), len(models))) for name in STYLE}
    i, o = t.instructions.c, t.outputs.c
    keys = sa.select(i.key, i.id).where(i.benchmark_id == benchmark_id)
    asked = {row[0]: row[1] for row in connection.execute(keys)}
    known = {row[0]: row[1] for row in connection.execute(sa.select(t.models.c.name, t.models.c.id))}
    place = {asked[key]: at for at, key in enumerate(instructions) if key in asked}
    code = {known[name]: at for at, name in enumerate(models) if name in known}
    query = sa.select(o.instruction_id, o.model_id, o.text).where(o.instruction_id.in_(_of(benchmark_id)))
    for rows in connection.execution_options(yield_per=1000).execute(query).partitions():
        wanted = [row for row in rows if row[0] in place and row[1] in code]
        counts = [count_style(text) for _, _, text in wanted]
        at = ([place[row[0]] for row in wanted], [code[row[1]] for row in wanted])
        for feature in STYLE:
            found[feature][at] = list(map(attrgetter(feature), counts))
    return found


def _of(benchmark_id: int) -> sa.Select[tuple[int]]:
    i = t.instructions.c
    return sa.select(i.id).where(i.benchmark_id == benchmark_id)
