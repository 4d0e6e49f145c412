"""Limits on cost and calls that bite, and trials that are asked again."""

import json
from pathlib import Path
from typing import Any

import pytest

from judgebench import engine
from judgebench.clients.capped import Cap
from judgebench.clients.scripted import ScriptedClient
from judgebench.errors import EnoughCalls, InputError
from judgebench.records import Status
from judgebench.show.sentences import stopped
from judgebench.spec import Study, make
from judgebench.store.database import Database
from tests.clients.asking import PROMPT, ask_all
from tests.fault_server import FaultServer, Reply, Request
from tests.filling import asked, stored


def run(folder: Path, replies: list[Reply], **more: Any) -> tuple[engine.run.RunReport, int]:
    """A run, and the questions that its server saw; the last reply is repeated."""
    database = Database(str(folder / "q.db"), create=not (folder / "q.db").exists())
    if not database_has_benchmark(database):
        stored(database, asked(10), ["m1", "m2"])
    seen: list[Request] = []

    def script(index: int, request: Request) -> Reply:
        if request.method == "GET":
            return Reply.of({"data": []})
        seen.append(request)
        return replies[min(len(seen), len(replies)) - 1]

    with FaultServer(script) as server:
        judge = {"model": "judge", "url": server.url, "template": "pairwise/three-way", "price": "1,1"}
        judge["same_judge"] = True  # each run has a server of its own
        fields = {"benchmark": "bench", "judge": judge, "all_pairs": True, "concurrency": 2, **more}
        report = engine.run.run(database, make(Study, fields, where="test"), environment={})
    database.close()
    return report, len(seen)


def database_has_benchmark(database: Database) -> bool:
    from judgebench import store

    with database.read() as connection:
        return bool(store.benchmarks.benchmark_names(connection))


def with_usage(usage: Any) -> Reply:
    return Reply.of(json.loads(Reply.chat("[[A]]").body) | {"usage": usage})


@pytest.mark.parametrize("usage", [None, {"prompt_tokens": 0, "completion_tokens": 0}, {"total_tokens": 7}, "many"])
def test_a_cost_that_is_not_known_stops_a_run_whose_cost_is_capped(tmp_path: Path, usage: Any) -> None:
    report, calls = run(tmp_path, [with_usage(usage)], max_cost=1.0)
    assert (report.tally.stopped_by, report.tally.pending > 10, calls <= 4) == ("no_usage", True, True)
    assert "max_calls" in stopped(report.tally.stopped_by, report.tally.pending)[0]
    report, _ = run(tmp_path, [with_usage(usage)], max_cost=1.0, max_calls=500)
    assert (report.tally.pending, report.tally.stopped_by) == (0, None)


def test_no_more_calls_are_made_than_are_allowed_retries_included(tmp_path: Path) -> None:
    report, calls = run(tmp_path, [Reply.error(500), Reply.chat(None), Reply.chat("[[A]]")], max_calls=7)
    assert (calls, report.calls, report.tally.stopped_by) == (7, 7, "max_calls")
    assert report.tally.ended == {Status.OK: 5}
    assert stopped("max_calls", 15) == [
        "stopped because as many calls were made as max_calls allows, 15 trials pending: the same with a higher limit "
        "continues"
    ]


def test_a_filtered_prompt_has_a_known_cost(tmp_path: Path) -> None:
    report, _ = run(tmp_path, [Reply.error(400, "x", code="content_filter"), Reply.chat("[[A]]")], max_cost=1.0)
    assert (report.tally.stopped_by, report.tally.pending) == (None, 0)


def test_what_ended_without_a_verdict_is_asked_again_where_that_is_wanted(tmp_path: Path) -> None:
    cut = Reply.chat("because", choice={"finish_reason": "length"})
    first, _ = run(tmp_path, [Reply.chat("Hm."), cut, Reply.chat("[[A]]")])
    assert first.tally.ended == {Status.UNPARSED: 1, Status.TRUNCATED: 1, Status.OK: 18}
    again, calls = run(tmp_path, [Reply.chat("[[A]]")], redo=["unparsed"])
    assert (calls, again.tally.ended) == (1, {Status.TRUNCATED: 1, Status.OK: 19})
    again, calls = run(tmp_path, [Reply.chat("[[A]]")], redo=["unparsed", "truncated"])
    assert (calls, again.tally.ended) == (1, {Status.OK: 20})


def test_only_what_ended_without_a_verdict_can_be_asked_again(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="redo"):
        run(tmp_path, [], redo=["ok"])


def test_a_client_that_does_not_count_is_counted() -> None:
    client = Cap(2).around(ScriptedClient(lambda prompt: "A"))
    answers = ask_all(client, [PROMPT] * 3)
    assert [type(answer) for answer in answers[2:]] == [EnoughCalls]
