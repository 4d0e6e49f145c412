"""judgebench batch against a server that keeps files and batches, and by files alone."""

import json
import random
import re
from pathlib import Path
from typing import Any

import pytest

from judgebench.store.database import Database
from judgebench.store.transfer import check
from tests.cli.conftest import Invoke, Result
from tests.fault_server import FaultServer, Reply, Request

COUNTS = ("new", "known", "expired", "foreign", "unreadable", "repeated")


class Server:
    """Files and batches as OpenAI keeps them; ``lost`` answers to a creation are cut off after it took place."""

    def __init__(self, *, lost: int = 0, others: int = 0) -> None:
        self.lost = lost
        self.files: dict[str, bytes] = {}
        self.batches: list[dict[str, Any]] = [
            {"id": f"other_{number}", "status": "completed", "metadata": None} for number in range(others)
        ]

    def __call__(self, index: int, request: Request) -> Reply:
        path = request.path.removeprefix("/v1")
        if (request.method, path) == ("POST", "/files"):
            name = f"file-{len(self.files)}"
            boundary = request.headers["content-type"].partition("boundary=")[2].strip('"').encode()
            [part] = [part for part in request.body.split(b"--" + boundary) if b'name="file"' in part]
            self.files[name] = part.partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")
            assert b'name="purpose"' in request.body
            return Reply.of({"id": name})
        if (request.method, path) == ("POST", "/batches"):
            asked = request.json
            self.batches.append({"id": f"batch_{len(self.batches)}", "status": "in_progress", **asked})
            self.lost -= 1
            return Reply.of(self.batches[-1], reset_after=0 if self.lost >= 0 else None)
        if path.startswith("/batches?"):
            after = re.search(r"after=(\w+)", path)
            start = 1 + [each["id"] for each in self.batches].index(after[1]) if after else 0
            page = self.batches[start : start + 3]
            return Reply.of({"data": page, "has_more": start + 3 < len(self.batches)})
        if path.startswith("/batches/"):
            [found] = [each for each in self.batches if each["id"] == path.removeprefix("/batches/")]
            return Reply.of(found)
        return Reply(body=self.files[path.split("/")[2]])

    def finish(self, lines: list[bytes], *, status: str = "completed") -> None:
        self.files["file-results"] = b"".join(lines)
        self.batches[-1] |= {"status": status, "output_file_id": "file-results"}


def answered(line: bytes, text: str = "[[A]]") -> bytes:
    """The result of a question, as a server writes it."""
    question = json.loads(line)
    body = json.loads(Reply.chat(text, model=question["body"]["model"]).body)
    response = {"status_code": 200, "request_id": "r", "body": body}
    return (
        json.dumps({"id": "x", "custom_id": question["custom_id"], "response": response, "error": None}).encode()
        + b"\n"
    )


def refused(line: bytes, code: str = "bad") -> bytes:
    error = {"code": code, "message": "it was not asked"}
    return json.dumps({"custom_id": json.loads(line)["custom_id"], "response": None, "error": error}).encode() + b"\n"


def export(run: Invoke, target: Path, *more: object, url: str = "http://127.0.0.1:9/v1") -> Result:
    judge = ("--judge", "gpt", "--judge-url", url, "--template", "pairwise/three-way", "--price", "100,100")
    return run(
        "batch", "export", "--to", target, "--benchmark", "bench", *judge, "--all-pairs", "--format", "json", *more
    )


def lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def ingest(run: Invoke, *more: object) -> Result:
    result = run("batch", "ingest", *more, "--format", "json")
    if result.code != 2:
        assert result.json["results"] == sum(result.json[name] for name in COUNTS)
    return result


def verdicts(tmp_path: Path) -> int:
    return check(Database(str(tmp_path / "judgebench.db"))).rows["verdicts"]


def test_a_file_holds_every_pending_question_once(submitted: Invoke, tmp_path: Path) -> None:
    report = export(submitted, tmp_path / "b.jsonl").json
    questions = [json.loads(line) for line in lines(tmp_path / "b.jsonl")]
    assert (report["planned"], report["exported"], len(questions)) == (24, 24, 24)
    assert len({question["custom_id"] for question in questions}) == 24
    assert all(len(question["custom_id"]) <= 64 for question in questions)
    assert {(q["method"], q["url"], q["body"]["model"]) for q in questions} == {("POST", "/v1/chat/completions", "gpt")}
    assert all(question["body"]["messages"][-1]["role"] == "user" for question in questions)
    again = export(submitted, tmp_path / "c.jsonl").json
    assert (again["awaited"], again["exported"], again["files"]) == (24, 0, [])
    assert not (tmp_path / "c.jsonl").exists()
    overwriting = export(submitted, tmp_path / "b.jsonl", "--repeats", "2")
    assert overwriting.code == 2
    assert "never overwritten" in overwriting.err


