"""The bias of judges, and the leaderboard as it would be without length, style or lineage: who rises, who falls.

The estimates are those of ``bias``; this chooses the effects and reads what they need.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from threadpoolctl import threadpool_limits

from judgebench import store
from judgebench.bias.counterfactual import Counterfactuals, WithoutEffect, counterfactuals
from judgebench.bias.effects import Effect, in_points, length_effect
from judgebench.bias.human_agreement import LabelledBattles, Marks, people_preference
from judgebench.bias.relatives import relation_effects, relation_matrix
from judgebench.bias.report import BiasReport, SideInformation, bias_report, style_effects
from judgebench.coverage import Coverage
from judgebench.errors import StatisticsError
from judgebench.estimate import unidentified
from judgebench.leaderboard import Choices, ModelGate
from judgebench.leaderboard.build import common_baseline
from judgebench.records import Lineage
from judgebench.services.audits.results import model_gates
from judgebench.services.scope import EVERYTHING, Scope, scoped_verdicts
from judgebench.stats.bradley_terry.covariates import fit_with_covariates
from judgebench.stats.verdict_table import VerdictTable, occurring
from judgebench.store import labels
from judgebench.store.arrays import LeftOut, StoredTable
from judgebench.store.database import Connection, Database

Without = Literal["length", "style", "lineage"]
_LAST = store.transfer.Last[BiasReport]()  # what a page about bias says is most of the card of the same judge
_LIKELIHOOD = "pairwise/likelihood"  # how the names of templates begin that compare likelihoods


def moves(
    database: Database,
    benchmark: str,
    controls: Sequence[Without],
    *,
    scope: Scope = EVERYTHING,
    baseline: str | None = None,
) -> Counterfactuals:
    """The counterfactual leaderboard: without each of the chosen effects, and without all that the data identify.

    Each entry's coefficient is that of ``leaderboard --control``: over all verdicts, with the chosen effects as the
    covariates and no prior. The leaderboards themselves rest on a fit with a weak prior; see ``bias.counterfactual``.

    Raises UnknownName for any name that is not there, StatisticsError when there is no verdict.
    """
    with database.read() as connection:
        verdicts = scoped_verdicts(connection, benchmark, scope, Choices(baseline=baseline))
        table = verdicts.counted
        if not len(table):
            raise StatisticsError("there is no verdict to control: run a judge first, or choose another judge")
        chosen = [_effects(connection, verdicts.benchmark_id, table, control) for control in controls]
        votes = labels.label_table(
            connection, verdicts.benchmark_id, models=table.models, instructions=table.instructions
        )
        gates = model_gates(connection, benchmark, verdicts.judged)
    effects = [effect for several in chosen for effect in several]
    baseline = baseline or common_baseline(table)
    with threadpool_limits(1, "blas"):  # as in leaderboard.build
        without = counterfactuals(table, effects, human=people_preference(table, votes), baseline=baseline)
        entries = tuple(_with_coefficients(without.entries, table, effects))
    coverage = verdicts.covered(verdicts.counting, baseline=baseline, flagged="left out")
    return _marked(replace(without, entries=entries, coverage=coverage), gates)


def _marked(without: Counterfactuals, gates: Sequence[ModelGate]) -> Counterfactuals:
    """With what audits found in the outputs of models, as leaderboards are marked."""
    shown = {row.model for row in without.together.board}
    marked = [gate for gate in gates if gate.rules and gate.model in shown]
    notes = [gate.open.note for gate in marked if gate.state == "flagged"]
    return without.marked({gate.model: gate.mark for gate in marked}, notes)


def _with_coefficients(
    entries: Sequence[WithoutEffect], table: VerdictTable, effects: Sequence[Effect]
) -> Iterator[WithoutEffect]:
    """Identified entries with the coefficients of ratings at equal covariates, which a prior does not hold."""
    told = {entry.name for entry in entries if entry.points is not None and entry.points.identified}
    columns = {effect.name: effect.column for effect in effects if effect.name in told}
    try:
        controlled = fit_with_covariates(table, columns=columns)
        coefficients = {name: controlled.coefficient(name) for name in columns}
    except StatisticsError as error:  # an effect without bound: the prior alone would make it a number
        coefficients = {name: unidentified(str(error), n=len(table)) for name in columns}
    for entry, effect in zip(entries, effects, strict=True):
        coefficient = coefficients.get(entry.name)
        if coefficient is None:
            yield entry
        else:
            yield replace(entry, log_odds=coefficient, points=in_points(coefficient, effect.unit))


def _effects(connection: Connection, benchmark_id: int, table: VerdictTable, control: Without) -> list[Effect]:
    if control == "length":
        return [length_effect(table)]
    if control == "style":
        marks = store.arrays.style_counts(
            connection, benchmark_id, models=table.models, instructions=table.instructions
        )
        return style_effects(table, marks)
    llms = {judge.name: judge.model for judge in store.judges.judges(connection)}
    models = [llms[name] for name in table.judges]
    return relation_effects(table, relation_matrix(table, models, store.models.lineages(connection)))


@dataclass(frozen=True, slots=True, eq=False)
class Judged:
    """A benchmark's verdicts with what is known besides them."""

    benchmark: str
    category: str | None  # of its instructions; None: all
    stored: StoredTable
    judge_models: tuple[str, ...]  # the LLM of each of the table's judges
    beside: SideInformation

    @property
    def table(self) -> VerdictTable:
        """Of all judges."""
        return self.stored.table


