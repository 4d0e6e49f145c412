"""judgebench labels, as a person uses it."""

import json
from pathlib import Path
from typing import Any

from judgebench.store.database import Database
from tests import mixed
from tests.cli.conftest import Invoke


def write(tmp_path: Path, row: dict[str, Any], name: str = "labels.jsonl") -> Path:
    path = tmp_path / name
    path.write_text(json.dumps(row))
    return path


def test_labels_from_the_command_line(invoke: Invoke, tmp_path: Path) -> None:
    row = {"prompt": "p", "response 1": "x", "response 2": "y", "label": 0}
    done = invoke("labels", "import", write(tmp_path, row), "--benchmark", "b", "--format", "json")
    assert (done.code, done.json["new"]) == (0, 1)
    assert "1 was stored already" in invoke("labels", "import", write(tmp_path, row), "--benchmark", "b").out
    [label] = invoke("labels", "list", "--benchmark", "b", "--format", "json").json
    assert invoke("labels", "list", "--benchmark", "b").out.split()[-4:] == ["labels", "1", "0", "0"]
    assert label["preference"] == 1.0
    wrong = invoke("labels", "import", write(tmp_path, row | {"label": 9}, "wrong.jsonl"), "--benchmark", "b")
    assert (wrong.code, "wrong.jsonl, line 1, field 'label'" in wrong.err) == (2, True)


def test_battles_for_people(judged: Invoke, tmp_path: Path) -> None:
    path = tmp_path / "queue.jsonl"
    where = ("labels", "queue", "--benchmark", "bench", "--judge", "scripted:coin")
    found = judged(*where, "--out", path, "--format", "json").json
    assert found["threshold"]["threshold"] is None
    assert found["threshold"]["reason"] == "fewer than 30 items"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert found["queued"] == len(rows) == 8
    for row in rows:
        row["winner"] = "A"
    path.write_text("\n".join(map(json.dumps, rows)))
    assert judged("labels", "import", path, "--benchmark", "bench", "--annotator", "ann").code == 0
    assert judged(*where, "--format", "json").json["queued"] == 0


def test_a_queue_of_conversations_is_labelled_and_matched(invoke: Invoke, tmp_path: Path) -> None:
    database = Database("judgebench.db", create=True)
    mixed.filled(database)
    database.close()
    path = tmp_path / "queue.jsonl"
    where = ("labels", "queue", "--benchmark", mixed.BENCHMARK, "--judge", "judge")
    queued = invoke(*where, "--out", path, "--format", "json").json
    assert (queued["queued"], queued["sampled"]) == (5, 1)
    assert "of several samples, as on 1 of them" in invoke(*where).out
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    [agent] = [row for row in rows if "payslip" in json.dumps(row)]
    for words in ("call 1: book_leave", "error 500", "not shown to the judge"):
        assert words in agent["output_a"]
    assert "secret" not in agent["output_a"]
    assert "Never ask back" in agent["conversation"]
    path.write_text("\n".join(json.dumps(row | {"winner": "A"}) for row in rows))
    done = invoke("labels", "import", path, "--benchmark", mixed.BENCHMARK, "--annotator", "ann", "--format", "json")
    assert (done.code, done.json["new"], done.json["outputs"]) == (0, 5, 0)
    assert invoke(*where, "--format", "json").json["queued"] == 0


def test_voters_and_both_leaderboards_are_printed(judged: Invoke) -> None:
    report = judged("labels", "voters", "--benchmark", "bench", "--format", "json").json
    assert [(voter["name"], voter["votes"]) for voter in report["voters"]] == [("people", 4)]
    printed = judged("labels", "voters", "--benchmark", "bench").out
    assert "4 votes of 1 voter on 4 battles" in printed
    assert "as scripted:coin" in printed
    two = judged("labels", "boards", "--benchmark", "bench", "--judge", "scripted:coin", "--format", "json").json
    assert "rank different models" in two["reason"]
    assert "Rank by people" not in judged("labels", "boards", "--benchmark", "bench", "--judge", "nobody").out
