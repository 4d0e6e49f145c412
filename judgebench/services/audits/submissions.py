"""The submission audit: read what is stored, or about to be, look for what it should not hold, and ask a judge about it
where one is named.

Outputs that are exchanged between instructions are stored in a stage, beside the same outputs in place.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from operator import attrgetter

import numpy as np

from judgebench import engine, store
from judgebench.audits import SUBMISSIONS
from judgebench.audits.findings import AuditReport, Finding, Severity, make_report
from judgebench.audits.null_models import exchanged
from judgebench.audits.rules import RULES, audit_submissions, copies
from judgebench.audits.rules.comparison import LENGTH
from judgebench.audits.rules.outcomes import ASKED_RULES, likelihood_findings, permuted_finding
from judgebench.audits.submission_set import SubmissionSet
from judgebench.clients.base import Client
from judgebench.errors import BadReply, InputError
from judgebench.judging.templates import Template
from judgebench.records import Instruction, LikelihoodPrompt, Output
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
    marks = [*templates(), *(load_template(path) for path in settings.template)]
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, settings.benchmark)
        entered, further = _submission_sets(connection, benchmark_id)
        table = store.arrays.verdict_table(connection, benchmark_id).table
    models = settings.model or tuple(entered.by_model)
    asked_findings, asked_notes = _asked_findings(database, settings, models, asking)
    report = audit_submissions(entered, marks, models=models, table=table)
    findings = _with_worse(report.findings, _of_samples(further, marks, models))
    notes, rules = [*report.notes, *_about_samples(further), *asked_notes], (*RULES, *ASKED_RULES)
    report = make_report(SUBMISSIONS, [*findings, *asked_findings], rules, notes)
    return replace(report, about=models)


def audit_prepared(database: Database, prepared: Prepared) -> AuditReport:
    """Audit a submission before it is stored: its outputs alone, and copies and lengths beside others on a sample."""
    name, benchmark = prepared.model.name, prepared.report.benchmark
    firsts, *further = _by_sample(prepared.outputs)
    looked_at = _spread(firsts, _AT_SUBMIT)
    sample = _spread(looked_at, _COMPARED)
    instructions = {instruction.key: instruction for instruction in prepared.instructions}
    others: dict[str, dict[str, Output]] = {}
    if not prepared.report.creates_benchmark:
        with database.read() as connection:
            benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
            stored = store.benchmarks.instructions(connection, benchmark_id)
            others = store.models.outputs_to(connection, benchmark_id, list(sample))
        instructions |= {instruction.key: instruction for instruction in stored}
    others.pop(name, None)
    answered = {key: instructions[key] for key in looked_at}
    alone = audit_submissions(SubmissionSet.of_outputs(answered, {name: looked_at}), templates())
    sets = [SubmissionSet.of_outputs(instructions, {name: _spread(outputs, _AT_SUBMIT)}) for outputs in further]
    beside = audit_submissions(SubmissionSet.of_outputs(answered, {name: sample, **others}), [], models=[name])
    names = {LENGTH.name, *(rule.name for rule in copies.RULES)}
    compared = [finding for finding in beside.findings if finding.rule in names]
    findings = _with_worse(alone.findings, _of_samples(sets, templates(), [name]))
    notes = [] if len(looked_at) == len(firsts) else [f"{len(looked_at)} of {len(firsts)} were looked at"]
    if others:
        notes.append(f"copies and lengths were looked for on {len(sample)} instructions")
    return replace(make_report(SUBMISSIONS, [*findings, *compared], RULES, notes + _about_samples(sets)), about=(name,))


def _by_sample(outputs: Iterable[Output]) -> list[dict[str, Output]]:
    """One model's first samples by the instruction's key, then its second ones, and so on; at least the first."""
    samples: dict[int, dict[str, Output]] = {0: {}}
    for output in outputs:
        samples.setdefault(output.sample, {})[output.instruction] = output
    return [samples[number] for number in sorted(samples)]


def _of_samples(
    further: Iterable[SubmissionSet], marks: Sequence[Template], models: Sequence[str]
) -> Iterator[Finding]:
    """What the second and later samples hold."""
    for entered in further:
        having = [name for name in models if name in entered.by_model]
        yield from audit_submissions(entered, marks, models=having).findings


def _with_worse(findings: Sequence[Finding], further: Iterable[Finding]) -> list[Finding]:
    """Findings in first samples, and those in others that are new or worse than what the rule found before."""
    ranks, kept = list(Severity), list(findings)
    for finding in further:
        same = [known for known in kept if (known.model, known.rule) == (finding.model, finding.rule)]
        if all(ranks.index(known.severity) < ranks.index(finding.severity) for known in same):
            kept = [*(known for known in kept if known not in same), finding]
    return kept


def _about_samples(further: Sequence[SubmissionSet]) -> list[str]:
    if not further:
        return []
    count = len(further) + 1
    return [f"outputs have up to {count} samples: each was looked at, and of a finding in several the worst is told"]


def keep_prepared(database: Database, prepared: Prepared, report: AuditReport) -> None:
    """Keep the audit of a submission that was stored; of a part of a model's outputs only where it is severe."""
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, prepared.report.benchmark)
        whole = len(prepared.outputs) == extent(connection, benchmark_id, prepared.model.name)
    if whole or not report.passed:
        keep(database, prepared.report.benchmark, AUDITS[SUBMISSIONS], report)