@pytest.mark.slow
def test_results_come_in_any_order_in_parts_and_twice(submitted: Invoke, tmp_path: Path) -> None:
    export(submitted, tmp_path / "b.jsonl")
    results = [answered(line) for line in lines(tmp_path / "b.jsonl")]
    random.Random(1).shuffle(results)
    (tmp_path / "some.jsonl").write_bytes(b"".join(results[:10] + results[:3]) + results[10][:50])
    (tmp_path / "all.jsonl").write_bytes(b"".join(results))
    some = ingest(submitted, tmp_path / "some.jsonl")
    assert some.code == 3, "a line that is no result is a question without a verdict"
    assert [some.json[name] for name in ("new", "repeated", "unreadable")] == [10, 3, 1]
    assert "1 line passed over, as no results" in some.err
    everything = ingest(submitted, tmp_path / "all.jsonl").json
    assert [everything[name] for name in ("new", "known")] == [14, 10]
    assert everything["cost_usd"] == pytest.approx(14 * 12 * 100 / 1e6)
    assert ingest(submitted, tmp_path / "all.jsonl", tmp_path / "some.jsonl").json["new"] == 0
    assert verdicts(tmp_path) == 24
    assert submitted("batch", "list", "--format", "json").json[0]["state"] == "closed"
    board = submitted("leaderboard", "--benchmark", "bench", "--format", "json").json
    assert {row["win_rate"] for row in board["rows"]} == {0.5}  # a judge of position promotes nobody


@pytest.mark.slow
def test_what_failed_is_stored_once_and_exported_again(submitted: Invoke, tmp_path: Path) -> None:
    export(submitted, tmp_path / "b.jsonl")
    asked = lines(tmp_path / "b.jsonl")
    odd = json.dumps({"custom_id": json.loads(asked[3])["custom_id"], "response": {"status_code": 200, "body": {}}})
    mixed = [
        *map(refused, asked[:3]),
        odd.encode() + b"\n",
        refused(asked[4], "batch_expired"),
        *map(answered, asked[5:]),
    ]
    (tmp_path / "r.jsonl").write_bytes(b"".join(mixed))
    first = ingest(submitted, tmp_path / "r.jsonl")
    assert first.code == 3
    assert (first.json["new"], first.json["expired"], first.json["ended"]["failed"]) == (23, 1, 4)
    assert ingest(submitted, tmp_path / "r.jsonl").json["new"] == 0
    assert export(submitted, tmp_path / "c.jsonl").json["awaited"] == 1  # the batch may still bring the expired one
    ingest(submitted, tmp_path / "r.jsonl", "--close")
    assert export(submitted, tmp_path / "d.jsonl").json["exported"] == 1
    for name in ("c", "d"):
        mended = [answered(line) for line in lines(tmp_path / f"{name}.jsonl")]
        (tmp_path / "m.jsonl").write_bytes(b"".join(mended))
        assert ingest(submitted, tmp_path / "m.jsonl").code == 0
    done = export(submitted, tmp_path / "e.jsonl").json
    assert (done["answered"], done["exported"]) == (24, 0)


def test_results_of_other_databases_and_other_trials_are_counted_and_left(submitted: Invoke, tmp_path: Path) -> None:
    export(submitted, tmp_path / "b.jsonl")
    line = json.loads(lines(tmp_path / "b.jsonl")[0])
    ids = ["jb-000000000000.0", "nothing", line["custom_id"][:-1] + "_"]
    foreign = [answered(json.dumps(line | {"custom_id": each}).encode()) for each in ids]
    (tmp_path / "r.jsonl").write_bytes(b"".join(foreign))
    assert ingest(submitted, tmp_path / "r.jsonl").json["foreign"] == 3
    assert verdicts(tmp_path) == 0


def test_a_file_ends_at_its_limits(submitted: Invoke, tmp_path: Path) -> None:
    report = export(submitted, tmp_path / "b.jsonl", "--max-requests", "10").json
    assert [(Path(each["file"]).name, each["requests"]) for each in report["files"]] == [
        ("b.jsonl", 10),
        ("b.2.jsonl", 10),
        ("b.3.jsonl", 4),
    ]


def test_identical_outputs_are_decided_at_once(invoke: Invoke, outputs: Any, tmp_path: Path) -> None:
    for model in ("alpha", "beta"):
        invoke("submit", outputs(model, say="the same"), "--model", model, "--benchmark", "bench")
    report = export(invoke, tmp_path / "b.jsonl").json
    assert (report["identical"], report["exported"], verdicts(tmp_path)) == (8, 0, 8)


