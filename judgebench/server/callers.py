"""Who calls: by a token, or as a proxy in front says; never by a cookie, which browsers send for any page."""

from collections.abc import Callable, Coroutine
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import Depends, Request, Security
from fastapi.security import HTTPBearer
from fastapi.security.http import HTTPAuthorizationCredentials

from judgebench import services
from judgebench.server.queries import BenchmarkQuery
from judgebench.server.state import ServerState, state_of
from judgebench.services.access import Forbidden, Person, Role, folded, require
from judgebench.services.tokens import BadToken, Bearer

_SCHEME = HTTPBearer(auto_error=False, description="A token: judgebench tokens create NAME --role ROLE")
_TOKEN_CHARS = 200


async def _caller(request: Request, _: Annotated[HTTPAuthorizationCredentials | None, Security(_SCHEME)]) -> Bearer:
    state = state_of(request)
    try:
        who = await _known(request)
    except BadToken:  # counted after the look: behind one address others have good ones
        if "authorization" in request.headers:
            state.failures.one(request.client.host if request.client else "")
        raise
    request.state.bearer = who
    state.pace.one(who.token or f"person {who.person.name}")
    state.note_use(who.token)
    return who


async def check_query(request: Request, who: Bearer, query: BenchmarkQuery) -> None:
    """Raises Forbidden for another benchmark than the token's, and UnknownName for a model or judge of another one as
    for one that there is not."""
    who.check_benchmark(query.benchmark)
    if who.benchmarks:
        state = state_of(request)
        await state.run(who, services.scopes.check_fields, state.database, who.benchmarks, query.model_dump())


async def confirm(request: Request, who: Bearer) -> None:
    """Once all of a request has come, which may take minutes: whether who sends it may still do what they might before.

    Raises BadToken where the token was revoked meanwhile, or has expired, and Forbidden where it is for less.
    """
    if await _known(request) != who:
        raise Forbidden("what you may do was changed while the request came: send it again")


async def _known(request: Request) -> Bearer:
    """Raises BadToken, and Forbidden as ``_by_proxy``."""
    state = state_of(request)
    if "authorization" not in request.headers:
        return _by_proxy(request, state)
    given = await _SCHEME(request)
    if given is None or not 0 < len(given.credentials) <= _TOKEN_CHARS:
        raise BadToken("send a token: Authorization: Bearer jb_...")
    return await state.bearer(given.credentials)


def _by_proxy(request: Request, state: ServerState) -> Bearer:
    mail = "" if state.identity is None else state.identity.user(request.headers)
    if not mail:
        raise BadToken("send a token: Authorization: Bearer jb_..., which judgebench tokens create makes")
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise Forbidden("pages of another origin may not ask this server")
    return Bearer(Person(folded(mail), state.policy().role_of({"email": mail})), "", ())


def allowed(role: Role) -> Callable[..., Coroutine[Any, Any, Bearer]]:
    """What lets callers through who may do what ``role`` may; the others get 401 or 403."""

    async def checked(who: Annotated[Bearer, Depends(_caller)]) -> Bearer:
        require(who.person, role)
        return who

    return checked


Viewer = Annotated[Bearer, Depends(allowed(Role.VIEWER))]
Submitter = Annotated[Bearer, Depends(allowed(Role.SUBMITTER))]
Admin = Annotated[Bearer, Depends(allowed(Role.ADMIN))]
