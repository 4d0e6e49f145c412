"""How the reports of audits are kept and read, and how leaderboards are marked by them."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from judgebench import store
from judgebench.audits import NET_FLIP, NULL_MODELS, ROBUSTNESS, SUBMISSIONS
from judgebench.audits.findings import AuditReport, read_reports
from judgebench.clients.providers import is_local
from judgebench.errors import InputError, UnknownName
from judgebench.leaderboard import JudgeGate, Leaderboard, ModelGate, Robustness
from judgebench.leaderboard.board import RobustnessState, State
from judgebench.records import JobState, Judge
from judgebench.services.audits.registry import AUDITS, Audit
from judgebench.store.audits import StoredAudit, Subject, add_audit, audits_of_judges, newest_audits
from judgebench.store.database import Connection, Database
from judgebench.store.jobs import Job

ON_JUDGES = frozenset(  # rules about what works on a judge, whose medium findings mark a row
    ("addressed-to-judge", "encoded-text", "hidden-markup", "hidden-text", "self-praise", "template-delimiter")
)


def keep(database: Database, benchmark: str, audit: Audit, report: AuditReport) -> None:
    """Keep a report with what it is about: the judge, each of the models, or the benchmark. Raises UnknownName."""
    with database.write() as connection:
        keep_with(connection, store.benchmarks.benchmark_id(connection, benchmark), audit, report)
        about = {"audit": audit.name, "of": list(report.about), "passed": report.passed}
        store.events.record(connection, store.events.AUDITED, "benchmark", benchmark, about)


def keep_with(connection: Connection, benchmark_id: int, audit: Audit, report: AuditReport) -> None:
    """``keep`` in a transaction that stores more."""
    for subject, part in _parts(audit, benchmark_id, report):
        looked_at = part.extents.get(subject.model or "")
        passed = part.passed and part.settles
        add_audit(connection, subject, passed=passed, document=part.document(), extent=looked_at)


def _parts(audit: Audit, benchmark_id: int, report: AuditReport) -> Iterator[tuple[Subject, AuditReport]]:
    if audit.subject == "submissions":
        for name in report.about:
            yield Subject(audit.name, benchmark_id, model=name), _part(report, name)
    else:
        yield Subject(audit.name, benchmark_id, *report.about), report


def _part(report: AuditReport, model: str) -> AuditReport:
    """What is about the model, with what a judge was asked about it."""
    part, extents = report.of_models(model), report.details.get("asked", {})
    if "asked" not in part.details:
        return part
    rest = {name: value for name, value in part.details.items() if name != "asked"}
    return replace(part, details=rest | ({"asked": {model: extents[model]}} if model in extents else {}))


def audits(database: Database, benchmark: str, *, kind: str | None = None) -> list[StoredAudit]:
    """The newest audit of every judge, of every submission and of the verdicts of a benchmark, the newest first.

    ``kind``: the name of an audit. Raises UnknownName.
    """
    if kind is not None and kind not in AUDITS:
        raise UnknownName("audit", kind, AUDITS)
    with database.read() as connection:
        return newest_audits(connection, store.benchmarks.benchmark_id(connection, benchmark), kind=kind)


def of_job(database: Database, job: Job) -> AuditReport:
    """What the audit that this job did has found; of one that reached a limit, that it did.

    Raises InputError where it is no audit, has not ended, or ended without a report.
    """
    if job.kind != "audit" or job.is_open:
        what = "is no audit" if job.kind != "audit" else f"is {job.state}: wait for its end"
        raise InputError(f"job {job.id} {what}")
    name, report = str(job.specification["audit"]), job.report or {}
    if job.state is not JobState.DONE and "failures" in report:
        return AuditReport(name, (), failures=tuple(report["failures"]), finished=False)
    stored = []
    if job.state is JobState.DONE:
        with database.read() as connection:
            benchmark_id = store.benchmarks.benchmark_id(connection, job.benchmark)
            # What it found as the one before was not stored again.
            stored = newest_audits(connection, benchmark_id, kind=name, until=job.finished_at)
    documents = [one.document for one in stored if _is_by(one, job)]
    if not documents:
        raise InputError(f"job {job.id} has {job.state} without a report")
    return read_reports(documents if AUDITS[name].subject == "submissions" else documents[:1])


def _is_by(audit: StoredAudit, job: Job) -> bool:
    """Whether the job audits the same judge, be it under a defence, or this model too."""
    models = job.specification["settings"].get("model", ())
    if audit.model is not None:
        return not models or audit.model in models
    return str(audit.document.get("judge", "")).partition("+")[0] == job.subject.partition("+")[0]


def with_gate(database: Database, benchmark: str, board: Leaderboard) -> Leaderboard:
    """The leaderboard marked by what audits say about its judges and models; a few rows are read, and no verdict.

    Raises UnknownName.
    """
    with database.read() as connection:
        judges = judge_gates(connection, benchmark, board.judges)
        models = model_gates(connection, benchmark, [row.model for row in board.rows])
    return board.marked(judges, models)


def judge_gates(connection: Connection, benchmark: str, names: Sequence[str]) -> list[JudgeGate]:
    """How the audits of each of these judges on the benchmark ended that tell most. Raises UnknownName."""
    benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
    judges = [store.judges.judge(connection, name) for name in names]
    digests, kinds = [judge.digest for judge in judges], (NULL_MODELS, ROBUSTNESS)
    stored = audits_of_judges(connection, benchmark_id, digests, kinds=kinds)
    imported = store.judges.only_imported(connection, names)
    by_kind: dict[tuple[str, str | None], list[StoredAudit]] = defaultdict(list)
    for audit in stored:
        by_kind[audit.kind, audit.judge_digest].append(audit)
    gates = []
    for judge in judges:
        known = judge.name not in imported or is_local(judge.model)
        null, robust = (by_kind[kind, judge.digest] for kind in kinds)
        gates.append(_judge_gate(judge, null, robust, benchmark, more="" if known else " --judge-url URL"))
    return gates


def most_telling(audits: Sequence[StoredAudit]) -> StoredAudit | None:
    """Of a judge's audits of one kind, the newest first, the one to go by; None of none.

    The newest, unless an earlier one of more verdicts (by null models) or instructions (of robustness) tells more: it
    is not older than instructions that were added, or what it found is severe; and it ended in the same way, or the
    newer one settled nothing. Few instructions can show that a judge fails, but not that changes leave it unmoved.
    """
    telling = next(iter(audits), None)
    for earlier in audits[1:]:
        if telling is not None and _tells_more(earlier, telling):
            telling = earlier
    return telling


def _tells_more(earlier: StoredAudit, later: StoredAudit) -> bool:
    if _size(earlier) <= _size(later) or not (earlier.high or _is_current(earlier) or not _is_current(later)):
        return False
    settled = later.high or (later.passed and later.kind == NULL_MODELS)
    return not settled or (earlier.passed, bool(earlier.high)) == (later.passed, bool(later.high))


def _is_current(audit: StoredAudit) -> bool:
    return not audit.stale and (audit.kind != NULL_MODELS or _has_claims(audit))


def _size(audit: StoredAudit) -> int:
    """Verdicts of an audit by null models, instructions of another."""
    if audit.kind == NULL_MODELS:
        return int(audit.document.get("verdicts") or 0)
    return max((effect.get("instructions") or 0 for effect in audit.document.get("estimates", ())), default=0)


def model_gates(connection: Connection, benchmark: str, models: Iterable[str]) -> list[ModelGate]:
    """Of those ``models`` about which there is something to say: severe findings before what may work on a judge, and
    that before outputs that nobody audited. What audits enter themselves is not audited. Raises UnknownName."""
    if benchmark.startswith(store.benchmarks.STAGE):
        return []
    stored = newest_audits(connection, store.benchmarks.benchmark_id(connection, benchmark), kind=SUBMISSIONS)
    audits = {audit.model: audit for audit in stored}
    gates = (_model_gate(model, audits.get(model), benchmark) for model in models)
    return [gate for gate in gates if gate is not None]


def unaudited(database: Database, benchmark: str, models: Iterable[str]) -> tuple[str, ...]:
    """Those of ``models`` that no submission audit looked at since they have these outputs. Raises UnknownName."""
    with database.read() as connection:
        gates = model_gates(connection, benchmark, models)
    return tuple(gate.model for gate in gates if gate.state == "unaudited")


def flagged(database: Database, benchmark: str, models: Iterable[str]) -> tuple[str, ...]:
    """Those of ``models`` whose newest submission audit has severe findings. Raises UnknownName."""
    with database.read() as connection:
        gates = model_gates(connection, benchmark, models)
    return tuple(gate.model for gate in gates if gate.state == "flagged")


def has_flagged(connection: Connection, benchmark: str) -> bool:
    """Whether the newest submission audit of any model has severe findings. Raises UnknownName."""
    if benchmark.startswith(store.benchmarks.STAGE):
        return False
    benchmark_id = store.benchmarks.benchmark_id(connection, benchmark)
    return bool(newest_audits(connection, benchmark_id, kind=SUBMISSIONS, only_high=True))


def _judge_gate(
    judge: Judge, nulls: Sequence[StoredAudit], robusts: Sequence[StoredAudit], benchmark: str, *, more: str
) -> JudgeGate:
    """``nulls``, ``robusts``: its audits, the newest first. ``more``: what a command that asks it needs besides."""
    command = AUDITS[NULL_MODELS].command(benchmark=benchmark, judge=judge.name) + more
    robustness = replace(_robustness(judge, most_telling(robusts), benchmark, more), audits=len(robusts))
    null = most_telling(nulls)
    if null is None:
        return JudgeGate(judge.name, "missing", None, command, robustness)
    winners = tuple(sorted(finding["model"] for finding in null.document["findings"]))
    best = (null.document.get("best_null_model") or {}).get("name")
    rate = null.document.get("null_win_rate")
    return JudgeGate(judge.name, _state(null), rate, command, robustness, winners, best, len(nulls))


def _state(null: StoredAudit) -> State:
    """An audit without claims is of a version that had none."""
    if not null.passed:
        return "failed"
    return "passed" if _is_current(null) else "stale"


def _has_claims(null: StoredAudit) -> bool:
    return any(entrant.get("role") == "persuader" for entrant in null.document["entrants"])


def _robustness(judge: Judge, stored: StoredAudit | None, benchmark: str, more: str) -> Robustness:
    """By the worst net flip: what a severe one says holds, also where instructions were added since."""
    command = AUDITS[ROBUSTNESS].command(benchmark=benchmark, judge=judge.name) + more
    if stored is None:
        return Robustness("missing", (), command)
    states: Mapping[str, RobustnessState] = {"high": "failed", "medium": "moved"}
    for severity, state in states.items():
        changes = [
            finding["model"].removeprefix(f"{judge.name}: ")
            for finding in stored.document["findings"]
            if (finding["rule"], finding["severity"]) == (NET_FLIP, severity)
        ]
        if changes:
            return Robustness(state, tuple(sorted(changes)), command)
    if not stored.passed:
        return Robustness("blind", (), command)
    return Robustness("stale" if stored.stale else "passed", (), command)


def _model_gate(model: str, audit: StoredAudit | None, benchmark: str) -> ModelGate | None:
    command = AUDITS[SUBMISSIONS].command(benchmark=benchmark, model=model)
    findings = [] if audit is None else audit.document["findings"]
    severe = {finding["rule"] for finding in findings if finding["severity"] == "high"}
    suspect = {finding["rule"] for finding in findings if finding["severity"] == "medium"} & ON_JUDGES
    stale = audit is not None and audit.stale
    if severe:
        return ModelGate(model, tuple(sorted(severe)), stale, command)
    if suspect:
        return ModelGate(model, tuple(sorted(suspect)), stale, command, "suspect")
    return ModelGate(model, (), stale, command, "unaudited") if audit is None or stale else None
