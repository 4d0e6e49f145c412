"""An audit's own benchmark, and a judge that is asked about what was entered there.

The benchmark is called ``audit:BENCHMARK/KEY``, so nothing of it stands on an ordinary leaderboard; its outputs and
verdicts can be looked at with the usual commands. The key hangs on what is entered: the same command continues an
audit, and any other is another audit.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from judgebench import engine, services, store
from judgebench.audits.robustness import Preferences
from judgebench.engine.judges import OpenModel, ResolvedJudge, open_model
from judgebench.errors import InputError
from judgebench.judging.templates import Template
from judgebench.keys import content_key
from judgebench.leaderboard.build import common_baseline
from judgebench.records import Instruction, Judge, Model, Output
from judgebench.services.audits.registry import Asking
from judgebench.spec import JudgeSpec, Study
from judgebench.stats.scores import ScoreTable, score_preferences
from judgebench.stats.verdict_table import VerdictTable, average_battles
from judgebench.stats.win_rate import win_rates
from judgebench.store.benchmarks import STAGE, AnsweredInstruction
from judgebench.store.database import Database

Item = TypeVar("Item")


class AuditInterrupted(InputError):
    """The judge was not asked about everything."""


@dataclass(frozen=True, slots=True)
class Stage:
    """An audit's own benchmark, stored."""

    name: str
    instructions: tuple[Instruction, ...]  # in the order in which they are judged

    @property
    def key(self) -> str:
        """What tells it from other stages of the benchmark."""
        return self.name.rpartition("/")[2]


def stage_key(*entered: object) -> str:
    """What a stage is called by, the same for the same entries."""
    return content_key(*entered)[:8]


def set_stage(
    database: Database,
    benchmark: str,
    key: str,
    instructions: Sequence[Instruction],
    outputs: Mapping[str, Mapping[str, str | Output]],
) -> Stage:
    """Store the stage ``key`` of an audit of ``benchmark``; what is stored there already stays.

    ``outputs`` holds texts, or whole outputs, by the name under which a model enters and by the instruction's key.
    """
    stage = Stage(f"{STAGE}{benchmark}/{key}", tuple(instructions))
    with database.write() as connection:
        benchmark_id = store.benchmarks.add_benchmark(connection, stage.name)
        store.benchmarks.add_instructions(connection, benchmark_id, instructions)
        for name in outputs:
            store.models.add_model(connection, Model(name))
        entries = [_entry(key, name, entered) for name, mine in outputs.items() for key, entered in mine.items()]
        store.models.add_outputs(connection, benchmark_id, entries)
    return stage


def _entry(key: str, name: str, entered: str | Output) -> Output:
    return Output(key, name, entered) if isinstance(entered, str) else replace(entered, model=name, sample=0)


def identity(output: Output) -> str:
    """What a stage's key knows an output by: its text where that is all of it, as keys always did, else its digest."""
    return output.text if output.plain and not output.earlier else output.digest


