"""Requests to a judge's server, and what answers that are no reply mean. An API key can be sent, never shown."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from time import time
from typing import IO, TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import urlsplit

import aiohttp
from pydantic_core import to_json

from judgebench.clients.base import Access
from judgebench.clients.channel import HttpAnswer, headers_of, key_header, proxy_of, query_of, secrets_of, tls_of
from judgebench.clients.complaints import Complaint, Reason, complaint_of, wait_s
from judgebench.clients.event_stream import reply_of_stream
from judgebench.clients.secrets import Secrets
from judgebench.clients.tokens import Renewal, Tokens, fetcher
from judgebench.errors import BadReply, InputError, JudgeError, JudgeRefused, JudgeUnreachable
from judgebench.keys import clean_text
from judgebench.spec.addresses import is_address

if TYPE_CHECKING:
    from judgebench.clients.wire import Wire

_MESSAGE_CHARS = 300
_TRANSIENT = frozenset({408, 409, 425, 429})
_OF_ALL = (Reason.KEY, Reason.QUOTA, Reason.MODEL)  # reasons that hold for every question
_ANSWERS = ("choices", "data")  # one of them is in every good reply
MAX_REPLY_BYTES = 16 * 2**20  # after decompression; the longest honest replies, with log-probabilities, are below 4 MiB
_MAX_ERROR_BYTES = 2**16
MAX_FILE_BYTES = 2**32
_HEADERS = {"Content-Type": "application/json", "Accept": "application/json", "Accept-Encoding": "gzip, deflate"}
_PROXY_LOGIN = 407
_RENEWALS = 12  # of a token that one request may cause: one that is good for few calls is used up by others first
_Answer = TypeVar("_Answer")
_Headers = Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Deadlines of one request, in seconds."""

    connect_s: float = 10.0  # until the connection stands, TLS included
    total_s: float = 300.0  # from asking to the last byte of the reply


