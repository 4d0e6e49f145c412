"""Runs, audits and collections of outputs that workers do, on this machine or others: asked for, watched, stopped,
resumed.

What is stored of a job holds no secret: a judge's key stands in the environment of the worker, under the name that the
judge gives it.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from typing import Any

from judgebench import engine, services, store
from judgebench.engine.answer import AnswerEstimate
from judgebench.engine.identity import are_alike
from judgebench.engine.judges import OWN, ResolvedJudge
from judgebench.engine.plan import CostEstimate
from judgebench.engine.run import RunReport
from judgebench.engine.runner import RunTally
from judgebench.errors import Conflict, InputError
from judgebench.keys import content_key
from judgebench.records import JobState, Status, known_usd
from judgebench.services.audits import registry
from judgebench.services.audits.estimates import AuditEstimate
from judgebench.services.audits.registry import AuditSettings
from judgebench.services.benchmarks import RunSummary, check_models
from judgebench.services.judges import find_judge, resolved
from judgebench.spec import Generation, JudgeSpec, Served, Study, make
from judgebench.spec.addresses import place_of
from judgebench.spec.study import Pace
from judgebench.store.database import Connection, Database, undone
from judgebench.store.jobs import Job, JobKind, Request

__all__ = [
    "Job", "JobKind", "JobState", "RunProgress", "Within", "asked", "audit", "audit_settings", "calls_ended", "clock",
    "described", "document", "done", "generation", "is_twin", "job", "jobs", "parts_not_shown", "progress",
    "progress_of", "queue_answer", "queue_audit", "queue_run", "queue_runs", "report_of", "resume", "run_report",
    "spent_usd", "stop", "study",
]  # fmt: skip
_ANSWERED = (Status.OK, Status.TIE)
_NO_WORK = {*Pace.model_fields, "judge"}  # of a study: how fast, and by whom
_LIMITS = ("max_calls", "max_cost", "concurrency")
_INNER = ("work_key", "after_run", "holder")
_GOING_ON = "wait for it, or stop it: judgebench jobs stop"


_Start = Callable[[Connection], object]  # what a job's worker does first; raises where it cannot be done
Within = Callable[[Connection, Sequence[Job]], object]  # called in the transaction that queues the jobs


@dataclass(frozen=True, slots=True)
class _Wanted:
    request: Request
    start: _Start
    judge: ResolvedJudge | None  # that is asked


def queue_run(database: Database, study: Study, estimate: CostEstimate, *, within: Within | None = None) -> Job:
    """Have the study judged by whichever worker comes first.

    Raises what the worker would on starting it, such as Conflict for a judge whose name is another's; Conflict where
    the judge is being asked about some of the same already, or will be, and InputError for what only this process
    could ask.
    """
    return _queue(database, _run(study, estimate), within=within)[0]


def queue_runs(database: Database, estimates: Iterable[CostEstimate], *, within: Within | None = None) -> list[Job]:
    """``queue_run`` of each, or of none where one cannot be."""
    return _queue(database, *(_run(estimate.plan.study, estimate) for estimate in estimates), within=within)


def _run(study: Study, estimate: CostEstimate) -> _Wanted:
    """Raises InputError for what only this process could ask."""
    if estimate.plan.resolved.judge.model.startswith(OWN):
        raise InputError("a judge that is a function or client is of this process alone: run it here")
    _check_plain(study.judge)
    specification = {"study": study.model_dump(mode="json", exclude_defaults=True)}
    request = Request(
        kind="run",
        benchmark=study.benchmark,
        subject=estimate.plan.resolved.judge.name,
        specification=specification,
        variables=_variables(study.judge),
        work_key=_run_key(study, estimate.plan.resolved.judge.name),
        planned=estimate.plan.trials,
        answered=estimate.answered,
        cost_usd=estimate.cost_usd,
    )
    return _Wanted(request, partial(engine.run.start_run, plan=estimate.plan, kind="run"), estimate.plan.resolved)


def queue_audit(
    database: Database, name: str, settings: Mapping[str, Any], estimate: AuditEstimate, *, within: Within | None = None
) -> Job:
    """``settings``: the audit's own by name, its judge as a name or as it is specified. Raises as ``queue_run``, and
    Conflict while the same audit goes on elsewhere."""
    given = {field: value for field, value in settings.items() if value not in (None, ())}
    variables: tuple[str, ...] = ()
    filled = registry.named(name).fill(given | _judge(database, given, where="This audit"))
    _check_named(database, filled)
    given = {field: value if field == "judge" else getattr(filled, field) for field, value in given.items()}
    if (judge := getattr(filled, "judge", None)) is not None:
        _check_plain(judge)
        variables = _variables(judge)
    if isinstance(given.get("judge"), JudgeSpec):
        given["judge"] = given["judge"].model_dump(mode="json", exclude_defaults=True)
    if registry.is_going_on(database, name, filled):
        raise Conflict("this audit is going on already, started elsewhere: wait for it, or stop it there")
    request = Request(
        kind="audit",
        benchmark=filled.benchmark,
        subject=estimate.judge or "",
        specification={"audit": name, "settings": given},
        variables=variables,
        work_key=_audit_key(name, given),
        planned=min(estimate.calls, given.get("max_calls") or estimate.calls),
        answered=0,
        cost_usd=estimate.cost_usd,
    )
    questioned = None if judge is None else resolved(database, judge)
    return _queue(database, _Wanted(request, _start_audit(questioned), questioned), within=within)[0]


def _start_audit(questioned: ResolvedJudge | None) -> _Start:
    def start(connection: Connection) -> None:
        if questioned is not None:
            store.judges.add_judge(connection, questioned.judge, questioned.template.shows)

    return start


def _check_named(database: Database, settings: AuditSettings) -> None:
    """Raises UnknownName for a benchmark that is not there, or a model without outputs in it."""
    given = [getattr(settings, field, None) or () for field in ("model", "baseline", "opponent")]
    names = [name for value in given for name in ((value,) if isinstance(value, str) else value)]
    check_models(database, settings.benchmark, names)


def queue_answer(database: Database, generation: Generation, estimate: AnswerEstimate, *, audit: bool = True) -> Job:
    """Have a model's outputs collected, and with ``audit`` audited then. Raises as ``queue_run``."""
    _check_plain(generation.generator)
    request = Request(
        kind="answer",
        benchmark=generation.benchmark,
        subject=generation.model,
        specification={"generation": generation.model_dump(mode="json", exclude_defaults=True), "audit": audit},
        variables=_variables(generation.generator),
        work_key=_answer_key(generation),
        planned=estimate.planned,
        answered=estimate.answered,
        cost_usd=estimate.cost_usd,
    )
    return _queue(database, _Wanted(request, partial(engine.answer.start_answers, generation=generation), None))[0]


