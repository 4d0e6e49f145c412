"""The API as one ASGI application."""

from fastapi import FastAPI
from starlette.types import ASGIApp

from judgebench import __version__
from judgebench.server import reading, submitting, working
from judgebench.server.front import PREFIX, Front
from judgebench.server.refusals import add_refusals
from judgebench.server.state import ServerState

_ABOUT = "Submit outputs, start and watch runs, read boards, battles, cards and audits. Needs a token."


def build(state: ServerState) -> ASGIApp:
    """Without pages of documentation, which would load their scripts from elsewhere: openapi.json says all."""
    app = FastAPI(
        title="JudgeBench",
        description=_ABOUT,
        version=__version__,
        openapi_url=f"{PREFIX}/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.server = state
    for router in (reading.router, submitting.router, working.router):
        app.include_router(router, prefix=PREFIX)
    add_refusals(app)
    return Front(app, state)
