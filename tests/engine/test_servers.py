"""A run whose judge has several servers: what it counts as a failure, and what it reports of them."""

from pathlib import Path
from typing import Any

import pytest

from judgebench import engine
from judgebench.records import Status
from judgebench.spec import Study, make
from judgebench.store.database import Database
from tests.engine.served import prefers_quality
from tests.fault_server import FaultServer, Reply, Request
from tests.filling import asked, submitted


def run(folder: Path, urls: list[str], **more: Any) -> engine.run.RunReport:
    database = Database(str(folder / "q.db"), create=True)
    submitted(database, asked(40), ["m1", "m2"], lambda model, number: f"quality {number % 7 + (model == 'm1')}")
    judge = {"model": "judge", "url": urls, "template": "pairwise/three-way"}
    fields = {"benchmark": "bench", "judge": judge, "all_pairs": True, "concurrency": 16, **more}
    try:
        return engine.run.run(database, make(Study, fields, where="test"), environment={})
    finally:
        database.close()


@pytest.mark.slow
@pytest.mark.parametrize(
    "reply",
    [None, Reply(body=b"<html>"), Reply.error(503), Reply.error(400, "no chat template")],
    ids=["dead", "HTML", "503", "400"],
)
def test_failures_of_some_servers_are_none_of_the_judges_while_another_answers(
    tmp_path: Path, reply: Reply | None
) -> None:
    """Three of four never answer; the first failure in a row would end the run."""

    def broken(index: int, request: Request) -> Reply:
        return prefers_quality(index, request) if request.method == "GET" or reply is None else reply

    with FaultServer(prefers_quality) as well, FaultServer(broken) as ill, FaultServer(broken) as too:
        bad = ["http://127.0.0.1:9/v1", "http://127.0.0.1:10/v1", "http://127.0.0.1:11/v1"]
        if reply is not None:
            bad = [ill.url, too.url, bad[0]]
        report = run(tmp_path, [*bad, well.url], max_failures=1)
    assert report.tally.ended == {Status.OK: 80}
    assert sum("left out" in text for text in report.changed) == 3
