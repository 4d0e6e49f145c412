"""Judges by name: added, listed, shown, tried, used, and what they must not give away."""

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from judgebench.store import schema
from judgebench.store.database import Database
from tests.cli.conftest import Invoke
from tests.fault_server import FaultServer, Reply, Request

KEY = "sk-judges-0123456789"


def server(index: int, request: Request) -> Reply:
    """Takes constraints by JSON schema but not by choice, and answers as a smaller model than was asked."""
    if request.method == "GET":
        return Reply.of({"data": [{"id": "gpt", "max_model_len": 8192}]})
    schema = "response_format" in request.json
    return Reply.chat('{"word": "heron-58"}' if schema else "A", model="gpt-mini")


def add(invoke: Invoke, url: str, *more: object) -> Any:
    return invoke("judges", "add", "strict", "--model", "gpt", "--url", url, *more)


def test_a_judge_that_was_added_judges_by_its_name(submitted: Invoke) -> None:
    with FaultServer(server) as judge:
        assert add(submitted, judge.url, "--set", "max_tokens=4", "--set", "temperature=0.5").code == 0
        ran = submitted("run", "--benchmark", "bench", "--judge", "strict", "--all-pairs", "--format", "json")
    assert (ran.code, ran.json["ok"]) == (0, 24)
    assert "answered by 'gpt-mini'" in ran.err.replace("\n", " ")
    asked = [request.json for request in judge.requests if request.method == "POST"]
    assert {(each["model"], each["max_tokens"], each["temperature"]) for each in asked} == {("gpt", 4, 0.5)}
    assert [row["judge"] for row in submitted("judges", "--format", "json").json] == ["strict"]


def test_a_judge_is_listed_and_shown_without_any_secret(
    submitted: Invoke, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("STRICT_KEY", KEY)
    add(submitted, "http://127.0.0.1:9/v1", "--key-env", "STRICT_KEY", "--price", "2.5,10")
    listed, shown = submitted("judges", "list", "--format", "json"), submitted("judges", "show", "strict")
    assert listed.json[0]["key_env"] == "STRICT_KEY"
    assert listed.json[0]["price"] == "2.5,10"
    assert "http://127.0.0.1:9/v1" in shown.out
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("judgebench.db*"))
    assert KEY.encode() not in stored
    assert KEY not in listed.out + shown.out


def test_a_server_is_tried_before_money_is_spent(submitted: Invoke) -> None:
    with FaultServer(server) as judge:
        add(submitted, judge.url, "--price", "1,2")
        found = submitted("judges", "test", "strict", "--format", "json").json
        lines = submitted("judges", "test", "strict").out
    assert found["model"] == "gpt-mini"
    assert (found["logprobs"], found["json_schema"], found["choice"]) == (False, True, False)
    assert (found["context_tokens"], found["price"]) == (8192, "1,2")
    assert "gpt-mini, not 'gpt' as asked" in lines
    assert "8,192 tokens" in lines


def test_nobody_at_the_address_is_one_clear_error(submitted: Invoke) -> None:
    add(submitted, "http://127.0.0.1:9/v1")
    tried = submitted("judges", "test", "strict")
    assert (tried.code, tried.out) == (2, "")
    assert "nobody answers" in tried.err


def test_a_name_stands_for_one_judge_whose_address_may_change(submitted: Invoke) -> None:
    assert add(submitted, "http://127.0.0.1:9/v1").code == 0
    assert add(submitted, "http://127.0.0.1:8/v1", "--same-judge").code == 0
    assert submitted("judges", "show", "strict", "--format", "json").json["url"] == [
        "http://127.0.0.1:9/v1",
        "http://127.0.0.1:8/v1",
    ]
    other = add(submitted, "http://127.0.0.1:8/v1", "--set", "temperature=1")
    assert other.code == 2
    assert "is stored with" in other.err


def test_a_judge_in_this_process_has_no_server_to_try(submitted: Invoke) -> None:
    assert submitted("judges", "add", "first", "--model", "scripted:always-first").code == 0
    assert "runs in this process" in submitted("judges", "test", "first").out
    assert submitted("run", "--benchmark", "bench", "--judge", "first", "--all-pairs").code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("judges", "show", "nobody"), "unknown judge 'nobody'"),
        (("judges", "add", "x", "--model", "gpt"), "needs an address"),
        (("judges", "add", "x", "--model", "embedded", "--set", "temperature"), "write FIELD=VALUE"),
        (("judges", "add", " x", "--model", "embedded"), "cannot be used"),
        (("run", "--benchmark", "bench", "--judge", "nobody", "--all-pairs"), "judges add"),
        (
            ("judges", "add", "x", "--model", "gpt", "--url", "http://127.0.0.1:9/v1", "--key-env", KEY),
            "the NAME of an",
        ),
    ],
)
def test_what_is_wrong_is_said_in_one_message(submitted: Invoke, arguments: tuple[str, ...], message: str) -> None:
    result = submitted(*arguments)
    assert result.code == 2
    assert message in " ".join(result.err.split())
    assert KEY not in result.err


