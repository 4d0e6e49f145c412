"""Runs and audits are started, watched and stopped: as jobs, which worker processes take."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext, suppress
from dataclasses import replace
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from judgebench import engine, services
from judgebench.errors import InputError, UnknownName
from judgebench.remote import DECISION_HEADER
from judgebench.server import documents
from judgebench.server.answers import answered
from judgebench.server.callers import Admin, Submitter, Viewer, check_query
from judgebench.server.front import PREFIX
from judgebench.server.once import once
from judgebench.server.queries import JobNumber, JobsQuery, PlacementQuery, ReportQuery
from judgebench.server.state import state_of
from judgebench.server.submitting import Key
from judgebench.services.access import Policy, Role, check_job, require
from judgebench.services.benchmarks import RunSummary
from judgebench.services.jobs import Job
from judgebench.services.tokens import Bearer
from judgebench.services.web_studies import (
    AUDIT_FIELDS,
    JUDGE_FIELDS,
    PLACEMENT_FIELDS,
    STUDY_FIELDS,
    audit_of,
    check_resumed,
    needed,
    placement_of,
    study_of,
)
from judgebench.show import results
from judgebench.show.html import audit_page
from judgebench.show.placement import billed, dry_document, planned
from judgebench.show.results import Result
from judgebench.store.database import Connection, Database

router = APIRouter()
_WHERE = "the body"
_OPEN = 100  # jobs of one caller that are queued or run
_LATER_S = "30"
_FOR_ADMINS = ("message", "specification", "report", "variables", "worker", "expires_at")
_OF_ALL = ("variables",)  # that hold the keys of judges, who are of all benchmarks


def _schema(fields: tuple[str, ...], **known: Any) -> dict[str, Any]:
    properties = {name: known.get(name, {}) for name in fields}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _body(schema: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


_JUDGE = {"oneOf": [{"type": "string"}, _schema(JUDGE_FIELDS)]}
_STEPS = ("plan", "bill", "start")
_PLACEMENT = _schema((*PLACEMENT_FIELDS, "step", "agreed"), step={"enum": list(_STEPS)}, agreed={"type": "boolean"})
_AUDIT = {
    "type": "object",
    "required": ["audit", "settings"],
    "properties": {"audit": {"type": "string"}, "settings": _schema(AUDIT_FIELDS)},
}


@router.post("/runs", tags=["working"], status_code=202, openapi_extra=_body(_schema(STUDY_FIELDS, judge=_JUDGE)))
async def start_run(request: Request, who: Admin, key: Key = None) -> Response:
    """Have a benchmark's outputs judged. 202: queued, with the job that it is; its fields are those of a study file."""
    fields = await documents.read(request)
    _check_benchmark(who, fields)
    state = state_of(request)
    database = state.acting(who)
    return await once(
        *(request, who, key, repr(("run", fields))),
        lambda: state.write(who, _run, database, who, fields, state.policy(), key),
    )


def _run(database: Database, who: Bearer, fields: Mapping[str, Any], policy: Policy, key: str | None) -> Response:
    _check_room(database)
    services.scopes.check_fields(database, who.benchmarks, fields)
    study = study_of(database, fields, policy, where=_WHERE)
    estimate = engine.plan.estimate(database, study)
    return _queued([services.jobs.queue_run(database, study, estimate, within=_keeping(database, key, _queued))])


@router.post("/audits", tags=["working"], status_code=202, openapi_extra=_body(_AUDIT))
async def start_audit(request: Request, who: Submitter, key: Key = None) -> Response:
    """Have a judge, submissions or verdicts audited. 202: queued, with the job that it is. What asks a judge needs the
    role admin."""
    fields = await documents.read(request)
    if fields.keys() != {"audit", "settings"} or not isinstance(fields["settings"], dict):
        raise InputError('the body must be {"audit": NAME, "settings": {...}}')
    settings: dict[str, Any] = fields["settings"]
    require(who.person, needed(settings))
    _check_benchmark(who, settings)
    state, name = state_of(request), str(fields["audit"])
    database = state.acting(who)
    return await once(
        *(request, who, key, repr(("audit", fields))),
        lambda: state.write(who, _audit, database, who, name, settings, state.policy(), key),
    )


def _audit(
    database: Database, who: Bearer, name: str, fields: Mapping[str, Any], policy: Policy, key: str | None
) -> Response:
    _check_room(database)
    services.scopes.check_fields(database, who.benchmarks, fields)
    audit, settings, given = audit_of(database, name, fields, policy, where=_WHERE)
    estimate = services.audits.estimates.estimate(database, settings)
    within = _keeping(database, key, _queued)
    return _queued([services.jobs.queue_audit(database, audit.name, given, estimate, within=within)])


