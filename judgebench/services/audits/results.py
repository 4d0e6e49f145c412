"""How the reports of audits are kept and read, and how leaderboards are marked by them."""

from collections.abc import Iterator

from judgebench import store
from judgebench.audits import NULL_MODELS, SUBMISSIONS
from judgebench.audits.findings import AuditReport
from judgebench.clients.providers import is_local
from judgebench.errors import UnknownName
from judgebench.leaderboard import JudgeGate, Leaderboard, ModelGate
from judgebench.leaderboard.board import State
from judgebench.records import Judge
from judgebench.services.audits.registry import AUDITS, Audit
from judgebench.store.audits import StoredAudit, Subject, add_audit, newest_audits
from judgebench.store.database import Connection, Database


def keep(database: Database, benchmark: str, audit: Audit, report: AuditReport) -> None:
    """Keep a report with what it is about: the judge, each of the models, or the benchmark. Raises UnknownName."""
    with database.write() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
        for subject, part in _parts(audit, benchmark_id, report):
            add_audit(connection, subject, passed=part.passed and part.settles, document=part.document())


def _parts(audit: Audit, benchmark_id: int, report: AuditReport) -> Iterator[tuple[Subject, AuditReport]]:
    if audit.subject == "submissions":
        for name in report.about:
            yield Subject(audit.name, benchmark_id, model=name), report.of_model(name)
    else:
        yield Subject(audit.name, benchmark_id, *report.about), report


def audits(database: Database, benchmark: str, *, kind: str | None = None) -> list[StoredAudit]:
    """The newest audit of every judge, of every submission and of the verdicts of a benchmark, the newest first.

    ``kind``: the name of an audit. Raises UnknownName.
    """
    if kind is not None and kind not in AUDITS:
        raise UnknownName("audit", kind, AUDITS)
    with database.read() as connection:
        return newest_audits(connection, store.benchmarks.benchmark_id(connection, benchmark), kind=kind)


def with_gate(database: Database, benchmark: str, board: Leaderboard) -> Leaderboard:
    """The leaderboard marked by what audits say about its judges and models; a few rows are read, and no verdict.

    Raises UnknownName.
    """
    with database.read() as connection:
        benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
        judges = [store.judges.judge(connection, name) for name in board.judges]
        digests = [judge.digest for judge in judges]
        stored = newest_audits(connection, benchmark_id, kind=NULL_MODELS, judges=digests)
        severe = severe_models(connection, benchmark)
        imported = store.judges.only_imported(connection, [judge.name for judge in judges])
    by_digest = {audit.judge_digest: audit for audit in stored}
    gates = [
        _judge_gate(
            judge, by_digest.get(judge.digest), benchmark, known=judge.name not in imported or is_local(judge.model)
        )
        for judge in judges
    ]
    return board.marked(gates, severe)


def severe_models(connection: Connection, benchmark: str) -> list[ModelGate]:
    """Models whose newest submission audit has severe findings, the newest audit first. Raises UnknownName."""
    benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
    severe = newest_audits(connection, benchmark_id, kind=SUBMISSIONS, only_high=True)
    return [_model_gate(audit, benchmark) for audit in severe if audit.model is not None]


def _judge_gate(judge: Judge, stored: StoredAudit | None, benchmark: str, *, known: bool) -> JudgeGate:
    """``known``: whether it is known where the judge is asked."""
    state: State = "missing"
    if stored is not None:
        state = "stale" if stored.passed and stored.stale else "passed" if stored.passed else "failed"
    rate = None if stored is None else stored.document.get("null_win_rate")
    command = AUDITS[NULL_MODELS].command(benchmark=benchmark, judge=judge.name)
    return JudgeGate(judge.name, state, rate, command + ("" if known else " --judge-url URL"))


def _model_gate(stored: StoredAudit, benchmark: str) -> ModelGate:
    rules = {finding["rule"] for finding in stored.document["findings"] if finding["severity"] == "high"}
    command = AUDITS[SUBMISSIONS].command(benchmark=benchmark, model=stored.model or "")
    return ModelGate(stored.model or "", tuple(sorted(rules)), stored.stale, command)
