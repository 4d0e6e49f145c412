"""Servers of other shapes (Anthropic, Gemini, Bedrock ...) by the library any-llm, at the place of our transport.

The library and those below it read keys, addresses, proxies, netrc and credentials of clouds from wherever they lie.
So they run in a process of their own, whose environment holds nothing but what the judge's connection names: the key
comes by the variable that the user named, and nothing else can be sent.
"""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from importlib.util import find_spec
from itertools import count
from typing import IO, Any

from judgebench.clients import any_llm_worker
from judgebench.clients.base import Access
from judgebench.clients.channel import proxy_of
from judgebench.clients.http import MAX_REPLY_BYTES, Timeouts, Transport, failure
from judgebench.clients.openai import OpenAIClient
from judgebench.errors import BadReply, InputError, JudgeRefused, JudgeUnreachable, MissingExtra

_START_S = 180.0  # that the library may take to load
_PASSED = ("PATH", "LANG", "LC_ALL", "TZ", "SYSTEMROOT")
_NO_PLACE = "http://provider.invalid"  # where the library knows the address
_TAKEN = frozenset({"proxy", "proxy_env", "ca", "system_role"})  # of a connection
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")


def open_any_llm(access: Access) -> OpenAIClient:
    """The model is "PROVIDER/MODEL". Raises InputError, and MissingExtra where any-llm is not installed."""
    provider, slash, model = access.model.partition("/")
    if not (provider and slash and model):
        raise InputError(f"{access.model!r} is not PROVIDER/MODEL, as in any-llm:anthropic/claude-sonnet-4-5")
    if find_spec("any_llm") is None:
        raise MissingExtra(
            "servers of other shapes need any-llm: pip install 'judgebench[any-llm]', and what it needs for the "
            f"provider, e.g. pip install 'any-llm-sdk[{provider}]'"
        )
    access = replace(access, model=model)
    return OpenAIClient(access, transport=AnyLlmTransport(provider, access, Timeouts()))


class AnyLlmTransport(Transport):
    """Requests by any-llm in a process of its own. Raises InputError where the connection holds what it cannot take."""

    def __init__(self, provider: str, access: Access, timeouts: Timeouts) -> None:
        super().__init__(replace(access, url=access.url or _NO_PLACE), timeouts)
        names = {*access.connection.stored(), *(["token"] if access.connection.token is not None else [])}
        if more := sorted(names - _TAKEN):
            raise InputError(f"any-llm takes no {more[0]}: leave it out of the connection")
        self.base_url = access.url or provider
        self._provider = provider
        self._url = access.url
        self._worker: _Worker | None = None
        self._lock = asyncio.Lock()

    async def close(self) -> None:
        await super().close()
        if self._worker is not None:
            worker, self._worker = self._worker, None
            await worker.close()

    async def _request(
        self,
        method: str,
        path: str,
        data: Any = None,
        key: Mapping[str, str] | None = None,
        sink: IO[bytes] | None = None,
    ) -> bytes:
        """A question, or the list of models: nothing else has one form everywhere."""
        self.calls += 1
        question = {} if data is None else json.loads(data)
        try:
            async with asyncio.timeout(self._timeouts.total_s):
                answer = await (await self._started()).ask(question)
        except TimeoutError as error:
            raise JudgeUnreachable(f"{self.base_url} did not answer within {self._timeouts.total_s:g} s") from error
        if (why := answer.get("failure")) is not None:
            raise self._failed(why)
        return json.dumps(answer.get("reply")).encode()

    def _failed(self, why: Mapping[str, Any]) -> Exception:
        """The error that the worker tells of."""
        message, status = self._clean(str(why["message"])), why["status"]
        if status is None:
            if why["kind"] in ("NotImplementedError", "ValidationError", "TooLong"):
                return BadReply(f"{self.base_url}: {message}")
            return JudgeUnreachable(f"the connection to {self.base_url} broke: {message}")
        headers = {name: self._clean(value) for name, value in why["headers"].items()}
        body = {"error": {"message": message, "code": why["code"], "param": why["param"]}}
        return failure(self.base_url, status, headers, body, answered=self.answered)

    async def _started(self) -> "_Worker":
        async with self._lock:
            if (
                self._worker is not None and self._worker.has_ended
            ):  # killed for its memory, say: others may be answered
                worker, self._worker = self._worker, None
                await worker.close()
            if self._worker is None:
                first = {"provider": self._provider, "key": self._access.api_key or "none", "url": self._url}
                proxy, ca = proxy_of(self._access), self._access.connection.ca
                allowed = {} if proxy is None else dict.fromkeys(_PROXIES, proxy)
                worker = await _Worker.started(allowed | ({} if ca is None else {"SSL_CERT_FILE": ca}))
                try:
                    async with asyncio.timeout(_START_S):
                        began = await worker.begin(first)
                except TimeoutError as error:
                    await worker.close()
                    raise JudgeUnreachable(f"any-llm did not start within {_START_S:g} s") from error
                if began is not None:
                    await worker.close()
                    raise JudgeRefused(f"any-llm cannot ask {self._provider}: {self._clean(str(began['message']))}")
                self._worker = worker
            return self._worker


