"""A run that is killed again and again, and an account of what it stored."""

import json
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa

from judgebench import services
from judgebench.formats.outputs import read_outputs
from judgebench.store.database import Database
from judgebench.store.transfer import check
from tests.fault_server import FaultServer, Reply, Request
from tests.formats.writing import write_rows

CONCURRENCY = 8
_LEAST, _MOST = 3, 60  # requests from a start to its kill


@dataclass(frozen=True, slots=True)
class Account:
    kills: int
    trials: int
    stored: int  # verdicts in the end, each trial once
    lost: int  # verdicts that were stored before a kill and not after it
    doubled: int
    wrong: int  # whose preference is not the judge's
    asked: int
    problems: tuple[str, ...]  # that a check of the database finds

    @property
    def passed(self) -> bool:
        whole = self.stored == self.trials and not (self.lost or self.doubled or self.wrong or self.problems)
        return whole and self.asked <= self.trials + self.kills * CONCURRENCY


def killed(address: str, kills: int, *, seed: int, folder: Path) -> Account:
    """Judge a benchmark that is as large as so many kills need; each start is killed after some requests."""
    trials = submit(address, ("alpha", "beta"), kills * _MOST // 2 + 50, folder) * 2
    with FaultServer(says_a(0.02)) as server:
        command = [*run(address, server, concurrency=CONCURRENCY), "--format", "json"]
        rng, before, lost = random.Random(seed), Counter[tuple[str, int]](), 0
        for _ in range(kills):
            _killed_once(command, server, rng.randrange(_LEAST, _MOST))
            now = _stored(address)
            lost += (before - now).total()
            before = now
        report = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        asked = sum(request.method == "POST" for request in server.requests)
    assert report["planned"] == trials
    return _account(address, kills, trials, lost, asked)


def killed_parts(address: str, parts: int, kills: int, *, seed: int, folder: Path) -> Account:
    """So many parts of a study at once, each killed so many times after some requests of all, and started again."""
    trials = submit(address, ("alpha", "beta"), kills * _MOST // 2 + 50, folder) * 2
    with FaultServer(says_a(0.02)) as server:
        whole = [*run(address, server, concurrency=CONCURRENCY), "--format", "json"]

        def part(number: int) -> int:
            command, rng = [*whole, "--shard", f"{number}/{parts}"], random.Random(seed + number)
            for _ in range(kills):
                _killed_once(command, server, rng.randrange(_LEAST, _MOST))
            ended = subprocess.run(command, capture_output=True, text=True, check=True)
            return int(json.loads(ended.stdout)["planned"])

        with ThreadPoolExecutor(parts) as threads:
            planned = list(threads.map(part, range(1, parts + 1)))
        asked = sum(request.method == "POST" for request in server.requests)
    assert sum(planned) == trials
    return _account(address, parts * kills, trials, 0, asked)


def _account(address: str, kills: int, trials: int, lost: int, asked: int) -> Account:
    stored = _stored(address)
    with closing(Database(address)) as database:
        problems = check(database).problems
    return Account(
        kills,
        trials,
        len({key for key, _ in stored}),
        lost,
        stored.total() - len({key for key, _ in stored}),
        _other_preferences(address),
        asked,
        problems,
    )


def submit(address: str, models: Sequence[str], instructions: int, folder: Path) -> int:
    """Outputs of each model to so many instructions of the benchmark "bench"; returns the number of battles."""
    with closing(Database(address, create=True)) as database:
        for model in models:
            rows = [{"instruction": f"Question {n}?", "output": f"{model} on {n}"} for n in range(instructions)]
            read = read_outputs(write_rows(folder / f"{model}.json", rows))
            prepared = services.submissions.prepare(database, read, benchmark="bench", model=model)
            services.submissions.save(database, prepared, audit=False)
    return instructions * len(models) * (len(models) - 1) // 2


def run(address: str, server: FaultServer, *, concurrency: int) -> list[str]:
    """The command that judges every pair."""
    command = [sys.executable, "-m", "judgebench", "--db", address, "run", "--benchmark", "bench", "--all-pairs"]
    return [*command, "--judge", "gpt", "--judge-url", server.url, "--concurrency", str(concurrency)]


def says_a(delay_s: float) -> Callable[[int, Request], Reply]:
    """Says A, some time after it was asked."""
    return lambda _, request: Reply.of({"data": []}) if request.method == "GET" else Reply.chat("A", delay_s=delay_s)


def _killed_once(command: Sequence[str], server: FaultServer, requests: int) -> None:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    before, deadline = len(server.requests), time.monotonic() + 60
    while len(server.requests) < before + requests and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.005)
    process.kill()
    process.wait()


def _stored(address: str) -> Counter[tuple[str, int]]:
    with closing(Database(address)) as database, database.read() as connection:
        rows = connection.execute(sa.text("SELECT trial_key, revision FROM verdicts"))
        return Counter((str(key), int(revision)) for key, revision in rows)


def _other_preferences(address: str) -> int:
    """Verdicts that do not prefer what was shown first, as the server does."""
    battles = """SELECT count(*) FROM verdicts WHERE preference IS NULL
        OR preference <> CASE "order" WHEN 'AB' THEN 1 ELSE 0 END"""
    with closing(Database(address)) as database, database.read() as connection:
        return int(connection.scalar(sa.text(battles)) or 0)
