"""Judges that answer in other processes: ``Worker`` is there, ``WorkerClient`` here, whatever carries words between.

Asking again and counting what it costs is done here alone: a worker asks once. Errors return as values, so that they
arrive as they were raised.
"""

import os
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

from judgebench import __version__
from judgebench.clients.base import Client, Counted, Server
from judgebench.clients.providers import GuardedClient
from judgebench.clients.vllm import ServedClient
from judgebench.errors import JudgeBenchError, JudgeGone, JudgeUnreachable
from judgebench.records import Completion, Prompt

Opener = Callable[[Mapping[str, str]], Client]  # from the environment of whoever opens it


@dataclass(frozen=True, slots=True)
class _Failure:
    """An error on its way: what it was made of, since many cannot be made of their message alone."""

    kind: type[JudgeBenchError]
    args: tuple[Any, ...]
    state: Mapping[str, Any]

    @classmethod
    def of(cls, error: JudgeBenchError) -> "_Failure":
        return cls(type(error), error.args, dict(vars(error)))

    def error(self) -> JudgeBenchError:
        error = self.kind.__new__(self.kind, *self.args)
        error.__dict__.update(self.state)
        return error


@dataclass(frozen=True, slots=True)
class WorkerAnswer:
    """What a worker says to whatever it is asked."""

    value: Any  # a Completion, what ``check`` returned, or a _Failure
    process: str  # which process of the worker's this is
    model: str = ""  # as its server knows it; empty where that is not known
    more_calls: int = 0  # requests so far beyond one a question
    left_out: tuple[str, ...] = ()  # of the question's settings
    changed: tuple[str, ...] = ()


class Worker:
    """The end that asks. The judge is opened when it is first needed, and anew once its server has ended."""

    def __init__(self, opener: Opener, *, is_foreign: bool) -> None:
        self._opener = opener
        self._is_foreign = is_foreign
        self._process = secrets.token_hex(8)
        self._client: Client | None = None
        self._questions = 0

    async def version(self) -> str:
        """Of the package, there."""
        return __version__

    async def check(self) -> WorkerAnswer:
        """As of ``Server``, where the judge has a server."""
        return await self._answer(self._checked, {})

    async def complete(self, prompt: Prompt, settings: Mapping[str, Any]) -> WorkerAnswer:
        """As of ``Client``, but that errors of ours are in the answer."""

        async def completed(client: Client) -> Completion:
            self._questions += 1
            return await (GuardedClient(client) if self._is_foreign else client).complete(prompt, settings)

        return await self._answer(completed, settings)

    async def close(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def _checked(self, client: Client) -> Any:
        return await client.check() if isinstance(client, Server) else None

    async def _answer(self, ask: Callable[[Client], Awaitable[Any]], settings: Mapping[str, Any]) -> WorkerAnswer:
        try:
            self._client = self._client or self._opener(os.environ)
        except JudgeBenchError as error:
            return WorkerAnswer(_Failure.of(error), self._process)
        client = self._client
        try:
            value = await ask(client)
        except JudgeBenchError as error:
            value = _Failure.of(error)
            if isinstance(client, ServedClient) and client.has_failed and self._client is client:
                await self.close()
        if self._is_foreign:
            return WorkerAnswer(value, self._process)
        more_calls = max(client.calls - self._questions, 0) if isinstance(client, Counted) else 0
        more = (client.left_out(settings), client.changed(settings)) if isinstance(client, Server) else ((), ())
        return WorkerAnswer(value, self._process, str(getattr(client, "model", "")), more_calls, *more)


class Remote(Protocol):
    """What carries words to a worker and back."""

    async def call(self, method: str, *arguments: Any) -> Any:
        """What this method of the worker's returned. Raises JudgeUnreachable where it does not answer, whether or not
        it has done what was asked; another call may reach it again."""
        ...

    async def end(self) -> None:
        """End the worker."""
        ...


class WorkerClient:
    """The end that is asked: a Server whose questions a worker asks. ``name`` says which, in messages."""

    def __init__(self, name: str, remote: Remote) -> None:
        self.name = name
        self.model = ""  # as the worker knows it
        self._remote = remote
        self._asked = 0
        self._more_calls: dict[str, int] = {}  # of each of the worker's processes, one after the other
        self._left_out: set[str] = set()
        self._changed: dict[str, None] = {}

    @property
    def calls(self) -> int:
        """Requests so far; a question whose answer was lost counts as one."""
        return self._asked + sum(self._more_calls.values())

    async def complete(self, prompt: Prompt, settings: Mapping[str, Any]) -> Completion:
        """See ``Client.complete``. Raises JudgeUnreachable where the worker, or the server that it started, has ended:
        it will be started again."""
        self._asked += 1
        return cast(Completion, self._value(await self._remote.call("complete", prompt, settings)))

    async def check(self) -> Any:
        """See ``Server.check``."""
        return self._value(await self._remote.call("check"))

    def left_out(self, settings: Mapping[str, Any]) -> tuple[str, ...]:
        """Those of ``settings`` that the server was found not to take, sorted."""
        return tuple(sorted(self._left_out & settings.keys()))

    def changed(self, settings: Mapping[str, Any]) -> tuple[str, ...]:
        """What else the server was found to need otherwise, in words."""
        return tuple(self._changed)

    async def close(self) -> None:
        await self._remote.end()

    def _value(self, answer: WorkerAnswer) -> Any:
        self.model = answer.model or self.model
        self._more_calls[answer.process] = max(answer.more_calls, self._more_calls.get(answer.process, 0))
        self._left_out.update(answer.left_out)
        self._changed |= dict.fromkeys(answer.changed)
        if not isinstance(answer.value, _Failure):
            return answer.value
        error = answer.value.error()
        if isinstance(error, JudgeGone):  # there: others may answer, and this one starts another
            raise JudgeUnreachable(f"{self.name}: {error}")
        raise error
