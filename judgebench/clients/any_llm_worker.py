"""any-llm in a process of its own: lines of JSON in, lines of JSON out, one question each. Runs by itself.

It is started in an environment that holds nothing of the user's: no keys, no proxies, no home with a netrc or a cloud's
credentials, so that the libraries below can find none. What it may know comes by its first line.
"""

import asyncio
import json
import os
import sys
from importlib import import_module
from typing import Any

_STATUSES = {
    "RateLimitError": 429,
    "AuthenticationError": 401,
    "MissingApiKeyError": 401,
    "ModelNotFoundError": 404,
    "InvalidRequestError": 400,
    "ContentFilterError": 400,
    "ContextLengthExceededError": 400,
    "UnsupportedParameterError": 400,
    "InsufficientFundsError": 402,
}
_CODES = {"ContentFilterError": "content_filter", "UnsupportedParameterError": "unsupported_parameter"}
_MOST_LINE = 2**28
_MOST_REPLY = 2**24  # bytes: no completion is that long


class TooLong(Exception):
    """A reply that is none."""


async def serve() -> None:
    """Answer until the input ends."""
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # what libraries print is no answer
    loop = asyncio.get_running_loop()
    questions = asyncio.StreamReader(limit=_MOST_LINE)
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(questions), sys.stdin)
    first = json.loads(await questions.readline())
    try:
        llm: Any = _opened(import_module("any_llm").AnyLLM, first)
    except Exception as error:  # noqa: BLE001  # whatever a provider's library raises
        answers.write(_line({"failure": _failure(error)}))
        return
    answers.write(_line({"failure": None}))
    running: set[asyncio.Task[None]] = set()
    while line := await questions.readline():
        task = asyncio.create_task(_answer(llm, json.loads(line), answers))
        running.add(task)
        task.add_done_callback(running.discard)


def _opened(library: Any, first: dict[str, Any]) -> Any:
    """Without retries of its own, as far as the provider's library can do without."""
    address = {"api_key": first["key"], "api_base": first["url"], "unified_exceptions": True}
    try:
        return library.create(first["provider"], max_retries=0, **address)
    except Exception as error:  # the one that is meant has a class of the library, which is imported late
        if type(error).__name__ != "UnsupportedParameterError":
            raise
        return library.create(first["provider"], **address)


async def _answer(llm: Any, question: dict[str, Any], answers: Any) -> None:
    number = question.pop("number")
    try:
        if "messages" in question:
            reply = (await llm.acompletion(**question)).model_dump(mode="json")
        else:
            reply = {"data": [{"id": model.id} for model in await llm.alist_models()]}
        line = _line({"number": number, "reply": reply})
        if len(line) > _MOST_REPLY:
            raise TooLong(f"the server sent more than {_MOST_REPLY >> 20} MiB; no completion is that long")
        answers.write(line)
    except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001  # whatever a provider's library raises
        answers.write(_line({"number": number, "failure": _failure(error)}))


def _failure(error: BaseException) -> dict[str, Any]:
    kinds = [kind.__name__ for kind in type(error).__mro__]
    status = getattr(error, "status_code", None) or next((_STATUSES[kind] for kind in kinds if kind in _STATUSES), None)
    inner = getattr(error, "original_exception", None)
    response = getattr(inner, "response", None)
    headers = dict(getattr(response, "headers", None) or {})
    after = getattr(error, "retry_after", None)
    return {
        "kind": kinds[0],
        "status": status if isinstance(status, int) else None,
        "message": str(getattr(error, "message", None) or error) or kinds[0],
        "code": getattr(error, "code", None) or next((_CODES[kind] for kind in kinds if kind in _CODES), None),
        "param": getattr(error, "param", None) or getattr(error, "parameter_name", None),
        "headers": {str(name).lower(): str(value) for name, value in headers.items()}
        | ({} if after is None else {"retry-after": str(after)}),
    }


def _line(value: Any) -> bytes:
    return json.dumps(value).encode() + b"\n"


if __name__ == "__main__":
    asyncio.run(serve())
