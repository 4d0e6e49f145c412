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
    TrialRecord,
    bias_lines,
    null_line,
    overall,
    people_lines,
    record_lines,
    sorted_lines,
    transitivity_line,
)
from judgebench.bias.human_agreement import agreement_report, labelled_battles
from judgebench.bias.report import BiasReport
from judgebench.coverage import Coverage
from judgebench.errors import StatisticsError, UnknownName
from judgebench.leaderboard.board import one_of
from judgebench.records import Status
from judgebench.services.audits.results import most_telling
from judgebench.services.bias import Judged, failed_items, judged, report_of
from judgebench.services.scope import Scope, scoped_verdicts
from judgebench.stats.agreement import Resampling
from judgebench.stats.verdict_table import VerdictTable
from judgebench.store.audits import StoredAudit, audits_of_judges
from judgebench.store.database import Connection, Database


def card(
    database: Database, judge: str, *, benchmark: str | None = None, level: float = 0.95, among: Collection[str] = ()
) -> Card:
    """The judge's card on ``benchmark``; where none is named, on the one where it gave most verdicts. ``among``: the
    benchmarks of which the reader may know; none named: all.

    Raises UnknownName, and StatisticsError when the judge has given no pairwise verdict there.
    """
    with database.read() as connection:
        stored = store.judges.judge(connection, judge)
        everywhere = {
            name: count
            for name, count in store.verdicts.benchmarks_of(connection, judge).items()
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
        of_record = record_lines(_record(connection, benchmark_id, judge), level=level)
        audits = audits_of_judges(connection, benchmark_id, [stored.digest], kinds=[NULL_MODELS])
        own = _own(context, judge)
        report = report_of(connection, context, (judge,), level=level)
    with threadpool_limits(1, "blas"):  # as in leaderboard.build
        lines = [*of_record, *_pairwise_lines(context, own, report, judge, level), _null_line(audits, level)]
    others = [
        f"{count:,} verdicts on {other}"
        for other, count in everywhere.items()
        if other != name and not other.startswith(store.benchmarks.STAGE)
    ]
    notes = [f"also judged: {', '.join(others)}; choose one by --benchmark"] if others else []
    return Card(judge, stored.model, stored.template, name, sorted_lines(lines), tuple(notes), overall(lines), coverage)


def _coverage(connection: Connection, benchmark: str, judge: str) -> Coverage:
    verdicts = scoped_verdicts(connection, benchmark, Scope((judge,), with_flagged=True))
    return verdicts.covered(verdicts.judged)


def _benchmark(everywhere: dict[str, int], judge: str, benchmark: str | None) -> str:
    if benchmark is not None:
        if benchmark not in everywhere:
            raise UnknownName(f"benchmark of judge {judge}:", benchmark, everywhere)
        return benchmark
    ordinary = {name: count for name, count in everywhere.items() if not name.startswith(store.benchmarks.STAGE)}
    if not ordinary:
        raise StatisticsError(f"judge {judge!r} has given no verdict yet: run it on a benchmark")
    return max(ordinary, key=lambda name: ordinary[name])


def _own(context: Judged, judge: str) -> VerdictTable:
    """The judge's verdicts. Raises StatisticsError where there are none."""
    table = context.table
    own = table.select(table.judge == table.judges.index(judge))
    if not len(own):
        raise StatisticsError(f"judge {judge!r} has given no pairwise verdict there: a card is about comparisons")
    return own


def _pairwise_lines(context: Judged, own: VerdictTable, report: BiasReport, judge: str, level: float) -> list[CardLine]:
    """``own``: the judge's verdicts; ``report``: about its bias."""
    items = labelled_battles(own, context.beside.labels, others=False)
    people = agreement_report(items, failed=failed_items(items, own, context.stored.without), how=Resampling(level))
    return [
        *bias_lines(report, judge),
        transitivity_line(own, level=level),
        *people_lines(people.judges[0], people.people),
    ]


def _record(connection: Connection, benchmark_id: int, judge: str) -> TrialRecord:
    trials = store.arrays.trials(connection, benchmark_id, judge)
    return TrialRecord(
        instruction=trials.instruction,
        replied=np.asarray(trials.status != str(Status.FAILED)),
        verdict=np.isin(trials.status, [str(Status.OK), str(Status.TIE)]),
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
    counted = f"{best.entrants:,} null models{stale}{one_of(len(audits))}"
    evidence = f"{counted}; the best is {best.name}, bounds of {rate.level:.0%} at every stop"
    return null_line(rate, evidence, level=level)