def study(job: Job) -> Study:
    """Of a run. Raises InputError where this version cannot read it."""
    return make(Study, job.specification.get("study", {}), where=f"job {job.id}")


def run_report(job: Job) -> RunReport | None:
    """How a run has ended, as far as that is kept. None: it has not, or before it began."""
    if job.kind != "run" or job.report is None or "planned" not in job.report:
        return None
    return report_of(job.subject, job.report)


def report_of(judge: str, kept: Mapping[str, Any], *, interrupted: bool = False) -> RunReport:
    """What is kept of a run's report. Raises KeyError, TypeError, ValueError and AttributeError for anything else."""
    tally = RunTally(
        planned=kept["planned"],
        ended={status: kept[status] for status in Status if kept.get(status)},
        cost_usd=kept.get("cost_usd"),
        taken_over=kept.get("taken_over", 0),
        stopped_by=kept.get("stopped_by"),
        by_others=kept.get("by_others", 0),
    )
    return RunReport(
        *(judge, tally, kept.get("calls", 0)),
        interrupted=interrupted,
        other_models=tuple(kept.get("answered_by", ())),
        left_out=tuple(kept.get("not_taken", ())),
        changed=tuple(kept.get("changed", ())),
        reasons=tuple(kept.get("reasons", {}).items()),
        not_shown=kept.get("not_shown", {}),
        identical_as_shown=kept.get("identical_as_shown", 0),
        reasked=kept.get("reasked"),
    )


