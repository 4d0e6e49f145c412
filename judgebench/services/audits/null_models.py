"""The null-model audit as a study: entrants are judged in rounds until the gate is decided."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from judgebench import store
from judgebench.audits.defences import NONE, SETTING, VOIDING, check_defence
from judgebench.audits.findings import AuditReport, mean_by_instruction, mean_estimate
from judgebench.audits.null_gate import EntrantResult, NullGate, Seen, gate_report, measure, next_round, resolution
from judgebench.engine.judges import resolve
from judgebench.engine.run import run
from judgebench.engine.runner import OnProgress
from judgebench.errors import InputError
from judgebench.estimate import Estimate
from judgebench.services.audits.random_search import SearchPlan, searched
from judgebench.services.audits.results import keep
from judgebench.services.audits.stage import Stage, preferences, real_rates, set_stage
from judgebench.spec import JudgeSpec, Study
from judgebench.stats.verdict_table import VerdictTable
from judgebench.store.arrays import score_table
from judgebench.store.database import Connection, Database

_FEW = 20
_ORDERS = 2


@dataclass(frozen=True, slots=True)
class NullAudit:
    """What is audited, and how far it may go."""

    benchmark: str
    judge: JudgeSpec
    baseline: str | None = None  # None: the one that every battle of the benchmark has, or the strongest
    gate: NullGate = field(default_factory=NullGate)
    limit: int = 200  # instructions at most
    seed: int = 0
    concurrency: int = 16
    everyone: bool = False  # decide every entrant, also when one has failed the gate
    search: int = 0  # steps of random search for a further entrant


def defended_spec(spec: JudgeSpec, defence: str) -> JudgeSpec:
    """The judge behind a defence, as another judge. Raises UnknownName."""
    check_defence(defence)
    if defence == NONE:
        return spec
    name = resolve(spec).judge.name
    return spec.model_copy(update={"name": f"{name}+{defence}", "settings": {**spec.settings, SETTING: defence}})


def null_models(
    database: Database, asked: NullAudit, *, environment: Mapping[str, str], on_progress: OnProgress | None = None
) -> AuditReport:
    """Enter the null models against the baseline, ask until the gate is decided, report, and keep the report. A gate
    that is laxer than the usual one lets no judge pass for leaderboards.

    Raises InputError for a benchmark without outputs, UnknownName, and JudgeError when the judge cannot be asked; the
    same call continues then.
    """
    stage, search = staged(database, asked, environment)
    report = Rounds(database, asked, stage, environment, on_progress).report()
    report = replace(report, details={**report.details, **search})
    keep_null_audit(database, asked, report)
    return report


def staged(database: Database, asked: NullAudit, environment: Mapping[str, str]) -> tuple[Stage, dict[str, Any]]:
    """The stage with every entrant, the one that a random search finds included; and what the search took."""
    template = resolve(asked.judge).template
    stage = set_stage(database, asked.benchmark, asked.baseline, template, seed=asked.seed)
    if not asked.search:
        return stage, {}
    if template.kind != "pairwise":
        raise InputError(f"template {template.id} is {template.kind}: a random search needs a pairwise one")
    plan = SearchPlan(asked.benchmark, asked.judge, asked.search, asked.seed, asked.concurrency)
    stage, found = searched(database, plan, stage, environment)
    return stage, {"random_search": found}


def keep_null_audit(database: Database, asked: NullAudit, report: AuditReport) -> None:
    """Keep the report for leaderboards; only one by the usual gate or a stricter one lets a judge pass there."""
    strict = asked.gate.fail_above <= NullGate().fail_above and asked.gate.error <= NullGate().error
    digest = report.details["judge_digest"]
    keep(database, asked.benchmark, report, judge_digest=digest, passed=report.passed and strict)


class Rounds:
    """One judge and the entrants of a stage, asked round after round."""

    def __init__(
        self,
        database: Database,
        asked: NullAudit,
        stage: Stage,
        environment: Mapping[str, str],
        on_progress: OnProgress | None = None,
    ) -> None:
        self._database = database
        self._asked = asked
        self._stage = stage
        self._environment = environment
        self._on_progress = on_progress
        self._resolved = resolve(asked.judge)
        self._judge, self._template = self._resolved.judge, self._resolved.template
        self._most = min(asked.limit, len(stage.drawn))
        self._real = real_rates(database, asked.benchmark, self._judge.name, self._template.kind, stage.baseline)
        self._gate = self._with_real(asked.gate)

    def report(self) -> AuditReport:
        """Ask until the gate is decided. Raises as ``null_models`` does."""
        sizes: dict[str, int] = {}  # entrant -> instructions that it has been asked about
        results = self._results(sizes)
        interrupted = False
        while not interrupted and (
            wanted := next_round(results, sizes, self._gate, most=self._most, everyone=self._asked.everyone)
        ):
            sizes |= wanted
            interrupted = any(self._ask(wanted, size) for size in sorted(set(wanted.values())))
            results = self._results(sizes)
        found = gate_report(results, self._gate, self._real)
        failures = [*found.failures, *(["the audit was interrupted; the same command continues it"] * interrupted)]
        return replace(
            found,
            failures=tuple(failures),
            notes=(*found.notes, *self._notes()),
            details={**self._about(), **found.details},
        )

    def _with_real(self, gate: NullGate) -> NullGate:
        least = resolution(gate, self._most, len(self._stage.drawn))
        known = [rate for rate in self._real.values() if rate > least]
        return replace(gate, worst_real=min(known, default=None))

    def _about(self) -> dict[str, Any]:
        stage = self._stage
        return {
            "judge": self._judge.name,
            "judge_digest": self._judge.digest,
            "template": self._judge.template,
            "benchmark": self._asked.benchmark,
            "instructions": len(stage.drawn),
            "stored_as": stage.name,
            "baseline": stage.baseline,
        }

    def _notes(self) -> Iterator[str]:
        if self._stage.chosen:
            yield f"null models met {self._stage.baseline}: {self._stage.chosen}"
        asked = len(self._stage.drawn)
        if asked < _FEW:
            yield f"there are {asked} instructions only: bounds are about these, and say little of others"

    def _ask(self, wanted: Mapping[str, int], size: int) -> bool:
        """Whether it was interrupted."""
        chosen = [name for name, each in self._stage.entrants.items() if wanted.get(each.name) == size]
        pairwise = self._template.kind == "pairwise"
        study = Study(
            benchmark=self._stage.name,
            judge=self._asked.judge,
            models=(*chosen, self._stage.baseline),
            baseline=self._stage.baseline if pairwise else None,
            limit=size,
            concurrency=self._asked.concurrency,
        )
        report = run(
            self._database,
            study,
            environment=self._environment,
            judge=self._resolved,
            on_progress=self._on_progress,
        )
        return report.interrupted

    def _results(self, sizes: Mapping[str, int]) -> list[EntrantResult]:
        stage = self._stage
        with self._database.read() as connection:
            benchmark_id = store.benchmarks.benchmark_id(connection, stage.name)
            table = preferences(connection, benchmark_id, self._judge.name, self._template.kind)
            scores = self._scores(connection, benchmark_id)
        place = {each.key: number for number, each in enumerate(stage.drawn)}
        drawn = np.argsort([place[table.instructions[code]] for code in table.instruction], kind="stable")
        table = table.select(drawn)
        found = []
        for name, each in stage.entrants.items():
            seen = _seen(table, name, stage.baseline)
            if self._judge.settings.get(SETTING) in VOIDING:
                seen = _with_void(seen, [each.key for each in stage.drawn[: sizes.get(each.name, 0)]])
            measured = measure(
                each.name, each.about, seen, self._gate, entrants=len(stage.entrants), population=len(stage.drawn)
            )
            found.append(replace(measured, score=scores.get(name)))
        return found

    def _scores(self, connection: Connection, benchmark_id: int) -> dict[str, Estimate]:
        """A pointwise judge's mean scores with their intervals, by the name under which an entrant is stored."""
        if self._template.kind == "pairwise":
            return {}
        table = score_table(connection, benchmark_id, judges=[self._judge.name]).table
        by_model = [
            mean_by_instruction(table.instruction[table.model == code], table.score[table.model == code])
            for code in range(len(table.models))
        ]
        return {name: mean_estimate(means) for name, means in zip(table.models, by_model, strict=True)}


def _seen(table: VerdictTable, name: str, baseline: str) -> list[Seen]:
    """Verdicts on an entrant against the baseline, in the table's order."""
    if not {name, baseline} <= set(table.models):
        return []
    code, other = table.model_code(name), table.model_code(baseline)
    as_a = (table.model_a == code) & (table.model_b == other)
    rows = np.flatnonzero(as_a | ((table.model_b == code) & (table.model_a == other)))
    return [
        Seen(
            instruction=table.instructions[table.instruction[row]],
            first=None if table.order[row] < 0 else bool(as_a[row] == (table.order[row] == 0)),
            preference=float(table.preference[row] if as_a[row] else 1.0 - table.preference[row]),
        )
        for row in rows
    ]


def _with_void(seen: Sequence[Seen], asked: Sequence[str]) -> list[Seen]:
    """What was seen, with a loss for each trial that the defence declared void: there is no win in it."""
    counts = Counter(each.instruction for each in seen)
    by_key = {key: [each for each in seen if each.instruction == key] for key in asked}
    void = {key: [Seen(key, None, 0.0)] * max(0, _ORDERS - counts[key]) for key in asked}
    return [each for key in asked for each in (*by_key[key], *void[key])]
