"""Workers, the app and the database's server are killed in turn while runs are under way: every run ends, nothing is
stored twice, nothing is lost."""

import math
import os
import signal
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from judgebench.store.database import Database
from judgebench.store.transfer import check
from tests import postgres
from tests.cli.killing import submit
from tests.fault_server import FaultServer
from tests.server.started import free_port
from tests.services.killable import CONCURRENCY, KILLS, Judge, asked, children_of, jobs, queue, running, until


@pytest.mark.slow
def test_every_run_ends_whoever_is_killed(tmp_path: Path) -> None:
    with ExitStack() as stack:
        address, restart = stack.enter_context(postgres.restartable())
        battles = submit(address, ("alpha", "beta"), 400, tmp_path)
        says = Judge(0.05)
        server = stack.enter_context(FaultServer(says))
        port = str(free_port())
        page = stack.enter_context(running(address, "app", "--headless", "--no-worker", "--port", port))
        workers = [stack.enter_context(running(address, "worker", "--jobs", "1")) for _ in range(2)]
        for judge in ("one", "other"):
            queue(address, server, judge)

        def kill_a_worker(number: int) -> None:
            workers[number].kill()

        def kill_the_app(_: int) -> None:
            page.kill()

        def kill_a_job(number: int) -> None:
            until(lambda: bool(children_of(workers[number])))
            os.kill(children_of(workers[number])[0], signal.SIGKILL)

        kills = 0
        for number in range(KILLS):
            for kill in (kill_a_worker, kill_the_app, lambda _: restart(), kill_a_job):
                says.answer(60)
                kill(number)
                kills += 1
        says.answer(math.inf)
        until(lambda: all(not job.is_open for job in jobs(address)))
        trials = 2 * 2 * battles  # of two judges, in both orders
        assert [(job.state, job.planned, job.report and job.report["pending"]) for job in jobs(address)] == [
            ("done", trials // 2, 0)
        ] * 2
        with closing(Database(address)) as database:
            assert check(database).problems == ()
            with database.read() as connection:
                stored = connection.scalar(sa.text("SELECT count(*) FROM verdicts WHERE status = 'ok'"))
                keys = connection.scalar(sa.text("SELECT count(DISTINCT trial_key) FROM verdicts"))
        assert stored == keys == trials
        assert asked(server) <= trials + kills * 2 * CONCURRENCY
