"""The null-model audit as a study: entrants are stored like models, in a benchmark of their own, and judged in rounds.

The benchmark is called ``audit:BENCHMARK/KEY``, so null models never stand on an ordinary leaderboard; its outputs and
verdicts can be looked at with the usual commands. The key hangs on template, seed and the baseline's outputs: the same
command continues an audit, and another template is another audit.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from judgebench.audits.defences import SETTING, check_defence
from judgebench.audits.findings import AuditReport
from judgebench.audits.null_gate import EntrantResult, Gate, Seen, gate_report, measure, settled
from judgebench.audits.null_models import PREFIX, Entrant, panel
from judgebench.errors import InputError
from judgebench.execution.driving import OnProgress
from judgebench.execution.judges import describe
from judgebench.leaderboard import common_baseline
from judgebench.records import Instruction, Model, Output, content_key
from judgebench.spec import JudgeSpec, Study
from judgebench.stats.table import VerdictTable
from judgebench.stats.win_rate import win_rates
from judgebench.store import reader, writer
from judgebench.store.database import Database
from judgebench.study.run import run

_ROUNDS = (5, 10, 15, 20, 25, 32, 40, 50, 64, 80, 100, 128, 160)  # instructions after which the gate is looked at
_PAGE = 200
_KEY_DIGITS = 8


@dataclass(frozen=True, slots=True)
class NullAudit:
    """What is audited, and how far it may go."""

    benchmark: str
    judge: JudgeSpec
    baseline: str | None = None  # None: the one that every battle of the benchmark has
    gate: Gate = field(default_factory=Gate)
    limit: int = 200  # instructions at most
    seed: int = 0
    concurrency: int = 16


@dataclass(frozen=True, slots=True)
class _Stage:
    """The audit's own benchmark, stored."""

    name: str
    baseline: str
    entrants: Mapping[str, Entrant]  # by the name under which each is stored
    drawn: tuple[str, ...]  # instruction keys, in the order in which they are judged


def defended_spec(spec: JudgeSpec, defence: str) -> JudgeSpec:
    """The judge behind a defence, as another judge. Raises UnknownName."""
    check_defence(defence)
    name = describe(spec)[0].name
    return spec.model_copy(update={"name": f"{name}+{defence}", "settings": {**spec.settings, SETTING: defence}})


def null_models(
    database: Database, asked: NullAudit, *, environment: Mapping[str, str], on_progress: OnProgress | None = None
) -> AuditReport:
    """Enter the null models against the baseline, ask until the gate is decided, and report.

    Raises InputError for a pointwise judge or a benchmark without baseline outputs, UnknownName, and JudgeError when
    the judge cannot be asked; the same call continues then.
    """
    stage = _set_stage(database, asked)
    judge, _ = describe(asked.judge)
    results: Sequence[EntrantResult] = []
    undecided = list(stage.entrants)
    for size in _sizes(min(asked.limit, len(stage.drawn))):
        wanted = Study(
            benchmark=stage.name,
            judge=asked.judge,
            models=(*undecided, stage.baseline),
            baseline=stage.baseline,
            limit=size,
            concurrency=asked.concurrency,
        )
        report = run(database, wanted, environment=environment, on_progress=on_progress)
        results = _results(database, stage, judge.name, asked.gate)
        if report.interrupted or settled(results, asked.gate):
            break
        decided = [each.decided(asked.gate) is not None for each in results]
        undecided = [name for name, done in zip(stage.entrants, decided, strict=True) if not done]
    found = gate_report(results, asked.gate, _real(database, asked.benchmark, judge.name, stage.baseline))
    about = {"judge": judge.name, "template": judge.template, "benchmark": asked.benchmark, "stored_as": stage.name}
    return replace(found, details={**about, "baseline": stage.baseline, **found.details})


def _sizes(most: int) -> list[int]:
    return [size for size in _ROUNDS if size < most] + [most]


