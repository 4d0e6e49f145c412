"""A model's outputs come in: matched, audited, and stored as ``judgebench submit`` stores them, or not at all."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import JSONResponse, Response

from judgebench import services
from judgebench.errors import InputError
from judgebench.formats.outputs import read_outputs
from judgebench.formats.reading import NamedPath
from judgebench.records import Lineage
from judgebench.server import uploads
from judgebench.server.callers import Submitter
from judgebench.server.once import once
from judgebench.server.queries import SubmitQuery
from judgebench.server.refusals import refusal, status_of
from judgebench.server.state import state_of
from judgebench.services.access import Role, check_change
from judgebench.services.submissions import UPLOAD_LIMITS, Prepared
from judgebench.services.tokens import Bearer
from judgebench.show.sentences import match_lines
from judgebench.show.tables import audit_notice, brought
from judgebench.store.database import Database

router = APIRouter()
Key = Annotated[str | None, Header(alias="Idempotency-Key", min_length=1, max_length=255)]
_BODY = {"content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in uploads.TYPES}}


@router.post("/outputs", tags=["submitting"], openapi_extra={"requestBody": {"required": True, **_BODY}})
async def outputs(
    request: Request, who: Submitter, query: Annotated[SubmitQuery, Query()], key: Key = None
) -> Response:
    """Submit a model's outputs, a row an instruction, in any form that 'judgebench submit' reads; JSONL is usual.

    201: stored; 200: all of it was stored already, or nothing was to be; 422: not stored, with what was notice.
    """
    who.check_benchmark(query.benchmark)
    who.check_lineage(query.family, query.parent, query.trained_on, query.accept_lineage)
    state = state_of(request)
    with state.uploads.one(who.person.name):
        async with uploads.kept(request) as (path, digest):
            whole = f"{digest} {query.model_dump_json()}"
            return await once(
                request, who, key, whole, lambda: state.write(who, _submit, state.acting(who), path, query, who)
            )


def _submit(database: Database, path: NamedPath, query: SubmitQuery, who: Bearer) -> Response:
    if who.benchmarks:  # it makes none, whose name might be nearly that of another
        services.benchmarks.check(database, query.benchmark)
    known = services.known.of(database, query.benchmark)
    submission = read_outputs(path, columns=_columns(query.map), limits=UPLOAD_LIMITS, known=known)
    prepared = services.submissions.prepare(
        *(database, submission),
        benchmark=query.benchmark,
        model=query.model,
        lineage=_lineage(query),
        extend=query.extend,
        new_benchmark=query.new_benchmark,
    )
    if who.benchmarks:
        prepared = services.submissions.known_among(database, prepared, who.benchmarks)
    check_change(prepared.report, who.person)
    prepared = services.submissions.with_audit(database, prepared)
    report = brought(prepared.report) | {"told": _told(prepared, query.benchmark)}
    if query.dry_run:
        return JSONResponse(report)
    try:
        stored = services.submissions.save(
            *(database, prepared), accept_findings=query.accept_findings, change_existing=who.person.role >= Role.ADMIN
        )
    except InputError as error:
        if prepared.report.audit is None or not prepared.report.audit.severe or query.accept_findings:
            raise
        return refusal(error, status_of(error, "POST"), str(error), more={"report": report})
    counts = {"stored": stored.new, "already_stored": stored.known}
    return JSONResponse(report | counts, 201 if stored.new else 200)


def _told(prepared: Prepared, benchmark: str) -> list[str]:
    """What the terminal says of it, line by line."""
    audit = prepared.report.audit
    notice = audit_notice([] if audit is None else [audit], benchmark)
    return [*match_lines(prepared.report), *(f"  audit: {line}" for line in notice)]


def _columns(given: list[str]) -> Mapping[str, str]:
    """Raises InputError."""
    pairs = [text.partition("=") for text in given]
    for text, (field, sign, column) in zip(given, pairs, strict=True):
        if not (field and sign and column):
            raise InputError(f"map: write FIELD=COLUMN, not {text!r}")
    return {field: column for field, _, column in pairs}


def _lineage(query: SubmitQuery) -> Lineage:
    declared = Lineage(query.family, query.parent, tuple(query.trained_on))
    if query.accept_lineage and declared == Lineage():
        return services.lineage.suggested(query.model)
    return declared