def test_a_template_that_changed_is_another_judge(submitted: Invoke, tmp_path: Path) -> None:
    template = tmp_path / "mine.v1.md"
    text = (
        "---\nkind: pairwise\nabout: mine\nscale:\n  labels: {A: 1, B: 0}\n---\n<!-- user -->\n{{ first }}{{ second }}"
    )
    template.write_text(text)
    add(submitted, "http://127.0.0.1:9/v1", "--template", template)
    template.write_text(text + " Choose.")
    shown = submitted("judges", "show", "strict")
    assert shown.code == 2
    assert "has changed since" in shown.err


@pytest.mark.parametrize(
    "options", [("--set", "temperature=NaN"), ("--set", "a=[1e400]"), ("--price", "inf,nan"), ("--price", "-1,2")]
)
def test_numbers_that_are_not_finite_are_refused(submitted: Invoke, options: tuple[str, str]) -> None:
    shown = submitted("judges", "add", "odd", "--model", "m", "--url", "http://127.0.0.1:9/v1", *options)
    assert (shown.code, shown.err.count("\n")) == (2, 1)
    assert submitted("judges", "list", "--format", "json").json == []


@pytest.mark.slow
def test_judges_are_ranked_by_a_benchmark_of_judges(submitted: Invoke, tmp_path: Path) -> None:
    row = {"input": "Say hi.", "output_1": "bye", "output_2": "hi", "label": 2}
    folder = tmp_path / "Natural"
    folder.mkdir()
    (folder / "dataset.json").write_text(json.dumps([row, row | {"input": "Say yes.", "output_2": "yes"}]))
    assert submitted("import", folder / "dataset.json", "--benchmark", "llmbar").code == 0
    for judge in ("scripted:always-first", "scripted:coin"):
        assert submitted("run", "--benchmark", "llmbar", "--judge", judge, "--all-pairs").code == 0
    evaluate = ("judges", "evaluate", "--benchmark", "llmbar")
    known = submitted(*evaluate, "scripted:always-first", "--level", "0.9", "--format", "json").json
    assert (known["profile"], known["labelled"], known["label"]) == ("llmbar", 2, "LLMBar")
    [judge] = known["rows"]
    assert (judge["judge"], judge["pairs"], judge["statuses"]) == ("scripted:always-first", 2, {"ok": 4})
    natural = judge["numbers"]["natural"]
    assert (natural["value"], natural["level"], natural["n"]) == (50.0, 0.9, 2)
    assert natural["lower"] < 50 < natural["upper"]
    assert judge["numbers"]["adversarial"]["reason"] == "no such pair was judged"
    table = submitted(*evaluate)
    assert "scripted:coin" in table.out
    assert "How it counts: ties and readings that failed are wrong" in " ".join(table.out.split())
    lines = submitted(*evaluate, "--format", "csv").out.splitlines()
    assert lines[0].startswith("judge,natural,natural_lower,natural_upper,adversarial")
    assert len(lines) == 3
    assert submitted(*evaluate, "--format", "markdown").out.startswith("| judge | Natural | Adversarial |")


def test_a_benchmark_without_labels_cannot_evaluate_judges(submitted: Invoke) -> None:
    tried = submitted("judges", "evaluate", "--benchmark", "bench")
    assert (tried.code, "has no labels that say which output is better" in tried.err) == (2, True)


@pytest.mark.parametrize(
    ("more", "why"),
    [(("--price", "1e308,1e308"), "more than 1,000,000 USD"), (("--set", f"n={'x' * 100_000}"), "at most 100,000")],
)
def test_what_nobody_describes_so_is_refused_at_each_command(
    submitted: Invoke, more: tuple[str, str], why: str
) -> None:
    run = ("--benchmark", "bench", "--judge", "scripted:coin", "--all-pairs")
    described = {"price": more[1]} if more[0] == "--price" else {"settings": {"n": "x" * 100_000}}
    study = {"benchmark": "bench", "all_pairs": True, "judge": {"model": "scripted:coin", **described}}
    Path("study.yaml").write_text(json.dumps(study))
    Path("prices.yaml").write_text("m: 1e308,1e308")
    answer = ("answer", "--benchmark", "bench", "--model", "m", "--model-url", "http://127.0.0.1:9/v1")
    commands: list[tuple[str, ...]] = [("run", "study.yaml"), ("run", "study.yaml", "--queue"), (*answer, *more)]
    commands += [("judges", "add", "j", "--model", "scripted:coin", *more)]
    if more[0] == "--price":
        commands += [("run", *run, *more), ("run", *run, "--dry-run", *more), (*answer, "--prices", "prices.yaml")]
    for command in commands:
        refused = submitted(*command)
        assert (refused.code, why in refused.err.replace("\n", " ")) == (2, True), (command[:2], refused.err)
        assert "Traceback" not in refused.err
    assert submitted("judges", "--format", "json").json == submitted("jobs", "list", "--format", "json").json == []


def test_jobs_whose_cost_no_number_holds_are_listed(submitted: Invoke) -> None:
    queued = submitted("run", "--benchmark", "bench", "--judge", "scripted:coin", "--all-pairs", "--queue")
    assert queued.code == 0
    with closing(Database("judgebench.db")) as database, database.write() as connection:
        connection.execute(sa.update(schema.jobs).values(cost_usd=float("inf")))
    assert [row["cost_usd"] for row in submitted("jobs", "list", "--format", "json").json] == [None]
    assert submitted("jobs", "show", "1", "--format", "json").json["cost_usd"] is None
