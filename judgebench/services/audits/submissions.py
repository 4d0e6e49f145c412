"""The submission audit: read what is stored, or about to be, look for what it should not hold, and ask a judge about it
where one is named.

Outputs that are exchanged between instructions are stored in a stage, beside the same outputs in place.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any

import numpy as np

from judgebench import engine, services, store
from judgebench.audits import SUBMISSIONS
from judgebench.audits.findings import AuditReport, Finding, Severity, make_report, read_reports
from judgebench.audits.null_models import exchanged
from judgebench.audits.parts import part_findings, told
from judgebench.audits.rules import RULES, audit_submissions
from judgebench.audits.rules.outcomes import ASKED_RULES, LIKELIHOOD, PERMUTED, likelihood_findings, permuted_finding
from judgebench.audits.submission_set import SubmissionSet
from judgebench.clients.base import Client
from judgebench.counts import count as counted
from judgebench.errors import BadReply, InputError
from judgebench.judging.templates import Template
from judgebench.records import Instruction, LikelihoodPrompt, Output
from judgebench.services.audits.registry import Asking, SubmissionAudit, audit
from judgebench.services.audits.stage import StageJudge, choose_baseline, drawn, set_stage, stage_key
from judgebench.services.submissions import Prepared
from judgebench.spec import load_template, templates
from judgebench.stats.verdict_table import Floats, VerdictTable
from judgebench.store.audits import newest_audits
from judgebench.store.database import Connection, Database

_ASKED = frozenset(rule.name for rule in ASKED_RULES)
_Row = tuple[Instruction, Mapping[str, Sequence[Output]]]  # an instruction, with the samples of each model to it


def submissions(database: Database, settings: SubmissionAudit, asking: Asking) -> AuditReport:
    """Audit what was submitted to the benchmark, with its verdicts where it has any.

    Outputs are held against the package's templates and the settings' own.

    Raises UnknownName, InputError for a judge that cannot be asked so, and JudgeError.
    """
    marks = [*templates(), *(load_template(path) for path in settings.template)]
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, settings.benchmark)
        entered = _Entered.of(_stored_rows(connection, benchmark_id))
        table = store.arrays.verdict_table(connection, benchmark_id).table
    models = settings.model or entered.models
    answers = _asked_findings(database, settings, models, asking)
    with database.read() as connection:
        numbers = {PERMUTED.name: settings.permuted, LIKELIHOOD.name: settings.likelihoods}
        before = _asked_before(connection, benchmark_id, models, numbers)
    return _report(entered, marks, models, table, answers, before)


def most_calls(database: Database, settings: SubmissionAudit) -> int:
    """0 where no judge is named. Raises UnknownName."""
    if settings.judge is None:
        return 0
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, settings.benchmark)
        models = settings.model or store.benchmarks.model_names(connection, benchmark_id)
    return 2 * settings.permuted * (2 * len(models) + 1) + settings.likelihoods


def audit_stored(
    database: Database, benchmark: str, models: Iterable[str], *, unchanged: bool = False
) -> AuditReport:  # fmt: skip
    """Audit these models' outputs as they are stored, beside those of all others, and keep what was found: what
    ``judgebench audit submissions --model`` does. No judge is asked.

    ``unchanged``: nothing was stored just now; then audits that look at all there is are left as they are.

    Raises UnknownName.
    """
    settings = SubmissionAudit(benchmark=benchmark, model=tuple(sorted(models)))
    if unchanged:
        kept = services.audits.results.audits(database, benchmark, kind=SUBMISSIONS)
        if set(settings.model) <= {stored.model for stored in kept if not stored.stale}:
            return submissions(database, settings, Asking({}, None))
    return audit(database, SUBMISSIONS, settings, environment={})


def audit_prepared(database: Database, prepared: Prepared) -> AuditReport:
    """What ``audit_stored`` will find once the submission is stored. Nothing is written."""
    name, report = prepared.model.name, prepared.report
    if report.creates_benchmark:
        return _report(_Entered.of(_with_prepared([], prepared)), templates(), [name])
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, report.benchmark)
        entered = _Entered.of(_with_prepared(_stored_rows(connection, benchmark_id), prepared))
        table = store.arrays.verdict_table(connection, benchmark_id).table
        before = _asked_before(connection, benchmark_id, [name], {})
    return _report(entered, templates(), [name], table, before=before)


@dataclass(frozen=True, slots=True)
class _Entered:
    """Outputs to a benchmark, all in memory: the first samples, and then the others, number by number."""

    first: SubmissionSet
    further: tuple[SubmissionSet, ...]
    extents: Mapping[str, int]  # outputs of each model, all samples together
    categories: Mapping[str, str | None]  # instruction key -> category

    @classmethod
    def of(cls, rows: Iterable[_Row]) -> "_Entered":
        instructions: dict[str, Instruction] = {}
        sets: list[dict[str, dict[str, Output]]] = [{}]
        extents: Counter[str] = Counter()
        for instruction, samples in rows:
            instructions[instruction.key] = instruction
            extents.update({model: len(outputs) for model, outputs in samples.items()})
            for model, outputs in samples.items():
                for number, output in enumerate(outputs):
                    if number == len(sets):
                        sets.append({})
                    sets[number].setdefault(model, {})[instruction.key] = output
        first, *further = (SubmissionSet.of_outputs(instructions, outputs) for outputs in sets)
        categories = {key: instruction.category for key, instruction in instructions.items()}
        return cls(first, tuple(further), extents, categories)

    @property
    def models(self) -> tuple[str, ...]:
        return tuple(sorted(self.first.by_model))


def _stored_rows(connection: Connection, benchmark_id: int) -> Iterator[_Row]:
    names = store.benchmarks.model_names(connection, benchmark_id)
    for row in store.benchmarks.answered_instructions(connection, benchmark_id, names):
        yield row.instruction, row.samples


def _with_prepared(stored: Iterable[_Row], prepared: Prepared) -> Iterator[_Row]:
    """The rows as they will be once the submission is stored."""
    model = prepared.model.name
    new: dict[str, dict[int, Output]] = {}
    for output in prepared.outputs:
        new.setdefault(output.instruction, {})[output.sample] = output
    for instruction, samples in stored:
        known = {output.sample: output for output in samples.get(model, ())}
        mine = known | new.pop(instruction.key, {})
        yield instruction, {**samples, model: [mine[number] for number in sorted(mine)]} if mine else samples
    for instruction in prepared.instructions:
        mine = new.pop(instruction.key, {})
        yield instruction, {model: [mine[number] for number in sorted(mine)]} if mine else {}


def _report(
    entered: _Entered,
    marks: Sequence[Template],
    models: Sequence[str],
    table: VerdictTable | None = None,
    answers: tuple[Sequence[Finding], Sequence[str]] = ((), ()),
    before: "_AskedBefore | None" = None,
) -> AuditReport:
    """What rules find in the models' outputs, beside what a judge answered, with notes, and what one did before."""
    report = audit_submissions(entered.first, marks, models=models, table=table)
    findings = _with_worse(report.findings, _of_samples(entered.further, marks, models))
    in_parts = [
        severe
        for sampled in (entered.first, *entered.further)
        for severe in part_findings(sampled, findings, marks, categories=entered.categories)
    ]
    findings = _with_worse(findings, (finding for _, finding in in_parts))
    of_judge, notes_of_judge = answers
    notes = [*report.notes, *_about_samples(entered.further), *_about_parts(in_parts), *notes_of_judge]
    rules = (*RULES, *ASKED_RULES)
    findings = [*findings, *of_judge]
    details: dict[str, Any] = {}
    if before is not None:
        findings, notes = _with_worse(findings, before.findings), [*notes, *before.notes]
        details = {"asked": before.asked} if before.asked else {}
    report = replace(make_report(SUBMISSIONS, findings, rules, notes), details=details)
    extents = {name: entered.extents[name] for name in models}
    return replace(report, about=tuple(models), extents=extents)


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


