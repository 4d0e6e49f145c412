"""Agreement of judges with people and with each other, and the battles that a judge had better leave to people."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from judgebench import store
from judgebench.bias.confidence import Selection, Threshold, calibrate, confidence_of, evaluate, one_each
from judgebench.bias.human_agreement import (
    FORMS,
    AgreementReport,
    LabelledBattles,
    agreement_report,
    labelled_battles,
    score_agreement,
)
from judgebench.coverage import Coverage
from judgebench.estimate import Estimate, unidentified
from judgebench.records import Instruction, Output
from judgebench.services.bias import failed_items, judged
from judgebench.services.comparisons import check_compared
from judgebench.services.scope import Scope, scoped_verdicts
from judgebench.stats.agreement import Resampling, outcomes
from judgebench.store.arrays import StoredScores, score_table, verdict_table
from judgebench.store.benchmarks import AnsweredInstruction
from judgebench.store.database import Connection, Database


def agreement(
    database: Database,
    benchmark: str,
    *,
    judges: Sequence[str] = (),
    category: str | None = None,
    how: Resampling | None = None,
) -> AgreementReport:
    """Agreement of ``judges``, all where none is named, with people and each other.

    Raises UnknownName for any name that is not there, and StatisticsError without verdict, score and label.
    """
    how = how or Resampling()
    with database.read() as connection:
        known = judged(connection, benchmark, judges=judges, category=category, style=False)
        benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
        scores = score_table(connection, benchmark_id, judges=judges, category=category)
        table = known.table
        if judges:
            table = table.select(np.isin(table.judge, [table.judges.index(name) for name in judges]))
        coverage = _coverage(connection, benchmark, judges, category) if len(table) else None
    items = labelled_battles(table, known.beside.labels)
    with threadpool_limits(1, "blas"):  # as in leaderboard.build
        report = agreement_report(
            items,
            categories=known.stored.categories,
            failed=failed_items(items, table, known.stored.without),
            score_icc=_score_icc(scores, how),
            how=how,
        )
    return replace(report, coverage=coverage)


def _coverage(connection: Connection, benchmark: str, judges: Sequence[str], category: str | None) -> Coverage:
    """Of the verdicts that are compared, those on flagged models among them."""
    scope = Scope(tuple(judges), category, all_judges=not judges, with_flagged=True)
    verdicts = scoped_verdicts(connection, benchmark, scope)
    return replace(verdicts.covered(verdicts.judged), judges_by="each")


def _score_icc(stored: StoredScores, how: Resampling) -> dict[str, Estimate]:
    """Of the mean score that each judge gave each output."""
    scores = stored.table
    judges = np.unique(scores.judge)
    if len({stored.templates[code] for code in judges}) > 1:
        names = ", ".join(scores.judges[code] for code in judges)
        reason = f"the scores of {names} are on different scales: choose judges with one template"
        return dict.fromkeys(FORMS, unidentified(reason, level=how.level, n=len(scores)))
    output = scores.instruction.astype(np.int64) * max(len(scores.models), 1) + scores.model
    outputs, row = np.unique(output, return_inverse=True)
    cell = row * max(len(judges), 1) + np.searchsorted(judges, scores.judge)
    size = len(outputs) * len(judges)
    count, total = np.bincount(cell, minlength=size), np.bincount(cell, weights=scores.score, minlength=size)
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan).reshape(len(outputs), len(judges))
    return score_agreement(mean, (outputs // max(len(scores.models), 1)).astype(np.int32), how=how)


@dataclass(frozen=True, slots=True)
class Allowed:
    """What is asked of the verdicts that are kept."""

    risk: float = 0.1  # share of them that people would contradict, at most
    failure: float = 0.05  # probability that this does not hold
    least: int = 30  # labelled battles above any threshold
    seed: int = 0  # which label of each instruction is used, and the order in which outputs are shown


@dataclass(frozen=True, slots=True)
class QueuedBattle:
    """A battle for people, outputs in the order to show them. Keep the models' names from who labels it."""

    instruction: Instruction
    first: Output
    second: Output
    confidence: float  # of the judge, in [1/2, 1]


@dataclass(frozen=True, slots=True)
class HumanQueue:
    """The threshold, what it does on labels it was not chosen on, and the battles below it, the least certain first."""

    judge: str
    threshold: Threshold
    held_out: Selection  # of a threshold from half of the labelled instructions, on the other half
    kept: int  # battles without a label whose verdict is kept
    battles: tuple[QueuedBattle, ...]
    sampled: int = 0  # of the battles, those between models with several samples, of which the first are shown


