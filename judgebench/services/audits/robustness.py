"""The robustness audit as a study: changed outputs are stored like models, in a benchmark ``audit:BENCHMARK/KEY``.

The original, its opponent and every changed text meet there under names of their own, so nothing of it stands on an
ordinary leaderboard. The same command continues it.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from judgebench import store
from judgebench.audits.findings import AuditReport
from judgebench.audits.null_models import best_verdict, exchanged
from judgebench.audits.robustness import (
    PERTURBATIONS,
    Material,
    Preferences,
    consistency,
    invariance,
    perturbed,
    robustness_report,
    sensitivity,
)
from judgebench.engine.judges import resolve
from judgebench.engine.run import run
from judgebench.engine.runner import OnProgress
from judgebench.errors import InputError
from judgebench.judging.templates import Template
from judgebench.records import Instruction, Model, Output, content_key
from judgebench.services.audits.results import keep
from judgebench.spec import JudgeSpec, Study
from judgebench.stats.verdict_table import average_battles
from judgebench.store.database import Database

_PAGE = 200
_KEY_DIGITS = 8


@dataclass(frozen=True, slots=True)
class RobustnessAudit:
    """What is audited: ``model``'s outputs are changed, and meet ``opponent``'s."""

    benchmark: str
    judge: JudgeSpec
    model: str
    opponent: str
    limit: int = 30  # instructions
    seed: int = 0
    concurrency: int = 16


@dataclass(frozen=True, slots=True)
class _Stage:
    name: str
    key: str

    def named(self, part: str) -> str:
        return f"audit:{part}@{self.key}"


def robustness(
    database: Database, asked: RobustnessAudit, *, environment: Mapping[str, str], on_progress: OnProgress | None = None
) -> AuditReport:
    """Judge originals and changed outputs, in both orders, and report.

    Raises InputError for a pointwise judge or where fewer than two instructions have both outputs, UnknownName, and
    JudgeError when the judge cannot be asked.
    """
    resolved = resolve(asked.judge)
    judge, template = resolved.judge, resolved.template
    if template.kind != "pairwise":
        raise InputError(
            f"template {template.id} is {template.kind}: changed outputs are compared, take a pairwise one"
        )
    stage = _set_stage(database, asked, template)
    wanted = Study(
        benchmark=stage.name,
        judge=asked.judge,
        pairs=_pairs(database, stage),
        concurrency=asked.concurrency,
    )
    if run(database, wanted, environment=environment, judge=resolved, on_progress=on_progress).interrupted:
        raise InputError("the audit was interrupted: the same command continues it")
    report = _report(stage, judge.name, _preferences(database, stage, judge.name))
    about = {"benchmark": asked.benchmark, "model": asked.model, "opponent": asked.opponent, "stored_as": stage.name}
    report = replace(report, details={**about, **report.details})
    keep(database, asked.benchmark, report, judge_digest=judge.digest, passed=report.passed)
    return report


def _report(stage: _Stage, judge: str, seen: Mapping[tuple[str, str], Preferences]) -> AuditReport:
    def of(part: str, against: str) -> Preferences:
        return seen.get((stage.named(part), stage.named(against)), {})

    before = of("original", "opponent")
    estimates = [
        invariance(each.name, before, of(each.name, "opponent"))
        if each.family == "invariance"
        else sensitivity(each.name, of("original", each.name))
        for each in PERTURBATIONS
    ]
    return robustness_report(judge, estimates, consistency(before, of("again", "opponent")))


def _set_stage(database: Database, asked: RobustnessAudit, template: Template) -> _Stage:
    both = _answered(database, asked)
    if len(both) < 2:
        raise InputError(f"{asked.model!r} and {asked.opponent!r} have answered fewer than two instructions in common")
    texts = [(instruction.key, mine, theirs) for instruction, mine, theirs in both]
    key = content_key(template.digest, asked.seed, asked.model, asked.opponent, asked.limit, texts)[:_KEY_DIGITS]
    stage = _Stage(f"{store.benchmarks.STAGE}{asked.benchmark}/{key}", key)
    other = exchanged({instruction.key: mine for instruction, mine, _ in both}, asked.seed)
    outputs = []
    for instruction, mine, theirs in both:
        material = Material(mine, other[instruction.key], best_verdict(template) or "")
        changed = {each.name: perturbed(each, material) for each in PERTURBATIONS}
        shown = {"original": mine, "again": mine, "opponent": theirs}
        shown |= {name: text for name, text in changed.items() if text is not None}
        outputs += [Output(instruction.key, stage.named(part), text) for part, text in shown.items()]
    with database.write() as connection:
        benchmark_id = store.benchmarks.add_benchmark(connection, stage.name)
        store.benchmarks.add_instructions(connection, benchmark_id, [instruction for instruction, _, _ in both])
        for name in sorted({output.model for output in outputs}):
            store.models.add_model(connection, Model(name))
        store.models.add_outputs(connection, benchmark_id, outputs)
    return stage


def _answered(database: Database, asked: RobustnessAudit) -> list[tuple[Instruction, str, str]]:
    """Instructions with the outputs of model and opponent, ``limit`` of them drawn by the seed."""
    names = [asked.model, asked.opponent]
    found: list[tuple[Instruction, str, str]] = []
    after = 0
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, asked.benchmark)
        for name in names:
            store.models.check_model(connection, name)
        while page := store.benchmarks.questions(connection, benchmark_id, names, after=after, limit=_PAGE):
            for each in page:
                if len(each.outputs) == len(set(names)) == 2:
                    mine, theirs = (each.outputs[name].text for name in names)
                    found.append((each.instruction, mine, theirs))
            after = page[-1].id
    found.sort(key=lambda row: row[0].key)
    drawn = np.random.default_rng(asked.seed).permutation(len(found))[: asked.limit]
    return [found[place] for place in drawn]


def _pairs(database: Database, stage: _Stage) -> tuple[tuple[str, str], ...]:
    """Who meets whom, of those that have outputs: a perturbation may have found nothing to change. The original is
    entered twice, so that the same question is asked again."""
    against = {each.name: "opponent" if each.family == "invariance" else "original" for each in PERTURBATIONS}
    against |= {"original": "opponent", "again": "opponent"}
    with database.read() as connection:
        known = {
            model.name
            for model in store.models.models(connection, store.benchmarks.benchmark_id(connection, stage.name))
        }
    pairs = [(stage.named(part), stage.named(other)) for part, other in against.items()]
    return tuple(pair for pair in pairs if known.issuperset(pair))


def _preferences(database: Database, stage: _Stage, judge: str) -> dict[tuple[str, str], Preferences]:
    """Mean preference over both orders for the first of two stored names, by instruction, from either side."""
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, stage.name)
        battles = average_battles(store.arrays.verdict_table(connection, benchmark_id, judges=[judge]).table)
    found: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    for row in range(len(battles)):
        one, other = battles.models[battles.first[row]], battles.models[battles.second[row]]
        key, preference = battles.instructions[battles.instruction[row]], float(battles.preference[row])
        found[one, other][key] = preference
        found[other, one][key] = 1.0 - preference
    return dict(found)
