"""Workers without Ray: what carries words to them packs and unpacks them, loses them and kills whom it likes."""

import asyncio
import pickle
from collections.abc import Callable
from typing import Any

from judgebench.clients.workers import Opener, Worker, WorkerAnswer, WorkerClient
from judgebench.errors import JudgeUnreachable


class Far:
    """A worker that is killed by ``kill`` and started again after ``down_s`` seconds; for ever where that is None."""

    def __init__(self, opener: Opener, *, is_foreign: bool = False, down_s: float | None = 0.0) -> None:
        self._opener = opener
        self._is_foreign = is_foreign
        self._down_s = down_s
        self._worker: Worker | None = Worker(opener, is_foreign=is_foreign)
        self._calls: set[asyncio.Task[Any]] = set()
        self.sent: list[bytes] = []
        self.questions = 0  # that reached it
        self.lost = 0  # that were in flight at a kill
        self.on_question: Callable[[Far], None] = lambda far: None

    async def call(self, method: str, *arguments: Any) -> Any:
        packed = pickle.dumps(arguments)
        self.sent.append(packed)
        await asyncio.sleep(0)
        if self._worker is None:
            raise JudgeUnreachable("the actor is restarting")
        if method == "complete":
            self.questions += 1
            self.on_question(self)
        if self._worker is None:
            self.lost += 1
            raise JudgeUnreachable("the task may or may not have been executed")
        task = asyncio.ensure_future(getattr(self._worker, method)(*pickle.loads(packed)))
        self._calls.add(task)
        try:
            answer = await task
        except asyncio.CancelledError:
            if asyncio.current_task().cancelling():  # type: ignore[union-attr]  # it is a task that runs this
                raise
            raise JudgeUnreachable("the task may or may not have been executed") from None
        finally:
            self._calls.discard(task)
        unpacked: WorkerAnswer = pickle.loads(pickle.dumps(answer))
        return unpacked

    async def end(self) -> None:
        if self._worker is not None:
            await self._worker.close()

    def kill(self) -> None:
        """Its process ends, with all that it was asked."""
        self._worker = None
        self.lost += len(self._calls)
        for task in self._calls:
            task.cancel()
        if self._down_s is not None:
            asyncio.get_running_loop().call_later(self._down_s, self._start)

    def _start(self) -> None:
        self._worker = Worker(self._opener, is_foreign=self._is_foreign)


def far(opener: Opener, *, is_foreign: bool = False, down_s: float | None = 0.0) -> tuple[WorkerClient, Far]:
    remote = Far(opener, is_foreign=is_foreign, down_s=down_s)
    return WorkerClient("worker 1", remote), remote
