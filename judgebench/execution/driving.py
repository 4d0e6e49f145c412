"""Watch over a runner: tell how far it is, and turn interrupts into an end in good order."""

import asyncio
import signal
from collections.abc import Callable, Iterable

from judgebench.execution.runner import AskedT, EndedT, Limits, Runner, Tally
from judgebench.spec.study import Pace

_PROGRESS_S = 0.25

# Is told the tally and the calls so far; where it returns true the run stops as after a first interrupt.
OnProgress = Callable[[Tally, int], bool | None]


def limits_of(pace: Pace) -> Limits:
    return Limits(pace.concurrency, pace.max_cost, pace.max_failures, pace.max_errors)


def silent(tally: Tally, calls: int) -> None:
    """No one is watching."""


async def drive(
    runner: Runner[AskedT, EndedT], asked: Iterable[AskedT], questions: Callable[[], int], on_progress: OnProgress
) -> Tally:
    """``runner.run``; the first interrupt lets what is in flight end, the second is the usual KeyboardInterrupt.

    ``questions`` says how many questions were sent so far.
    """
    reporting = asyncio.create_task(_reporting(runner, questions, on_progress))
    try:
        with _Interrupts(runner):
            return await runner.run(asked)
    finally:
        reporting.cancel()
        on_progress(runner.tally, questions())


async def _reporting(runner: Runner[AskedT, EndedT], questions: Callable[[], int], on_progress: OnProgress) -> None:
    while True:
        if on_progress(runner.tally, questions()):
            runner.stop()
        await asyncio.sleep(_PROGRESS_S)


class _Interrupts:
    def __init__(self, runner: Runner[AskedT, EndedT]) -> None:
        self._stop = runner.stop
        self._installed = False

    def __enter__(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            loop.add_signal_handler(signal.SIGINT, self._first, loop)
            self._installed = True
        except (NotImplementedError, RuntimeError, ValueError):  # not the main thread, or not on this platform
            self._installed = False

    def __exit__(self, *_: object) -> None:
        if self._installed:
            asyncio.get_running_loop().remove_signal_handler(signal.SIGINT)

    def _first(self, loop: asyncio.AbstractEventLoop) -> None:
        self._stop()
        loop.remove_signal_handler(signal.SIGINT)
        self._installed = False
