"""The openai SDK's own client at the place of our transport, for what it knows of Azure, files and the Responses API.

Dialect, log-probabilities, prices, complaints and texts of errors stay as they are: only the way there is another. The
SDK is told everything, because what it is not told it reads from the environment; and a gate before the connection
lets nothing pass that the judge's connection does not name.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import IO, Any
from urllib.parse import parse_qsl

from pydantic_core import to_json

from judgebench.clients.base import Access
from judgebench.clients.channel import proxy_of
from judgebench.clients.http import MAX_FILE_BYTES, MAX_REPLY_BYTES, Timeouts, Transport, failure, save
from judgebench.clients.openai import OpenAIClient
from judgebench.clients.responses import ENDPOINT, as_chat, as_responses
from judgebench.errors import BadReply, InputError, JudgeUnreachable, MissingExtra

_CHAT = "/chat/completions"
_SENT = frozenset({"host", "content-type", "content-length", "transfer-encoding", "accept", "accept-encoding"})
_SENT |= {"connection", "user-agent"}
_KEYS = frozenset({"authorization", "api-key"})
_API_VERSION = "api-version"
_NO_KEY = "none"  # is stopped at the gate


def open_sdk(access: Access) -> OpenAIClient:
    """Raises InputError, and MissingExtra where the SDK is not installed."""
    return OpenAIClient(access, transport=SdkTransport(access, Timeouts()))


def open_azure(access: Access) -> OpenAIClient:
    """The model is the name of a deployment. Raises as ``open_sdk``."""
    return OpenAIClient(access, transport=AzureTransport(access, Timeouts()))


def open_responses(access: Access) -> OpenAIClient:
    """Raises as ``open_sdk``."""
    return OpenAIClient(access, transport=ResponsesTransport(access, Timeouts()))


def _module(name: str) -> Any:
    try:
        return import_module(name)
    except ImportError as error:
        raise MissingExtra("this provider needs the openai SDK: pip install 'judgebench[openai]'") from error


class SdkTransport(Transport):
    """Requests by ``openai.AsyncOpenAI``. Raises InputError and MissingExtra."""

    def __init__(self, access: Access, timeouts: Timeouts) -> None:
        super().__init__(access, timeouts)
        if access.connection.key_header is not None:
            raise InputError("the openai SDK chooses the header of its key: leave key_header out")
        self._openai = _module("openai")
        self._http = _module("httpx2")
        self._sdk: Any = None

    async def close(self) -> None:
        await super().close()
        if self._sdk is not None:
            sdk, self._sdk = self._sdk, None
            await sdk.close()

    def _client(self, **settings: Any) -> Any:
        key = self._access.api_key if self._tokens is None else self._token
        query = dict(self._access.connection.query)
        return self._openai.AsyncOpenAI(base_url=self.base_url, api_key=key or _NO_KEY, default_query=query, **settings)

    async def _token(self) -> str:
        return "" if self._tokens is None else (await self._tokens.current()).reveal()

    def _opened_sdk(self) -> Any:
        """Opened late, because connections belong to the loop that runs when they are made."""
        if self._sdk is not None:
            return self._sdk
        connection = self._access.connection
        secret = {name: self._access.secrets[variable] for name, variable in connection.headers_env.items()}
        headers = {**connection.headers, **secret}
        has_key = self._access.api_key is not None or self._tokens is not None
        passing = {name.lower() for name in headers} | _SENT | (_KEYS if has_key else frozenset())
        http = self._http
        inner = http.AsyncHTTPTransport(
            verify=True if self._tls is None else self._tls,
            proxy=None if (proxy := proxy_of(self._access)) is None else http.Proxy(proxy),
            limits=http.Limits(max_connections=None, max_keepalive_connections=None),
            trust_env=False,
        )
        timeout = http.Timeout(self._timeouts.total_s, connect=self._timeouts.connect_s)
        client = http.AsyncClient(
            transport=_gate(http, inner, frozenset(passing)), timeout=timeout, follow_redirects=False, trust_env=False
        )
        self._sdk = self._client(
            organization="",
            project="",
            default_headers={**headers, "Accept-Encoding": "identity"},
            max_retries=0,
            timeout=timeout,
            http_client=client,
        )
        return self._sdk

    async def _request(
        self,
        method: str,
        path: str,
        data: Any = None,
        key: Mapping[str, str] | None = None,
        sink: IO[bytes] | None = None,
    ) -> bytes:
        if sink is not None:
            await self._sent(lambda sdk: self._saved(sdk, path, sink))
            return b""
        bare, _, query = path.partition("?")
        options = {"params": dict(parse_qsl(query))} if query else {}
        cast = self._http.Response
        if method == "GET":
            response = await self._sent(lambda sdk: sdk.get(bare, cast_to=cast, options=options))
        else:
            body = json.loads(data)
            response = await self._sent(lambda sdk: sdk.post(bare, body=body, cast_to=cast, options=options))
        content: bytes = response.content
        return content

    async def _uploaded(self, path: str, file: Path, fields: Mapping[str, str], key: Mapping[str, str] | None) -> Any:
        response = await self._sent(
            lambda sdk: sdk.files.with_raw_response.create(file=file, purpose=fields["purpose"])
        )
        return self._parsed(response.content)

    async def _saved(self, sdk: Any, path: str, sink: IO[bytes]) -> None:
        file_id = path.removeprefix("/files/").removesuffix("/content")
        async with sdk.files.with_streaming_response.content(file_id) as response:
            await save(_Chunks(response.iter_bytes()), sink, self._secrets)

    async def _sent(self, ask: Callable[[Any], Awaitable[Any]]) -> Any:
        """What the SDK returns; what it raises as our errors."""
        openai, where = self._openai, self.base_url
        self.calls += 1
        late = f"{where} did not answer within {self._timeouts.total_s:g} s"
        try:
            async with asyncio.timeout(self._timeouts.total_s):
                return await ask(self._opened_sdk())
        except openai.APIStatusError as error:
            headers = {name.lower(): self._clean(value) for name, value in error.response.headers.items()}
            text = self._translated(self._clean(error.response.text))
            raise failure(where, error.status_code, headers, text, answered=self.answered) from None
        except (TimeoutError, openai.APITimeoutError):
            raise JudgeUnreachable(late) from None
        except openai.APIConnectionError as error:
            cause = error.__cause__
            if isinstance(cause, BadReply):
                raise cause from None
            reason = self._clean(str(cause or error))
            if "CERTIFICATE_VERIFY_FAILED" in reason:
                raise JudgeUnreachable(f"the certificate of {where} is not trusted here: {reason}") from None
            raise JudgeUnreachable(f"the connection to {where} broke: {reason}") from None
        except openai.OpenAIError as error:
            raise BadReply(f"{where}: {self._clean(str(error))}") from None

    def _translated(self, text: str) -> str:
        """The body of an error in the words of chat completions."""
        return text


class AzureTransport(SdkTransport):
    """Requests by ``openai.AsyncAzureOpenAI``, which addresses deployments, and sends a key or a token of Entra ID."""

    def __init__(self, access: Access, timeouts: Timeouts) -> None:
        super().__init__(access, timeouts)
        self.base_url = self.base_url.removesuffix("/openai")
        if _API_VERSION not in access.connection.query:
            raise InputError(
                "Azure wants to know which version of its API is asked: give --query api-version=2024-10-21 (in a "
                "study file: connection: {query: {api-version: 2024-10-21}})"
            )

    def _client(self, **settings: Any) -> Any:
        query = dict(self._access.connection.query)
        version = query.pop(_API_VERSION)
        key: dict[str, Any] = {"api_key": self._access.api_key or _NO_KEY}
        if self._tokens is not None:
            key = {"azure_ad_token_provider": self._token}
        return self._openai.AsyncAzureOpenAI(
            azure_endpoint=self.base_url, api_version=version, default_query=query, **key, **settings
        )


class ResponsesTransport(SdkTransport):
    """Questions go to ``/responses``; to whoever asks, they are chat completions."""

    async def _json(self, method: str, path: str, data: Any, key: Mapping[str, str] | None) -> Any:
        if path != _CHAT:
            return await super()._json(method, path, data, key)
        question = to_json(as_responses(json.loads(data)))
        return as_chat(await super()._json(method, ENDPOINT, question, key))

    def _translated(self, text: str) -> str:
        return text.replace("max_output_tokens", "max_tokens")


@dataclass(slots=True)
class _Chunks:
    """A body as it comes."""

    chunks: AsyncIterator[bytes]

    async def readany(self) -> bytes:
        return await anext(self.chunks, b"")


def _gate(http: Any, inner: Any, passing: frozenset[str]) -> Any:
    """``inner`` behind a gate: only these headers go out, and no more comes in than an honest server sends."""

    class Gate(http.AsyncBaseTransport):  # type: ignore[misc]  # imported late
        async def handle_async_request(self, request: Any) -> Any:
            headers = [(name, value) for name, value in request.headers.items() if name.lower() in passing]
            sent = http.Request(
                request.method, request.url, headers=headers, stream=request.stream, extensions=request.extensions
            )
            response = await inner.handle_async_request(sent)
            if response.headers.get("content-encoding", "identity") != "identity":
                await response.aclose()
                raise BadReply("the server packed its reply, though it was asked not to")
            is_file = request.url.path.endswith("/content")
            response.stream = Bounded(response.stream, MAX_FILE_BYTES if is_file else MAX_REPLY_BYTES)
            return response

        async def aclose(self) -> None:
            await inner.aclose()

    class Bounded(http.AsyncByteStream):  # type: ignore[misc]  # imported late
        def __init__(self, stream: Any, most: int) -> None:
            self._stream = stream
            self._most = most

        async def __aiter__(self) -> AsyncIterator[bytes]:
            size = 0
            async for chunk in self._stream:
                size += len(chunk)
                if size > self._most:
                    raise BadReply(f"the server sent more than {self._most >> 20} MiB; no reply is that long")
                yield chunk

        async def aclose(self) -> None:
            await self._stream.aclose()

    return Gate()
