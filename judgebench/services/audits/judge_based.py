"""The part of the submission audit that asks a judge: outputs exchanged between instructions, and likelihoods.

Exchanged outputs are stored like models in a benchmark of their own, ``audit:BENCHMARK/permuted-KEY``, beside the same
outputs in place, so nothing of it stands on an ordinary leaderboard; the same command continues it.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from judgebench import engine, store
from judgebench.audits.findings import Finding, mean_by_instruction
from judgebench.audits.null_models import exchanged
from judgebench.audits.rules.outcomes import likelihood_findings, permuted_finding
from judgebench.engine.judges import open_judge, resolve
from judgebench.engine.run import run
from judgebench.engine.runner import OnProgress
from judgebench.errors import BadReply, InputError
from judgebench.records import Instruction, LikelihoodPrompt, Model, Output, content_key
from judgebench.services.audits.stage import choose_baseline
from judgebench.spec import JudgeSpec, Study
from judgebench.stats.verdict_table import Floats, VerdictTable
from judgebench.store.database import Database


@dataclass(frozen=True, slots=True)
class AskedAudit:
    """Which submissions a judge is asked about, and on how many instructions."""

    benchmark: str
    judge: JudgeSpec
    models: Sequence[str]
    baseline: str | None = None
    permuted: int = 0  # instructions; 0: outputs are not exchanged
    likelihoods: int = 0  # instructions; 0: no likelihoods
    seed: int = 0
    concurrency: int = 16


def asked_findings(
    database: Database, asked: AskedAudit, *, environment: Mapping[str, str], on_progress: OnProgress | None = None
) -> list[Finding]:
    """What a judge's answers say about the submissions.

    Raises InputError for a judge that cannot be asked so, UnknownName, and JudgeError.
    """
    found: list[Finding] = []
    if asked.permuted:
        found += _permuted(database, asked, environment, on_progress)
    if asked.likelihoods:
        by_model = _likelihoods(database, asked, environment)
        found += likelihood_findings(by_model, asked.models)
    return found


def _permuted(
    database: Database, asked: AskedAudit, environment: Mapping[str, str], on_progress: OnProgress | None
) -> list[Finding]:
    resolved = resolve(asked.judge)
    judge, template = resolved.judge, resolved.template
    if template.kind != "pairwise":
        raise InputError(
            f"template {template.id} is {template.kind}: exchanged outputs are compared, take a pairwise one"
        )
    baseline = asked.baseline or choose_baseline(database, asked.benchmark)[0]
    models = [name for name in asked.models if name != baseline]
    drawn, outputs = _outputs(database, asked.benchmark, [*models, baseline], asked.permuted, asked.seed)
    keys = {each.key for each in drawn}
    texts: dict[str, dict[str, str]] = {}
    for name in (*models, baseline):
        mine = {key: text for key, text in outputs.get(name, {}).items() if key in keys}
        if len(mine) > 1:
            texts[_stored(name, "permuted")] = exchanged(mine, asked.seed)
            texts[_stored(name, "in-place")] = mine
    stage = _store(database, asked.benchmark, drawn, texts)
    opponent = _stored(baseline, "in-place")
    study = Study(
        benchmark=stage,
        judge=asked.judge,
        baseline=opponent,
        concurrency=asked.concurrency,
    )
    run(database, study, environment=environment, judge=resolved, on_progress=on_progress)
    with database.read() as connection:
        table = store.arrays.verdict_table(
            connection, store.benchmarks.benchmark_id(connection, stage), judges=[judge.name]
        ).table
    control = _means(table, _stored(baseline, "permuted"), opponent)
    found = [
        permuted_finding(
            name,
            _means(table, _stored(name, "permuted"), opponent),
            _means(table, _stored(name, "in-place"), opponent),
            control,
        )
        for name in models
    ]
    return [each for each in found if each is not None]


def _stored(model: str, part: str) -> str:
    return f"audit:{part}@{model}"


def _outputs(
    database: Database, benchmark: str, names: Sequence[str], count: int, seed: int
) -> tuple[list[Instruction], dict[str, dict[str, str]]]:
    """``count`` instructions drawn by the seed, and the outputs to them."""
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
        for name in names:
            store.models.check_model(connection, name)
        asked = sorted(store.benchmarks.instructions(connection, benchmark_id), key=lambda each: each.key)
        drawn = [asked[place] for place in np.random.default_rng(seed).permutation(len(asked))[:count]]
        found = store.models.outputs_to(connection, benchmark_id, [each.key for each in drawn])
    return drawn, found


def _store(
    database: Database, benchmark: str, drawn: Sequence[Instruction], texts: Mapping[str, Mapping[str, str]]
) -> str:
    """The name of the benchmark that holds them."""
    name = f"audit:{benchmark}/permuted-{content_key(sorted((m, sorted(t.items())) for m, t in texts.items()))[:8]}"
    with database.write() as connection:
        benchmark_id = store.benchmarks.add_benchmark(connection, name)
        store.benchmarks.add_instructions(connection, benchmark_id, drawn)
        for model in texts:
            store.models.add_model(connection, Model(model))
        outputs = [Output(key, model, text) for model, mine in texts.items() for key, text in mine.items()]
        store.models.add_outputs(connection, benchmark_id, outputs)
    return name


def _means(table: VerdictTable, model: str, opponent: str) -> Floats:
    """Mean preference for the model against the opponent, one an instruction."""
    if not {model, opponent} <= set(table.models):
        return np.empty(0)
    mine, theirs = table.model_code(model), table.model_code(opponent)
    as_a, as_b = (
        (table.model_a == mine) & (table.model_b == theirs),
        (table.model_b == mine) & (table.model_a == theirs),
    )
    chosen = as_a | as_b
    preference = np.where(as_a, table.preference, 1.0 - table.preference)[chosen]
    return mean_by_instruction(table.instruction[chosen], preference)


def _likelihoods(database: Database, asked: AskedAudit, environment: Mapping[str, str]) -> dict[str, dict[str, float]]:
    """Log-likelihood a token of every model's output, by model and instruction."""
    drawn, outputs = _outputs(database, asked.benchmark, asked.models, asked.likelihoods, asked.seed)
    resolved = resolve(asked.judge)
    if resolved.template.user:
        raise InputError(f"template {resolved.template.id} asks for a verdict: likelihoods need pairwise/likelihood")
    opened = open_judge(resolved, environment, concurrency=asked.concurrency)

    async def ask() -> list[dict[str, float]]:
        try:
            return [await one(each) for each in drawn]
        finally:
            await opened.client.close()

    async def one(instruction: Instruction) -> dict[str, float]:
        names = [name for name in outputs if instruction.key in outputs[name]]
        texts = tuple(outputs[name][instruction.key] for name in names)
        reply = await opened.client.complete(LikelihoodPrompt(instruction.text, texts), resolved.judge.settings)
        try:
            said = json.loads(reply.text)
            pairs = zip(said["conditional"], said["tokens"], strict=True)
            return {name: float(total) / max(1, tokens) for name, (total, tokens) in zip(names, pairs, strict=True)}
        except (ValueError, KeyError, TypeError) as error:
            raise BadReply(f"the judge gave no likelihoods: {reply.text[:80]!r}") from error

    found = engine.runner.run_async(ask())
    return {
        name: {instruction.key: each[name] for instruction, each in zip(drawn, found, strict=True) if name in each}
        for name in outputs
    }
