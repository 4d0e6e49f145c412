"""judgebench answer against a real server on loopback: a benchmark's outputs from scratch, each asked for once."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from judgebench import store
from judgebench.store.database import Database
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
        mended = asked(*to(server))
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
