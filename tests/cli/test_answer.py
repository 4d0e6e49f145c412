"""judgebench answer against a real server on loopback: a benchmark's outputs from scratch, each asked for once."""

import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

import judgebench
from judgebench import store
from judgebench.errors import NewAddress
from judgebench.records import Status
from judgebench.store.database import Database
from judgebench.store.schema import generator_addresses, metadata
from tests.cli.conftest import Invoke
from tests.fault_server import FaultServer, Reply, Request


def stored(tmp_path: Path, model: str) -> dict[str, tuple[str, ...]]:
    database = Database(str(tmp_path / "judgebench.db"))
    with database.read() as connection:
        benchmark = store.benchmarks.benchmark_id(connection, "bench")
        page = list(store.benchmarks.answered_instructions(connection, benchmark, [model]))
    found = {each.instruction.text: each.outputs.get(model) for each in page}
    return {text: (*output.earlier, output.text) for text, output in found.items() if output}


@pytest.fixture
def asked(invoke: Invoke, tmp_path: Path) -> Invoke:
    """A benchmark "bench" of three instructions, the last of two turns, without outputs."""
    rows: list[dict[str, Any]] = [{"question": "One?"}, {"question": "Two?"}, {"question": ["Three?", "And then?"]}]
    (tmp_path / "questions.json").write_text(json.dumps(rows))
    assert invoke("import", "instructions", tmp_path / "questions.json", "--benchmark", "bench").code == 0
    return invoke


def listed(script: Callable[[Request], Reply]) -> Callable[[int, Request], Reply]:
    def reply(index: int, request: Request) -> Reply:
        return script(request) if request.method == "POST" else Reply.of({"data": [{"id": "m"}]})

    return reply


def told(request: Request) -> Reply:
    """Says how many messages it was shown, and the last of them."""
    messages = request.json["messages"]
    return Reply.chat(f"{len(messages)}: {messages[-1]['content']}", model="m")


def to(server: FaultServer, *more: object) -> tuple[object, ...]:
    return ("answer", "--benchmark", "bench", "--model", "m", "--model-url", server.url, "--format", "json", *more)


def test_outputs_are_collected_once_turn_by_turn(asked: Invoke, tmp_path: Path) -> None:
    with FaultServer(listed(told)) as server:
        first = asked(*to(server, "--system", "Be brief.", "--set", "temperature=0.5"))
        posts = [request.json for request in server.requests if request.method == "POST"]
        again = asked(*to(server, "--system", "Be brief.", "--set", "temperature=0.5"))
    assert (first.code, again.code) == (0, 0)
    assert (first.json["planned"], first.json["ok"], first.json["calls"]) == (3, 3, 4)
    assert (again.json["planned"], again.json["ok"], again.json["calls"]) == (3, 3, 0)
    assert stored(tmp_path, "m") == {
        "One?": ("2: One?",),
        "Two?": ("2: Two?",),
        "Three?\n\nAnd then?": ("2: Three?", "4: And then?"),
    }
    assert {(post["temperature"], post["max_tokens"]) for post in posts} == {(0.5, 2048)}
    [model] = asked("models", "--benchmark", "bench", "--format", "json").json
    settings = {"temperature": 0.5, "max_tokens": 2048}
    assert model["generated"] == {"served_model": "m", "system": "Be brief.", "settings": settings}


def test_what_failed_is_counted_and_asked_again(asked: Invoke, tmp_path: Path) -> None:
    def say(request: Request) -> Reply:
        if "Two?" in request.text:
            return Reply.error(422, "no", code="odd")
        return Reply.chat("cut", choice={"finish_reason": "length"})

    with FaultServer(listed(say)) as server:
        broken = asked(*to(server))
    assert broken.code == 3
    assert (broken.json["truncated"], broken.json["failed"]) == (2, 1)
    assert len(stored(tmp_path, "m")) == 2
    with FaultServer(listed(told)) as server:
        mended = asked(*to(server, "--same-model"))
        assert sum(request.method == "POST" for request in server.requests) == 1
    assert (mended.code, mended.json["truncated"], mended.json["ok"]) == (0, 2, 1)


def test_another_way_of_asking_is_another_model(asked: Invoke) -> None:
    assert asked("answer", "--benchmark", "bench", "--model", "scripted:echo").code == 0
    other = asked("answer", "--benchmark", "bench", "--model", "scripted:echo", "--set", "temperature=1")
    assert other.code == 2
    assert "--model-name" in other.err
    named = ("answer", "--benchmark", "bench", "--model", "scripted:echo", "--model-name", "warm")
    assert asked(*named, "--set", "temperature=1").code == 0


def test_a_submitted_model_is_not_mixed_with_collected_outputs(submitted: Invoke) -> None:
    mixed = submitted("answer", "--benchmark", "bench", "--model", "scripted:echo", "--model-name", "alpha")
    assert mixed.code == 2
    assert "submitted" in mixed.err


def test_a_dry_run_asks_and_writes_nothing(asked: Invoke, tmp_path: Path) -> None:
    flags = ("--model-url", "http://127.0.0.1:9/v1", "--price", "10,30", "--dry-run", "--format", "json")
    found = asked("answer", "--benchmark", "bench", "--model", "m", *flags).json
    assert (found["planned"], found["calls"], found["answered"]) == (3, 4, 0)
    assert found["cost_usd_estimate"] > 0
    assert asked("models", "--benchmark", "bench", "--format", "json").json == []


