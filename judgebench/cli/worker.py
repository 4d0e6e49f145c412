"""judgebench worker."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import Annotated

import typer

from judgebench.cli import options
from judgebench.cli.session import Session, tell

_JOBS = 4


def worker(
    context: typer.Context,
    at_once: Annotated[int, typer.Option("--jobs", help="Jobs at once, each in a process of its own.", min=1)] = _JOBS,
    once: Annotated[bool, typer.Option("--once", help="End when nothing is left that it could do.")] = False,
    stop_after: options.StopAfter = None,
    until_stdin_ends: Annotated[
        bool, typer.Option("--until-stdin-ends", help="End when standard input does, as when who started it has ended.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Say nothing of jobs that begin and end.")] = False,
) -> None:
    """Do what is queued: runs, audits and collections of outputs, until it is stopped.

    Any number of workers, on any machine that reaches the database, share the jobs. The keys of judges are read from
    the environment of the worker. Ctrl-C and SIGTERM hand back what it holds, for another worker to go on with.

    $ judgebench worker --once
    $ judgebench worker --once --jobs 2 --stop-after 55m
    """
    from judgebench.services.worker import JobWorker
    from judgebench.spec.durations import length

    session: Session = context.obj
    working = JobWorker(session.address, session.environment, at_once=at_once, tell=_silent if quiet else tell)
    if until_stdin_ends:
        threading.Thread(target=_follow, args=(working.end,), daemon=True).start()
    before = {number: signal.signal(number, lambda *_: working.end()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        working.work(once=once, stop_after=None if stop_after is None else length(stop_after))
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _follow(end: Callable[[], None]) -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    end()


def _silent(_: str) -> None:
    pass
