"""What stored audits say: for the page that shows them, and for leaderboards, which are marked by them."""

import shlex

from judgebench import store
from judgebench.audits.findings import AuditReport
from judgebench.leaderboard import JudgeGate, Leaderboard, ModelGate
from judgebench.leaderboard.board import State
from judgebench.records import Judge
from judgebench.store.audits import StoredAudit, Subject, add_audit, newest_audits
from judgebench.store.database import Database

NULL_MODELS, SUBMISSIONS = "null-models", "submissions"


def audits(database: Database, benchmark: str, *, kind: str | None = None) -> list[StoredAudit]:
    """The newest audit of every judge, of every submission and of the verdicts of a benchmark, the newest first.

    Raises UnknownName.
    """
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
        severe = newest_audits(connection, benchmark_id, kind=SUBMISSIONS, only_high=True)
        imported = store.judges.only_imported(connection, [judge.name for judge in judges])
    by_digest = {each.judge_digest: each for each in stored}
    gates = [
        _judge_gate(judge, by_digest.get(judge.digest), benchmark, asked=judge.name not in imported) for judge in judges
    ]
    return board.marked(gates, [_model_gate(audit, benchmark) for audit in severe if audit.model is not None])


def _judge_gate(judge: Judge, stored: StoredAudit | None, benchmark: str, *, asked: bool) -> JudgeGate:
    state: State = "missing"
    if stored is not None:
        state = "stale" if stored.passed and stored.stale else "passed" if stored.passed else "failed"
    rate = None if stored is None else stored.document.get("null_win_rate")
    words = ["judgebench", "audit", NULL_MODELS, "--benchmark", benchmark, "--judge", judge.name]
    return JudgeGate(judge.name, state, rate, shlex.join(words) + ("" if asked else " --judge-url URL"))


def _model_gate(stored: StoredAudit, benchmark: str) -> ModelGate:
    rules = {each["rule"] for each in stored.document["findings"] if each["severity"] == "high"}
    words = ["judgebench", "audit", SUBMISSIONS, "--benchmark", benchmark, "--model", stored.model or ""]
    return ModelGate(stored.model or "", tuple(sorted(rules)), stored.stale, shlex.join(words))


def keep(database: Database, benchmark: str, report: AuditReport, *, judge_digest: str | None, passed: bool) -> None:
    """Keep a report about a judge, or about a benchmark's verdicts. Raises UnknownName."""
    with database.write() as connection:
        subject = Subject(report.audit, store.benchmarks.benchmark_id(connection, benchmark), judge_digest)
        add_audit(connection, subject, passed=passed, document=report.document())
