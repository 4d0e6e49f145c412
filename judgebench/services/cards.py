"""A judge's report card from everything that the store holds about it on one benchmark."""

from collections.abc import Collection, Sequence

import numpy as np
from threadpoolctl import threadpool_limits

from judgebench import store
from judgebench.audits import NULL_MODELS
from judgebench.audits.null_gate import best_null
from judgebench.bias.card import (
    Card,
    CardLine,
    Failures,
    TrialRecord,
    bias_lines,
    lines_without_pairs,
    null_line,
    overall,
    people_lines,
    record_lines,
    sorted_lines,
    transitivity_line,
)
from judgebench.bias.human_agreement import agreement_report, labelled_battles
from judgebench.bias.report import BiasReport
from judgebench.counts import count
from judgebench.coverage import Coverage
from judgebench.errors import StatisticsError, UnknownName
from judgebench.leaderboard.board import one_of
from judgebench.records import Status
from judgebench.services.audits.results import most_telling
from judgebench.services.bias import Judged, failed_items, judged, report_of
from judgebench.services.scope import Scope, scoped_scores, scoped_verdicts
from judgebench.stats.agreement import Resampling
from judgebench.stats.verdict_table import VerdictTable
from judgebench.store.arrays import Trials
from judgebench.store.audits import StoredAudit, audits_of_judges
from judgebench.store.database import Connection, Database

_MOST_REASONS = 10
_WITH_VERDICT = (str(Status.OK), str(Status.TIE))


def card(
    database: Database, judge: str, *, benchmark: str | None = None, level: float = 0.95, among: Collection[str] = ()
) -> Card:
    """The judge's card on ``benchmark``; where none is named, on the one where it gave most verdicts. ``among``: the
    benchmarks of which the reader may know; none named: all.

    What only comparisons tell is unknown where the judge has made none, as where every trial failed.

    Raises UnknownName, and StatisticsError where the judge was asked nowhere.
    """
    with database.read() as connection:
        stored = store.judges.judge(connection, judge)
        everywhere = {
            name: number
            for name, number in store.verdicts.benchmarks_of(connection, judge).items()
            if not among or name in among
        }
        if among and not everywhere:  # as where there is no such judge at all
            raise UnknownName(
                "judge", judge, (one.name for one in store.judges.judges(connection) if one.name != judge)
            )
        name = _benchmark(everywhere, judge, benchmark)
        context = judged(connection, name, judges=[judge])
        coverage = _coverage(connection, name, judge)
        benchmark_id = store.benchmarks.benchmark_id(connection, name)
        trials = store.arrays.trials(connection, benchmark_id, judge)
        audits = audits_of_judges(connection, benchmark_id, [stored.digest], kinds=[NULL_MODELS])
        own = context.table.select(np.isin(context.table.judges, [judge])[context.table.judge])
        report = report_of(connection, context, (judge,), level=level) if len(own) else None
        failures = _failures(connection, benchmark_id, judge, trials)
    of_record = record_lines(_record(trials), level=level)
    with threadpool_limits(1, "blas"):  # as in leaderboard.build
        if report is None:
            of_pairs = lines_without_pairs(_why_no_pairs(trials), level=level)
        else:
            of_pairs = _pairwise_lines(context, own, report, judge, level)
        lines = [*of_record, *of_pairs, _null_line(audits, level)]
    others = [
        f"{count(number, 'verdict')} on {other}"
        for other, number in everywhere.items()
        if other != name and not other.startswith(store.benchmarks.STAGE)
    ]
    notes = [f"also judged: {', '.join(others)}; choose one by --benchmark"] if others else []
    about = (judge, stored.model, stored.template, name)
    return Card(*about, sorted_lines(lines), tuple(notes), overall(lines), coverage, failures)


def _coverage(connection: Connection, benchmark: str, judge: str) -> Coverage:
    """Of its comparisons, or of its scores where it was asked for scores alone."""
    scope = Scope((judge,), with_flagged=True)
    verdicts = scoped_verdicts(connection, benchmark, scope, may_be_none=True)
    if len(verdicts.table) or any(verdicts.coverage.left_out.values()):
        return verdicts.covered(verdicts.judged)
    scores = scoped_scores(connection, benchmark, scope, may_be_none=True)
    return scores.covered(scores.judged)


def _benchmark(everywhere: dict[str, int], judge: str, benchmark: str | None) -> str:
    if benchmark is not None:
        if benchmark not in everywhere:
            raise UnknownName(f"benchmark of judge {judge}:", benchmark, everywhere)
        return benchmark
    ordinary = {name: count for name, count in everywhere.items() if not name.startswith(store.benchmarks.STAGE)}
    if not ordinary:
        raise StatisticsError(f"judge {judge!r} has given no verdict yet: run it on a benchmark")
    return max(ordinary, key=lambda name: ordinary[name])


def _why_no_pairs(trials: Trials) -> str:
    if np.isin(trials.status, _WITH_VERDICT).any():
        return "it gave scores alone, and this is about comparisons"
    return f"no trial has a verdict ({', '.join(f'{number:,} {status}' for status, number in _left(trials).items())})"


def _left(trials: Trials) -> dict[str, int]:
    """How many trials without a verdict ended with each status that did."""
    numbers = {status: int((trials.status == status).sum()) for status in sorted(map(str, Status))}
    return {status: number for status, number in numbers.items() if number and status not in _WITH_VERDICT}


def _failures(connection: Connection, benchmark_id: int, judge: str, trials: Trials) -> tuple[Failures, ...]:
    """By status and reason; what goes beyond the most frequent ones is together."""
    left = _left(trials)
    if not left:
        return ()
    told = [Failures(*row) for row in store.arrays.failures(connection, benchmark_id, judge, _MOST_REASONS)]
    for reason in told:
        left[reason.status] -= reason.trials
    return (*told, *(Failures(Status(status), "other reasons", number) for status, number in left.items() if number))


def _pairwise_lines(context: Judged, own: VerdictTable, report: BiasReport, judge: str, level: float) -> list[CardLine]:
    """``own``: the judge's verdicts; ``report``: about its bias."""
    items = labelled_battles(own, context.beside.labels, others=False)
    people = agreement_report(items, failed=failed_items(items, own, context.stored.without), how=Resampling(level))
    return [
        *bias_lines(report, judge),
        transitivity_line(own, level=level),
        *people_lines(people.judges[0], people.people),
    ]


def _record(trials: Trials) -> TrialRecord:
    return TrialRecord(
        instruction=trials.instruction,
        replied=np.asarray(trials.status != str(Status.FAILED)),
        verdict=np.isin(trials.status, _WITH_VERDICT),
        cost_usd=trials.cost_usd,
        latency_s=trials.latency_s,
        recorded=bool(trials.recorded.any()),
    )


def _null_line(audits: Sequence[StoredAudit], level: float) -> CardLine:
    """What the audit by null models found that tells most, in its own numbers."""
    audit = most_telling(audits)
    best = None if audit is None else best_null(audit.document)
    if audit is None or best is None:
        return null_line(None, "", level=level)
    rate = best.rate
    stale = ", before instructions were added" if audit.stale else ""
    counted = f"{count(best.entrants, 'null model')}{stale}{one_of(len(audits))}"
    evidence = f"{counted}; the best is {best.name}, bounds of {rate.level:.0%} at every stop"
    return null_line(rate, evidence, level=level)