def _set_stage(database: Database, asked: NullAudit) -> _Stage:
    _, template = describe(asked.judge)
    if template.kind != "pairwise":
        raise InputError(f"template {template.id} is {template.kind}: null models are compared, choose a pairwise one")
    with database.read() as connection:
        benchmark_id = reader.benchmark_id(connection, asked.benchmark)
        table = reader.verdict_table(connection, benchmark_id).table
    baseline = asked.baseline or (common_baseline(table) if len(table) else None)
    if baseline is None:
        raise InputError(
            "no model took part in every battle: say against which model null models are entered, --baseline NAME"
        )
    answered = _answered(database, benchmark_id, baseline)
    good = {instruction.key: text for instruction, text in answered}
    key = content_key(template.digest, asked.seed, baseline, sorted(good.items()))[:_KEY_DIGITS]
    order = np.random.default_rng(asked.seed).permutation(len(answered))
    drawn = [answered[place] for place in order]
    entrants = {f"{PREFIX}{each.name}@{key}": each for each in panel(template, good, seed=asked.seed)}
    stage = _Stage(f"audit:{asked.benchmark}/{key}", baseline, entrants, tuple(i.key for i, _ in drawn))
    _store(database, stage, drawn)
    return stage


def _answered(database: Database, benchmark_id: int, baseline: str) -> list[tuple[Instruction, str]]:
    """The instructions that the baseline answered, with its outputs, by key."""
    found, after = [], 0
    with database.read() as connection:
        reader.check_model(connection, baseline)
        while page := reader.questions(connection, benchmark_id, [baseline], after=after, limit=_PAGE):
            found += [(each.instruction, output.text) for each in page for output in each.outputs.values()]
            after = page[-1].id
    return sorted(found, key=lambda pair: pair[0].key)


def _store(database: Database, stage: _Stage, drawn: Sequence[tuple[Instruction, str]]) -> None:
    with database.write() as connection:
        benchmark_id = writer.add_benchmark(connection, stage.name)
        writer.add_instructions(connection, benchmark_id, [instruction for instruction, _ in drawn])
        outputs = [Output(instruction.key, stage.baseline, text) for instruction, text in drawn]
        for name, entrant in stage.entrants.items():
            writer.add_model(connection, Model(name))
            outputs += [Output(each.key, name, entrant.write(each)) for each, _ in drawn]
        writer.add_outputs(connection, benchmark_id, outputs)


def _results(database: Database, stage: _Stage, judge: str, gate: Gate) -> list[EntrantResult]:
    with database.read() as connection:
        benchmark_id = reader.benchmark_id(connection, stage.name)
        table = reader.verdict_table(connection, benchmark_id, judges=[judge]).table
    place = {key: number for number, key in enumerate(stage.drawn)}
    drawn = np.argsort([place[table.instructions[code]] for code in table.instruction], kind="stable")
    table = table.select(drawn)
    return [
        measure(each.name, each.about, _seen(table, name), gate, entrants=len(stage.entrants))
        for name, each in stage.entrants.items()
    ]


def _seen(table: VerdictTable, name: str) -> list[Seen]:
    if name not in table.models:
        return []
    code = table.model_code(name)
    as_a = table.model_a == code
    rows = np.flatnonzero(as_a | (table.model_b == code))
    return [
        Seen(
            instruction=table.instructions[table.instruction[row]],
            first=bool(as_a[row] == (table.order[row] == 0)),
            preference=float(table.preference[row] if as_a[row] else 1.0 - table.preference[row]),
        )
        for row in rows
    ]


def _real(database: Database, benchmark: str, judge: str, baseline: str) -> dict[str, float]:
    """Win rates of real models against the baseline by this judge, in the ordinary benchmark."""
    with database.read() as connection:
        benchmark_id = reader.benchmark_id(connection, benchmark)
        table = reader.verdict_table(connection, benchmark_id, judges=[judge]).table
    if not len(table) or baseline not in table.models:
        return {}
    rates = win_rates(table, baseline=baseline)
    return {
        name: float(rate)
        for name, rate, battles in zip(rates.models, rates.rate, rates.battles, strict=True)
        if battles and name != baseline
    }
