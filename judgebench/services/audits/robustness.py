"""The robustness audit: a model's outputs are changed, and meet an opponent's, or their originals, on a stage.

The original and its opponent are stored there under names of their own, ``audit:PART@KEY``, and every changed text as
``audit:PART-KEY@KEY``, where the first key is of what it was changed to: other wordings are other outputs.
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
from judgebench.counts import count
from judgebench.errors import InputError
from judgebench.judging.templates import Template
from judgebench.records import Output
from judgebench.services.audits.registry import Asking, RobustnessAudit
from judgebench.services.audits.stage import Stage, StageJudge, answered_by_all, drawn, identity, set_stage, stage_key
from judgebench.store.benchmarks import AnsweredInstruction
from judgebench.store.database import Database


def robustness(database: Database, settings: RobustnessAudit, asking: Asking) -> AuditReport:
    """Judge originals and changed outputs, in both orders, and report.

    Raises InputError for a pointwise judge or where fewer than two instructions have both outputs, UnknownName, and
    JudgeError when the judge cannot be asked.
    """
    judge = StageJudge.of(database, settings.judge, settings.concurrency, asking)
    judge.check_pairwise("changed outputs are compared, take a pairwise one")
    stage, names, notes = _set_stage(database, settings, judge.template)
    opponents = {change.name: "opponent" if change.family == "invariance" else "original" for change in PERTURBATIONS}
    opponents |= {"original": "opponent", "again": "opponent"}
    judge.ask(stage, pairs=[(names[part], names[other]) for part, other in opponents.items() if part in names])
    report = _report(names, judge, judge.preferences(stage))
    about = {name: getattr(settings, name) for name in ("benchmark", "model", "opponent")}
    details = {**about, "stored_as": stage.name, **report.details}
    return replace(report, details=details, notes=(*report.notes, *notes), about=(judge.judge.digest,))


def most_calls(database: Database, settings: RobustnessAudit) -> int:
    """Of every change in both orders, with the original and the same question again. Raises UnknownName."""
    common = answered_by_all(database, settings.benchmark, [settings.model, settings.opponent])
    return 2 * (len(PERTURBATIONS) + 2) * min(settings.limit, len(common))


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


def _set_stage(
    database: Database, settings: RobustnessAudit, template: Template
) -> tuple[Stage, dict[str, str], list[str]]:
    """The stage, the names under which the original, the opponent and changed outputs are stored there, and what was
    left out, in words."""
    model, opponent = settings.model, settings.opponent
    if model == opponent:
        raise InputError(f"{model!r} cannot meet itself: choose another opponent")
    common = answered_by_all(database, settings.benchmark, [model, opponent])
    textual = [row for row in common if row.outputs[model].plain]
    notes = [] if len(textual) == len(common) else [
        f"{len(common) - len(textual):,} of {count(len(common), 'instruction')} were left out: outputs of {model} to "
        "them hold more than text, such as tool calls or files, and cannot be rewritten"
    ]  # fmt: skip
    answered = drawn(textual, settings.seed, settings.limit)
    if len(answered) < 2:
        raise InputError(
            ": ".join((f"{model!r} and {opponent!r} have answered fewer than two instructions in common", *notes))
        )
    if any(len(row.samples[name]) > 1 for row in answered for name in (model, opponent)):
        notes.append("of several samples of an output the first was taken")
    known_by = [(row.instruction.key, *(identity(row.outputs[name]) for name in (model, opponent))) for row in answered]
    key = stage_key(template.digest, settings.seed, model, opponent, settings.limit, known_by)
    parts = _parts(answered, settings, template)
    names = {part: f"audit:{part}{_wording(part, outputs)}@{key}" for part, outputs in parts.items()}
    outputs = {names[part]: by_key for part, by_key in parts.items()}
    return set_stage(database, settings.benchmark, key, [row.instruction for row in answered], outputs), names, notes


def _wording(part: str, outputs: Mapping[str, Output]) -> str:
    """What a changed part's name holds of its texts; nothing where the stage's key holds them already."""
    if part not in {change.name for change in PERTURBATIONS}:
        return ""
    return f"-{stage_key([(key, output.text) for key, output in sorted(outputs.items())])}"


def _parts(
    answered: Sequence[AnsweredInstruction], settings: RobustnessAudit, template: Template
) -> dict[str, dict[str, Output]]:
    """Outputs by what they are and by the instruction's key; a perturbation changes the last reply, and may find
    nothing to change. The original is entered twice, so that the same question is asked again."""
    originals = {row.instruction.key: row.outputs[settings.model] for row in answered}
    others = exchanged({key: original.text for key, original in originals.items()}, settings.seed)
    parts: dict[str, dict[str, Output]] = defaultdict(dict)
    for row in answered:
        key = row.instruction.key
        original = originals[key]
        material = Material(original.text, others[key], best_verdict(template) or "")
        for change in PERTURBATIONS:
            text = perturbed(change, material)
            if text is not None:
                parts[change.name][key] = replace(original, text=text, trajectory=None)
        parts["original"][key] = parts["again"][key] = original
        parts["opponent"][key] = row.outputs[settings.opponent]
    return dict(sorted(parts.items()))
