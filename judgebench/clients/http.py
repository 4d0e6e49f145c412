"""Requests to a judge's server, and what answers that are no reply mean. An API key can be sent, never shown."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from pathlib import Path
from time import time
from typing import IO, Any
from urllib.parse import urlsplit

import aiohttp
from pydantic_core import to_json

from judgebench.clients.secrets import Secret
from judgebench.errors import BadReply, InputError, JudgeError, JudgeRefused, JudgeUnreachable
from judgebench.keys import clean_text

_MESSAGE_CHARS = 300
_TRANSIENT = frozenset({408, 409, 425, 429})
MAX_REPLY_BYTES = 16 * 2**20  # after decompression; the longest honest replies, with log-probabilities, are below 4 MiB
_MAX_ERROR_BYTES = 2**16
_MAX_FILE_BYTES = 2**32
_HEADERS = {"Content-Type": "application/json", "Accept": "application/json", "Accept-Encoding": "gzip, deflate"}


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Deadlines of one request, in seconds."""

    connect_s: float = 10.0  # until the connection stands, TLS included
    total_s: float = 300.0  # from asking to the last byte of the reply


class Transport:
    """Connections to one server, as many as there are requests in flight, kept alive between them.

    Raises InputError when ``base_url`` is not a plain http or https address.
    """

    def __init__(self, base_url: str, api_key: str | None, timeouts: Timeouts) -> None:
        try:
            parts = urlsplit(base_url)
            plain = (
                parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
            )
        except ValueError:
            plain = False
        if not plain or not base_url.isprintable() or " " in base_url:
            raise InputError(f"judge address {base_url[:200]!r} is not one: give it as http://HOST:PORT/v1")
        if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
            raise InputError(
                "a judge's address holds no user, password, query or fragment; a key is passed by its variable"
            )
        self.base_url = base_url.rstrip("/").removesuffix("/chat/completions")
        self.calls = 0
        self._secret = None if api_key is None else Secret(api_key)
        self._timeout = aiohttp.ClientTimeout(total=timeouts.total_s, connect=timeouts.connect_s)
        self._deadline_s = timeouts.total_s
        self._session: aiohttp.ClientSession | None = None

    def __repr__(self) -> str:
        return f"Transport({self.base_url!r})"

    async def json(self, path: str, payload: Mapping[str, Any] | None = None) -> Any:
        """The parsed JSON at ``path``, or the answer to ``payload`` there. Raises as ``Client.complete`` does."""
        if payload is None:
            return self._parsed(await self._request("GET", path))
        return self._parsed(await self._request("POST", path, to_json(payload)))

    async def upload(self, path: str, file: Path, fields: Mapping[str, str]) -> Any:
        """The parsed JSON answer to a form with ``fields`` and a file. Raises as ``Client.complete`` does."""
        with file.open("rb") as stream:
            form = aiohttp.MultipartWriter("form-data")
            for name, value in fields.items():
                form.append(value).set_content_disposition("form-data", name=name)
            part = form.append(stream, {"Content-Type": "application/jsonl"})
            part.set_content_disposition("form-data", name="file", filename=file.name)
            return self._parsed(await self._request("POST", path, form))

    async def download(self, path: str, target: Path) -> None:
        """Write what is at ``path`` into a file, as it comes. Raises as ``Client.complete`` does."""
        with target.open("wb") as sink:
            await self._request("GET", path, sink=sink)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def _request(
        self, method: str, path: str, data: bytes | aiohttp.MultipartWriter | None = None, sink: IO[bytes] | None = None
    ) -> bytes:
        """The body of a good answer, or nothing where it went into ``sink``."""
        # "from None" where aiohttp's message quotes the server, which may quote the key in its turn.
        if self._session is None:  # opened late, because a session belongs to the loop that runs when it is made
            key = {} if self._secret is None else {"Authorization": self._secret.header()}
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=300),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers=_HEADERS | key,
                timeout=self._timeout,
            )
        where = self.base_url
        form = {"Content-Type": data.headers["Content-Type"]} if isinstance(data, aiohttp.MultipartWriter) else None
        self.calls += 1
        try:
            async with self._session.request(
                method, where + path, data=data, headers=form, allow_redirects=False
            ) as response:
                good = 200 <= response.status < 300
                if good and sink is not None:
                    await _save(response.content, sink, self._secret)
                    return b""
                body = await _read(response.content, MAX_REPLY_BYTES if good else _MAX_ERROR_BYTES)
                status = response.status
                cleaned = {} if good else {name.lower(): self._clean(value) for name, value in response.headers.items()}
        except TimeoutError as error:
            raise JudgeUnreachable(f"{where} did not answer within {self._deadline_s:g} s") from error
        except aiohttp.ClientConnectorError as error:
            raise JudgeUnreachable(f"nobody answers at {where}: {self._clean(str(error.os_error))}") from error
        except aiohttp.ClientResponseError as error:
            raise BadReply(f"{where} does not answer in HTTP: {self._clean(error.message)}") from None
        except (aiohttp.ClientError, OSError) as error:
            raise JudgeUnreachable(f"the connection to {where} broke: {self._clean(str(error))}") from None
        if not good:
            text = _scrubbed(body, self._secret).decode("utf-8", "replace")
            raise failure(where, status, cleaned, self._clean(text))
        return body

    def _parsed(self, body: bytes) -> Any:
        if len(body) > MAX_REPLY_BYTES:
            raise BadReply(f"{self.base_url} sent more than {MAX_REPLY_BYTES >> 20} MiB; no completion is that long")
        try:
            return json.loads(body if self._secret is None else self._secret.scrub_reply(body))
        except (ValueError, RecursionError) as error:
            start = self._clean(body[:_MAX_ERROR_BYTES].decode("utf-8", "replace"))[:80]
            raise BadReply(f"{self.base_url} answered with something that is not JSON: {start!r}") from error

    def _clean(self, text: str) -> str:
        return text if self._secret is None else self._secret.scrub(text)