def human_queue(database: Database, benchmark: str, judge: str, allowed: Allowed | None = None) -> HumanQueue:
    """Calibrate on the benchmark's labels; queue the unlabelled battles of the judge that are below the threshold.

    A battle's confidence is that of the mean over its orders. Battles on which people tie say nothing about who is
    wrong and are left out; a judge's tie where people name a winner is wrong. Raises UnknownName, InputError for
    rates outside (0, 1), and StatisticsError where the judge compared no outputs.
    """
    allowed = allowed or Allowed()
    with database.read() as connection:
        known = judged(connection, benchmark, judges=[judge], style=False)
        table, benchmark_id = known.table, store.benchmarks.benchmark_id(connection, benchmark)
        if not (table.judge == table.judges.index(judge)).any():
            without = verdict_table(connection, benchmark_id, judges=[judge]).left_out
            check_compared(connection, benchmark_id, without, [judge], None)
        items = labelled_battles(table.select(table.judge == table.judges.index(judge)), known.beside.labels)
        rng = np.random.default_rng(allowed.seed)
        preference = items.judges[:, 0] if items.judges.shape[1] else np.full(len(items), np.nan)
        confidence, wrong, usable = _calibration(items, preference)
        rows = np.flatnonzero(usable)
        rows = rows[one_each(items.instruction[rows], rng)]
        threshold = _calibrated(confidence[rows], wrong[rows], allowed)
        waiting = np.isfinite(preference) & ~items.labelled
        kept = waiting & threshold.keeps(confidence)
        below = np.flatnonzero(waiting & ~kept)
        below = below[np.argsort(confidence[below], kind="stable")]
        answered = _answered(connection, benchmark_id, items, below, table.instructions)
    shuffled = random.Random(allowed.seed)  # noqa: S311 - it shuffles, it keeps no secret
    battles, sampled = [], 0
    for at in below:
        row = answered[table.instructions[items.instruction[at]]]
        pair = [items.models[items.model_a[at]], items.models[items.model_b[at]]]
        shuffled.shuffle(pair)
        sampled += any(len(row.samples[model]) > 1 for model in pair)
        first, second = (row.outputs[model] for model in pair)
        battles.append(QueuedBattle(row.instruction, first, second, float(confidence[at])))
    held_out = _held_out(confidence[rows], wrong[rows], items.instruction[rows], allowed, rng)
    return HumanQueue(judge, threshold, held_out, int(kept.sum()), tuple(battles), sampled)


def _calibration(
    items: LabelledBattles, preference: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_]]:
    """(m,) confidence, whether people contradict the verdict, and whether both said enough to tell."""
    people = outcomes(items.consensus)
    usable = np.isfinite(preference) & np.isfinite(people) & (people != 1)
    confidence = np.where(np.isfinite(preference), confidence_of(np.nan_to_num(preference, nan=0.5)), 0.5)
    return confidence, np.asarray(outcomes(preference) != people), np.asarray(usable)


def _calibrated(confidence: NDArray[np.float64], wrong: NDArray[np.bool_], allowed: Allowed) -> Threshold:
    return calibrate(confidence, wrong, risk=allowed.risk, failure=allowed.failure, least=allowed.least)


def _held_out(
    confidence: NDArray[np.float64],
    wrong: NDArray[np.bool_],
    clusters: NDArray[np.integer],
    allowed: Allowed,
    rng: np.random.Generator,
) -> Selection:
    order = rng.permutation(len(confidence))
    one, other = order[: len(order) // 2], order[len(order) // 2 :]
    threshold = _calibrated(confidence[one], wrong[one], allowed)
    return evaluate(threshold, confidence[other], wrong[other], clusters[other])


def _answered(
    connection: Connection, benchmark_id: int, items: LabelledBattles, chosen: NDArray[np.intp], keys: tuple[str, ...]
) -> dict[str, AnsweredInstruction]:
    """By the instruction's key, for the battles ``chosen``."""
    names = sorted({items.models[code] for at in chosen for code in (items.model_a[at], items.model_b[at])})
    needed = {keys[items.instruction[at]] for at in chosen}
    return {
        answered.instruction.key: answered
        for answered in store.benchmarks.answered_instructions(connection, benchmark_id, names)
        if answered.instruction.key in needed
    }