class Transport:
    """Connections to one server, as many as there are requests in flight, kept alive between them.

    Raises InputError when the address is not a plain http or https one, or the connection cannot be made as it says.
    """

    def __init__(self, access: Access, timeouts: Timeouts) -> None:
        base_url = access.url or ""
        if not is_address(base_url):
            raise InputError(f"judge address {base_url[:200]!r} is not one: give it as http://HOST:PORT/v1")
        parts = urlsplit(base_url)
        if parts.username is not None or parts.password is not None or parts.query or parts.fragment:
            raise InputError(
                "a judge's address holds no user, password, query or fragment; a key is passed by its variable, "
                "a query by --query NAME=VALUE"
            )
        self.base_url = base_url.rstrip("/").removesuffix("/chat/completions")
        self.calls = 0
        self.answered = False  # a question, so far
        self._access = access
        self._secrets = secrets_of(access)
        self._query = query_of(access)
        self._tls = tls_of(access)
        fetch = fetcher(access.connection)
        self._tokens = None if fetch is None else Tokens(fetch, self._secrets)
        self._timeouts = timeouts
        self._session: aiohttp.ClientSession | None = None
        self._wire = self._plain_wire()

    def __repr__(self) -> str:
        return f"Transport({self.base_url!r})"

    async def json(self, path: str, payload: Mapping[str, Any] | None = None) -> Any:
        """The parsed JSON at ``path``, or the answer to ``payload`` there. Raises as ``Client.complete`` does."""
        method, data = ("GET", None) if payload is None else ("POST", to_json(payload))
        return await self._keyed(lambda key: self._json(method, path, data, key))

    async def ask(self, path: str, payload: Mapping[str, Any]) -> Any:
        """The reply to a question. An error that comes in a body with status 200 is the error that it says.

        Raises as ``Client.complete`` does.
        """
        data = to_json(payload)
        return await self._keyed(lambda key: self._asked(path, data, key))

    async def upload(self, path: str, file: Path, fields: Mapping[str, str]) -> Any:
        """The parsed JSON answer to a form with ``fields`` and a file. Raises as ``Client.complete`` does."""
        return await self._keyed(lambda key: self._uploaded(path, file, fields, key))

    async def download(self, path: str, target: Path) -> None:
        """Write what is at ``path`` into a file, as it comes. Raises as ``Client.complete`` does."""
        with target.open("wb") as sink:
            await self._keyed(lambda key: self._request("GET", path, key=key, sink=sink))

    async def close(self) -> None:
        if self._tokens is not None:
            await self._tokens.close()
        if self._wire is not None:
            await self._wire.close()
        if self._session is not None:
            await self._session.close()
            self._session = None

    def _plain_wire(self) -> "Wire | None":
        """None where TLS or a proxy is on the way, and without the extra ``fast``: then aiohttp does it all."""
        if find_spec("httptools") is None or self._access.connection.proxy is not None:
            return None
        from judgebench.clients import wire  # which needs httptools

        if not wire.is_plain(self.base_url):
            return None
        return wire.Wire(
            self.base_url,
            _HEADERS | headers_of(self._access),
            connect_s=self._timeouts.connect_s,
            total_s=self._timeouts.total_s,
            limit_of=_most_bytes,
        )

    async def _keyed(self, request: Callable[[_Headers], Awaitable[_Answer]]) -> _Answer:
        """The answer to a request; made again with the next token where the server takes the last one no longer."""
        if self._tokens is None:
            return await request(None)
        renewals = 0
        while True:
            token = await self._tokens.current()
            try:
                with self._tokens.used(token):
                    return await request(key_header(self._access, token.reveal()))
            except Rejected as error:
                renewal = await self._tokens.renew(token) if error.of_key and renewals < _RENEWALS else Renewal.USELESS
                if renewal is Renewal.USELESS:
                    raise
                renewals += renewal is Renewal.OWN

    async def _asked(self, path: str, data: bytes, key: _Headers) -> Any:
        reply = await self._json("POST", path, data, key)
        if (error := _error_in(reply)) is not None:
            status = complaint_of(error).status
            if status is not None:
                raise failure(self.base_url, status, {}, error, answered=self.answered)
        else:
            self.answered = True
        return reply

    async def _uploaded(self, path: str, file: Path, fields: Mapping[str, str], key: _Headers) -> Any:
        with file.open("rb") as stream:
            form = aiohttp.MultipartWriter("form-data")
            for name, value in fields.items():
                form.append(value).set_content_disposition("form-data", name=name)
            part = form.append(stream, {"Content-Type": "application/jsonl"})
            part.set_content_disposition("form-data", name="file", filename=file.name)
            return await self._json("POST", path, form, {"Content-Type": form.headers["Content-Type"], **(key or {})})

    async def _json(self, method: str, path: str, data: bytes | aiohttp.MultipartWriter | None, key: _Headers) -> Any:
        return self._parsed(await self._request(method, path, data, key))

    async def _request(
        self,
        method: str,
        path: str,
        data: bytes | aiohttp.MultipartWriter | None = None,
        key: _Headers = None,
        sink: IO[bytes] | None = None,
    ) -> bytes:
        """The body of a good answer, or nothing where it went into ``sink``. ``key``: headers of this request alone."""
        self.calls += 1
        if self._wire is not None and isinstance(data, bytes):
            return self._good(await self._wire.post(self._path(path), data, key))
        # "from None" where aiohttp's message quotes the server, which may quote the key in its turn.
        session = self._session or self._opened()
        where = self.base_url
        try:
            async with session.request(
                method, self.base_url + self._path(path), data=data, headers=key, allow_redirects=False
            ) as response:
                good = 200 <= response.status < 300
                if good and sink is not None:
                    await save(response.content, sink, self._secrets)
                    return b""
                body = await _read(response.content, _most_bytes(response.status))
                headers = {} if good else {name.lower(): value for name, value in response.headers.items()}
                answer = HttpAnswer(response.status, headers, body)
        except TimeoutError as error:
            is_early = isinstance(error, aiohttp.ConnectionTimeoutError)
            seconds = self._timeouts.connect_s if is_early else self._timeouts.total_s
            what = "let nobody connect" if is_early else "did not answer"
            raise JudgeUnreachable(f"{where} {what} within {seconds:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise self._broken(error) from None
        if answer.status == _PROXY_LOGIN and self._access.connection.proxy is not None:
            raise self._refused_by_proxy(answer.status)
        return self._good(answer)

    def _good(self, answer: HttpAnswer) -> bytes:
        """Its body. Raises where it says no."""
        if 200 <= answer.status < 300:
            return answer.body
        text = self._secrets.scrub_reply(answer.body).decode("utf-8", "replace")
        headers = {name: self._clean(value) for name, value in answer.headers.items()}
        raise failure(self.base_url, answer.status, headers, self._clean(text), answered=self.answered)

    def _opened(self) -> aiohttp.ClientSession:
        """Opened late, because a session belongs to the loop that runs when it is made."""
        tls = True if self._tls is None else self._tls
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=300, ssl=tls),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers=_HEADERS | headers_of(self._access),
            timeout=aiohttp.ClientTimeout(total=self._timeouts.total_s, connect=self._timeouts.connect_s),
            proxy=proxy_of(self._access),
        )
        return self._session

    def _path(self, path: str) -> str:
        """With the query, where there is one."""
        return f"{path}{'&' if '?' in path else '?'}{self._query}" if self._query else path

    def _broken(self, error: aiohttp.ClientError | OSError) -> JudgeError:
        """What went wrong on the way, and at which end of it."""
        where, why = self.base_url, self._clean(str(error))
        if isinstance(error, aiohttp.ClientProxyConnectionError):
            reason = self._clean(str(error.os_error))
            return JudgeUnreachable(f"nobody answers at the proxy {self._access.connection.proxy}: {reason}")
        if isinstance(error, aiohttp.ClientHttpProxyError):
            return self._refused_by_proxy(error.status)
        if isinstance(error, aiohttp.ClientConnectorCertificateError | aiohttp.ClientConnectorSSLError):
            return JudgeUnreachable(_without_certificate(where, why))
        if isinstance(error, aiohttp.ClientConnectorError):
            return JudgeUnreachable(f"nobody answers at {where}: {self._clean(str(error.os_error))}")
        if isinstance(error, aiohttp.ClientResponseError):
            return BadReply(f"{where} does not answer in HTTP: {self._clean(error.message)}")
        hint = ""
        if "alert" in why and self._access.connection.client_cert is not None:
            hint = f"; does it take {self._access.connection.client_cert} (client_cert, --client-cert)?"
        if where.startswith("https") and not self.answered and self._access.connection.client_cert is None:
            hint = "; does it want a client certificate (client_cert, --client-cert)?"
        return JudgeUnreachable(f"the connection to {where} broke: {why}{hint}")

    def _refused_by_proxy(self, status: int) -> JudgeError:
        connection = self._access.connection
        text = f"the proxy {connection.proxy} answered {status}"
        if status == _PROXY_LOGIN:
            has_login = connection.proxy_env is not None
            hint = f"check {connection.proxy_env}" if has_login else "name the variable with USER:PASSWORD by proxy_env"
            return JudgeRefused(f"{text}: it wants a user and a password; {hint} (--proxy-env)")
        if status in (502, 503, 504):
            return JudgeUnreachable(f"{text}: it does not reach {self.base_url}")
        return JudgeRefused(f"{text}: it does not let {self.base_url} be asked")

    def _parsed(self, body: bytes) -> Any:
        if len(body) > MAX_REPLY_BYTES:
            raise BadReply(f"{self.base_url} sent more than {MAX_REPLY_BYTES >> 20} MiB; no completion is that long")
        try:
            return json.loads(self._secrets.scrub_reply(body))
        except (ValueError, RecursionError) as error:
            text = self._clean(body.decode("utf-8", "replace"))
            if (streamed := reply_of_stream(text)) is not None:  # a key may be whole only now
                return json.loads(self._secrets.scrub_reply(to_json(streamed)))
            what = f"something that is not JSON{_missing_v1(self.base_url)}: {text[:80]!r}"
            raise BadReply(f"{self.base_url} answered with {what}") from error

    def _clean(self, text: str) -> str:
        return self._secrets.scrub(text)


