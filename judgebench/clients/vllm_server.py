"""A vLLM server of our own: started, waited for, stopped with everything it started.

vLLM pins much of its environment, so it lives in one of its own and is run as a program, never imported. It listens on
loopback only, because its key guards no more than a part of its addresses. Flags are passed through unread.
"""

import asyncio
import os
import signal
import socket
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from time import monotonic

from judgebench.clients.base import Access
from judgebench.clients.http import Timeouts
from judgebench.clients.openai import OpenAIClient
from judgebench.errors import InputError, JudgeError, JudgeRefused, JudgeUnreachable

HOST = "127.0.0.1"
_MODULE = ("-m", "vllm.entrypoints.openai.api_server", "--model")
_POLL_S = 0.25
_SHOWN_LINES = 15


def command(model: str, port: int, *, program: str = "vllm", flags: Sequence[str] = ()) -> list[str]:
    """The command line that serves ``model``: ``program`` is vLLM's own, or a Python interpreter that has vLLM.

    The model's own sampling defaults stay off unless ``flags`` ask for them: a judge's settings are all that counts.
    Raises InputError when ``flags`` set what is set here.
    """
    names = {flag.split("=", 1)[0] for flag in flags}
    if taken := names & {"--host", "--port", "--model"}:
        raise InputError(
            f"vLLM flags cannot hold {sorted(taken)}; the model and the port are arguments, the host is {HOST}"
        )
    head = [program, *_MODULE, model] if Path(program).name.startswith("python") else [program, "serve", model]
    plain = [] if "--generation-config" in names else ["--generation-config", "vllm"]
    return [*head, "--host", HOST, "--port", str(port), *plain, *flags]


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
    """One server process and all its workers. Its output goes to ``log``.

    Use it as ``async with``: entering starts it and waits until it answers, leaving stops it.
    """

    def __init__(self, model: str, port: int, *, argv: Sequence[str], log: Path, ready_s: float = 900.0) -> None:
        self.model = model
        self.url = f"http://{HOST}:{port}/v1"
        self.log = log
        self._port = port
        self._argv = list(argv)
        self._ready_s = ready_s
        self._process: asyncio.subprocess.Process | None = None

    async def __aenter__(self) -> "VllmServer":
        try:
            await self.start()
            await self.wait_ready()
        except BaseException:
            await self.stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        """Raises InputError when there is no such program or its port is taken. Our Ctrl-C does not reach it."""
        if not _is_free(self._port):
            raise InputError(f"port {self._port} of {HOST} is taken; name another one")
        with self.log.open("ab") as output:
            try:
                self._process = await asyncio.create_subprocess_exec(
                    *self._argv, stdin=asyncio.subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
                )
            except OSError as error:
                raise InputError(
                    f"cannot run {self._argv[0]!r} ({error.strerror}); install vLLM into an environment of its own and "
                    f"give the path of its 'vllm' or of its Python"
                ) from error

    async def wait_ready(self) -> None:
        """Until the model is listed. Raises JudgeUnreachable when the process ends first, or takes too long."""
        client = OpenAIClient(Access(self.model, self.url), Timeouts(connect_s=2.0, total_s=5.0))
        deadline = monotonic() + self._ready_s
        try:
            while not await _answers(client):
                if self._process is None or self._process.returncode is not None:
                    raise JudgeUnreachable(
                        f"vLLM ended before it answered; the end of {self.log}:\n{self._last_lines()}"
                    )
                if monotonic() > deadline:
                    raise JudgeUnreachable(f"vLLM did not answer within {self._ready_s:g} s; see {self.log}")
                await asyncio.sleep(_POLL_S)
        finally:
            await client.close()

    async def wait(self) -> int:
        """The exit status, when the process ends by itself."""
        return await self._process.wait() if self._process is not None else 0

    async def stop(self, grace_s: float = 20.0) -> None:
        """Ask the process and its workers to end, and after ``grace_s`` end them."""
        process = self._process
        if process is None:
            return
        _signal_group(process.pid, signal.SIGTERM)
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), grace_s)
        finally:
            _signal_group(process.pid, signal.SIGKILL)  # the workers too, where their parent left them behind
        await process.wait()
        self._process = None

    def _last_lines(self) -> str:
        with self.log.open(errors="replace") as lines:
            return "".join(deque(lines, maxlen=_SHOWN_LINES)).rstrip()


async def _answers(client: OpenAIClient) -> bool:
    try:
        await client.models()
    except JudgeRefused:
        return True  # it asks for a key, so it is up
    except JudgeError:
        return False
    return True


def _signal_group(leader: int, number: signal.Signals) -> None:
    with suppress(ProcessLookupError):  # all of it has ended
        os.killpg(leader, number)
