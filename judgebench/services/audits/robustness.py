"""The robustness audit: a model's outputs are changed, and meet an opponent's, or their originals, on a stage.

The original, its opponent and every changed text are stored there under names of their own, ``audit:PART@KEY``.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

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
from judgebench.errors import InputError
from judgebench.judging.templates import Template
from judgebench.services.audits.registry import Asking, RobustnessAudit
from judgebench.services.audits.stage import Stage, StageJudge, answered_by_all, drawn, set_stage, stage_key
from judgebench.store.benchmarks import AnsweredInstruction
from judgebench.store.database import Database


def robustness(database: Database, settings: RobustnessAudit, asking: Asking) -> AuditReport:
    """Judge originals and changed outputs, in both orders, and report.

    Raises InputError for a pointwise judge or where fewer than two instructions have both outputs, UnknownName, and
    JudgeError when the judge cannot be asked.
    """
    judge = StageJudge.of(database, settings.judge, settings.concurrency, asking)
    judge.check_pairwise("changed outputs are compared, take a pairwise one")
    stage, names = _set_stage(database, settings, judge.template)
    opponents = {change.name: "opponent" if change.family == "invariance" else "original" for change in PERTURBATIONS}
    opponents |= {"original": "opponent", "again": "opponent"}
    judge.ask(stage, pairs=[(names[part], names[other]) for part, other in opponents.items() if part in names])
    report = _report(names, judge, judge.preferences(stage))
    about = {name: getattr(settings, name) for name in ("benchmark", "model", "opponent")}
    details = {**about, "stored_as": stage.name, **report.details}
    return replace(report, details=details, about=(judge.judge.digest,))


def _report(
    names: Mapping[str, str], judge: StageJudge, preferences: Mapping[tuple[str, str], Preferences]
) -> AuditReport:
    def between(part: str, other: str) -> Preferences:
        return preferences.get((names.get(part, ""), names.get(other, "")), {})

    before = between("original", "opponent")
    effects = [
        invariance(change.name, before, between(change.name, "opponent"))
        if change.family == "invariance"
        else sensitivity(change.name, between("original", change.name))
        for change in PERTURBATIONS
    ]
    return robustness_report(judge.judge.name, effects, consistency(before, between("again", "opponent")))


def _set_stage(database: Database, settings: RobustnessAudit, template: Template) -> tuple[Stage, dict[str, str]]:
    """The stage, and the names under which the original, the opponent and changed outputs are stored there."""
    model, opponent = settings.model, settings.opponent
    if model == opponent:
        raise InputError(f"{model!r} cannot meet itself: choose another opponent")
    answered = drawn(answered_by_all(database, settings.benchmark, [model, opponent]), settings.seed, settings.limit)
    if len(answered) < 2:
        raise InputError(f"{model!r} and {opponent!r} have answered fewer than two instructions in common")
    texts = [(row.instruction.key, row.outputs[model].text, row.outputs[opponent].text) for row in answered]
    key = stage_key(template.digest, settings.seed, model, opponent, settings.limit, texts)
    parts = _parts(answered, settings, template)
    names = {part: f"audit:{part}@{key}" for part in parts}
    outputs = {names[part]: by_key for part, by_key in parts.items()}
    return set_stage(database, settings.benchmark, key, [row.instruction for row in answered], outputs), names


def _parts(
    answered: Sequence[AnsweredInstruction], settings: RobustnessAudit, template: Template
) -> dict[str, dict[str, str]]:
    """Texts by what they are and by the instruction's key; a perturbation may find nothing to change. The original is
    entered twice, so that the same question is asked again."""
    originals = {row.instruction.key: row.outputs[settings.model].text for row in answered}
    others = exchanged(originals, settings.seed)
    parts: dict[str, dict[str, str]] = defaultdict(dict)
    for row in answered:
        key = row.instruction.key
        material = Material(originals[key], others[key], best_verdict(template) or "")
        texts = {change.name: perturbed(change, material) for change in PERTURBATIONS}
        texts |= {"original": originals[key], "again": originals[key], "opponent": row.outputs[settings.opponent].text}
        for part, text in texts.items():
            if text is not None:
                parts[part][key] = text
    return dict(sorted(parts.items()))
