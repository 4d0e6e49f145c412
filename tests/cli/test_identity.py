"""An address is no identity; but a known judge is asked at a new one only where it is said to be the same."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import judgebench
from judgebench.errors import NewAddress
from tests.cli.conftest import Invoke
from tests.fault_server import FaultServer, Reply, Request

DESIGN = ("--benchmark", "bench", "--all-pairs", "--orders", "single")


def judge(index: int, request: Request) -> Reply:
    return Reply.of({"data": [{"id": "qwen"}]}) if request.method == "GET" else Reply.chat("[[A]]", model="qwen")


@pytest.fixture
def servers() -> Iterator[tuple[FaultServer, FaultServer]]:
    with FaultServer(judge) as full, FaultServer(judge) as quantised:
        yield full, quantised


def run(invoke: Invoke, url: str, *more: str, name: str = "qwen"):  # type: ignore[no-untyped-def]  # the fixture's result
    return invoke("run", *DESIGN, "--judge", name, "--judge-url", url, "--limit", "1", *more)


def test_a_run_at_a_new_address_stops_before_anything_is_asked(
    submitted: Invoke, servers: tuple[FaultServer, FaultServer]
) -> None:
    full, quantised = servers
    assert run(submitted, full.url).code == 0
    for more in ((), ("--dry-run",), ("--design", "adaptive", "--budget", "9")):
        stopped = submitted("run", "--benchmark", "bench", "--judge", "qwen", "--judge-url", quantised.url, *more)
        assert (stopped.code, stopped.out) == (2, "")
        for said in (full.url, quantised.url, "--same-judge", "--judge-name NEW"):
            assert said in stopped.err
    assert not quantised.requests
    assert run(submitted, f"{full.url}/chat/completions").code == 0  # no difference


def test_the_same_judge_is_remembered_at_its_new_address(
    submitted: Invoke, servers: tuple[FaultServer, FaultServer]
) -> None:
    full, other = servers
    assert run(submitted, full.url).code == 0
    assert run(submitted, other.url, "--same-judge", "--repeats", "2").code == 0
    assert run(submitted, other.url, "--repeats", "3").code == 0
    assert run(submitted, full.url, "--repeats", "4").code == 0
    assert len(full.requests) > 2
    assert len(other.requests) > 2
    shown = submitted("judges", "show", "qwen", "--format", "json").json
    assert set(shown["known_at"]) == {full.url, other.url}
    assert shown["settings"].get("variant") is None


def test_another_name_is_another_judge_of_the_same_model(
    submitted: Invoke, servers: tuple[FaultServer, FaultServer]
) -> None:
    full, quantised = servers
    assert run(submitted, full.url).code == 0
    for repeats in ("1", "2"):
        assert run(submitted, quantised.url, "--judge-name", "qwen-awq", "--repeats", repeats).code == 0
    judged = [request.json for request in quantised.requests if request.method == "POST"]
    trials = len(judged)
    assert trials > 1
    assert all(body["model"] == "qwen" and "variant" not in body for body in judged)
    assert submitted("run", *DESIGN, "--judge", "qwen-awq", "--limit", "1", "--repeats", "3").code == 0
    assert sum(request.method == "POST" for request in quantised.requests) > trials
    names = [row["judge"] for row in submitted("judges", "--format", "json").json]
    assert names == ["qwen", "qwen-awq"]
    stopped = run(submitted, quantised.url)
    assert (stopped.code, "judge 'qwen-awq' is asked there" in stopped.err) == (2, True)
    assert run(submitted, full.url, "--judge-name", "mine").code == 2  # it is qwen, under another name


def test_an_added_judge_is_asked_at_all_its_addresses_until_one_is_removed(
    submitted: Invoke, servers: tuple[FaultServer, FaultServer]
) -> None:
    full, other = servers
    add = ("judges", "add", "strict", "--model", "qwen", "--url")
    assert submitted(*add, full.url).code == 0
    stopped = submitted(*add, other.url)
    assert (stopped.code, "--same-judge" in stopped.err) == (2, True)
    assert submitted(*add, other.url, "--same-judge").code == 0
    assert submitted("judges", "show", "strict", "--format", "json").json["url"] == [full.url, other.url]
    assert f"{full.url}, {other.url}" in submitted("judges").out
    assert submitted("run", *DESIGN, "--judge", "strict").code == 0
    assert all(len(server.requests) > 1 for server in servers)
    assert submitted("judges", "remove-address", "strict", full.url).code == 0
    assert submitted("judges", "show", "strict", "--format", "json").json["url"] == other.url
    gone = submitted("judges", "remove-address", "strict", full.url)
    assert (gone.code, "its runs stay" in gone.err) == (2, True)
    third = run(submitted, "http://127.0.0.1:9/v1", name="strict")
    assert (third.code, "--same-judge" in third.err) == (2, True)


def test_addresses_given_together_are_one_judge(submitted: Invoke, servers: tuple[FaultServer, FaultServer]) -> None:
    full, other = servers
    assert run(submitted, full.url, "--judge-url", other.url).code == 0
    assert run(submitted, other.url, "--repeats", "2").code == 0
    assert run(submitted, full.url, "--judge-url", "http://127.0.0.1:9/v1", "--repeats", "3").code == 0
    assert submitted("judges", "show", "qwen", "--format", "json").json["known_at"][-1] != full.url


def test_studies_and_audits_stop_as_well(
    submitted: Invoke, servers: tuple[FaultServer, FaultServer], tmp_path: Path
) -> None:
    full, other = servers
    assert run(submitted, full.url).code == 0
    fields = {"model": "qwen", "url": other.url}
    study = {"benchmark": "bench", "all_pairs": True, "judge": fields}
    (tmp_path / "s.yaml").write_text(json.dumps(study))
    assert submitted("run", tmp_path / "s.yaml").code == 2
    assert submitted("batch", "export", tmp_path / "s.yaml", "--to", tmp_path / "b.jsonl").code == 2
    audit = ("audit", "null-models", "--benchmark", "bench", "--judge", "qwen", "--judge-url", other.url)
    before = submitted("benchmarks", "--format", "json").out
    stopped = submitted(*audit)
    assert (stopped.code, "--same-judge" in stopped.err) == (2, True)
    assert submitted("benchmarks", "--format", "json").out == before
    assert not other.requests
    (tmp_path / "s.yaml").write_text(json.dumps(study | {"judge": fields | {"same_judge": True}}))
    assert submitted("run", tmp_path / "s.yaml").code == 0


def test_python_stops_as_well(submitted: Invoke, servers: tuple[FaultServer, FaultServer], tmp_path: Path) -> None:
    full, other = servers
    assert run(submitted, full.url).code == 0
    asked = {"benchmark": "bench", "all_pairs": True, "judge": "qwen", "judge_url": [other.url, f"{other.url}/"]}
    database = judgebench.open(tmp_path / "judgebench.db")
    with pytest.raises(NewAddress, match="--same-judge"):
        judgebench.run(database, **asked)
    with pytest.raises(NewAddress):
        judgebench.estimate_run(database, **asked)
    assert judgebench.run(database, same_judge=True, **asked).judge == "qwen"
    assert judgebench.run(database, **asked).judge == "qwen"


def test_an_address_at_which_nothing_was_answered_is_none_of_the_judges(
    submitted: Invoke, servers: tuple[FaultServer, FaultServer]
) -> None:
    with FaultServer(lambda index, request: Reply.error(404)) as wrong:
        assert run(submitted, wrong.url).code == 2
    assert run(submitted, servers[0].url).code == 0
