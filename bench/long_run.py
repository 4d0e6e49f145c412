"""A run that goes on for minutes at a judge's server that fails in every usual way: its memory, and what it stored."""

import random
import signal
import statistics
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from judgebench.store.database import Database
from judgebench.store.transfer import check
from tests.cli.killing import run, submit
from tests.clients.soak import FAULTS
from tests.fault_server import FaultServer, Reply, Request

CONCURRENCY = 16
_MODELS = ("alpha", "beta", "gamma", "delta")
_FAULTS = ("429 after", "500", "503", "reset", "closed", "html", "null", "no choices", "429 with 200")
_DELAY_S = 0.2  # of a reply: as many a second as CONCURRENCY allows
_FLAT = 1.10  # the most by which memory may grow
_DRAIN_S = 60


@dataclass(frozen=True, slots=True)
class Account:
    answered: int  # questions to which the server gave a reply that ends them
    stored: int
    doubled: int
    early_mb: float  # medians of resident memory, in the second sixth of the time and in the last
    late_mb: float
    log_mb: float  # of SQLite's write-ahead log, at its largest
    code: int  # with which the run ended
    problems: tuple[str, ...]

    @property
    def passed(self) -> bool:
        whole = self.answered == self.stored and not self.doubled and not self.problems
        return whole and self.code == 130 and self.late_mb <= _FLAT * self.early_mb


def account(folder: Path, minutes: float, *, seed: int) -> Account:
    """Run for so many minutes, then end it by the signal to terminate and count."""
    database = folder / "judgebench.db"
    pairs = len(_MODELS) * (len(_MODELS) - 1)
    submit(str(database), _MODELS, round(minutes * 60 * CONCURRENCY / _DELAY_S / pairs) + 100, folder)
    script = _Script(seed)
    with FaultServer(script) as server:
        command = [*run(str(database), server, concurrency=CONCURRENCY), "--drain", str(_DRAIN_S)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        memory, logs = _watch(process, database, 60 * minutes, lambda: server.requests.clear())
        script.is_kind = True
        process.send_signal(signal.SIGTERM)
        code = process.wait(3 * _DRAIN_S)
    stored, doubled = _counted(database)
    with closing(Database(str(database))) as opened:
        problems = check(opened).problems
    sixth = max(1, len(memory) // 6)
    early, late = (statistics.median(part) for part in (memory[sixth : 2 * sixth] or memory, memory[-sixth:]))
    return Account(script.answered, stored, doubled, early, late, max(logs), code, problems)


class _Script:
    """Fails at every fifth reply or so, until it is to be kind."""

    def __init__(self, seed: int) -> None:
        self.answered = 0
        self.is_kind = False
        self._rng = random.Random(seed)

    def __call__(self, index: int, request: Request) -> Reply:
        if request.method == "GET":
            return Reply.of({"data": []})
        if not self.is_kind and self._rng.random() < 0.2:
            return FAULTS[self._rng.choice(_FAULTS)]("A")
        self.answered += 1
        return Reply.chat("A", delay_s=_DELAY_S)


def _watch(
    process: subprocess.Popen[bytes], database: Path, seconds: float, each: Callable[[], None]
) -> tuple[list[float], list[float]]:
    """Memory of the process and size of the log, in MB, a second each, once it has begun to ask."""
    log, memory, logs = database.with_name(database.name + "-wal"), list[float](), [0.0]
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        status = Path(f"/proc/{process.pid}/status").read_text()
        if "VmRSS:" in status:
            memory.append(int(status.split("VmRSS:")[1].split()[0]) / 1024)
        logs.append(log.stat().st_size / 2**20 if log.exists() else 0.0)
        each()
        time.sleep(1)
    return memory or [float("nan")], logs


def _counted(database: Path) -> tuple[int, int]:
    """Verdicts in force, and how many trials have more than one of a revision."""
    trials = "SELECT count(DISTINCT trial_key) FROM verdicts WHERE completion_id IS NOT NULL"
    doubled = "SELECT count(*) FROM (SELECT 1 FROM verdicts GROUP BY trial_key, revision HAVING count(*) > 1) AS twice"
    with closing(Database(str(database))) as opened, opened.read() as connection:
        return int(connection.scalar(sa.text(trials)) or 0), int(connection.scalar(sa.text(doubled)) or 0)