@dataclass(frozen=True, slots=True)
class StageJudge:
    """A judge as audits ask it."""

    database: Database
    resolved: ResolvedJudge
    judge: Judge
    template: Template
    concurrency: int
    asking: Asking

    @classmethod
    def of(
        cls, database: Database, judge: str | JudgeSpec | ResolvedJudge, concurrency: int, asking: Asking
    ) -> "StageJudge":
        """Raises InputError."""
        resolved = services.judges.resolved(database, judge)
        return cls(database, resolved, resolved.judge, resolved.template, concurrency, asking)

    def check_pairwise(self, why: str) -> None:
        """Raises InputError where its template does not compare two outputs."""
        if self.template.kind != "pairwise":
            raise InputError(f"template {self.template.id} is {self.template.kind}: {why}")

    def open(self) -> OpenModel:
        """Raises as ``engine.judges.open_model``."""
        return open_model(self.resolved, self.asking.environment, concurrency=self.concurrency)

    def ask(
        self,
        stage: Stage,
        *,
        models: Sequence[str] = (),
        baseline: str | None = None,
        pairs: Sequence[tuple[str, str]] = (),
        limit: int | None = None,
    ) -> None:
        """Ask what has no answer yet, in both orders; the arguments say what meets, as in a study.

        Raises AuditInterrupted, InputError, and JudgeError when the judge cannot be asked.
        """
        budget = self.asking.budget
        if budget.spent:
            raise AuditInterrupted(_stopped(budget.spent))
        study = Study(
            benchmark=stage.name,
            judge=self.resolved.spec,
            models=tuple(models),
            baseline=baseline,
            pairs=tuple(pairs),
            limit=limit,
            concurrency=self.concurrency,
            max_calls=budget.calls,
            max_cost=budget.cost_usd,
        )
        how = self.asking
        report = engine.run.run(
            self.database, study, environment=how.environment, judge=self.resolved, on_progress=how.on_progress
        )
        budget.spend(report.calls, report.tally.cost_usd)
        if report.tally.stopped_by is not None:
            raise AuditInterrupted(_stopped(report.tally.stopped_by))
        if report.interrupted:
            raise AuditInterrupted("the audit was interrupted; the same command continues it")

    def verdicts(self, benchmark: str) -> VerdictTable:
        """Its preferences in a benchmark; a pointwise judge prefers the output that it gives the higher score."""
        if self.template.kind != "pairwise":
            return score_preferences(self.scores(benchmark))
        with self.database.read() as connection:
            benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
            return store.arrays.verdict_table(connection, benchmark_id, judges=[self.judge.name]).table

    def scores(self, benchmark: str) -> ScoreTable:
        with self.database.read() as connection:
            benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
            return store.arrays.score_table(connection, benchmark_id, judges=[self.judge.name]).table

    def preferences(self, stage: Stage) -> Mapping[tuple[str, str], Preferences]:
        """For the first of two models, whichever is named first: the mean over the orders, by instruction."""
        battles = average_battles(self.verdicts(stage.name))
        by_pair: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
        for row, preference in enumerate(battles.preference.tolist()):
            one, other = battles.models[battles.first[row]], battles.models[battles.second[row]]
            key = battles.instructions[battles.instruction[row]]
            by_pair[one, other][key], by_pair[other, one][key] = preference, 1.0 - preference
        return by_pair

    def win_rates(self, benchmark: str, baseline: str) -> dict[str, float]:
        """Of the models that met the baseline in a benchmark."""
        table = self.verdicts(benchmark)
        if not len(table) or baseline not in table.models:
            return {}
        rates = win_rates(table, baseline=baseline)
        return {
            name: float(rate)
            for name, rate, battles in zip(rates.models, rates.rate, rates.battles, strict=True)
            if battles and name != baseline
        }


def _stopped(limit: str) -> str:
    return f"the audit was stopped by {limit}; the same command with a higher one continues it"


def drawn(items: Sequence[Item], seed: int, limit: int | None = None) -> list[Item]:
    """``limit`` of the items in random order, all where None."""
    return [items[place] for place in np.random.default_rng(seed).permutation(len(items))[:limit]]


def answered_by_all(database: Database, benchmark: str, models: Sequence[str]) -> list[AnsweredInstruction]:
    """The instructions that each of ``models`` answered, with their outputs, by key. Raises UnknownName."""
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
        for name in models:
            store.models.check_model(connection, name)
    rows = store.benchmarks.answered_instructions(database, benchmark_id, models)
    return sorted((row for row in rows if row.outputs.keys() >= set(models)), key=lambda row: row.instruction.key)


def choose_baseline(database: Database, benchmark: str) -> tuple[str, str]:
    """The model that every battle has; else the one that wins most; else the one that has answered most. And why.

    Raises UnknownName, and InputError for a benchmark without outputs.
    """
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
        table = store.arrays.verdict_table(connection, benchmark_id).table
        names = store.benchmarks.model_names(connection, benchmark_id)
        if not names:
            raise InputError(f"benchmark {benchmark!r} has no outputs that null models could meet: submit some first")
        common = common_baseline(table)
        if common is not None:
            return common, "the model of every battle"
        if len(table):
            rates = win_rates(table, baseline=None)
            best = int(np.nanargmax(np.where(rates.battles > 0, rates.rate, np.nan)))
            return rates.models[best], "the model that wins most; --baseline names another"
        counts = dict.fromkeys(names, 0)
        for _, present in store.benchmarks.presence(connection, benchmark_id, names):
            for name in present:
                counts[name] += 1
    most = max(sorted(names), key=lambda name: counts[name])
    return most, "the first of those with most outputs, as there are no verdicts yet; --baseline names another"