def generation(job: Job) -> Generation:
    """Of a collection of outputs. Raises as ``study``."""
    return make(Generation, job.specification.get("generation", {}), where=f"job {job.id}")


def audit(job: Job) -> tuple[str, dict[str, Any]]:
    """An audit's name and settings, as they were given: its judge is a name, or the fields of one."""
    return str(job.specification["audit"]), dict(job.specification["settings"])


def audit_settings(database: Database, job: Job) -> AuditSettings:
    """Of an audit, with its judge. Raises InputError where it cannot be done any more."""
    name, given = audit(job)
    return registry.named(name).fill(given | _judge(database, given, where=f"job {job.id}"))


def _judge(database: Database, given: Mapping[str, Any], *, where: str) -> dict[str, JudgeSpec]:
    """The judge of an audit's settings, if any."""
    match given.get("judge"):
        case None:
            return {}
        case JudgeSpec() as judge:
            return {"judge": judge}
        case str(name):
            return {"judge": find_judge(database, {"model": name}, where=where)}
        case fields:
            return {"judge": make(JudgeSpec, fields, where=where)}


def job(database: Database, number: int) -> Job:
    """Raises UnknownName."""
    with database.read() as connection:
        return store.jobs.job(connection, number)


def jobs(
    database: Database,
    *,
    kinds: Sequence[str] = (),
    states: Sequence[str] = (),
    benchmark: str | None = None,
    among: Sequence[str] = (),
    most: int | None = None,
) -> list[Job]:
    """The newest first: all, or ``most``; of these kinds, in these states, where some are named. ``among``: the
    benchmarks of which the reader may know; none named: all.

    Raises UnknownName for the benchmark.
    """
    with database.read() as connection:
        if benchmark is not None:
            store.benchmarks.benchmark_id(connection, benchmark)
            among = (benchmark,)
        return store.jobs.jobs(connection, kinds=kinds, states=states, benchmarks=among, most=most)


def stop(database: Database, number: int) -> Job:
    """Have it end before its end: at once where no worker has it; else what is in flight still ends and is stored.
    A job that has ended stays as it is. Raises UnknownName."""
    with database.write() as connection:
        known = store.jobs.job(connection, number)
        if known.is_open:
            if known.state is JobState.QUEUED:
                store.jobs.end(connection, number, JobState.STOPPED, "")
            else:
                store.jobs.ask_to_stop(connection, number)
            store.events.record(connection, store.events.STOPPED, "job", str(number), _about(known))
        return store.jobs.job(connection, number)


def resume(database: Database, number: int, *, within: Within | None = None) -> Job:
    """Queue it again, to go on where it was stopped. Raises UnknownName, InputError for one that has come to its end,
    and as what queues jobs of its kind: what it needs may be gone since, or another's."""
    known = job(database, number)
    if known.state is JobState.DONE:
        raise InputError(f"job {number} has come to its end: there is nothing to resume")
    if known.is_open:
        raise Conflict(f"job {number} is {known.state} already")
    limit, spent = _limit_usd(known), spent_usd(database, known)
    if limit is not None and spent >= limit:
        raise InputError(
            f"job {number} has spent {spent:.2f} of at most {limit:g} USD: begin anew with what more may be spent, as "
            "nothing that was answered is asked again"
        )
    served = asked(database, known)
    questioned = resolved(database, served) if isinstance(served, JudgeSpec) else None
    start = _start(database, known, questioned)
    with database.write() as connection:
        _check_startable(connection, start)
        _refuse_other_name(connection, questioned)
        _refuse_twin(connection, known)
        store.jobs.queue_again(connection, number, known.work_key)
        store.events.record(connection, store.events.QUEUED, "job", str(number), _about(known))
        again = store.jobs.job(connection, number)
        if within is not None:
            within(connection, [again])
        return again


