"""Whatever changes the database, saves it or asks a judge's server is in the log: every command is held to one list."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.test_package import commands
from tests.cli.conftest import Invoke
from tests.cli.test_answer import listed, to, told
from tests.cli.test_batch import Server, answered, export
from tests.cli.test_judges import add, server
from tests.fault_server import FaultServer

READING = {  # which write nothing
    *("import formats", "judges list", "judges show", "templates", "batch list", "leaderboard", "profile", "compare"),
    *(
        "categories",
        "goals",
        "hindsight",
        "steps",
        "distributions",
        "history",
        "matrix",
        "multiverse",
        "consensus",
        "quality",
        "plan",
        "bias",
    ),
    *("agreement", "card", "contamination", "labels list", "labels voters", "labels boards", "labels queue"),
    *(
        "benchmarks list",
        "judges evaluate",
        "models",
        "battles",
        "export",
        "lineage list",
        "lineage propose",
        "db check",
        "db events",
    ),
    *("tokens list", "db runs", "jobs list", "jobs show", "jobs wait", "glossary", "app", "serve", "vllm serve"),
}
OTHERWISE = {  # which are made of the others, or write what no event is about
    "demo": "submit and run",
    "place": "run",
    "import alpaca-eval": "import files",
    "import scalerlab": "import files",
    "import judgments": "import files",
    "lineage accept": "lineage set",
    "lineage import": "lineage set",
    "reparse": "logged where a verdict changes: tests/cli/test_reparse.py",
    "worker": "run, audit NAME and answer",
    "db upgrade": "the schema, before there is a log",
}
BENCH = ("--benchmark", "bench")


def steps(folder: Path) -> Iterator[tuple[tuple[object, ...], str]]:
    """Commands after ``judged``, with the action that each is logged as."""
    questions = folder / "questions.json"
    questions.write_text(json.dumps([{"question": "New?"}]))
    outputs = folder / "delta.json"
    outputs.write_text(json.dumps([{"instruction": "Question 0?", "output": "delta"}]))
    more = folder / "epsilon.json"
    more.write_text(json.dumps([{"instruction": "Question 0?", "output": "epsilon", "generator": "epsilon"}]))
    votes = folder / "votes.jsonl"
    votes.write_text(json.dumps({"instruction": "Question 1?", "model_a": "beta", "model_b": "gamma", "winner": "tie"}))
    judge = ("--judge", "scripted:coin")
    yield ("db", "backup", folder / "saved.db"), "backed up"
    yield ("db", "delete", "run", "1", "--yes"), "deleted"
    yield ("db", "merge", folder / "saved.db"), "merged"
    yield ("submit", outputs, "--model", "delta", *BENCH), "submitted"
    yield ("import", "files", more, *BENCH, "--extend"), "imported"
    yield ("import", "instructions", questions, "--benchmark", "asked"), "imported"
    yield ("labels", "import", votes, *BENCH), "imported"
    yield ("run", *BENCH, *judge, "--all-pairs", "--repeats", "2"), "started"
    yield ("run", *BENCH, *judge, "--all-pairs", "--repeats", "3", "--queue"), "queued"
    yield ("jobs", "stop", "1"), "stopped"
    yield ("jobs", "resume", "1"), "queued"
    yield ("jobs", "stop", "1"), "stopped"
    yield ("judges", "add", "named", "--model", "m", "--url", "http://127.0.0.1:9/v1"), "added"
    yield ("judges", "test", "named"), "tested"
    yield ("judges", "remove-address", "named", "http://127.0.0.1:9/v1"), "removed"
    yield ("lineage", "set", "alpha", "--family", "greek"), "declared"
    yield ("audit", "submissions", *BENCH), "audited"
    yield ("audit", "integrity", *BENCH), "audited"
    yield ("audit", "null-models", *BENCH, *judge, "--limit", "2"), "audited"
    robust = ("--model", "alpha", "--opponent", "beta", "--limit", "2")
    yield ("audit", "robustness", *BENCH, *judge, *robust), "audited"
    yield ("benchmarks", "standing", "bench", *judge), "kept"
    yield ("db", "rename", "model", "gamma", "gimel", "--yes"), "renamed"
    yield ("db", "delete", "model", "gimel", "--yes"), "deleted"
    yield ("tokens", "create", "ci", "--role", "viewer"), "added"
    yield ("tokens", "revoke", "ci"), "revoked"
    yield ("db", "copy", folder / "copy.db"), "copied"
    yield ("db", "compact"), "compacted"


def logged(run: Invoke) -> list[dict[str, Any]]:
    """The newest first."""
    events: list[dict[str, Any]] = run("db", "events", "--last", "9", "--format", "json").json
    return events


def newest(run: Invoke) -> tuple[int, str]:
    event = logged(run)[0]
    return event["id"], event["action"]


@pytest.mark.slow
def test_every_command_that_writes_is_logged(judged: Invoke, tmp_path: Path) -> None:
    missing = []
    for words, action in steps(tmp_path):
        before = newest(judged)[0]
        done = judged(*words)
        new = {event["action"] for event in logged(judged) if event["id"] > before}
        if action not in new:
            missing.append((words, action, new, done.code, done.err))
    assert missing == []
    saved = judged("--db", tmp_path / "saved.db", "db", "events", "--action", "backed up", "--format", "json").json
    assert saved == []  # the copy is of the moment before


def test_what_asks_servers_is_logged(submitted: Invoke, tmp_path: Path) -> None:
    with FaultServer(listed(told)) as answering:
        assert submitted(*to(answering)).code == 0
    assert "started" in {event["action"] for event in logged(submitted)}
    with FaultServer(server) as judge:
        add(submitted, judge.url)
        assert submitted("judges", "test", "strict").code == 0
    assert newest(submitted)[1] == "tested"
    server_of_batches = Server()
    with FaultServer(server_of_batches) as batches:
        export(submitted, tmp_path / "b.jsonl", url=batches.url)
        assert newest(submitted)[1] == "started"
        assert submitted("batch", "submit", tmp_path / "b.jsonl").code == 0
        assert newest(submitted)[1] == "submitted"
        server_of_batches.finish([answered(line) for line in (tmp_path / "b.jsonl").read_bytes().splitlines()])
        assert submitted("batch", "ingest").code == 0
        at, action = newest(submitted)
        assert action == "ingested"
        submitted("batch", "ingest")
        assert newest(submitted)[0] == at  # what changes nothing is not logged


def test_every_command_is_on_the_list(tmp_path: Path) -> None:
    written = {" ".join(map(str, words[:2])) for words, _ in steps(tmp_path)} | {"submit", "run"}
    asked = {"answer", "judges test", "batch export", "batch submit", "batch ingest"}
    known = READING | OTHERWISE.keys() | {name for name, _ in commands() if name in written | asked}
    assert {name for name, _ in commands()} == known
