"""Results as answers: a JSON document, what a terminal shows as one, or the text of a file."""

from collections.abc import Mapping

from starlette.responses import JSONResponse, PlainTextResponse, Response

from judgebench.show.printed import Printed
from judgebench.show.results import Result

# A page of ours opens nothing of another, so that browsers show it as text.
_TYPES = {"csv": "text/csv", "markdown": "text/markdown", "html": "text/plain"}
_AS_IS = {"X-Content-Type-Options": "nosniff"}


def answered(result: Result, form: str, headers: Mapping[str, str] | None = None) -> Response:
    """``form``: the one that ``result`` has."""
    if isinstance(result, str):
        return PlainTextResponse(result, media_type=_TYPES[form], headers={**_AS_IS, **(headers or {})})
    document = result.document() if isinstance(result, Printed) else result
    return JSONResponse(document, headers=dict(headers or {}))