def _submission_sets(connection: Connection, benchmark_id: int) -> tuple[SubmissionSet, list[SubmissionSet]]:
    """Every output to a benchmark, in memory at once: the first samples, and then the others, number by number."""
    names = store.benchmarks.model_names(connection, benchmark_id)
    instructions: dict[str, Instruction] = {}
    sets: list[dict[str, dict[str, Output]]] = [{name: {} for name in names}]
    for row in store.benchmarks.answered_instructions(connection, benchmark_id, names):
        instructions[row.instruction.key] = row.instruction
        for model, samples in row.samples.items():
            for number, output in enumerate(samples):
                if number == len(sets):
                    sets.append({})
                sets[number].setdefault(model, {})[row.instruction.key] = output
    first, *further = (SubmissionSet.of_outputs(instructions, outputs) for outputs in sets)
    return first, further


def _spread(outputs: Mapping[str, Output], most: int) -> dict[str, Output]:
    """``most`` of the outputs, evenly spaced; all where there are no more."""
    step = max(1, -(-len(outputs) // most))
    return {key: outputs[key] for key in list(outputs)[::step]}


def _asked_findings(
    database: Database, settings: SubmissionAudit, models: Sequence[str], asking: Asking
) -> tuple[list[Finding], list[str]]:
    """What a judge's answers say about the submissions, and what was left out; nothing where nothing is to be asked."""
    if not settings.permuted and not settings.likelihoods:
        return [], []
    if settings.judge is None:
        raise InputError("exchanged outputs and likelihoods need a judge: add --judge")
    judge = StageJudge.of(database, settings.judge, settings.concurrency, asking)
    findings, notes = _permuted(settings, models, judge) if settings.permuted else ([], [])
    if settings.likelihoods:
        weights, left_out = _likelihoods(settings, models, judge)
        return [*findings, *likelihood_findings(weights, models)], [*notes, *left_out]
    return findings, notes


def _permuted(settings: SubmissionAudit, models: Sequence[str], judge: StageJudge) -> tuple[list[Finding], list[str]]:
    judge.check_pairwise("exchanged outputs are compared, take a pairwise one")
    baseline = settings.baseline or choose_baseline(judge.database, settings.benchmark)[0]
    models = [name for name in models if name != baseline]
    instructions, outputs, notes = _texts(judge.database, settings, [*models, baseline], settings.permuted)
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
    return [finding for finding in findings if finding is not None], notes


def _stored(model: str, part: str) -> str:
    return f"audit:{part}@{model}"


def _texts(
    database: Database, settings: SubmissionAudit, names: Sequence[str], count: int
) -> tuple[list[Instruction], dict[str, dict[str, str]], list[str]]:
    """``count`` instructions drawn by the seed, the outputs to them that are texts by model and key, and how many were
    left out, in words."""
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, settings.benchmark)
        for name in names:
            store.models.check_model(connection, name)
        every = store.benchmarks.instructions(connection, benchmark_id)
        instructions = drawn(sorted(every, key=attrgetter("key")), settings.seed, count)
        outputs = store.models.outputs_to(connection, benchmark_id, [instruction.key for instruction in instructions])
    chosen = [output for name in names for output in outputs.get(name, {}).values()]
    more = sum(not output.plain for output in chosen)
    notes = [
        f"{more} of {len(chosen)} outputs hold more than text, such as tool calls or files: they were neither "
        "exchanged nor weighed"
    ]  # fmt: skip
    texts = {
        model: {key: output.text for key, output in mine.items() if output.plain} for model, mine in outputs.items()
    }
    return instructions, texts, notes if more else []


def _likelihoods(
    settings: SubmissionAudit, models: Sequence[str], judge: StageJudge
) -> tuple[dict[str, dict[str, float]], list[str]]:
    """Log-likelihood a token of every model's output, by model and instruction; and what was left out, in words."""
    instructions, outputs, notes = _texts(judge.database, settings, models, settings.likelihoods)
    instructions = [instruction for instruction in instructions if instruction.plain]
    if judge.template.user:
        raise InputError(f"template {judge.template.id} asks for a verdict: likelihoods need pairwise/likelihood")
    opened = judge.open()

    async def weigh_all() -> dict[str, dict[str, float]]:
        try:
            return {question.key: await _weigh(judge, opened.client, question, outputs) for question in instructions}
        finally:
            await opened.close()

    weights = engine.runner.run_async(weigh_all())
    by_model = {name: {key: mine[name] for key, mine in weights.items() if name in mine} for name in outputs}
    return by_model, notes


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