@router.post("/placements", tags=["working"], status_code=202, openapi_extra=_body(_PLACEMENT))
async def start_placement(request: Request, who: Admin, key: Key = None) -> Response:
    """Have new models judged as the board of a benchmark is. ``step``: "plan" says who would be asked, "bill" what that
    takes once the outputs are stored, and "start" queues a job for each judge; above 1 USD, or where nobody knows the
    cost, it must be ``agreed``."""
    fields = await documents.read(request)
    _check_benchmark(who, fields)
    state = state_of(request)
    database = state.acting(who)
    return await once(
        *(request, who, key, repr(("placement", fields))),
        lambda: state.write(who, _place, database, who, fields, state.policy(), key),
    )


def _place(database: Database, who: Bearer, fields: Mapping[str, Any], policy: Policy, key: str | None) -> Response:
    given = dict(fields)
    step, agreed = given.pop("step", "start"), given.pop("agreed", False)
    if step not in _STEPS:
        raise InputError(f"{_WHERE}: {UnknownName('step', str(step), _STEPS)}")
    services.scopes.check_fields(database, who.benchmarks, given, new_models=True)
    plan = placement_of(database, given, policy, where=_WHERE)
    if step == "plan":
        return JSONResponse({"told": planned(plan)})
    estimates = services.placement.estimates(database, plan)
    bill = services.placement.bill(estimates)
    document = {"told": [*planned(plan), *billed(bill)], "needs_consent": bill.needs_consent}
    if step == "bill":
        return JSONResponse(document | dry_document(plan, bill))
    services.placement.check_consent(bill, agreed=agreed is True)
    _check_room(database)
    answer = partial(_placing, document)
    unfinished, within = services.placement.unfinished(estimates), _keeping(database, key, answer)
    return answer(services.jobs.queue_runs(database, unfinished, within=within))


def _placing(document: Mapping[str, Any], jobs: Sequence[Job]) -> Response:
    return JSONResponse({**document, "jobs": [job.id for job in jobs]}, 202)


@router.get("/placement", tags=["working"])
async def placement(request: Request, who: Viewer, query: Annotated[PlacementQuery, Query()]) -> Response:
    """Where models land by what is stored now; ``job``: those that asked about them, whose calls and cost are told."""
    await check_query(request, who, query)
    state = state_of(request)
    return answered(await state.run(who, _placement, state.database, who, query), query.format)


def _placement(database: Database, who: Bearer, query: PlacementQuery) -> Result:
    services.benchmarks.check_models(database, query.benchmark, query.model)
    plan = services.placement.plan(database, query.benchmark, query.model, judges=query.judge)
    reports = [services.jobs.run_report(_mine(database, who, number)) for number in query.job]
    made = services.placement.placement(database, plan, [report for report in reports if report is not None])
    return results.placement(made, query.format)


def _keeping(database: Database, key: str | None, answer: Callable[[Sequence[Job]], Response]) -> services.jobs.Within:
    """Have what is answered about jobs be the answer to their request from the transaction on that queues them."""

    def keep(connection: Connection, jobs: Sequence[Job]) -> None:
        if key is not None:
            made = answer(jobs)
            services.repeats.keep(connection, database.actor, key, made.status_code, bytes(made.body).decode())

    return keep


def _check_room(database: Database) -> None:
    """Raises HTTPException where the caller, in whose name the database is used, has enough jobs open."""
    listed = services.jobs.jobs(database, states=(services.jobs.JobState.QUEUED, services.jobs.JobState.RUNNING))
    if sum(job.actor == database.actor for job in listed) >= _OPEN:
        message = f"You have {_OPEN} jobs that are queued or run already. Stop some, or wait for their end."
        raise HTTPException(429, message, {"Retry-After": _LATER_S})


@router.get("/jobs", tags=["working"])
async def jobs(request: Request, who: Viewer, query: Annotated[JobsQuery, Query()]) -> Response:
    """The newest jobs, the newest first."""
    if query.benchmark is not None:
        who.check_benchmark(query.benchmark)
    state = state_of(request)
    return JSONResponse(await state.run(who, _listed, state.database, who, query))


def _listed(database: Database, who: Bearer, query: JobsQuery) -> list[dict[str, Any]]:
    listed = services.jobs.jobs(
        database, states=query.state, benchmark=query.benchmark, among=who.benchmarks, most=query.last
    )
    return _documents(who, listed, services.benchmarks.runs(database) if listed else [])


