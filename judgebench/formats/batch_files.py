"""Batch files: questions as OpenAI's batches and ``vllm run-batch`` read them, and the results that these write.

One JSON object a line. Results come in any order, may be missing or repeated, and a file that was cut in the middle of
its last line is read up to there.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from judgebench.errors import InputError
from judgebench.formats.reading import Place, ReadLimits, check_row
from judgebench.records import PromptMessage, spoken_message

_LIMITS = ReadLimits()
_NOT_ASKED = frozenset({"batch_expired", "batch_cancelled", "batch_canceled"})


@dataclass(frozen=True, slots=True)
class BatchResult:
    """What became of one question."""

    custom_id: str
    body: Any = None  # of the reply; None where there is none
    error: str | None = None  # why there is no reply
    asked: bool = True  # False: the batch ended before its turn came


class BatchFile:
    """A file being written; its size is known before each line. ``digest`` is the SHA-256 of what was written."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._hash = hashlib.sha256()
        self.size = 0  # bytes
        self.lines = 0

    @property
    def digest(self) -> str:
        return self._hash.hexdigest()

    def add(self, line: bytes) -> None:
        self._stream.write(line)
        self._hash.update(line)
        self.size += len(line)
        self.lines += 1


def question_line(custom_id: str, model: str, messages: Sequence[PromptMessage], settings: Mapping[str, Any]) -> bytes:
    """One question, with its line break."""
    shown = [spoken_message(message) for message in messages]
    body = {"model": model, "messages": shown, **settings}
    question = {"custom_id": custom_id, "method": "POST", "url": "/v1/chat/completions", "body": body}
    return json.dumps(question).encode() + b"\n"


def first_id(path: Path) -> str:
    """The id of a file's first question. Raises InputError where it is no batch file."""
    try:
        with path.open("rb") as stream:
            return str(_loaded(stream.readline(_LIMITS.row_chars))["custom_id"])
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}): check the path") from error
    except (ValueError, KeyError, TypeError, RecursionError, InputError) as error:
        raise InputError(f"{path}: is not a batch file: its first line holds no question") from error


def _loaded(line: bytes) -> Any:
    """The JSON value in a line. Raises ValueError where it is none, InputError where it would take too much memory."""
    text = line.decode()
    check_row(text, _LIMITS, Place("", "line", 0))
    return json.loads(text)


def digest_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_results(path: Path) -> Iterator[BatchResult | None]:
    """A result for each line that is not blank, in the file's order; None for a line that is no result.

    Raises InputError where the file cannot be read.
    """
    try:
        with path.open("rb") as stream:
            while line := stream.readline(_LIMITS.row_chars):
                if line.strip():
                    yield _result(line)
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}): check the path") from error


def _result(line: bytes) -> BatchResult | None:
    try:
        row = _loaded(line)
        custom_id = row["custom_id"]
    except (ValueError, KeyError, TypeError, RecursionError, InputError):
        return None
    if not isinstance(custom_id, str):
        return None
    error = row.get("error")
    if error:
        code = error.get("code") if isinstance(error, dict) else None
        return BatchResult(custom_id, error=_message(error), asked=code not in _NOT_ASKED)
    response = row.get("response")
    if not isinstance(response, dict):
        return None
    status = response.get("status_code", 200)
    if status != 200:
        return BatchResult(custom_id, error=f"the server answered {status}: {_message(response.get('body'))}")
    return BatchResult(custom_id, body=response.get("body"))


def _message(error: Any) -> str:
    """The message of an error in whichever of the usual shapes."""
    if isinstance(error, dict):
        inner = error.get("error", error)
        error = inner.get("message", inner) if isinstance(inner, dict) else inner
    return " ".join(str(error).split())[:300]
