"""How far a ranking is to be trusted: bias and agreement of judges, from everything that the store holds about them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa

from judgebench.bias.coefficients import Resampling
from judgebench.bias.concord import Concord, Marks, concord, score_agreement
from judgebench.bias.figure import Figure
from judgebench.bias.people import Items, join
from judgebench.bias.report import Beside, BiasReport, bias_report
from judgebench.records import Lineage
from judgebench.stats.scores import ScoreTable
from judgebench.stats.table import VerdictTable
from judgebench.store import judge_reader, labels, reader
from judgebench.store.database import Database
from judgebench.store.score_reader import score_table

_LIKELIHOOD = "pairwise/likelihood"  # how the names of templates begin that compare likelihoods


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A benchmark's verdicts with what is known besides them."""

    table: VerdictTable
    categories: tuple[str | None, ...]  # of each instruction's code
    judge_models: tuple[str, ...]  # the LLM of each of the table's judges
    beside: Beside


def bias(
    database: Database,
    benchmark: str,
    *,
    judges: Sequence[str] = (),
    category: str | None = None,
    baseline: str | None = None,
    level: float = 0.95,
) -> BiasReport:
    """The bias of ``judges``, or of all judges of the benchmark together.

    Raises UnknownName for any name that is not there, and StatisticsError when there is no verdict.
    """
    with database.read() as connection:
        found = judged(connection, benchmark, judges=judges, category=category)
        if baseline is not None:
            reader.check_model(connection, baseline)
    return bias_report(
        found.table, found.judge_models, found.beside, judges=judges, baseline=baseline, level=level
    )  # fmt: skip


def agreement(
    database: Database,
    benchmark: str,
    *,
    judges: Sequence[str] = (),
    category: str | None = None,
    how: Resampling | None = None,
) -> Concord:
    """Agreement of ``judges``, all where none is named, with people and each other.

    Raises UnknownName for any name that is not there, and StatisticsError when there is neither verdict nor label.
    """
    how = how or Resampling()
    with database.read() as connection:
        found = judged(connection, benchmark, judges=judges, category=category, style=False)
        benchmark_id = reader.benchmark_id(connection, benchmark)
        scores = score_table(connection, benchmark_id, judges=judges, category=category).table
        failed = judge_reader.failed_battles(connection, benchmark_id)
    table = found.table
    if judges:
        table = table.select(np.isin(table.judge, [table.judges.index(name) for name in judges]))
    items = join(table, found.beside.labels)
    return concord(
        items,
        categories=found.categories,
        failed=failed_items(items, table, failed),
        score_icc=_score_icc(scores, how),
        how=how,
    )


def judged(
    connection: sa.Connection,
    benchmark: str,
    *,
    judges: Sequence[str] = (),
    category: str | None = None,
    style: bool = True,
) -> Judged:
    """Everything about a benchmark, the verdicts of all its judges included. Raises UnknownName."""
    benchmark_id = reader.chosen_benchmark(connection, benchmark, judges, category)
    stored = reader.verdict_table(connection, benchmark_id, category=category)
    names, keys = stored.table.models, stored.table.instructions
    known = reader.judges(connection)
    llms = {judge.name: judge.model for judge in known}
    beside = Beside(
        lineages=_declared(judge_reader.lineages(connection)),
        labels=labels.label_table(connection, benchmark_id, models=names, instructions=keys),
        style=judge_reader.style_counts(connection, benchmark_id, models=names, instructions=keys) if style else {},
        by_likelihood={judge.name for judge in known if judge.template.startswith(_LIKELIHOOD)},
    )
    return Judged(stored.table, stored.categories, tuple(llms[name] for name in stored.table.judges), beside)


def _declared(lineages: Mapping[str, Lineage]) -> dict[str, Lineage]:
    return {name: lineage for name, lineage in lineages.items() if lineage != Lineage()}


def failed_items(items: Items, table: VerdictTable, rows: Sequence[tuple[str, str, str, str]]) -> dict[str, Marks]:
    """By judge, the items with a trial that has no preference."""
    instruction = {key: code for code, key in enumerate(table.instructions)}
    model = {name: code for code, name in enumerate(table.models)}
    place = {
        key: at
        for at, key in enumerate(
            zip(items.instruction.tolist(), items.model_a.tolist(), items.model_b.tolist(), strict=True)
        )
    }
    found: dict[str, Marks] = {}
    for judge, key, one, other in rows:
        pair = sorted((model[one], model[other]))
        at = place.get((instruction.get(key, -1), pair[0], pair[1]))
        if at is not None:
            found.setdefault(judge, np.zeros(len(items), dtype=bool))[at] = True
    return found


def _score_icc(scores: ScoreTable, how: Resampling) -> dict[str, Figure]:
    """Of the mean score that each judge gave each output."""
    judges = np.unique(scores.judge)
    output = scores.instruction.astype(np.int64) * max(len(scores.models), 1) + scores.model
    outputs, row = np.unique(output, return_inverse=True)
    cell = row * max(len(judges), 1) + np.searchsorted(judges, scores.judge)
    size = len(outputs) * len(judges)
    count, total = np.bincount(cell, minlength=size), np.bincount(cell, weights=scores.score, minlength=size)
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan).reshape(len(outputs), len(judges))
    return score_agreement(mean, (outputs // max(len(scores.models), 1)).astype(np.int32), how=how)
