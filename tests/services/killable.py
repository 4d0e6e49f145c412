"""Processes of ours that tests kill and start again, as a supervisor would."""

import math
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager

from judgebench import services
from judgebench.services.jobs import Job
from judgebench.store.database import Database
from tests.fault_server import FaultServer, Reply, Request

CONCURRENCY = 4
KILLS = 2  # of each


class Judge:
    """Says A, but to no more questions than it is allowed: work is left whenever something is killed, however long that
    takes. As a script of a ``FaultServer``."""

    def __init__(self, delay_s: float) -> None:
        self._delay_s = delay_s
        self._come, self._allowed = 0, 0.0

    def __call__(self, _: int, request: Request) -> Reply:
        if request.method == "GET":
            return Reply.of({"data": []})
        self._come, number = self._come + 1, self._come
        return Reply.chat("A", delay_s=self._delay_s, until=lambda: number < self._allowed)

    def answer(self, more: float) -> None:
        """So many questions more than have come, and wait until they have."""
        self._allowed = awaited = self._come + more
        if more < math.inf:
            until(lambda: self._come >= awaited)


class Service:
    """A process of ours that is started again whenever it ends, as its supervisor would."""

    def __init__(self, address: str, *words: str) -> None:
        self._command = [sys.executable, "-P", "-m", "judgebench", *words]
        self._environment = {**os.environ, "JUDGEBENCH_DATABASE_URL": address}
        self._over = threading.Event()
        self._start()
        self._keeper = threading.Thread(target=self._keep, daemon=True)
        self._keeper.start()

    def _start(self) -> None:
        quiet = subprocess.DEVNULL
        self.process = subprocess.Popen(self._command, env=self._environment, stdout=quiet, stderr=quiet)

    def _keep(self) -> None:
        while not self._over.wait(0.5):
            if self.process.poll() is not None:
                self._start()

    def kill(self) -> None:
        """As the system does that is short of memory."""
        self.process.kill()

    def end(self) -> None:
        self._over.set()
        self._keeper.join()
        self.process.terminate()
        self.process.wait(60)


@contextmanager
def running(address: str, *words: str) -> Iterator[Service]:
    service = Service(address, *words)
    try:
        yield service
    finally:
        service.end()


def ordered(address: str, *words: str) -> None:
    """A command that comes to its end."""
    subprocess.run([sys.executable, "-m", "judgebench", "--db", address, *words], check=True, capture_output=True)


def queue(address: str, server: FaultServer, judge: str) -> None:
    words = ["--judge", judge, "--judge-url", server.url, "--concurrency", str(CONCURRENCY), "--max-failures", "100"]
    ordered(address, "run", "--benchmark", "bench", "--all-pairs", "--queue", *words)


def asked(server: FaultServer) -> int:
    return sum(request.method == "POST" for request in server.requests)


def until(is_so: Callable[[], bool], seconds: float = 600) -> None:
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.1)


def jobs(address: str) -> list[Job]:
    with closing(Database(address)) as database:
        return services.jobs.jobs(database)


def children_of(worker: Service) -> list[int]:
    """The processes of its jobs."""
    lines = subprocess.run(["ps", "-o", "pid=", "--ppid", str(worker.process.pid)], capture_output=True, text=True)
    return [int(pid) for pid in lines.stdout.split()]
