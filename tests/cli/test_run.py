"""judgebench run against a real server on loopback: counts, exit codes, resuming, and what must not be written."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from judgebench.store.database import Database
from judgebench.store.transfer import check
from tests.cli.conftest import Invoke, verdicts
from tests.fault_server import FaultServer, Reply, Request

COUNTS = ("ok", "tie", "unparsed", "refused", "truncated", "failed", "pending")


def answer(script: Callable[[Request], Reply]) -> Callable[[int, Request], Reply]:
    """Models are listed; questions get what the script says."""

    def reply(index: int, request: Request) -> Reply:
        return script(request) if request.method == "POST" else Reply.of({"data": [{"id": "gpt"}]})

    return reply


def judged_by(server: FaultServer, *more: object) -> tuple[object, ...]:
    return ("run", "--benchmark", "bench", "--judge", "gpt", "--judge-url", server.url, "--format", "json", *more)


def test_a_run_is_counted_and_its_second_time_makes_no_call(submitted: Invoke) -> None:
    with FaultServer(answer(lambda _: Reply.chat("A"))) as server:
        first = submitted(*judged_by(server, "--baseline", "alpha"))
        again = submitted(*judged_by(server, "--baseline", "alpha"))
    assert first.code == again.code == 0
    spent = {"calls": first.json["calls"], "cost_usd": None, "taken_over": 0}
    seen = {"not_shown": {}, "identical_as_shown": 0, "not_taken": [], "changed": [], "reasons": {}}
    seen |= {"answered_by": ["judge"]}
    assert first.json == dict.fromkeys(COUNTS, 0) | {"planned": 16, "ok": 16} | spent | seen
    assert again.json["planned"] == again.json["ok"] == 16
    posts = [request for request in server.requests if request.method == "POST"]
    assert len(posts) == 16


def test_a_judge_of_position_promotes_nobody(submitted: Invoke) -> None:
    submitted("run", "--benchmark", "bench", "--judge", "scripted:always-first", "--all-pairs")
    board = submitted("leaderboard", "--benchmark", "bench", "--format", "json").json
    assert {row["win_rate"] for row in board["rows"]} == {0.5}
    assert {(row["rank_lower"], row["rank_upper"]) for row in board["rows"]} == {(1, 3)}


def test_what_has_no_verdict_is_counted_and_the_exit_code_says_so(submitted: Invoke) -> None:
    replies = {"0": "A", "1": "I would rather not say", "2": "B", "3": ""}

    def say(request: Request) -> Reply:
        number = request.text.partition("Question ")[2][:1]
        finish = "length" if number == "3" else "stop"
        return Reply.chat(replies[number], choice={"finish_reason": finish})

    with FaultServer(answer(say)) as server:
        result = submitted(*judged_by(server, "--baseline", "alpha"))
    report = result.json
    assert result.code == 3
    assert report["planned"] == sum(report[name] for name in COUNTS) == 16
    assert report["ok"] == 8
    assert report["truncated"] == 4
    board = submitted("leaderboard", "--benchmark", "bench", "--format", "json").json
    assert sum(board["left_out"].values()) == 8
    assert [row["battles"] for row in board["rows"] if row["model"] != "alpha"] == [2, 2]


def test_identical_outputs_are_a_tie_without_a_call(invoke: Invoke, outputs: Callable[..., Path]) -> None:
    for model in ("alpha", "beta"):
        invoke("submit", outputs(model, say="the same"), "--model", model, "--benchmark", "bench")
    with FaultServer(answer(lambda _: Reply.chat("A"))) as server:
        report = invoke(*judged_by(server, "--all-pairs")).json
    assert (report["planned"], report["tie"]) == (8, 8)
    assert [request.method for request in server.requests] == ["GET"]


def test_an_unreachable_judge_is_one_clear_error(submitted: Invoke, tmp_path: Path) -> None:
    where = ("--judge", "gpt", "--judge-url", "http://127.0.0.1:9/v1")
    result = submitted("run", "--benchmark", "bench", *where, "--baseline", "alpha")
    assert result.code == 2
    assert "127.0.0.1:9" in result.err
    assert "Traceback" not in result.err
    assert check(Database(str(tmp_path / "judgebench.db"))).rows["judges"] == 0


@pytest.mark.parametrize("lists_models", [True, False])
def test_a_wrong_key_is_one_clear_error_and_is_shown_nowhere(
    submitted: Invoke, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lists_models: bool
) -> None:
    monkeypatch.setenv("MY_KEY", "sk-secret-123")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-ambient-456")

    def refuse(index: int, request: Request) -> Reply:
        if request.method == "GET" and not lists_models:
            return Reply.of({"error": {"message": "no such path"}}, status=404)
        echoed = request.headers.get("authorization", "")
        return Reply.of({"error": {"message": f"Incorrect API key provided: {echoed}"}}, status=401)

    with FaultServer(refuse) as server:
        result = submitted(*judged_by(server, "--baseline", "alpha", "--judge-key-env", "MY_KEY"))
        ambient = [r.headers.get("authorization", "") for r in server.requests]
    assert result.code == 2
    assert "key" in result.err
    assert "sk-secret" not in result.err + result.out
    assert not any("ambient" in sent for sent in ambient)
    assert verdicts(tmp_path) == 0
    assert b"sk-secret" not in (tmp_path / "judgebench.db").read_bytes()


def test_a_key_that_is_not_set_is_named(submitted: Invoke) -> None:
    where = ("--judge", "gpt", "--judge-url", "http://127.0.0.1:9/v1", "--judge-key-env", "NOT_SET_ANYWHERE")
    result = submitted("run", "--benchmark", "bench", *where, "--baseline", "alpha")
    assert result.code == 2
    assert "NOT_SET_ANYWHERE" in result.err


def test_failures_are_asked_again_by_the_next_run(submitted: Invoke) -> None:
    with FaultServer(answer(lambda _: Reply.of({"error": {"message": "no", "code": "odd"}}, status=422))) as server:
        broken = submitted(*judged_by(server, "--baseline", "alpha"))
    assert (broken.code, broken.json["failed"]) == (3, 16)
    with FaultServer(answer(lambda _: Reply.chat("A"))) as server:
        mended = submitted(*judged_by(server, "--baseline", "alpha"))
    assert (mended.code, mended.json["ok"], mended.json["failed"]) == (0, 16, 0)


def test_log_probabilities_make_a_soft_verdict(submitted: Invoke) -> None:
    top = [{"token": "A", "logprob": -0.2231435513}, {"token": "B", "logprob": -1.6094379124}]
    logprobs = {"content": [{"token": "A", "logprob": -0.2231435513, "top_logprobs": top}]}
    with FaultServer(answer(lambda _: Reply.chat("A", choice={"logprobs": logprobs}))) as server:
        submitted(*judged_by(server, "--baseline", "alpha", "--orders", "single"))
    battles = submitted("battles", "--benchmark", "bench", "--format", "json").json["battles"]
    assert {round(battle["preference"], 6) for battle in battles} == {0.8}


def test_a_dry_run_asks_and_writes_nothing(submitted: Invoke, tmp_path: Path) -> None:
    where = ("--judge", "gpt", "--judge-url", "http://127.0.0.1:9/v1", "--price", "10,30")
    plan = submitted("run", "--benchmark", "bench", *where, "--baseline", "alpha", "--dry-run", "--format", "json").json
    assert (plan["planned"], plan["calls"], plan["battles"]) == (16, 16, 8)
    assert plan["cost_usd_estimate"] > 0
    assert verdicts(tmp_path) == 0


def test_a_judge_of_this_process_costs_nothing_and_has_no_server_to_test(submitted: Invoke) -> None:
    for judge in ("embedded", "scripted:coin"):
        planned = submitted("run", "--benchmark", "bench", "--judge", judge, "--baseline", "alpha", "--dry-run")
        assert ", free\n" in planned.out, planned.err
        assert "judges test" not in planned.out


def test_a_dry_run_knows_from_earlier_replies_what_the_rest_takes(submitted: Invoke) -> None:
    with FaultServer(answer(lambda _: Reply.chat("A", delay_s=0.02))) as server:
        flags = ("--baseline", "alpha", "--price", "10,1000")
        first = submitted(*judged_by(server, *flags, "--dry-run")).json
        submitted(*judged_by(server, *flags, "--limit", "1"))
        second = submitted(*judged_by(server, *flags, "--dry-run", "--concurrency", "2")).json
    assert (first["reply_tokens_estimate"], first["seconds_estimate"]) == (None, None)
    assert (second["calls"], second["reply_tokens_estimate"]) == (12, 24)
    assert second["seconds_estimate"] >= 12 * 0.02 / 2
    assert second["cost_usd_estimate"] > 24 * 1000 / 1e6


def test_no_more_is_asked_once_so_many_questions_have_failed(submitted: Invoke) -> None:
    with FaultServer(
        answer(lambda r: Reply.error(422, code="odd") if "Question 1" in r.text else Reply.chat("A"))
    ) as server:
        result = submitted(*judged_by(server, "--all-pairs", "--max-errors", "3", "--concurrency", "1"))
    assert result.code == 3
    assert (result.json["failed"], result.json["pending"] > 0) == (3, True)


def test_the_money_runs_out(submitted: Invoke) -> None:
    usage = {"prompt_tokens": 1000, "completion_tokens": 0, "total_tokens": 1000}

    def costly(request: Request) -> Reply:
        reply = Reply.chat("A")
        return Reply.of(json.loads(reply.body) | {"usage": usage})

    more = ("--baseline", "alpha", "--price", "1000,0", "--max-cost", "2.5", "--concurrency", "1")
    with FaultServer(answer(costly)) as server:
        result = submitted(*judged_by(server, *more))
    assert result.code == 3
    assert (result.json["ok"], result.json["pending"]) == (3, 13)
    assert result.json["cost_usd"] == 3.0


def test_a_study_file_says_the_same_as_flags(submitted: Invoke, tmp_path: Path) -> None:
    study = tmp_path / "study.yaml"
    study.write_text("benchmark: bench\nbaseline: alpha\njudge: {model: 'scripted:coin'}\norders: random\n")
    by_file = submitted("run", study, "--format", "json").json
    flags = ("--benchmark", "bench", "--baseline", "alpha", "--judge", "scripted:coin", "--orders", "random")
    by_flags = submitted("run", *flags, "--format", "json").json
    assert by_file["planned"] == 8
    assert by_flags == by_file | {"calls": 0}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("benchmark: [", "YAML"),
        ("- a", "list"),
        ("benchmark: bench\njudge: {model: 'scripted:coin'}\nbaseline: alpha\nordres: both", "ordres"),
        ("benchmark: bench\njudge: {model: gpt}\nbaseline: alpha", "--judge-url"),
        ("benchmark: bench\njudge: {model: 'scripted:coin'}", "baseline"),
        ("benchmark: none\njudge: {model: 'scripted:coin'}\nbaseline: alpha", "unknown benchmark"),
        ("benchmark: bench\njudge: {model: 'scripted:coin'}\nbaseline: alfa", "did you mean 'alpha'"),
        ("benchmark: bench\njudge: {model: 'scripted:no'}\nbaseline: alpha", "scripted"),
        ("benchmark: bench\njudge: {model: 'scripted:coin', template: pairwise/tow-way}\nbaseline: alpha", "two-way"),
    ],
)
def test_a_bad_study_is_one_clear_error(submitted: Invoke, tmp_path: Path, text: str, message: str) -> None:
    study = tmp_path / "study.yaml"
    study.write_text(text)
    result = submitted("run", study)
    assert result.code == 2
    assert message in result.err
    assert verdicts(tmp_path) == 0


@pytest.mark.slow
def test_the_same_database_gives_the_same_bytes(submitted: Invoke) -> None:
    submitted("run", "--benchmark", "bench", "--judge", "scripted:coin", "--all-pairs")
    for options in (
        ("--format", "json"),
        ("--method", "bradley-terry", "--format", "csv"),
        ("--level", "0.9", "--format", "markdown"),
    ):
        command = ("leaderboard", "--benchmark", "bench", *options)
        assert submitted(*command).out == submitted(*command).out != ""


def test_a_meta_judge_compares_judges(submitted: Invoke) -> None:
    for judge in ("scripted:coin", "scripted:always-first"):
        submitted("run", "--benchmark", "bench", "--judge", judge, "--all-pairs")
    judges = ("--judge", "scripted:coin", "--judge", "scripted:always-first")
    command = ("import", "judgments", "--benchmark", "bench", *judges, "--into", "judged", "--format", "json")
    first, again = submitted(*command).json, submitted(*command).json
    assert (first["cases"], first["new"], again["new"], again["known"]) == (24, 48, 0, 48)
    run = ("run", "--benchmark", "judged", "--judge", "scripted:always-first", "--judge-name", "meta")
    report = submitted(*run, "--template", "pairwise/meta", "--all-pairs", "--format", "json").json
    assert report["planned"] == report["ok"] + report["tie"] == 48
    board = submitted("leaderboard", "--benchmark", "judged", "--format", "json").json
    assert {row["model"] for row in board["rows"]} == {"scripted:coin", "scripted:always-first"}
    alone = submitted("import", "judgments", "--benchmark", "bench", *judges[:2], "--into", "x")
    assert (alone.code, "two judges" in alone.err) == (2, True)


def test_stderr_says_why_trials_have_no_verdict_and_what_the_server_does_not_take(submitted: Invoke) -> None:
    def choosy(request: Request) -> Reply:
        if b'"temperature"' in request.body:
            error = {"message": "Unsupported parameter: 'temperature'", "param": "temperature"}
            return Reply.of({"error": error}, status=400)
        return Reply.chat("who knows")

    with FaultServer(answer(choosy)) as server:
        result = submitted(*judged_by(server, "--baseline", "alpha", "--limit", "2"))
    assert result.code == 3
    assert "the server does not take temperature" in result.err
    assert "8 without a verdict: the reply states no verdict" in result.err.replace("\n", " ")