@router.get("/jobs/{number}", tags=["working"])
async def one_job(request: Request, who: Viewer, number: JobNumber) -> Response:
    """A job with its progress, and with its report once it has ended."""
    state = state_of(request)
    return JSONResponse(await state.run(who, _watched, state.database, who, number))


def _watched(database: Database, who: Bearer, number: int) -> dict[str, Any]:
    job, runs = _mine(database, who, number), services.benchmarks.runs(database)
    return _documents(who, [job], runs)[0] | services.jobs.progress_of(database, job, runs)


@router.get("/jobs/{number}/audit", tags=["working"])
async def audit_report(
    request: Request, who: Viewer, number: JobNumber, query: Annotated[ReportQuery, Query()]
) -> Response:
    """What the audit has found that a job did; the header Judgebench-Decision says whether it passed or failed."""
    state = state_of(request)
    return await state.run(who, _report, state.database, who, number, query)


def _report(database: Database, who: Bearer, number: int, query: ReportQuery) -> Response:
    job = _mine(database, who, number)
    report = services.audits.results.of_job(database, job)
    if not report.finished and who.person.role < Role.ADMIN:
        report = replace(report, failures=())  # which may say what a server replied, and where it is
    decided = {DECISION_HEADER: "passed" if report.passed else "failed"}
    if query.format == "html":
        seen = services.seen.of_findings(database, job.benchmark, report.findings)
        return answered(audit_page(report, *seen), query.format, decided)
    return answered(results.audit(report, query.format), query.format, decided)


@router.delete("/jobs/{number}", tags=["working"])
async def stop_job(request: Request, who: Viewer, number: JobNumber) -> Response:
    """Stop a job; what it has in flight still ends and is stored. An admin stops any, others their own
    that ask no judge."""
    state = state_of(request)
    return JSONResponse(await state.write(who, _stopped, state.acting(who), who, number))


def _stopped(database: Database, who: Bearer, number: int) -> dict[str, Any]:
    job = _mine(database, who, number)
    check_job(job, who.person)
    stopped = services.jobs.stop(database, job.id)
    return _documents(who, [stopped], services.benchmarks.runs(database))[0]


@router.post("/jobs/{number}/resume", tags=["working"], status_code=202)
async def resume_job(request: Request, who: Viewer, number: JobNumber, key: Key = None) -> Response:
    """Queue a job again that was stopped, or has failed: it goes on where it was, and asks nothing twice. Who may is as
    with stopping one."""
    state = state_of(request)
    database = state.acting(who)
    return await once(
        *(request, who, key, repr(("resume", number))),
        lambda: state.write(who, _resumed, database, who, number, state.policy(), key),
    )


def _resumed(database: Database, who: Bearer, number: int, policy: Policy, key: str | None) -> Response:
    job = _mine(database, who, number)
    check_job(job, who.person)
    if job.kind != "answer" and job.subject:
        services.scopes.check_fields(database, who.benchmarks, {"judge": job.subject})
    check_resumed(database, job, policy)
    _check_room(database)
    return _queued([services.jobs.resume(database, number, within=_keeping(database, key, _queued))])


def _mine(database: Database, who: Bearer, number: int) -> Job:
    """Raises UnknownName, for a job on a benchmark that the token is not for as for one that there is not."""
    with suppress(UnknownName) if who.benchmarks else nullcontext():
        job = services.jobs.job(database, number)
        if not who.benchmarks or job.benchmark in who.benchmarks:
            return job
    raise UnknownName("job", str(number), ())


def _documents(who: Bearer, jobs: Sequence[Job], runs: Sequence[RunSummary]) -> list[dict[str, Any]]:
    """What servers replied is for those who may have them asked, and where they are for whoever may of all
    benchmarks."""
    hidden = {*(_FOR_ADMINS if who.person.role < Role.ADMIN else ()), *(_OF_ALL if who.benchmarks else ())}
    documents = []
    for job in jobs:
        document = services.jobs.document(job, runs)
        if who.benchmarks:
            document["specification"] = services.scopes.asked_for(job)
        documents.append({name: value for name, value in document.items() if name not in hidden})
    return documents


def _queued(jobs: Sequence[Job]) -> Response:
    """About the one job that a request was about."""
    [job] = jobs
    place = f"{PREFIX}/jobs/{job.id}"
    document = {"job": job.id, "address": place, "planned": job.planned, "state": job.state}
    return JSONResponse(document, 202, {"Location": place})


def _check_benchmark(who: Bearer, fields: Mapping[str, Any]) -> None:
    """Raises InputError and Forbidden."""
    benchmark = fields.get("benchmark")
    if not isinstance(benchmark, str):
        raise InputError(f"{_WHERE}: benchmark: name one")
    who.check_benchmark(benchmark)
