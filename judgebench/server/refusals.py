"""Every refusal is one JSON document with one sentence, the same words as in the terminal, and a status that fits."""

from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from judgebench import services
from judgebench.errors import (
    Conflict,
    DatabaseBusy,
    DatabaseError,
    JudgeBenchError,
    JudgeError,
    MissingExtra,
    UnknownName,
)
from judgebench.server.state import state_of
from judgebench.services.access import Forbidden
from judgebench.services.repeats import StillWorking
from judgebench.services.tokens import BadToken

_STATUS: tuple[tuple[type[JudgeBenchError], int], ...] = (  # the first that fits
    (BadToken, 401),
    (Forbidden, 403),
    (Conflict, 409),
    (MissingExtra, 501),
    (DatabaseBusy, 503),
    (DatabaseError, 500),
    (JudgeError, 502),
    (JudgeBenchError, 422),
)
_AGAIN_S = "1"


def refused(
    status: int, kind: str, message: str, headers: dict[str, str] | None = None, more: Mapping[str, Any] | None = None
) -> JSONResponse:
    """``kind``: the class of the error, by which clients raise the same; ``more``: further fields."""
    document = {"error": _text(message), "kind": kind, **(more or {})}
    return JSONResponse(document, status, {"Cache-Control": "no-store", **(headers or {})})


def refusal(
    error: JudgeBenchError, status: int, message: str, headers: dict[str, str] | None = None,
    more: Mapping[str, Any] | None = None,
) -> JSONResponse:  # fmt: skip
    """``refused``, by the class that is ``error``'s in ``judgebench.errors``; an unknown name with what it is of."""
    kind = next(kind for kind in type(error).__mro__ if kind.__module__ == JudgeBenchError.__module__)
    about = {"unknown": _text(error.kind), "name": _text(error.name)} if isinstance(error, UnknownName) else {}
    return refused(status, kind.__name__, message, headers, about | dict(more or {}))


def _text(given: str) -> str:
    """What is no text in it, as half a surrogate that a request held, is written as its number."""
    return given.encode("utf-8", "backslashreplace").decode()


def status_of(error: JudgeBenchError, method: str) -> int:
    """An unknown name is an address that is not there, where something is read, as is a job's number, and else a wrong
    field."""
    if isinstance(error, UnknownName) and (method in ("GET", "HEAD", "DELETE") or error.kind == "job"):
        return 404
    return next(status for kind, status in _STATUS if isinstance(error, kind))


def add_refusals(app: FastAPI) -> None:
    app.add_exception_handler(JudgeBenchError, _of_ours)
    app.add_exception_handler(RequestValidationError, _of_parameters)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(Exception, _of_anything)


async def _of_ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, JudgeBenchError)  # noqa: S101  # as it is registered
    status = status_of(error, request.method)
    headers = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": _AGAIN_S}}.get(status, {})
    if isinstance(error, StillWorking):
        headers = {"Retry-After": _AGAIN_S}
    message = "the database cannot be used now" if isinstance(error, DatabaseError) else await _told(request, error)
    return refusal(error, status, message, headers)


async def _told(request: Request, error: JudgeBenchError) -> str:
    """Names that it holds are those that the asker may know."""
    who = getattr(request.state, "bearer", None)
    if who is None or not who.benchmarks:
        return str(error)
    state = state_of(request)
    return await state.look(services.scopes.told, state.database, error, who.benchmarks)


async def _of_parameters(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101  # as it is registered
    first: dict[str, Any] = error.errors()[0]
    name = ".".join(str(part) for part in first["loc"][1:])
    if first["type"] == "extra_forbidden":
        return refused(422, "InputError", f"there is no parameter {name!r} here: /api/v1/openapi.json lists them")
    return refused(422, "InputError", f"{name}: {first['msg'].removeprefix('Value error, ')}")


async def _of_http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # as it is registered
    known = {404: "there is nothing at this address", 405: "this address is not asked that way"}
    message = known.get(error.status_code, error.detail)
    return refused(error.status_code, "InputError", message, dict(error.headers or {}))


async def _of_anything(_: Request, __: Exception) -> Response:
    return refused(500, "JudgeBenchError", "the server failed: whoever runs it finds the reason in its log")