async def _read(content: aiohttp.StreamReader, limit: int) -> bytes:
    """The body, or a little more than ``limit`` bytes of it; a longer rest is left unread."""
    chunks, size = [], 0
    while size <= limit and (chunk := await content.readany()):
        chunks.append(chunk)
        size += len(chunk)
    return b"".join(chunks)


async def _save(content: aiohttp.StreamReader, sink: IO[bytes], secret: Secret | None) -> None:
    """Line by line, each without the key. Raises BadReply for more than any file of results holds."""
    size, line = 0, b""
    while chunk := await content.readany():
        size += len(chunk)
        if size > _MAX_FILE_BYTES:
            raise BadReply(f"the server sent a file of more than {_MAX_FILE_BYTES >> 30} GiB")
        whole, end, line = (line + chunk).rpartition(b"\n")
        if len(line) > MAX_REPLY_BYTES:
            raise BadReply(f"the server sent a file with a line of more than {MAX_REPLY_BYTES >> 20} MiB")
        sink.write(_scrubbed(whole + end, secret))
    sink.write(_scrubbed(line, secret))


def _scrubbed(body: bytes, secret: Secret | None) -> bytes:
    return body if secret is None else secret.scrub_reply(body)


class Rejected(JudgeRefused):
    """A status that says no."""

    def __init__(self, text: str, *, status: int, code: str | None, param: str | None, message: str) -> None:
        super().__init__(text)
        self.status = status
        self.code = code  # the server's short name for the reason
        self.param = param  # the request's field that it blames
        self.message = message  # the server's own words, whole

    @property
    def only_this(self) -> bool:
        """Whether other questions may fare better: neither key nor quota is at fault, nor the model's name."""
        if self.status == 404:
            return self.code not in (None, "model_not_found")
        return self.status not in (401, 402, 403, 429)


class Overloaded(JudgeUnreachable):
    """A status that asks to try later: 408, 409, 425, 429 or 5xx."""

    def __init__(self, text: str, *, status: int, retry_after_s: float | None) -> None:
        super().__init__(text)
        self.status = status
        self.retry_after_s = retry_after_s  # what the server asked for, uncapped; None: it did not say


def failure(where: str, status: int, headers: Mapping[str, str], body: str) -> JudgeError:
    """The error that a status outside 2xx is. ``headers`` and ``body`` hold no key; names in lower case."""
    if 300 <= status < 400:
        target = one_line(headers.get("location", "nowhere"))
        return JudgeRefused(f"{where} redirects to {target}; no key goes there: give the final address yourself")
    code, param, message = _reason(body)
    text = f"{where} answered {status}: {one_line(message).rstrip('.') or 'without a reason'}"
    if status >= 500 or (status in _TRANSIENT and code != "insufficient_quota"):
        return Overloaded(text, status=status, retry_after_s=retry_after_s(headers.get("retry-after"), time()))
    hint = {401: "; check the key", 403: "; check the key", 404: "; check the address and the model's name"}
    return Rejected(text + hint.get(status, ""), status=status, code=code, param=param, message=message)


def retry_after_s(value: str | None, now: float) -> float | None:
    """Seconds to wait by a Retry-After header, a number or an HTTP date (RFC 9110, 10.2.3); None when it says nothing.

    ``now`` is the Unix time that a date is compared with.
    """
    if value is None:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            date = parsedate_to_datetime(value)
        except (ValueError, OverflowError):
            return None
        seconds = (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now
    return max(0.0, seconds) if math.isfinite(seconds) else None


def _reason(body: str) -> tuple[str | None, str | None, str]:
    """The code, the field blamed and the message of an error body, whichever of the usual shapes it has."""
    try:
        reply = json.loads(body)
    except (ValueError, RecursionError):
        return None, None, body
    error = reply.get("error", reply) if isinstance(reply, dict) else reply
    if not isinstance(error, dict):
        return None, None, error if isinstance(error, str) else body
    message = error.get("message") or error.get("detail") or body
    return (
        text_or_none(error.get("code")),
        text_or_none(error.get("param")),
        message if isinstance(message, str) else body,
    )


def one_line(message: str) -> str:
    """One line of printable text, cut."""
    line = " ".join(clean_text(message[: 8 * _MESSAGE_CHARS]).split())
    line = "".join(character if character.isprintable() else "\ufffd" for character in line)
    return line if len(line) <= _MESSAGE_CHARS else line[:_MESSAGE_CHARS] + "..."


def text_or_none(value: Any) -> str | None:
    return clean_text(value) if isinstance(value, str) else None
