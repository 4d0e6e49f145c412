"""The server, workers, jobs' processes and PostgreSQL are killed in turn while clients have it judge, audit, answer and
submit: every job ends, nothing is stored twice, nothing is lost, and no client notices more than a delay."""

import math
import os
import signal
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa

pytest.importorskip("fastapi", reason="the server needs the extra server")
pytest.importorskip("httpx2", reason="the client needs the extra client")

import httpx2

import judgebench
from judgebench import services
from judgebench.services.access import Role
from judgebench.services.tokens import create
from judgebench.spec import JudgeSpec
from judgebench.store.database import Database
from judgebench.store.transfer import check
from tests import postgres
from tests.cli.killing import submit
from tests.fault_server import FaultServer
from tests.server.started import free_port, wait_for
from tests.services.killable import CONCURRENCY, KILLS, Judge, asked, children_of, jobs, ordered, running, until

QUESTIONS = 100
JUDGES = ("one", "other")
PARTS = 4  # jobs at once: two runs, an audit, and answers


def frame(model: str) -> pd.DataFrame:
    return pd.DataFrame(
        [{"instruction": f"Question {number}?", "output": f"{model} on {number}"} for number in range(QUESTIONS)]
    )


@contextmanager
def submitting(url: str, token: str) -> Iterator[list[tuple[str, dict[str, Any]]]]:
    """Somebody submits one model after another while the block lasts; what each got for an answer."""
    over, told = threading.Event(), list[tuple[str, dict[str, Any]]]()

    def work() -> None:
        with judgebench.connect(url, token=token) as server:
            server.me()
            while not over.wait(0.5):
                model = f"sent {len(told)}"
                told.append((model, server.submit(frame(model), model=model, benchmark="bench")))

    with ThreadPoolExecutor(1) as threads:
        done = threads.submit(work)
        try:
            yield told
        finally:
            over.set()
            done.result(300)


def cut_and_sent_again(url: str, token: str) -> None:
    """Half a body, then nothing; then all of it twice, under the same key."""
    body = frame("cut").to_json(orient="records", lines=True).encode()
    path = "/api/v1/outputs?benchmark=bench&model=cut"
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/jsonl", "Idempotency-Key": "cut"}
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    with socket.create_connection(("127.0.0.1", int(url.rpartition(":")[2]))) as connection:
        connection.sendall("\r\n".join([*lines, "", ""]).encode() + body[: len(body) // 2])
    answers = [httpx2.post(url + path, content=body, headers=headers, timeout=60, trust_env=False) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json() == answers[1].json()
    assert answers[1].headers["idempotent-replayed"] == "true"


def one_after_another(*kills: Callable[[], object]) -> Iterator[Callable[[], object]]:
    for _ in range(KILLS):
        yield from kills


@pytest.mark.slow
def test_all_that_a_server_was_asked_for_ends_whoever_is_killed(tmp_path: Path) -> None:
    with ExitStack() as stack:
        address, restart = stack.enter_context(postgres.restartable())
        battles = submit(address, ("alpha", "beta"), QUESTIONS, tmp_path)
        says = Judge(0.1)
        judge = stack.enter_context(FaultServer(says))
        with closing(Database(address)) as database:
            token = create(database, "ci", Role.ADMIN).secret
            services.judges.add_judge(database, JudgeSpec(model="m", name="auditor", url=judge.url))
        port = free_port()
        url, place = f"http://127.0.0.1:{port}", f"127.0.0.1:{judge.port}"
        words = ("serve", "--api-only", "--no-worker", "--port", str(port), "--judge-host", place)
        serve = stack.enter_context(running(address, *words))
        workers = [stack.enter_context(running(address, "worker", "--jobs", "2")) for _ in range(2)]
        wait_for(f"{url}/api/v1/health")
        clients = stack.enter_context(ThreadPoolExecutor(len(JUDGES) + 1))

        def run(name: str) -> dict[str, Any]:
            with judgebench.connect(url, token=token) as server:
                fields = {"model": name, "name": name, "url": judge.url}
                return server.run(
                    benchmark="bench", judge=fields, models=["alpha", "beta"], all_pairs=True, concurrency=4
                )

        def audit() -> dict[str, Any]:
            with judgebench.connect(url, token=token) as server:
                settings = {"benchmark": "bench", "judge": "auditor", "baseline": "alpha", "limit": 20}
                return server.wait(server.start_audit("null-models", settings))

        def kill_a_job() -> None:
            until(lambda: any(map(children_of, workers)))
            os.kill(next(pid for worker in workers for pid in children_of(worker)), signal.SIGKILL)

        watching = [*(clients.submit(run, name) for name in JUDGES), clients.submit(audit)]
        answer = ("answer", "--benchmark", "bench", "--model", "m", "--model-url", judge.url, "--model-name", "new")
        ordered(address, *answer, "--queue")

        def are_queued() -> bool:
            for client in watching:
                assert client.running(), client.exception()
            return len(jobs(address)) == PARTS

        until(are_queued)
        cut_and_sent_again(url, token)
        kills = 0
        with submitting(url, token) as told:
            for kill in one_after_another(serve.kill, workers[0].kill, restart, kill_a_job):
                says.answer(40)
                kill()
                kills += 1
            says.answer(math.inf)
            ended = [client.result(300) for client in watching]
        until(lambda: all(not job.is_open for job in jobs(address)))
        assert [job["state"] for job in ended] == ["done"] * 3
        assert [(job.kind, job.state) for job in reversed(jobs(address)) if job.state != "done"] == []
        check_stored(address, battles, [model for model, _ in told])
        assert {answer["stored"] + answer["already_stored"] for _, answer in told} == {QUESTIONS}
        planned = sum(job.planned for job in jobs(address))
        assert asked(judge) <= planned + kills * PARTS * CONCURRENCY


def check_stored(address: str, battles: int, sent: list[str]) -> None:
    with closing(Database(address)) as database:
        assert check(database).problems == ()
        with database.read() as connection:
            rows = connection.execute(
                sa.text(
                    "SELECT j.name, count(*), count(DISTINCT v.trial_key) FROM verdicts v JOIN judges j ON "
                    "j.id = v.judge_id WHERE v.status = 'ok' GROUP BY j.name"
                )
            )
            stored = {name: (verdicts, trials) for name, verdicts, trials in rows}
            outputs = connection.execute(
                sa.text(
                    "SELECT m.name, count(*) FROM outputs o JOIN models m ON m.id = o.model_id JOIN instructions i ON "
                    "i.id = o.instruction_id JOIN benchmarks b ON b.id = i.benchmark_id WHERE b.name = 'bench' "
                    "GROUP BY m.name"
                )
            )
            models = {str(name): int(number) for name, number in outputs}
        events = services.upkeep.events(database)
    assert {name: stored[name] for name in JUDGES} == dict.fromkeys(JUDGES, (2 * battles, 2 * battles))
    assert models == dict.fromkeys(("alpha", "beta", "new", "cut", *sent), QUESTIONS)
    queued = Counter(event.name for event in events if event.action == "queued")
    assert sorted(queued.values()) == [1] * PARTS
    sent_in = (event.details["models"] for event in events if event.action == "submitted")
    assert Counter(model for models in sent_in for model in models) == dict.fromkeys(("alpha", "beta", "cut", *sent), 1)
