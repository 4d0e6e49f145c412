"""judgebench vllm serve: a judge on this machine's GPUs, for as long as the command runs."""

from __future__ import annotations

import asyncio
import shlex
import signal
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from judgebench.cli.options import LoopbackPort
from judgebench.cli.session import say, tell
from judgebench.errors import InputError, JudgeUnreachable

if TYPE_CHECKING:
    from judgebench.clients.vllm_server import VllmServer

_HELP = """Serve judges by vLLM on this machine.

$ judgebench vllm serve Qwen/Qwen3-8B
$ judgebench vllm serve ./my-judge --program ../vllm/bin/python --tensor-parallel-size 2
"""
app = typer.Typer(help=_HELP, no_args_is_help=True)


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def serve(
    context: typer.Context,
    model: Annotated[str, typer.Argument(help="The model's name or folder, as vLLM takes it.")],
    port: LoopbackPort = None,
    program: Annotated[
        str, typer.Option("--program", help="vLLM's own program, or the Python of its environment.")
    ] = "vllm",
    log: Annotated[Path, typer.Option("--log", help="Where its output goes.")] = Path("vllm.log"),
    ready_s: Annotated[float, typer.Option("--ready-s", min=1, help="Seconds that it may take to answer.")] = 900.0,
) -> None:
    """Start vLLM, wait until it answers, print the judge to use, and stop it at the end (Ctrl-C).

    Every other flag is passed to vLLM, e.g. --tensor-parallel-size 2.

    $ judgebench vllm serve Qwen/Qwen3-8B --port 8000
    """
    from judgebench.clients.vllm_server import VllmServer, command, free_port

    chosen = free_port() if port is None else port
    flags = [argument for argument in context.args if argument != "--"]
    argv = command(model, chosen, program=program, flags=flags)
    if not log.absolute().parent.is_dir():
        raise InputError(f"the folder of {log} does not exist: create it, or name another file by --log")
    tell(f"starting {shlex.join(argv)}; its output goes to {log}")
    server = VllmServer(model, chosen, argv=argv, log=log, ready_s=ready_s)
    ended = asyncio.run(_serve(server, lambda: _announce(server)))
    if ended is not None:
        raise JudgeUnreachable(f"vLLM ended by itself with status {ended}; see {log}")
    tell("stopped")


async def _serve(server: VllmServer, announce: Callable[[], None]) -> int | None:
    """The process's exit status, or None when a signal asked us to stop it."""
    loop, serving = asyncio.get_running_loop(), asyncio.current_task()
    if serving is not None:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, serving.cancel)
    try:
        async with server:
            announce()
            return await server.wait()
    except asyncio.CancelledError:
        return None


def _announce(server: VllmServer) -> None:
    judge = f"--judge {shlex.quote(server.model)} --judge-url {server.url}"
    say(f"{server.model} answers at {server.url}; stop it by Ctrl-C")
    say(f"judgebench run --benchmark BENCHMARK --all-pairs {judge}")