def _limit_usd(job: Job) -> float | None:
    """Of a run or an audit, however often it is begun; None: it has none."""
    fields = job.specification.get("study") or job.specification.get("settings") or {}
    limit = fields.get("max_cost")
    return None if limit is None else float(limit)


def _queue(database: Database, *requests: _Wanted, within: Within | None = None) -> list[Job]:
    """In one transaction: all, or none."""
    with database.write() as connection:
        added = []
        for one in requests:
            _check_startable(connection, one.start)
            _refuse_other_name(connection, one.judge)
            added.append(_added(connection, one.request, database.actor))
        if within is not None:
            within(connection, added)
    return added


def _check_startable(connection: Connection, start: _Start) -> None:
    """Start a job as its worker will, and take that back: what cannot be is refused here, and not by a worker later."""
    with undone(connection):
        start(connection)


def _refuse_other_name(connection: Connection, questioned: ResolvedJudge | None) -> None:
    """Raises Conflict where an open job asks this judge under another name, or another judge under this name: whichever
    began first would have its way, and the other end without a question."""
    if questioned is None:
        return
    mine = questioned.judge
    for other in store.jobs.jobs(connection, kinds=("run", "audit"), states=store.jobs.OPEN):
        described = _described_judge(other)
        if described is None:
            continue
        theirs, is_same = described.judge, are_alike(mine, described.judge)
        if theirs.name == mine.name and not is_same:
            raise Conflict(
                f"judge {mine.name!r} with other settings, or by another template, is queued as job {other.id}: a "
                "changed judge is another judge, give it a name of its own (--judge-name, or NAME of judges add)"
            )
        if theirs.name != mine.name and is_same and _share_a_place(questioned.spec, described.spec):
            raise Conflict(f"this very judge is queued under the name {theirs.name!r}, job {other.id}: use that name")


def _described_judge(job: Job) -> ResolvedJudge | None:
    """As the job describes it; None where it goes by its name alone, and is stored, or cannot be asked any more."""
    fields = job.specification.get("study", job.specification.get("settings", {})).get("judge")
    if not isinstance(fields, Mapping):
        return None
    with suppress(InputError):
        return engine.judges.resolve(make(JudgeSpec, fields, where=f"job {job.id}"))
    return None


def _share_a_place(one: Served, other: Served) -> bool:
    """Whether both are reached at one address, or both in the process itself: at another address it may be another."""
    mine, theirs = ({place_of(url) for url in served.urls} for served in (one, other))
    return not mine.isdisjoint(theirs) if mine or theirs else True


def _start(database: Database, job: Job, questioned: ResolvedJudge | None) -> _Start:
    """Of a job that was queued before. Raises InputError where it cannot be done any more."""
    if job.kind == "run":
        return partial(engine.run.start_run, plan=engine.plan.plan(database, study(job)), kind="run")
    if job.kind == "answer":
        return partial(engine.answer.start_answers, generation=generation(job))
    _check_named(database, audit_settings(database, job))
    return _start_audit(questioned)


def _added(connection: Connection, request: Request, actor: str) -> Job:
    _refuse_twin(connection, request)
    number = store.jobs.add(connection, request, actor)
    store.events.record(connection, store.events.QUEUED, "job", str(number), _about(request))
    return store.jobs.job(connection, number)


def _about(request: Request) -> dict[str, Any]:
    return {"kind": request.kind, "benchmark": request.benchmark, "subject": request.subject}


