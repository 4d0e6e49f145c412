"""Defences side by side: what null models win under each, and what honest verdicts pay for it.

Honest verdicts are on real models' outputs, stored in a benchmark of their own, so that a defended judge stands on no
ordinary leaderboard. Battles that people have labelled come first. The undefended judge is the one whose fences bear
marks that anybody knows (``fixed``).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from judgebench import store
from judgebench.audits.defences import NAMES, NONE, check_defence
from judgebench.audits.findings import LEVEL, AuditReport
from judgebench.engine.judges import resolve
from judgebench.engine.run import run
from judgebench.engine.runner import OnProgress
from judgebench.errors import InputError
from judgebench.records import Output, content_key
from judgebench.services.audits.null_models import NullAudit, Rounds, defended_spec, keep_null_audit, staged
from judgebench.services.audits.stage import Stage
from judgebench.spec import JudgeSpec, Study
from judgebench.stats.agreement import outcomes, share_alike
from judgebench.stats.verdict_table import average_battles
from judgebench.store import labels
from judgebench.store.database import Database

UNDEFENDED = "fixed"
_MODELS = 3  # real models that meet the baseline for the price
Battle = tuple[str, str, str]  # instruction key, model A, model B


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is compared, and on how many honest battles."""

    asked: NullAudit  # its judge is the one without a defence
    names: Sequence[str] = ()  # of defences; empty: all
    honest: int = 20  # instructions with honest verdicts
    judge: str | None = None  # the defence under which the audit passes or fails; None: the judge as it is


def compare_defences(
    database: Database,
    wanted: Comparison,
    *,
    environment: Mapping[str, str],
    on_progress: OnProgress | None = None,
) -> AuditReport:
    """Audit the judge under each defence, and price each; the report is that of the chosen one, with all beside it.

    Raises InputError for a judge that reads no pairwise prompt, UnknownName, and JudgeError when it cannot be asked.
    """
    asked = wanted.asked
    template = resolve(asked.judge).template
    if template.kind != "pairwise" or not template.user:
        raise InputError(
            f"template {template.id}: defences are compared on prompts that show two outputs; take another"
        )
    for name in wanted.names:
        check_defence(name)
    chosen = wanted.judge or NONE
    names = [name for name in NAMES if name in {*(wanted.names or NAMES), UNDEFENDED, chosen}]
    stage, search = staged(database, asked, environment)
    honest = _Honest(database, wanted, stage)
    reports, found = {}, {}
    for name in names:
        spec = asked.judge if name == NONE else defended_spec(asked.judge, name)
        rounds = Rounds(database, replace(asked, judge=spec), stage, environment, on_progress)
        reports[name] = rounds.report()
        found[name] = honest.verdicts(spec, environment, on_progress)
    rows = [_row(name, reports[name], found[name], found[UNDEFENDED], honest.labels) for name in names]
    report = reports[chosen]
    report = replace(report, details={**report.details, **search, "defence": chosen, "defences": rows})
    keep_null_audit(database, asked, report)
    return report


@dataclass(frozen=True, slots=True)
class _Verdicts:
    """One judge's honest verdicts."""

    preferences: Mapping[Battle, float]  # mean over the orders, for A
    planned: int  # trials
    answered: int  # of them, with a preference
    tokens: float | None  # a trial, prompt and reply; None where the server does not say
    cost_usd: float | None  # of all trials
    latency_s: float | None  # a trial


