"""The submission audit: read what is stored, or about to be, look for what it should not hold, and ask a judge about it
where one is named.

Outputs that are exchanged between instructions are stored in a stage, beside the same outputs in place.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from operator import attrgetter

import numpy as np

from judgebench import engine, store
from judgebench.audits import SUBMISSIONS
from judgebench.audits.findings import AuditReport, Finding, make_report
from judgebench.audits.null_models import exchanged
from judgebench.audits.rules import RULES, audit_submissions
from judgebench.audits.rules.comparison import COPY, LENGTH
from judgebench.audits.rules.outcomes import ASKED_RULES, likelihood_findings, permuted_finding
from judgebench.audits.submission_set import SubmissionSet
from judgebench.clients.base import Client
from judgebench.errors import BadReply, InputError
from judgebench.records import Instruction, LikelihoodPrompt
from judgebench.services.audits.registry import AUDITS, Asking, SubmissionAudit
from judgebench.services.audits.results import keep
from judgebench.services.audits.stage import StageJudge, choose_baseline, drawn, set_stage, stage_key
from judgebench.services.submissions import Prepared
from judgebench.spec import load_template, templates
from judgebench.stats.verdict_table import Floats
from judgebench.store.audits import extent
from judgebench.store.database import Connection, Database

_AT_SUBMIT = 2000  # outputs that are looked at when they are submitted, so that submitting stays quick
_COMPARED = 60  # of them, instructions on which they are held against other models' outputs


def submissions(database: Database, settings: SubmissionAudit, asking: Asking) -> AuditReport:
    """Audit what was submitted to the benchmark, with its verdicts where it has any.

    Outputs are held against the package's templates and the settings' own.

    Raises UnknownName, InputError for a judge that cannot be asked so, and JudgeError.
    """
    own_templates = [load_template(path) for path in settings.template]
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, settings.benchmark)
        entered = _submission_set(connection, benchmark_id)
        table = store.arrays.verdict_table(connection, benchmark_id).table
    models = settings.model or tuple(entered.by_model)
    asked_findings = _asked_findings(database, settings, models, asking)
    report = audit_submissions(entered, [*templates(), *own_templates], models=models, table=table)
    rules = (*RULES, *ASKED_RULES)
    report = make_report(SUBMISSIONS, [*report.findings, *asked_findings], rules, report.notes)
    return replace(report, about=models)


def audit_prepared(database: Database, prepared: Prepared) -> AuditReport:
    """Audit a submission before it is stored: its outputs alone, and copies and lengths beside others on a sample."""
    name, benchmark = prepared.model.name, prepared.report.benchmark
    texts = _spread({output.instruction: output.text for output in prepared.outputs}, _AT_SUBMIT)
    sample = _spread(texts, _COMPARED)
    instructions = {instruction.key: instruction.text for instruction in prepared.instructions}
    others: dict[str, dict[str, str]] = {}
    if not prepared.report.creates_benchmark:
        with database.read() as connection:
            benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
            stored = store.benchmarks.instructions(connection, benchmark_id)
            others = store.models.outputs_to(connection, benchmark_id, list(sample))
        instructions |= {instruction.key: instruction.text for instruction in stored}
    others.pop(name, None)
    answered = {key: instructions[key] for key in texts}
    alone = audit_submissions(SubmissionSet.of(answered, {name: texts}), templates())
    beside = audit_submissions(SubmissionSet.of(answered, {name: sample, **others}), [], models=[name])
    compared = [finding for finding in beside.findings if finding.rule in (COPY.name, LENGTH.name)]
    notes = [] if len(texts) == len(prepared.outputs) else [f"{len(texts)} of {len(prepared.outputs)} were looked at"]
    if others:
        notes.append(f"copies and lengths were looked for on {len(sample)} instructions")
    return replace(make_report(SUBMISSIONS, [*alone.findings, *compared], RULES, notes), about=(name,))


def keep_prepared(database: Database, prepared: Prepared, report: AuditReport) -> None:
    """Keep the audit of a submission that was stored; of a part of a model's outputs only where it is severe."""
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, prepared.report.benchmark)
        whole = len(prepared.outputs) == extent(connection, benchmark_id, prepared.model.name)
    if whole or not report.passed:
        keep(database, prepared.report.benchmark, AUDITS[SUBMISSIONS], report)


def _submission_set(connection: Connection, benchmark_id: int) -> SubmissionSet:
    """Every output to a benchmark, in memory at once."""
    names = store.benchmarks.model_names(connection, benchmark_id)
    instructions: dict[str, str] = {}
    outputs: dict[str, dict[str, str]] = {name: {} for name in names}
    for row in store.benchmarks.answered_instructions(connection, benchmark_id, names):
        instructions[row.instruction.key] = row.instruction.text
        for model, output in row.outputs.items():
            outputs[model][row.instruction.key] = output.text
    return SubmissionSet.of(instructions, outputs)