class _Worker:
    """The process, and the questions that wait for it."""

    def __init__(self, process: asyncio.subprocess.Process, home: "tempfile.TemporaryDirectory[str]") -> None:
        self._process = process
        self._home = home
        self._numbers = count()
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._reading: asyncio.Task[None] | None = None

    @classmethod
    async def started(cls, more: Mapping[str, str]) -> "_Worker":
        """With an empty home, and an environment that holds no secret."""
        home = tempfile.TemporaryDirectory(prefix="judgebench-")
        environment = {name: os.environ[name] for name in _PASSED if name in os.environ}
        environment |= {"HOME": home.name, "NETRC": os.devnull, "AWS_EC2_METADATA_DISABLED": "true"} | dict(more)
        environment |= {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path), "NO_GCE_CHECK": "true"}
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", any_llm_worker.__file__),  # -P: what lies beside it would hide libraries
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,  # what libraries print may hold a key
            env=environment,
            cwd=home.name,
            start_new_session=True,
            limit=4 * MAX_REPLY_BYTES,
        )
        return cls(process, home)

    async def begin(self, first: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Why the provider cannot be asked; None where it can."""
        self._write(first)
        line = await self._line()
        self._reading = asyncio.create_task(self._read())
        why: Mapping[str, Any] | None = line.get("failure")
        return why

    @property
    def has_ended(self) -> bool:
        """Whether nothing that is asked would be answered."""
        return self._process.returncode is not None or (self._reading is not None and self._reading.done())

    async def ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        number = next(self._numbers)
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._waiting[number] = answer
        try:
            self._write({**question, "number": number})
            return await answer
        finally:
            del self._waiting[number]

    async def close(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        self._home.cleanup()

    def _write(self, value: Mapping[str, Any]) -> None:
        if self._process.stdin is None or self._process.returncode is not None:
            raise JudgeUnreachable("any-llm's process ended")
        self._process.stdin.write(json.dumps(value).encode() + b"\n")

    async def _line(self) -> dict[str, Any]:
        if self._process.stdout is None or not (line := await self._process.stdout.readline()):
            return {"failure": {"message": "its process ended at once"}}
        value: dict[str, Any] = json.loads(line)
        return value

    async def _read(self) -> None:
        """Hand out answers until the process ends, and then an error to those who wait."""
        try:
            while self._process.stdout is not None and (line := await self._process.stdout.readline()):
                answer = json.loads(line)
                waiting = self._waiting.get(answer["number"])
                if waiting is not None and not waiting.done():
                    waiting.set_result(answer)
        except (ValueError, KeyError, TypeError):  # what it wrote is none of our lines: it is of no use any more
            with suppress(ProcessLookupError):
                self._process.kill()
        finally:
            for waiting in self._waiting.values():
                if not waiting.done():
                    waiting.set_exception(JudgeUnreachable("any-llm's process ended"))