def test_a_batch_is_submitted_once_and_its_results_are_fetched(submitted: Invoke, tmp_path: Path) -> None:
    kept = Server(others=7)
    with FaultServer(kept) as server:
        export(submitted, tmp_path / "b.jsonl", url=server.url)
        first = submitted("batch", "submit", tmp_path / "b.jsonl", "--format", "json").json
        second = submitted("batch", "submit", tmp_path / "b.jsonl", "--format", "json").json
        assert (first["new"], second["new"], second["server_id"]) == (True, False, first["server_id"])
        assert len(kept.batches) == 8
        assert list(kept.files.values()) == [(tmp_path / "b.jsonl").read_bytes()]
        waiting = ingest(submitted).json
        assert (waiting["results"], list(waiting["servers"].values())) == (0, ["in_progress"])
        kept.finish([answered(line) for line in lines(tmp_path / "b.jsonl")[:20]], status="expired")
        fetched = ingest(submitted)
        assert (fetched.code, fetched.json["new"]) == (0, 20)
        assert ingest(submitted).json["results"] == 0  # it is closed
    assert export(submitted, tmp_path / "c.jsonl", "--same-judge").json["exported"] == 4


def test_a_submission_whose_answer_was_lost_is_found_again(submitted: Invoke, tmp_path: Path) -> None:
    kept = Server(lost=1, others=4)
    with FaultServer(kept) as server:
        export(submitted, tmp_path / "b.jsonl", url=server.url)
        lost = submitted("batch", "submit", tmp_path / "b.jsonl")
        assert lost.code == 2
        found = submitted("batch", "submit", tmp_path / "b.jsonl", "--format", "json").json
    assert (found["new"], found["server_id"], len(kept.batches)) == (False, "batch_4", 5)


def test_a_changed_or_unknown_file_is_not_submitted(submitted: Invoke, tmp_path: Path) -> None:
    export(submitted, tmp_path / "b.jsonl")
    with (tmp_path / "b.jsonl").open("a") as file:
        file.write("{}\n")
    for path, message in (("b.jsonl", "changed"), ("alpha.json", "no batch file"), ("none", "cannot be read")):
        result = submitted("batch", "submit", tmp_path / path)
        assert result.code == 2
        assert message in result.err.replace("is not a batch file", "no batch file")


@pytest.mark.parametrize("template", ["pairwise/likelihood"])
def test_what_is_no_chat_question_is_refused(submitted: Invoke, tmp_path: Path, template: str) -> None:
    judge = ("--judge", "gpt", "--template", template, "--all-pairs")
    result = submitted("batch", "export", "--to", tmp_path / "b.jsonl", "--benchmark", "bench", *judge)
    assert result.code == 2
    assert "no chat question" in result.err
    local = submitted("batch", "export", "--to", "b", "--benchmark", "bench", "--judge", "scripted:coin", "--all-pairs")
    assert (local.code, "in this process" in local.err) == (2, True)


def test_no_key_is_in_a_batch_file_or_message(
    submitted: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_KEY", "sk-secret-0123456789")

    def echo(index: int, request: Request) -> Reply:
        return Reply.error(401, f"bad key {request.headers.get('authorization')}")

    with FaultServer(echo) as server:
        export(submitted, tmp_path / "b.jsonl", "--judge-key-env", "MY_KEY", url=server.url)
        result = submitted("batch", "submit", tmp_path / "b.jsonl")
        assert server.requests[0].headers["authorization"] == "Bearer sk-secret-0123456789"
    assert result.code == 2
    assert "sk-secret" not in result.err + result.out
    assert b"sk-secret" not in (tmp_path / "b.jsonl").read_bytes() + (tmp_path / "judgebench.db").read_bytes()


def test_an_export_without_an_address_says_where_it_would_be_submitted(submitted: Invoke, tmp_path: Path) -> None:
    judge = ("--judge", "gpt", "--template", "pairwise/three-way", "--all-pairs")
    result = submitted("batch", "export", "--to", tmp_path / "b.jsonl", "--benchmark", "bench", *judge)
    assert (result.code, "http://127.0.0.1:8000/v1" in result.err) == (0, True)
    assert "batch submit" not in export(submitted, tmp_path / "c.jsonl").err
    named = (*judge, "--judge-url", "http://127.0.0.1:8000/v1")
    assert (
        "batch submit"
        not in submitted("batch", "export", "--to", tmp_path / "d.jsonl", "--benchmark", "bench", *named).err
    )


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"reask": True}, "a batch asks no second question"),
        ({"judge": {"settings": {"defence": "sandwich"}}}, "without the defence 'sandwich'"),
        ({"judge": {"settings": {"defence": "verdict-nonce"}}}, "without the defence 'verdict-nonce'"),
    ],
)
def test_what_a_batch_cannot_ask_is_refused_and_not_dropped(
    submitted: Invoke, tmp_path: Path, fields: dict[str, Any], reason: str
) -> None:
    judge = {"model": "m", "url": "http://127.0.0.1:9/v1"} | fields.get("judge", {})
    study = tmp_path / "s.yaml"
    study.write_text(json.dumps({"benchmark": "bench", "all_pairs": True} | fields | {"judge": judge}))
    refused = submitted("batch", "export", study, "--to", tmp_path / "b.jsonl")
    assert (refused.code, reason in refused.err) == (2, True), refused.err
    assert not (tmp_path / "b.jsonl").exists()