def bias(
    database: Database, benchmark: str, *, scope: Scope = EVERYTHING, baseline: str | None = None, level: float = 0.95
) -> BiasReport:
    """The bias of the judges of a scope, together where they are several; what it flags counts as all else does.

    Raises UnknownName for any name that is not there, and StatisticsError when there is no verdict.
    """
    with database.read() as connection:
        context = judged(connection, benchmark, judges=scope.judges, category=scope.category)
        chosen, coverage = _scoped_judges(connection, benchmark, scope, baseline)
        gates = model_gates(connection, benchmark, context.table.models)
        report = report_of(connection, context, chosen, baseline=baseline, level=level)
    return replace(report, ledger=_marked(report.ledger, gates), coverage=coverage)


def report_of(
    connection: Connection, context: Judged, judges: tuple[str, ...], *, baseline: str | None = None, level: float
) -> BiasReport:
    """Of these judges, without what audits found. Raises as ``bias`` does."""

    def make() -> BiasReport:
        with threadpool_limits(1, "blas"):  # as in leaderboard.build
            return bias_report(
                *(context.table, context.judge_models, context.beside), judges=judges, baseline=baseline, level=level
            )

    return _LAST.of(connection, (context.benchmark, context.category, judges, baseline, level), make)


def _scoped_judges(
    connection: Connection, benchmark: str, scope: Scope, baseline: str | None
) -> tuple[tuple[str, ...], Coverage]:
    """Judges with verdicts in the scope, what it flags included, and what of the benchmark these cover."""
    verdicts = scoped_verdicts(connection, benchmark, replace(scope, with_flagged=True), Choices(baseline=baseline))
    judges = tuple(name for name, number in verdicts.coverage.judges.items() if number)
    return judges, verdicts.covered(verdicts.judged)


def judged(
    connection: Connection,
    benchmark: str,
    *,
    judges: Sequence[str] = (),
    category: str | None = None,
    style: bool = True,
) -> Judged:
    """Everything about a benchmark, the verdicts of all its judges included. Raises UnknownName."""
    benchmark_id = store.benchmarks.chosen_benchmark(connection, benchmark, judges, category)
    stored = store.arrays.verdict_table(connection, benchmark_id, category=category)
    names, keys = stored.table.models, stored.table.instructions
    known = store.judges.judges(connection)
    llms = {judge.name: judge.model for judge in known}
    beside = SideInformation(
        lineages=_declared(store.models.lineages(connection)),
        labels=labels.label_table(connection, benchmark_id, models=names, instructions=keys),
        style=store.arrays.style_counts(connection, benchmark_id, models=names, instructions=keys) if style else {},
        by_likelihood={judge.name for judge in known if judge.template.startswith(_LIKELIHOOD)},
    )
    judge_models = tuple(llms[name] for name in stored.table.judges)
    return Judged(benchmark, category, stored, judge_models, beside)


def _declared(lineages: Mapping[str, Lineage]) -> dict[str, Lineage]:
    return {name: lineage for name, lineage in lineages.items() if lineage != Lineage()}


def failed_items(items: LabelledBattles, table: VerdictTable, without: LeftOut) -> dict[str, Marks]:
    """By judge, the items with a trial that has no preference; ``without``: trials coded as ``table`` is."""
    k = len(table.models)
    known = (items.instruction.astype(np.int64) * k + items.model_a) * k + items.model_b  # in order
    low, high = np.minimum(without.model_a, without.model_b), np.maximum(without.model_a, without.model_b)
    failed = (without.instruction.astype(np.int64) * k + low) * k + high
    at = np.searchsorted(known, failed)
    inside = np.append(known, -1)[at] == failed
    marks = {table.judges[code]: np.zeros(len(items), dtype=bool) for code in occurring(without.judge[inside])}
    for judge, place in zip(without.judge[inside].tolist(), at[inside].tolist(), strict=True):
        marks[table.judges[judge]][place] = True
    return marks
