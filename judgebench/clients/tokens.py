"""Tokens that expire: fetched by a user's command or function when first needed, and again once a server refuses them.

Neither what a command prints nor what an error of it says is ever shown: it may hold a secret that nobody knows of.
"""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from enum import Enum, auto
from inspect import isawaitable, iscoroutinefunction
from subprocess import DEVNULL, PIPE, Popen, TimeoutExpired
from threading import Thread
from time import monotonic

from judgebench.clients.secrets import Secret, Secrets
from judgebench.errors import InputError, JudgeUnreachable
from judgebench.spec.connection import ServerConnection, Token

_WAIT_S = 30.0  # for a token
_PAUSE_S = 1.0  # after a failure, for all who ask
_MOST_BYTES = 2**16
_RAISED = (Exception, SystemExit)  # by foreign code


class Renewal(Enum):
    """What became of a token that was refused."""

    USELESS = auto()  # it is new, and was never taken
    BY_ANOTHER = auto()  # who was refused it too
    OWN = auto()


class Tokens:
    """The token of one client. Many that are refused one at the same time fetch the next one together, once."""

    def __init__(self, fetch: Callable[[], Awaitable[str]], secrets: Secrets) -> None:
        self._fetch = fetch
        self._secrets = secrets
        self._token: Secret | None = None
        self._is_untried = False  # renewed, and not taken since
        self._asking = 0  # requests under way with the present token, which may yet be taken
        self._told = asyncio.Event()  # of whatever those who were refused wait for
        self._fetching: asyncio.Task[Secret] | None = None
        self._failure: tuple[float, str] | None = None

    async def current(self) -> Secret:
        """Raises InputError where the first cannot be had."""
        return self._token or await self._fetched()

    @contextmanager
    def used(self, token: Secret) -> Iterator[None]:
        """A request with it, which the server takes unless it raises."""
        is_present = token is self._token
        self._asking += is_present
        try:
            yield
            if token is self._token:
                self._is_untried = False
        finally:
            self._asking -= is_present and token is self._token
            self._tell()

    def _tell(self) -> None:
        self._told.set()
        self._told = asyncio.Event()

    async def renew(self, refused: Secret) -> Renewal:
        """Have another than the one that the server refused. While others ask with a new one, it may be good for them.

        Raises JudgeUnreachable where none can be had now.
        """
        while self._token is refused and self._fetching is None and self._is_untried:
            if not self._asking:
                return Renewal.USELESS
            await self._told.wait()
        if self._token is not refused:
            return Renewal.BY_ANOTHER
        renewal = Renewal.OWN if self._fetching is None else Renewal.BY_ANOTHER
        try:
            await self._fetched()
        except InputError as error:
            raise JudgeUnreachable(str(error)) from error
        return renewal

    async def _fetched(self) -> Secret:
        if self._failure is not None and monotonic() - self._failure[0] < _PAUSE_S:
            raise InputError(self._failure[1])
        if self._fetching is None:
            self._fetching = asyncio.get_running_loop().create_task(self._next())
        return await asyncio.shield(self._fetching)

    async def _next(self) -> Secret:
        try:
            token = Secret(await self._fetch(), "the token")
        except InputError as error:
            self._failure = (monotonic(), str(error))
            raise
        finally:
            self._fetching = None
        self._secrets.add(token, renewed=True)
        self._is_untried = self._token is not None
        self._token, self._failure, self._asking = token, None, 0
        self._tell()
        return token

    async def close(self) -> None:
        if self._fetching is not None:
            self._fetching.cancel()
            with suppress(asyncio.CancelledError, InputError):
                await self._fetching


def fetcher(connection: ServerConnection) -> Callable[[], Awaitable[str]] | None:
    """What fetches a token, as the connection says; it raises InputError where it cannot. None: no token is needed."""
    if connection.token_command:
        return lambda: asyncio.to_thread(_printed, connection.token_command)
    function = connection.token
    return None if function is None else lambda: _returned(function)


async def _returned(function: Token) -> str:
    try:
        async with asyncio.timeout(_WAIT_S):
            is_async = iscoroutinefunction(function) or iscoroutinefunction(type(function).__call__)
            token = function() if is_async else await asyncio.to_thread(function)
            if isawaitable(token):
                token = await token
    except TimeoutError as error:
        raise InputError(f"the token function did not return within {_WAIT_S:g} s") from error
    except _RAISED as error:
        raise InputError(f"the token function raised {type(error).__name__}") from error
    if not isinstance(token, str):
        raise InputError(f"the token function returned {type(token).__name__}, not text")
    return token.strip()


def _printed(words: tuple[str, ...]) -> str:
    """What a command prints, where it is one line. It has no terminal, and nobody sees what it complains of."""
    program = f"the token command {os.path.basename(words[0])!r}"
    try:
        process = Popen(words, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL, start_new_session=True)  # noqa: S603  # the user's own words
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else type(error).__name__
        raise InputError(f"{program} cannot be run: {reason}") from None
    output: list[bytes] = []
    reader = Thread(target=_read, args=(process, output), daemon=True)  # others may hold its output open
    reader.start()
    try:
        status = process.wait(_WAIT_S)
    except TimeoutExpired:
        _kill(process)
        raise InputError(f"{program} did not end within {_WAIT_S:g} s") from None
    reader.join(_PAUSE_S)
    text = b"".join(output)
    if len(text) > _MOST_BYTES:
        raise InputError(f"{program} printed more than {_MOST_BYTES >> 10} KiB: it is to print a token and no more")
    if status != 0:
        raise InputError(f"{program} ended with status {status}: run it yourself to see why")
    token = text.decode("ascii", "replace").strip()
    if not token or not all("!" <= character <= "~" for character in token):
        raise InputError(f"{program} printed no token: it is to print one line, the token and no more")
    return token


def _read(process: "Popen[bytes]", output: list[bytes]) -> None:
    size = 0
    if process.stdout is not None:
        while size <= _MOST_BYTES and (chunk := os.read(process.stdout.fileno(), _MOST_BYTES)):
            output.append(chunk)
            size += len(chunk)
        process.stdout.close()
    if size > _MOST_BYTES:
        _kill(process)


def _kill(process: "Popen[bytes]") -> None:
    """The command and what it started."""
    with suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()
