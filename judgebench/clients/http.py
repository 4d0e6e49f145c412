"""Requests to a judge's server, and what answers that are no reply mean. An API key can be sent, never shown."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from time import time
from typing import IO, Any
from urllib.parse import urlsplit

import aiohttp
from pydantic_core import to_json

from judgebench.clients.complaints import Complaint, Reason, complaint_of, wait_s
from judgebench.clients.event_stream import reply_of_stream
from judgebench.clients.secrets import Secret
from judgebench.errors import BadReply, InputError, JudgeError, JudgeRefused, JudgeUnreachable
from judgebench.keys import clean_text

_MESSAGE_CHARS = 300
_TRANSIENT = frozenset({408, 409, 425, 429})
_OF_ALL = (Reason.KEY, Reason.QUOTA, Reason.MODEL)  # reasons that hold for every question
_ANSWERS = ("choices", "data")  # one of them is in every good reply
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
        self.answered = False  # a question, so far
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

    async def ask(self, path: str, payload: Mapping[str, Any]) -> Any:
        """The reply to a question. An error that comes in a body with status 200 is the error that it says.

        Raises as ``Client.complete`` does.
        """
        reply = await self.json(path, payload)
        if (error := _error_in(reply)) is not None:
            status = complaint_of(error).status
            if status is not None:
                raise failure(self.base_url, status, {}, error, answered=self.answered)
        else:
            self.answered = True
        return reply

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
        except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientConnectorSSLError) as error:
            raise JudgeUnreachable(_without_certificate(where, self._clean(str(error)))) from None
        except aiohttp.ClientConnectorError as error:
            raise JudgeUnreachable(f"nobody answers at {where}: {self._clean(str(error.os_error))}") from error
        except aiohttp.ClientResponseError as error:
            raise BadReply(f"{where} does not answer in HTTP: {self._clean(error.message)}") from None
        except (aiohttp.ClientError, OSError) as error:
            raise JudgeUnreachable(f"the connection to {where} broke: {self._clean(str(error))}") from None
        if not good:
            text = _scrubbed(body, self._secret).decode("utf-8", "replace")
            raise failure(where, status, cleaned, self._clean(text), answered=self.answered)
        return body

    def _parsed(self, body: bytes) -> Any:
        if len(body) > MAX_REPLY_BYTES:
            raise BadReply(f"{self.base_url} sent more than {MAX_REPLY_BYTES >> 20} MiB; no completion is that long")
        try:
            return json.loads(_scrubbed(body, self._secret))
        except (ValueError, RecursionError) as error:
            text = self._clean(body.decode("utf-8", "replace"))
            if (streamed := reply_of_stream(text)) is not None:  # a key may be whole only now
                return json.loads(_scrubbed(to_json(streamed), self._secret))
            what = f"something that is not JSON{_missing_v1(self.base_url)}: {text[:80]!r}"
            raise BadReply(f"{self.base_url} answered with {what}") from error

    def _clean(self, text: str) -> str:
        return text if self._secret is None else self._secret.scrub(text)


def _error_in(reply: Any) -> Any:
    """What of a body with status 200 says that it is no reply; None where it is one, or nothing that can be read."""
    if not isinstance(reply, dict):
        return None
    if not any(reply.get(name) for name in _ANSWERS):
        return reply
    choices = reply.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict) or not isinstance(choice.get("error"), dict):
        return None
    message = choice.get("message")
    return None if isinstance(message, dict) and message.get("content") else choice["error"]


def _without_certificate(where: str, why: str) -> str:
    if "wrong version" in why.lower() or "record layer" in why.lower():
        return f"{where} does not speak TLS: does its address begin with http://? ({why})"
    return (
        f"the certificate of {where} is not trusted here: {why}; add its authority to this machine's, e.g. by the "
        "variable SSL_CERT_FILE"
    )


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
    """An answer that says no."""

    def __init__(self, text: str, *, status: int, complaint: Complaint, answered: bool = False) -> None:
        super().__init__(text)
        self.status = status
        self.complaint = complaint
        self.answered = answered  # whether this server has answered a question before, with the same key and model

    @property
    def only_this(self) -> bool:
        """Whether other questions may fare better: neither key nor quota is at fault, nor the model's name. A status
        without a reason is believed where it is the first answer."""
        reason = self.complaint.reason
        if reason in _OF_ALL:
            return False
        if self.status == 404 and self.complaint.code is not None:
            return True
        return self.answered or reason is not None or self.status not in (401, 402, 403, 404, 429)


class Overloaded(JudgeUnreachable):
    """An answer that asks to try later: 408, 409, 425, 429, 5xx, or in words."""

    def __init__(self, text: str, *, status: int, complaint: Complaint, retry_after_s: float | None) -> None:
        super().__init__(text)
        self.status = status
        self.complaint = complaint
        self.retry_after_s = retry_after_s  # what the server asked for, uncapped; None: it did not say
        self.hold_s = 0.0  # for which all requests are held back, where it says that they are too many


def failure(where: str, status: int, headers: Mapping[str, str], body: Any, *, answered: bool = False) -> JudgeError:
    """The error that an answer outside 2xx is, or one whose body says so. Neither ``headers``, names in lower case, nor
    ``body``, a text or a value that was JSON, hold a key."""
    if 300 <= status < 400:
        target = one_line(headers.get("location", "nowhere"))
        return JudgeRefused(f"{where} redirects to {target}; no key goes there: give the final address yourself")
    complaint = complaint_of(body)
    reason = complaint.reason
    text = f"{where} answered {status}: {one_line(complaint.message).rstrip('.') or 'without a reason'}"
    asked_s = wait_s(headers, time())
    asked_s = complaint.wait_s if asked_s is None else asked_s
    if reason is Reason.RATE:
        return Overloaded(text, status=429, complaint=complaint, retry_after_s=asked_s)
    if status >= 500 or (status in _TRANSIENT and reason is not Reason.QUOTA) or reason is Reason.BUSY:
        return Overloaded(
            text,
            status=max(status, 503) if reason is Reason.BUSY else status,
            complaint=complaint,
            retry_after_s=asked_s,
        )
    return Rejected(text + _hint(where, status, reason), status=status, complaint=complaint, answered=answered)


def _hint(where: str, status: int, reason: Reason | None) -> str:
    if reason is Reason.CONTENT:
        return ""
    if status in (401, 403) or reason is Reason.KEY:
        return "; check the key"
    if status == 404 or reason is Reason.MODEL:
        return f"; check the address and the model's name{_missing_v1(where)}"
    return ""


def _missing_v1(where: str) -> str:
    """What to try where an address may lack its end."""
    return "" if "/v1" in where else f", or try {where}/v1"


def one_line(message: str) -> str:
    """One line of printable text, cut."""
    line = " ".join(clean_text(message[: 8 * _MESSAGE_CHARS]).split())
    line = "".join(character if character.isprintable() else "\ufffd" for character in line)
    return line if len(line) <= _MESSAGE_CHARS else line[:_MESSAGE_CHARS] + "..."


def text_or_none(value: Any) -> str | None:
    return clean_text(value) if isinstance(value, str) else None