def _about_parts(in_parts: Sequence[tuple[str, Finding]]) -> list[str]:
    """What is severe in a part alone, once for each model and part."""
    places = sorted({(finding.model, name) for name, finding in in_parts})
    return [
        told(model, name, [finding for part, finding in in_parts if (finding.model, part) == (model, name)])
        for model, name in places
    ]


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


@dataclass(frozen=True, slots=True)
class _AskedBefore:
    """What earlier audits asked a judge about more instructions than this one: it holds, as outputs never change."""

    findings: tuple[Finding, ...]
    asked: Mapping[str, Mapping[str, int]]  # model -> rule -> instructions at most, now or before

    @property
    def notes(self) -> list[str]:
        kept = sorted({finding.model for finding in self.findings})
        return [f"an earlier audit asked a judge about more outputs of {name}: what it found stands" for name in kept]


def _asked_before(
    connection: Connection, benchmark_id: int, models: Sequence[str], numbers: Mapping[str, int]
) -> _AskedBefore:
    """``numbers``: rule -> instructions about which this audit asks a judge."""
    findings: list[Finding] = []
    now = {rule: number for rule, number in numbers.items() if number}
    by_model = {name: dict(now) for name in models} if now else {}
    for stored in newest_audits(connection, benchmark_id, kind=SUBMISSIONS):
        if stored.model is None or stored.model not in models:
            continue
        known = [one for one in read_reports([stored.document]).findings if one.rule in _ASKED]
        sizes = dict(stored.document.get("asked", {}).get(stored.model, {}))
        before = {finding.rule: 1 for finding in known} | sizes  # an earlier version did not say how many
        more = {rule: number for rule, number in before.items() if number > now.get(rule, 0)}
        findings += [finding for finding in known if finding.rule in more]
        if more:
            by_model[stored.model] = {**by_model.get(stored.model, {}), **more}
    return _AskedBefore(tuple(findings), by_model)


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
        f"{more:,} of {counted(len(chosen), 'output')} hold more than text, such as tool calls or files: they were "
        "neither exchanged nor weighed"
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
    reply = await client.complete(prompt, judge.judge.sent)
    try:
        sums = json.loads(reply.text)
        pairs = zip(sums["conditional"], sums["tokens"], strict=True)
        return {name: float(total) / max(1, tokens) for name, (total, tokens) in zip(texts, pairs, strict=True)}
    except (ValueError, KeyError, TypeError) as error:
        raise BadReply(f"the judge gave no likelihoods: {reply.text[:80]!r}") from error