def _refuse_twin(connection: Connection, request: Request) -> None:
    """Raises Conflict where an open job does some of the same."""
    states = store.jobs.OPEN
    for other in store.jobs.jobs(connection, kinds=[request.kind], states=states, benchmarks=[request.benchmark]):
        if other.work_key == request.work_key or _overlap(request, other):
            raise Conflict(f"{_what(other)} already, as job {other.id}: {_GOING_ON} {other.id}")


def _what(job: Job) -> str:
    if job.kind == "run":
        return f"judge {job.subject!r} is being asked about these models"
    return "this audit is going on" if job.kind == "audit" else f"the outputs of {job.subject!r} are being collected"


def _overlap(request: Request, other: Job) -> bool:
    """Of runs: whether some trial may be of both."""
    if request.kind != "run" or request.subject != other.subject:
        return False
    return is_twin(make(Study, request.specification["study"], where="study"), study(other))


def is_twin(one: Study, other: Study) -> bool:
    """Whether two studies by the same judge ask some of the same: those of pairs a pair, others a model."""
    if one.benchmark != other.benchmark or _in_other_parts(one, other):
        return False
    if one.pairs and other.pairs:
        return not {frozenset(pair) for pair in one.pairs}.isdisjoint(frozenset(pair) for pair in other.pairs)
    mine, theirs = _models(one), _models(other)
    return not mine or not theirs or not mine.isdisjoint(theirs)


def _in_other_parts(one: Study, other: Study) -> bool:
    mine, theirs = one.shard, other.shard
    return mine is not None and theirs is not None and mine.of == theirs.of and mine.number != theirs.number


def _models(study: Study) -> set[str]:
    """Empty: all."""
    return {*study.models, *(model for pair in study.pairs for model in pair)}


def _run_key(study: Study, judge: str) -> str:
    fields = study.model_dump(mode="json", exclude=_NO_WORK, exclude_defaults=True)
    return content_key("run", judge, fields)


def _audit_key(name: str, given: Mapping[str, Any]) -> str:
    return content_key("audit", name, {field: value for field, value in given.items() if field not in _LIMITS})


def _answer_key(generation: Generation) -> str:
    return content_key("answer", generation.benchmark, generation.model, str(generation.shard or ""))


def _variables(served: Served) -> tuple[str, ...]:
    """The environment variables that whoever asks it needs."""
    return tuple(dict.fromkeys(name for name in (served.key_env, *served.connection.variables) if name is not None))


def _check_plain(served: Served) -> None:
    """Raises InputError for what no other process could ask."""
    if served.connection.token is not None:
        raise InputError("a function that returns a token is of this process alone: name a command by token_command")
    if served.ray is not None:
        raise InputError("workers of a Ray cluster are asked by the process that names them: run it there")


def asked(database: Database, job: Job) -> Served | None:
    """Whom it asks. Raises InputError where it cannot be done any more."""
    if job.kind == "run":
        return study(job).judge
    if job.kind == "answer":
        return generation(job).generator
    judge: JudgeSpec | None = getattr(audit_settings(database, job), "judge", None)
    return judge


def document(job: Job, runs: Iterable[RunSummary]) -> dict[str, Any]:
    """As plain values, without what is of no use outside the database."""
    fields = {name: value for name, value in asdict(job).items() if name not in _INNER}
    told = {"worker": job.worker, "done": done(job, runs), "at_most": job.kind == "audit", "passed": job.passed}
    return fields | {"variables": list(job.variables)} | told


def described(database: Database, number: int) -> dict[str, Any]:
    """``document``, of a run with its ``progress``. Raises UnknownName."""
    known, runs = job(database, number), services.benchmarks.runs(database)
    return document(known, runs) | progress_of(database, known, runs)


def progress_of(database: Database, job: Job, runs: Iterable[RunSummary]) -> dict[str, Any]:
    """Of a run its ``progress``, as plain values; nothing of other jobs."""
    return {"progress": asdict(progress(job, runs, clock(database)))} if job.kind == "run" else {}


