"""``@FILE`` at every door that takes an address."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

import judgebench
from judgebench import store
from judgebench.errors import InputError
from judgebench.store.database import Database
from tests.cli.conftest import Invoke
from tests.fault_server import FaultServer, Reply, Request

DESIGN = ("--benchmark", "bench", "--all-pairs", "--orders", "single")
KEY = "sk-abcdefghijklmnopqrstuvwxyz012345"


def judge(index: int, request: Request) -> Reply:
    return Reply.of({"data": [{"id": "qwen"}]}) if request.method == "GET" else Reply.chat("[[A]]", model="qwen")


@pytest.fixture
def servers(tmp_path: Path) -> Iterator[tuple[FaultServer, FaultServer]]:
    with FaultServer(judge) as one, FaultServer(judge) as other:
        (tmp_path / "judges.txt").write_text(f"# two\n{one.url}\n{other.url}\n")
        yield one, other


def test_a_run_asks_the_servers_of_a_file_and_stores_their_addresses(
    submitted: Invoke, servers: tuple[FaultServer, FaultServer], tmp_path: Path
) -> None:
    urls = [server.url for server in servers]
    ran = submitted("run", *DESIGN, "--judge", "qwen", "--judge-url", "@judges.txt")
    assert ran.code == 0
    assert all(any(request.method == "POST" for request in server.requests) for server in servers)
    assert submitted("judges", "show", "qwen", "--format", "json").json["known_at"] == urls
    with closing(Database(str(tmp_path / "judgebench.db"))) as database, database.read() as connection:
        (_, _, study), *_ = store.runs.specifications(connection, "qwen")
    assert study["judge"]["url"] == urls
    assert "judges.txt" not in json.dumps(study)
    (tmp_path / "judges.txt").unlink()
    assert submitted("run", *DESIGN, "--judge", "qwen", "--repeats", "2").code == 0


def test_a_file_stands_for_addresses_in_audits_answers_judges_and_studies(
    submitted: Invoke, servers: tuple[FaultServer, FaultServer], tmp_path: Path
) -> None:
    file = "@judges.txt"
    assert submitted("judges", "add", "mine", "--model", "qwen", "--url", file, "--set", "seed=1").code == 0
    assert submitted("judges", "test", "mine", "--judge-url", file).code == 0
    assert submitted("answer", "--benchmark", "bench", "--model", "qwen", "--model-url", file).code == 0
    fields = {"model": "qwen", "url": file}
    (tmp_path / "s.yaml").write_text(json.dumps({"benchmark": "bench", "all_pairs": True, "judge": fields}))
    assert submitted("run", "s.yaml").code == 0
    null = ("audit", "null-models", "--judge", "qwen", "--judge-url", file, "--benchmark", "bench", "--dry-run")
    assert submitted(*null).code == 0


def test_python_takes_a_file_as_well(
    submitted: Invoke, servers: tuple[FaultServer, FaultServer], tmp_path: Path
) -> None:
    database = judgebench.open(tmp_path / "judgebench.db")
    file = f"@{tmp_path / 'judges.txt'}"
    asked = {"benchmark": "bench", "all_pairs": True}
    assert judgebench.run(database, judge="qwen", judge_url=file, **asked).tally.pending == 0
    assert judgebench.run(database, judge={"model": "qwen", "url": file}, **asked).tally.pending == 0
    assert judgebench.answer(database, benchmark="bench", model="qwen", model_url=[file]).tally.pending == 0
    assert judgebench.add_judge(database, "mine", model="qwen", url=file, settings={"seed": 1}).name == "mine"
    with pytest.raises(InputError, match="given alone"):
        judgebench.judge(database, "qwen", url=[file, servers[0].url])


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        ("run", *DESIGN, "--judge", "qwen", "--judge-url"),
        ("batch", "export", *DESIGN, "--judge", "qwen", "--to", "b.jsonl", "--judge-url"),
        ("audit", "null-models", "--judge", "qwen", "--benchmark", "bench", "--judge-url"),
        ("answer", "--benchmark", "bench", "--model", "qwen", "--model-url"),
        ("judges", "add", "mine", "--model", "qwen", "--url"),
        ("judges", "test", "scripted:coin", "--judge-url"),
    ],
)
@pytest.mark.parametrize("content", [f"{KEY}\n", b"\xff\n", "", None])
def test_an_unusable_file_is_one_line_and_exit_code_2(
    submitted: Invoke, tmp_path: Path, command: tuple[str, ...], content: str | bytes | None
) -> None:
    path = tmp_path / "judges.txt"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    before = submitted("judges").out
    stopped = submitted(*command, f"@{path}")
    assert (stopped.code, stopped.out, KEY in stopped.err) == (2, "", False)
    assert str(path) in stopped.err.replace("\n", "")
    assert submitted("judges").out == before


def test_a_remembered_key_goes_to_no_address_of_a_file(
    submitted: Invoke, servers: tuple[FaultServer, FaultServer], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may come to hold others."""
    monkeypatch.setenv("QWEN_API_KEY", KEY)
    added = ("judges", "add", "mine", "--model", "qwen", "--url", servers[0].url, "--key-env", "QWEN_API_KEY")
    assert submitted(*added).code == 0
    assert submitted("run", *DESIGN, "--judge", "mine", "--limit", "1").code == 0
    sent = len(servers[0].requests)
    assert "authorization" in servers[0].requests[0].headers
    ran = submitted("run", *DESIGN, "--judge", "mine", "--judge-url", "@judges.txt", "--repeats", "2")
    assert ran.code == 0
    requests = [*servers[0].requests[sent:], *servers[1].requests]
    assert requests
    assert not any("authorization" in request.headers for request in requests)


def test_a_judge_is_tried_at_other_addresses_as_what_it_is(
    submitted: Invoke, servers: tuple[FaultServer, FaultServer]
) -> None:
    """By its template and settings, also where it is called as its model is."""
    one, other = servers
    added = ("judges", "add", "qwen", "--model", "qwen", "--url", one.url, "--template", "pairwise/three-way")
    assert submitted(*added, "--set", "seed=7").code == 0
    assert submitted("judges", "test", "qwen", "--judge-url", other.url).code == 0
    questions = [request.json for request in other.requests if request.method == "POST"]
    assert not one.requests
    assert questions[0]["seed"] == 7
    assert submitted("judges", "show", "qwen", "--format", "json").json["known_at"] == [one.url]
