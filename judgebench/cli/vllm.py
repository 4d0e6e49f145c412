"""judgebench vllm serve: judges on this machine's GPUs, for as long as the command runs."""

from __future__ import annotations

import asyncio
import shlex
import signal
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from judgebench.cli.options import LoopbackPort
from judgebench.cli.session import say, tell
from judgebench.errors import InputError, JudgeUnreachable
from judgebench.show.text import count

if TYPE_CHECKING:
    from judgebench.clients.vllm_server import VllmServer

_HELP = """Serve judges by vLLM on this machine.

$ judgebench vllm serve Qwen/Qwen3-8B
$ judgebench vllm serve ./my-judge --program ../vllm/bin/python --tensor-parallel-size 2
"""
app = typer.Typer(help=_HELP, no_args_is_help=True)
_LAST_PORT = 65535


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def serve(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="The model's name or folder, as vLLM takes it.")],
    also: Annotated[
        list[str] | None,
        typer.Option("--also", metavar="MODEL", help="Serve this one too, by the next port; may be repeated."),
    ] = None,
    port: LoopbackPort = None,
    program: Annotated[
        str, typer.Option("--program", help="vLLM's own program, or the Python of its environment.")
    ] = "vllm",
    log: Annotated[
        Path | None,
        typer.Option(
            "--log", help="Where its output goes; of several, one file each.", show_default="vllm-MODEL-PORT.log"
        ),
    ] = None,
    ready_s: Annotated[float, typer.Option("--ready-s", min=1, help="Seconds that it may take to answer.")] = 900.0,
) -> None:
    """Start vLLM, wait until it answers, print the judges to use, and stop it at the end (Ctrl-C).

    Every other flag is passed to vLLM, e.g. --tensor-parallel-size 2. A key (--api-key) reaches it by its environment,
    so that no list of processes and no log shows it.

    $ judgebench vllm serve Qwen/Qwen3-8B --port 8000
    $ judgebench vllm serve Qwen/Qwen3-8B --lora-modules strict=./adapters/strict
    """
    from judgebench.clients.vllm_server import VllmServer, free_port
    from judgebench.spec.serving import VllmServing, shown

    flags = tuple(argument for argument in context.args if argument != "--")
    models = [model, *(also or ())]
    if port is not None and port + len(models) - 1 > _LAST_PORT:
        raise InputError(f"from --port {port} on there are no {count(len(models), 'port')}: give a smaller one")
    if log is not None and not log.absolute().parent.is_dir():
        raise InputError(f"the folder of {log} does not exist: create it, or name another file by --log")
    servers = []
    for number, name in enumerate(models):
        chosen = free_port() if port is None else port + number
        file = log if log is None or number == 0 else log.with_name(f"{log.stem}-{number + 1}{log.suffix}")
        try:
            serving = VllmServing(name, flags, program, None if file is None else str(file), ready_s).checked()
        except ValueError as error:
            raise InputError(str(error)) from error
        serving, key = serving.without_key()
        server = VllmServer(serving, chosen, key=key)
        tell(f"starting {shlex.join(shown(server.argv))}; its output goes to {server.log}")
        servers.append(server)
    ended = asyncio.run(_serve(servers, lambda: _announce(servers)))
    if ended is not None:
        server, status = ended
        raise JudgeUnreachable(
            f"vLLM with {server.serving.loads} ended by itself with status {status}; see {server.log}"
        )
    tell("stopped")


async def _serve(servers: Sequence[VllmServer], announce: Callable[[], None]) -> tuple[VllmServer, int] | None:
    """The server that ended first and its exit status, or None when a signal asked us to stop them."""
    loop, serving = asyncio.get_running_loop(), asyncio.current_task()
    if serving is not None:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, serving.cancel)
    try:
        async with AsyncExitStack() as stack:
            for server in servers:  # one after the other: each measures how much memory of the GPU is left
                await stack.enter_async_context(server)
            announce()
            waiting = {asyncio.create_task(server.wait()): server for server in servers}
            done, others = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            for task in others:
                task.cancel()
            first = next(iter(done))
            return waiting[first], first.result()
    except asyncio.CancelledError:
        return None


def _announce(servers: Sequence[VllmServer]) -> None:
    for server in servers:
        say(f"{server.serving.loads} answers at {server.url}; stop it by Ctrl-C")
        key = "" if server.key is None else " --judge-key-env NAME_OF_THE_VARIABLE_WITH_ITS_KEY"
        for name in server.serving.names:
            judge = f"--judge {shlex.quote(name)} --judge-url {server.url}{key}"
            say(f"judgebench run --benchmark BENCHMARK --all-pairs {judge}")