class _Honest:
    """Real models against the baseline, on the instructions that people labelled and others."""

    def __init__(self, database: Database, wanted: Comparison, stage: Stage) -> None:
        self._database = database
        self._concurrency = wanted.asked.concurrency
        self._baseline = stage.baseline
        with database.read() as connection:
            benchmark_id = store.benchmarks.benchmark_id(connection, wanted.asked.benchmark)
            said = list(labels.labels(connection, benchmark_id))
            names = [
                model.name for model in store.models.models(connection, benchmark_id) if model.name != stage.baseline
            ]
            by_label = {label.instruction for label in said}
            keys = sorted((each.key for each in stage.drawn), key=lambda key: key not in by_label)[: wanted.honest]
            outputs = store.models.outputs_to(connection, benchmark_id, keys)
        people: dict[Battle, list[float]] = {}
        for label in said:
            people.setdefault((label.instruction, label.model_a, label.model_b), []).append(label.preference)
        self.labels = {battle: float(np.mean(given)) for battle, given in people.items()}
        self._pairs = _pairs(self.labels, names, stage.baseline, keys)
        self._name = f"{stage.name}/honest-{content_key(keys, self._pairs)[:8]}"
        self._store(stage, keys, outputs)

    def verdicts(self, spec: JudgeSpec, environment: Mapping[str, str], on_progress: OnProgress | None) -> _Verdicts:
        """Ask ``spec`` about every honest battle, in both orders."""
        if not self._pairs:
            return _Verdicts({}, 0, 0, None, None, None)
        study = Study(benchmark=self._name, judge=spec, pairs=self._pairs, concurrency=self._concurrency)
        resolved = resolve(spec)
        run(self._database, study, environment=environment, judge=resolved, on_progress=on_progress)
        with self._database.read() as connection:
            benchmark_id = store.benchmarks.benchmark_id(connection, self._name)
            judge = resolved.judge.name
            table = store.arrays.verdict_table(connection, benchmark_id, judges=[judge]).table
            spent = store.verdicts.spent(connection, benchmark_id, judge)
        battles = average_battles(table)
        preferences = {}
        for row in range(len(battles)):
            one, other = battles.models[battles.first[row]], battles.models[battles.second[row]]
            key, preference = battles.instructions[battles.instruction[row]], float(battles.preference[row])
            preferences[(key, one, other) if one < other else (key, other, one)] = (
                preference if one < other else 1.0 - preference
            )
        return _Verdicts(preferences, spent.trials, len(table), spent.tokens, spent.cost_usd, spent.latency_s)

    def _store(self, stage: Stage, keys: Sequence[str], outputs: Mapping[str, Mapping[str, str]]) -> None:
        wanted = {name for pair in self._pairs for name in pair}
        with self._database.write() as connection:
            benchmark_id = store.benchmarks.add_benchmark(connection, self._name)
            store.benchmarks.add_instructions(
                connection, benchmark_id, [each for each in stage.drawn if each.key in set(keys)]
            )
            texts = [Output(key, name, text) for name in wanted for key, text in outputs.get(name, {}).items()]
            store.models.add_outputs(connection, benchmark_id, texts)


def _pairs(
    people: Mapping[Battle, float], names: Sequence[str], baseline: str, keys: Sequence[str]
) -> tuple[tuple[str, str], ...]:
    """The pairs that were labelled most on these instructions; without labels, real models against the baseline."""
    counts: dict[tuple[str, str], int] = {}
    for key, a, b in people:
        if key in set(keys):
            counts[a, b] = counts.get((a, b), 0) + 1
    if counts:
        return tuple(sorted(counts, key=lambda pair: (-counts[pair], pair))[:_MODELS])
    step = max(1, len(names) // _MODELS)
    return tuple((name, baseline) for name in names[::step][:_MODELS])


def _row(
    name: str,
    report: AuditReport,
    found: _Verdicts,
    undefended: _Verdicts,
    people: Mapping[Battle, float],
) -> dict[str, Any]:
    """One defence in the report; a number that cannot be told is None."""
    entrants = report.details["entrants"]
    worst = max(entrants, key=lambda each: each["upper"] if each["gate"] != "undecided" else -1.0, default=None)
    return {
        "defence": name,
        "judge": report.details["judge"],
        "passed": report.passed,
        "null_win_rate": report.details["null_win_rate"],
        "worst_entrant": None if worst is None else worst["name"],
        "null_verdicts": report.details["verdicts"],
        "agreement": _agreement(found.preferences, undefended.preferences),
        "accuracy": _agreement(found.preferences, {b: p for b, p in people.items() if p != 0.5}),
        "honest_trials": found.planned,
        "without_verdict": found.planned - found.answered,
        "tokens_a_trial": found.tokens,
        "cost_usd": found.cost_usd,
        "latency_s": found.latency_s,
    }


def _agreement(mine: Mapping[Battle, float], theirs: Mapping[Battle, float]) -> dict[str, Any] | None:
    """Share of battles with the same outcome, with its interval by instruction; None without a common battle."""
    battles = sorted(mine.keys() & theirs.keys())
    if not battles:
        return None
    pairs = np.array([(mine[battle], theirs[battle]) for battle in battles], dtype=np.float64)
    instruction = np.unique([battle[0] for battle in battles], return_inverse=True)[1]
    same = share_alike(outcomes(pairs), instruction, level=LEVEL)
    return {"value": same.value, "lower": same.lower, "upper": same.upper, "battles": same.n}