def done(job: Job, runs: Iterable[RunSummary]) -> int:
    """How much of what is planned has ended: of an audit, whose plan is a limit, the calls so far; of a collection of
    outputs that is told at its end."""
    if job.kind == "audit":
        return calls_ended(job, runs)
    if job.kind == "run":
        return _trials_ended(job, _runs_of(job, runs))
    report = job.report or {}
    return job.planned if job.state is JobState.DONE else int(report.get("planned", 0)) - int(report.get("pending", 0))


def parts_not_shown(job: Job) -> dict[str, int]:
    """Parts that the judge did not see, by kind, as a run that has ended reports."""
    parts = (job.report or {}).get("not_shown", {})
    return dict(parts) if isinstance(parts, dict) else {}


@dataclass(frozen=True, slots=True)
class RunProgress:
    """How far a run is, as the database tells."""

    planned: int  # trials
    done: int  # of these, with what had ended before
    without_verdict: int  # of what the job's runs asked
    cost_usd: float | None  # of the job's runs; None: no price is known, or nothing was asked
    a_second: float | None  # trials, in the run that goes on; None: none goes on, or nothing has ended in it yet
    left_s: float | None  # at that rate
    is_starting: bool  # a worker has it, and no run of it goes on yet
    unanswered_s: float | None  # since the run that goes on began; None: none goes on, or something has ended in it


def clock(database: Database) -> datetime:
    """Now, by the clock that dates jobs, runs and leases: the database's."""
    with database.read() as connection:
        return store.claims.clock(connection)


def progress(job: Job, runs: Iterable[RunSummary], now: datetime) -> RunProgress:
    """By the job's runs. What other runs asked of them meanwhile counts when the job has ended. ``now``: by the
    database's ``clock``."""
    since = _runs_of(job, runs)
    done = _trials_ended(job, since)
    is_running = job.state is JobState.RUNNING
    newest = max((run for run in since if is_running and run.finished_at is None), key=_number, default=None)
    seconds = 0.0 if newest is None else _seconds(newest, now)
    rate = None if newest is None or seconds <= 0 or not _ended(newest) else _ended(newest) / seconds
    costs = [run.cost_usd for run in since if run.cost_usd is not None]
    return RunProgress(
        planned=job.planned,
        done=done,
        without_verdict=sum(number for run in since for status, number in run.ended.items() if status not in _ANSWERED),
        cost_usd=known_usd(sum(costs)) if costs else None,
        a_second=rate,
        left_s=None if rate is None else (job.planned - done) / rate,
        is_starting=is_running and newest is None and job.kind == "run",
        unanswered_s=None if newest is None or _ended(newest) else seconds,
    )


def calls_ended(job: Job, runs: Iterable[RunSummary]) -> int:
    """How many questions of an audit have ended, as its runs tell."""
    return sum(map(_ended, _runs_of(job, runs)))


def spent_usd(database: Database, job: Job) -> float:
    """What was paid for the answers of the job's runs that are stored, however often it was begun; 0 where no price is
    known."""
    return sum(run.cost_usd or 0.0 for run in _runs_of(job, services.benchmarks.runs(database)))


def _runs_of(job: Job, runs: Iterable[RunSummary]) -> list[RunSummary]:
    return [run for run in runs if run.job == job.id]


def _trials_ended(job: Job, runs: Iterable[RunSummary]) -> int:
    """Of those that a run asks for, with what had ended before."""
    if job.state is JobState.DONE:
        return job.planned
    return min(job.answered + sum(map(_ended, runs)), job.planned)


def _seconds(run: RunSummary, now: datetime) -> float:
    """Since it began."""
    return max((now - datetime.fromisoformat(run.started_at)).total_seconds(), 0.0)


def _number(run: RunSummary) -> int:
    return run.id


def _ended(run: RunSummary) -> int:
    return sum(run.ended.values())
