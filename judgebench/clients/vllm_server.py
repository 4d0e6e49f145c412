"""A vLLM server of our own: started, waited for, stopped with everything it started.

vLLM pins much of its environment, so it lives in one of its own and is run as a program, never imported. It listens on
loopback only, because its key guards no more than a part of its addresses. A warden ends it when we are gone, however
that came about: no server is left behind.
"""

import asyncio
import os
import re
import shutil
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic

from judgebench.clients import warden
from judgebench.clients.base import Access
from judgebench.clients.http import Timeouts
from judgebench.clients.openai import OpenAIClient
from judgebench.errors import InputError, JudgeError, JudgeRefused, JudgeUnreachable
from judgebench.spec.serving import VllmServing

HOST = "127.0.0.1"
_KEY_VARIABLE = "VLLM_API_KEY"  # which vLLM reads
_POLL_S = 0.25
_SHOWN_LINES = 15
_NO_FILE_NAME = re.compile(r"[^\w.-]+")


def free_port() -> int:
    """A port of loopback that nobody listens on at present."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def _is_free(port: int) -> bool:
    """Whether nobody answers there: another server would be taken for ours."""
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) != 0


class VllmServer:
    """One server process and all its workers. Its output goes to ``log``; ``key`` is given to it by its environment.

    Use it as ``async with``: entering starts it and waits until it answers, leaving stops it.
    """

    def __init__(self, serving: VllmServing, port: int, *, key: str | None = None) -> None:
        self.serving = serving
        self.url = f"http://{HOST}:{port}/v1"
        self.argv = serving.argv(port, host=HOST)
        self.log = Path(serving.log or f"vllm-{_NO_FILE_NAME.sub('-', serving.names[0]).strip('-.')}-{port}.log")
        self.key = key
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None

    async def __aenter__(self) -> "VllmServer":
        try:
            self.start()
            await self.wait_ready()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def start(self) -> None:
        """Raises InputError when there is no such program, its port is taken or its log cannot be written. Our Ctrl-C
        does not reach it."""
        if not _is_free(self._port):
            raise InputError(f"port {self._port} of {HOST} is taken; name another one")
        program = self.argv[0]
        if shutil.which(program) is None:
            raise InputError(
                f"cannot run {program!r}, which is no program here; install vLLM into an environment of its own and "
                "give the path of its 'vllm' or of its Python by --program"
            )
        environment = os.environ | ({} if self.key is None else {_KEY_VARIABLE: self.key})
        try:
            with self.log.open("ab") as output:
                self._process = subprocess.Popen(  # noqa: S603  # the user's own program
                    [sys.executable, "-I", warden.__file__, *self.argv],
                    stdin=subprocess.PIPE,
                    stdout=output,
                    stderr=output,
                    start_new_session=True,
                    env=environment,
                )
        except OSError as error:
            raise InputError(
                f"vLLM's output cannot go to {self.log} ({error.strerror}): name another file by --log"
            ) from error

    async def wait_ready(self) -> None:
        """Until the model is listed. Raises JudgeUnreachable when others are, the process ends first or is too slow."""
        client = OpenAIClient(Access(self.serving.names[0], self.url, self.key), Timeouts(connect_s=2.0, total_s=5.0))
        ready_s = self.serving.ready_s
        deadline = monotonic() + ready_s
        try:
            while not await self._answers(client):
                if self._process is None or self._process.poll() is not None:
                    raise JudgeUnreachable(
                        f"vLLM ended before it answered; the end of {self.log}:\n{self._last_lines()}"
                    )
                if monotonic() > deadline:
                    raise JudgeUnreachable(f"vLLM did not answer within {ready_s:g} s; see {self.log}")
                await asyncio.sleep(_POLL_S)
        finally:
            await client.close()

    def ended(self) -> str | None:
        """Why nobody will answer here any more; None while the process runs, or after it was stopped."""
        status = None if self._process is None else self._process.poll()
        if status is None:
            return None
        return f"vLLM ended by itself with status {status}; the end of {self.log}:\n{self._last_lines()}"

    async def wait(self) -> int:
        """The exit status, when the process ends by itself."""
        return 0 if self._process is None else await asyncio.to_thread(self._process.wait)

    async def stop(self, grace_s: float = warden.GRACE_S) -> None:
        """Ask the process and its workers to end, and after ``grace_s`` end them."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.stdin is not None:
            with suppress(BrokenPipeError):  # it has ended
                process.stdin.write(str(grace_s).encode())
                process.stdin.close()
        await asyncio.to_thread(process.wait)

    async def _answers(self, client: OpenAIClient) -> bool:
        try:
            listed = {model.name for model in await client.models()}
        except JudgeRefused:
            return self.key is None  # it asks for a key that we were not told; one that refuses ours is another server
        except JudgeError:
            return False
        if listed and not listed.intersection(self.serving.names):
            raise JudgeUnreachable(
                f"what answers at {self.url} serves {', '.join(map(repr, sorted(listed)))} and not "
                f"{', '.join(map(repr, self.serving.names))}: name it by --served-model-name, and see {self.log}"
            )
        return True

    def _last_lines(self) -> str:
        with self.log.open(errors="replace") as lines:
            text = "".join(deque(lines, maxlen=_SHOWN_LINES)).rstrip()
        return text if self.key is None else text.replace(self.key, "[key]")


@dataclass(slots=True)
class _Borrowed:
    server: VllmServer
    users: int = 0


class Servers:
    """Servers that several judges of this process share: each runs while somebody uses it, or while all are kept."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[tuple[VllmServing, str | None], _Borrowed] = {}
        self._keepers = 0

    def borrow(self, serving: VllmServing, key: str | None, own_key: str) -> VllmServer:
        """A started server, which need not answer yet; ``own_key`` guards it where the user gave no ``key``.

        Raises as ``VllmServer.start``.
        """
        with self._lock:
            borrowed = self._running.get((serving, key))
            if borrowed is None or (borrowed.server.ended() is not None and not borrowed.users):
                borrowed = _Borrowed(VllmServer(serving, free_port(), key=key or own_key))
                borrowed.server.start()
                self._running[serving, key] = borrowed
            borrowed.users += 1
            return borrowed.server

    async def give_back(self, server: VllmServer) -> None:
        """Stop it where nobody else uses it."""
        with self._lock:
            for borrowed in self._running.values():
                borrowed.users -= borrowed.server is server
        await self._stop_unused()

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Servers that are given back meanwhile stay up until the end, for whoever borrows them next."""
        with self._lock:
            self._keepers += 1
        try:
            yield
        finally:
            with self._lock:
                self._keepers -= 1
                is_over = bool(self._running) and not self._keepers
            if is_over:
                asyncio.run(self._stop_unused())

    async def _stop_unused(self) -> None:
        with self._lock:
            unused = [key for key, borrowed in self._running.items() if not (borrowed.users or self._keepers)]
            servers = [self._running.pop(key).server for key in unused]
        await asyncio.gather(*(server.stop() for server in servers))


SERVERS = Servers()
