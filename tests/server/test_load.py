"""Many clients at once, each with a token of its own: nobody gets an error or is refused a connection, and all that was
submitted is stored once. How long they wait is the machine's affair, and is printed."""

import asyncio
import http.client
import json
import os
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

import pytest

pytest.importorskip("httpx2", reason="the client needs the extra client")

import httpx2

from judgebench.services.access import Role
from judgebench.services.tokens import create
from judgebench.store.database import Database
from judgebench.store.transfer import check
from tests.factories import instruction
from tests.filling import judged
from tests.server.started import started

SECONDS = float(os.environ.get("JUDGEBENCH_TEST_LOAD_S", "10"))
CLIENTS, ROWS = 100, 3
HANGING_S = 600  # a server that answers is never so slow, however busy its machine
PATHS = ("/leaderboard?benchmark=bench", "/battles?benchmark=bench", "/benchmarks", "/me", "/runs")


class Client:
    """What one script does, and how long each of its requests took."""

    def __init__(self, sending: httpx2.AsyncClient, number: int, token: str) -> None:
        self._http, self._number = sending, number
        self._headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/jsonl"}
        self.took: dict[str, list[float]] = defaultdict(list)

    async def work(self, seconds: float) -> None:
        """Submit a model's outputs, then read everything in turn for so long, at least once."""
        model = f"m{self._number}"
        rows = [{"instruction": instruction(place).text, "output": f"{model} says {place}"} for place in range(ROWS)]
        body = "".join(json.dumps(row) + "\n" for row in rows)
        answer = await self.ask("POST", f"/outputs?benchmark=bench&model={model}", 201, body)
        assert answer.json()["stored"] == ROWS
        until = time.monotonic() + seconds
        while True:
            for path in PATHS:
                await self.ask("GET", path, 200)
            if time.monotonic() >= until:
                return

    async def ask(self, method: str, path: str, status: int, body: str | None = None) -> httpx2.Response:
        begun = time.perf_counter()
        answer = await self._http.request(method, path, content=body, headers=self._headers)
        self.took[f"{method} {path.partition('?')[0]}"].append(time.perf_counter() - begun)
        assert answer.status_code == status, (method, path, answer.text)
        return answer


async def all_at_once(url: str, tokens: Sequence[str], seconds: float) -> list[Client]:
    limits = httpx2.Limits(max_connections=None)
    async with httpx2.AsyncClient(
        base_url=f"{url}/api/v1", timeout=HANGING_S, limits=limits, trust_env=False, verify=False
    ) as sending:
        clients = [Client(sending, number, token) for number, token in enumerate(tokens)]
        await asyncio.gather(*(client.work(seconds) for client in clients))
    return clients


def told(clients: Sequence[Client]) -> Mapping[str, list[float]]:
    """The seconds of all requests, and by address, in order."""
    by: dict[str, list[float]] = defaultdict(list)
    for client in clients:
        for path, seconds in client.took.items():
            by["all"] += seconds
            by[path] += seconds
    return {path: sorted(seconds) for path, seconds in by.items()}


@pytest.mark.slow
def test_many_clients_at_once_get_no_error(address: str) -> None:
    with closing(Database(address)) as database:
        judged(database)
        tokens = [create(database, f"client {number}", Role.SUBMITTER).secret for number in range(CLIENTS)]
    with started(address, "--api-only", "--rate", "100000") as url:
        clients = asyncio.run(all_at_once(url, tokens, SECONDS))
    for path, seconds in told(clients).items():
        p50, p95 = (seconds[int(len(seconds) * share)] for share in (0.5, 0.95))
        print(f"{path}: {len(seconds)} requests, p50 {p50:.2f} s, p95 {p95:.2f} s, longest {seconds[-1]:.2f} s")
    with closing(Database(address)) as database:
        assert check(database).rows["models"] == 2 + CLIENTS
        assert check(database).rows["outputs"] == ROWS * (2 + CLIENTS)
        assert check(database).problems == ()


@pytest.mark.slow
def test_a_connection_that_a_client_keeps_is_not_closed_under_its_next_request(tmp_path: Path) -> None:
    with started(tmp_path / "judgebench.db", "--api-only") as url:
        connection = http.client.HTTPConnection("127.0.0.1", int(url.rpartition(":")[2]), timeout=60)
        with closing(connection):
            for pause in (0, 6):  # httpx keeps one for five seconds
                time.sleep(pause)
                connection.request("GET", "/api/v1/health")
                assert connection.getresponse().read() == b'{"status":"ok"}'
