"""What is sent twice under one Idempotency-Key is done once, and answered twice."""

from collections.abc import Awaitable, Callable
from contextlib import suppress

from fastapi import Request
from starlette.responses import Response

from judgebench import services
from judgebench.errors import DatabaseError
from judgebench.server.callers import confirm
from judgebench.server.state import ServerState, state_of
from judgebench.services.tokens import Bearer
from judgebench.store.database import Database


async def once(
    request: Request, who: Bearer, key: str | None, whole: str, work: Callable[[], Awaitable[Response]]
) -> Response:
    """What ``work`` answers, or has answered to the same request. ``whole``: all of the request, which has come.

    Raises as ``confirm``, OtherRequest and StillWorking as ``services.repeats.begin``, and what ``work`` raises.
    """
    state = state_of(request)
    await confirm(request, who)
    if key is None:
        return await work()
    with state.alone(who.person.name, key, whole):
        return await _kept(state, who, (state.database, who.person.name, key), whole, work)


async def _kept(
    state: ServerState,
    who: Bearer,
    about: tuple[Database, str, str],
    whole: str,
    work: Callable[[], Awaitable[Response]],
) -> Response:
    known = await state.write(who, services.repeats.begin, *about, whole, is_left_here=True)
    if known is not None and known.status is not None:
        headers = {"Idempotent-Replayed": "true"}
        return Response(known.document, known.status, headers, media_type="application/json")
    is_kept = False
    try:
        answer = await work()
        if answer.status_code < 400:
            await state.write(who, services.repeats.end, *about, answer.status_code, bytes(answer.body).decode())
            is_kept = True
    finally:
        if not is_kept:
            with suppress(DatabaseError):  # then the same request finds that nobody is at it
                await state.write(who, services.repeats.forget, *about)
    return answer