def _most_bytes(status: int) -> int:
    """Of an answer of this status."""
    return MAX_REPLY_BYTES if 200 <= status < 300 else _MAX_ERROR_BYTES


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
    if "has expired" in why or "not yet valid" in why or "mismatch" in why:
        return f"the certificate of {where} is not its own or out of date: {why}; check the address, or ask its owner"
    return (
        f"the certificate of {where} is not trusted here: {why}; name its authority's file by ca (--ca FILE), or "
        "add it to this machine's"
    )


async def _read(content: aiohttp.StreamReader, limit: int) -> bytes:
    """The body, or a little more than ``limit`` bytes of it; a longer rest is left unread."""
    chunks, size = [], 0
    while size <= limit and (chunk := await content.readany()):
        chunks.append(chunk)
        size += len(chunk)
    return b"".join(chunks)


class Readable(Protocol):
    """A body as it comes."""

    async def readany(self) -> bytes:
        """What has come; empty at its end."""
        ...


async def save(content: Readable, sink: IO[bytes], secrets: Secrets) -> None:
    """Line by line, each without the key. Raises BadReply for more than any file of results holds."""
    size, line = 0, b""
    while chunk := await content.readany():
        size += len(chunk)
        if size > MAX_FILE_BYTES:
            raise BadReply(f"the server sent a file of more than {MAX_FILE_BYTES >> 30} GiB")
        whole, end, line = (line + chunk).rpartition(b"\n")
        if len(line) > MAX_REPLY_BYTES:
            raise BadReply(f"the server sent a file with a line of more than {MAX_REPLY_BYTES >> 20} MiB")
        sink.write(secrets.scrub_reply(whole + end))
    sink.write(secrets.scrub_reply(line))


class Rejected(JudgeRefused):
    """An answer that says no."""

    def __init__(self, text: str, *, status: int, complaint: Complaint, answered: bool = False) -> None:
        super().__init__(text)
        self.status = status
        self.complaint = complaint
        self.answered = answered  # whether this server has answered a question before, with the same key and model

    @property
    def of_key(self) -> bool:
        """Whether the key is at fault, or the token, which may have expired."""
        reason = self.complaint.reason
        return reason is Reason.KEY or (self.status == 401 and reason is None)

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
    if reason is Reason.IMAGES:  # llama.cpp and Ollama say it by 500, and OpenRouter by 404
        return Rejected(text, status=status, complaint=complaint, answered=answered)
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