def test_the_money_runs_out_and_a_price_table_knows_the_price(asked: Invoke, tmp_path: Path) -> None:
    (tmp_path / "prices.yaml").write_text("m: 1000,0\n")
    usage = {"prompt_tokens": 1000, "completion_tokens": 0, "total_tokens": 1000}

    def costly(request: Request) -> Reply:
        return Reply.of(json.loads(told(request).body) | {"usage": usage})

    limits = ("--prices", tmp_path / "prices.yaml", "--max-cost", "0.5", "--concurrency", "1")
    with FaultServer(listed(costly)) as server:
        result = asked(*to(server, *limits))
    assert (result.code, result.json["ok"], result.json["pending"], result.json["cost_usd"]) == (3, 1, 2, 1.0)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--model", "m"), "--model-url"),
        (("--model", "scripted:nobody"), "unknown scripted"),
        (("--model", "scripted:echo", "--category", "none"), "unknown category"),
        (("--model", "m", "--model-url", "http://127.0.0.1:9/v1", "--max-cost", "1"), "price"),
        (("--model", "m", "--model-url", "http://127.0.0.1:9/v1"), "127.0.0.1:9"),
    ],
)
def test_what_cannot_be_done_is_one_clear_error(asked: Invoke, flags: tuple[str, ...], message: str) -> None:
    result = asked("answer", "--benchmark", "bench", *flags)
    assert result.code == 2
    assert message in result.err
    assert asked("models", "--benchmark", "bench", "--format", "json").json == []


def test_a_model_is_asked_at_a_new_address_only_where_it_is_said_to_be_the_same(asked: Invoke, tmp_path: Path) -> None:
    def posts(server: FaultServer) -> int:
        return sum(request.method == "POST" for request in server.requests)

    with FaultServer(listed(told)) as full, FaultServer(listed(told)) as quantised:
        assert asked(*to(full, "--limit", "1")).code == 0
        another_spelling = f"{full.url}/chat/completions"  # which is no difference
        assert asked(*to(full, "--limit", "1"), "--model-url", another_spelling).code == 0
        for more in ((), ("--dry-run",)):
            stopped = asked(*to(quantised, *more))
            assert (stopped.code, stopped.out) == (2, "")
            for part in (full.url, quantised.url, "--same-model", "--model-name NEW"):
                assert part in stopped.err
        assert not quantised.requests
        fields: dict[str, Any] = {"benchmark": "bench", "model": "m", "model_url": quantised.url}
        with pytest.raises(NewAddress, match="same_model"):
            judgebench.answer(judgebench.open(tmp_path / "judgebench.db"), **fields)
        assert asked(*to(quantised, "--model-name", "m-awq", "--limit", "1")).code == 0
        assert asked(*to(quantised, "--same-model", "--limit", "2")).code == 0
        assert asked(*to(quantised)).code == 0  # remembered
        assert (posts(full), posts(quantised)) == (1, 4)


def test_an_address_at_which_nothing_was_answered_is_none_of_the_models(asked: Invoke) -> None:
    with FaultServer(listed(lambda request: Reply.error(422, "no", code="odd"))) as wrong:
        assert asked(*to(wrong)).code == 3
    with FaultServer(listed(told)) as server:
        assert asked(*to(server)).code == 0


def test_a_model_of_a_database_that_knows_no_addresses_goes_on(asked: Invoke, tmp_path: Path) -> None:
    with FaultServer(listed(told)) as server, FaultServer(listed(told)) as other:
        assert asked(*to(server, "--limit", "1")).code == 0
        with Database(str(tmp_path / "judgebench.db")).write() as connection:
            connection.execute(sa.delete(generator_addresses))  # as one that was upgraded
        assert asked(*to(server, "--limit", "2")).code == 0
        assert asked(*to(other)).code == 2


@pytest.mark.slow
def test_two_collections_at_once_ask_for_each_output_once(asked: Invoke, tmp_path: Path) -> None:
    rows = [{"question": f"Number {number}?"} for number in range(60)]
    (tmp_path / "more.json").write_text(json.dumps(rows))
    assert asked("import", "instructions", tmp_path / "more.json", "--benchmark", "many", "--new-benchmark").code == 0

    def slowly(request: Request) -> Reply:
        time.sleep(0.05)
        return told(request)

    with FaultServer(listed(slowly)) as server:

        def collect(_: int) -> Any:
            database = judgebench.open(tmp_path / "judgebench.db")
            fields: dict[str, Any] = {"benchmark": "many", "model": "m", "model_url": server.url}
            return judgebench.answer(database, **fields, concurrency=4, audit=False)

        with ThreadPoolExecutor(2) as pool:
            reports = list(pool.map(collect, range(2)))
        posts = sum(request.method == "POST" for request in server.requests)
    assert posts == 60 == sum(report.calls for report in reports)
    assert [dict(report.tally.ended) for report in reports] == 2 * [{Status.OK: 60}]
    assert all(report.calls for report in reports)
    with Database(str(tmp_path / "judgebench.db")).read() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(metadata.tables["claims"])) == 0