def _spread(texts: Mapping[str, str], most: int) -> dict[str, str]:
    """``most`` of the texts, evenly spaced; all where there are no more."""
    step = max(1, -(-len(texts) // most))
    return {key: texts[key] for key in list(texts)[::step]}


def _asked_findings(
    database: Database, settings: SubmissionAudit, models: Sequence[str], asking: Asking
) -> list[Finding]:
    """What a judge's answers say about the submissions; none where nothing is to be asked."""
    if not settings.permuted and not settings.likelihoods:
        return []
    if settings.judge is None:
        raise InputError("exchanged outputs and likelihoods need a judge: add --judge")
    judge = StageJudge.of(database, settings.judge, settings.concurrency, asking)
    findings = _permuted(settings, models, judge) if settings.permuted else []
    if settings.likelihoods:
        findings += likelihood_findings(_likelihoods(settings, models, judge), models)
    return findings


def _permuted(settings: SubmissionAudit, models: Sequence[str], judge: StageJudge) -> list[Finding]:
    judge.check_pairwise("exchanged outputs are compared, take a pairwise one")
    baseline = settings.baseline or choose_baseline(judge.database, settings.benchmark)[0]
    models = [name for name in models if name != baseline]
    instructions, outputs = _outputs(judge.database, settings, [*models, baseline], settings.permuted)
    texts: dict[str, dict[str, str]] = {}
    for name in (*models, baseline):
        own = outputs.get(name, {})
        if len(own) > 1:
            texts[_stored(name, "permuted")] = exchanged(own, settings.seed)
            texts[_stored(name, "in-place")] = own
    key = stage_key(sorted((name, sorted(own.items())) for name, own in texts.items()))
    stage = set_stage(judge.database, settings.benchmark, f"permuted-{key}", instructions, texts)
    opponent = _stored(baseline, "in-place")
    judge.ask(stage, baseline=opponent)
    preferences = judge.preferences(stage)

    def means(model: str, part: str) -> Floats:
        return np.array([*preferences.get((_stored(model, part), opponent), {}).values()], dtype=np.float64)

    control = means(baseline, "permuted")
    findings = (permuted_finding(name, means(name, "permuted"), means(name, "in-place"), control) for name in models)
    return [finding for finding in findings if finding is not None]


def _stored(model: str, part: str) -> str:
    return f"audit:{part}@{model}"


def _outputs(
    database: Database, settings: SubmissionAudit, names: Sequence[str], count: int
) -> tuple[list[Instruction], dict[str, dict[str, str]]]:
    """``count`` instructions drawn by the seed, and the outputs to them by model and key."""
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, settings.benchmark)
        for name in names:
            store.models.check_model(connection, name)
        every = store.benchmarks.instructions(connection, benchmark_id)
        instructions = drawn(sorted(every, key=attrgetter("key")), settings.seed, count)
        outputs = store.models.outputs_to(connection, benchmark_id, [instruction.key for instruction in instructions])
    return instructions, outputs


def _likelihoods(settings: SubmissionAudit, models: Sequence[str], judge: StageJudge) -> dict[str, dict[str, float]]:
    """Log-likelihood a token of every model's output, by model and instruction."""
    instructions, outputs = _outputs(judge.database, settings, models, settings.likelihoods)
    if judge.template.user:
        raise InputError(f"template {judge.template.id} asks for a verdict: likelihoods need pairwise/likelihood")
    opened = judge.open()

    async def weigh_all() -> dict[str, dict[str, float]]:
        try:
            return {question.key: await _weigh(judge, opened.client, question, outputs) for question in instructions}
        finally:
            await opened.close()

    weights = engine.runner.run_async(weigh_all())
    return {name: {key: by_model[name] for key, by_model in weights.items() if name in by_model} for name in outputs}


async def _weigh(
    judge: StageJudge, client: Client, instruction: Instruction, outputs: Mapping[str, Mapping[str, str]]
) -> dict[str, float]:
    """Log-likelihood a token of each model's output to one instruction. Raises BadReply."""
    texts = {name: by_key[instruction.key] for name, by_key in outputs.items() if instruction.key in by_key}
    prompt = LikelihoodPrompt(instruction.text, tuple(texts.values()))
    reply = await client.complete(prompt, judge.judge.settings)
    try:
        sums = json.loads(reply.text)
        pairs = zip(sums["conditional"], sums["tokens"], strict=True)
        return {name: float(total) / max(1, tokens) for name, (total, tokens) in zip(texts, pairs, strict=True)}
    except (ValueError, KeyError, TypeError) as error:
        raise BadReply(f"the judge gave no likelihoods: {reply.text[:80]!r}") from error
