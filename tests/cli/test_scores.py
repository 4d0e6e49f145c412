"""Pointwise judging from the command line: run, then rank by mean score and by what scores amount to."""

from tests.fault_server import FaultServer, Reply, Request

from .conftest import Invoke


def ratings(index: int, request: Request) -> Reply:
    if request.method == "GET":
        return Reply.of({"data": [{"id": "gpt"}]})
    return Reply.chat(f"Rating: [[{9 if 'alpha on' in request.text else 4}]]")


def test_outputs_are_scored_and_models_ranked(submitted: Invoke) -> None:
    template = ("--template", "pointwise/mt-bench")
    with FaultServer(ratings) as server:
        asked = ("run", "--benchmark", "bench", "--judge", "gpt", "--judge-url", server.url, *template)
        planned = submitted(*asked, "--dry-run")
        ran = submitted(*asked, "--format", "json")
    assert "12 outputs to score, 12 trials" in planned.out
    assert (ran.code, ran.json["planned"], ran.json["ok"]) == (0, 12, 12)
    board = ("leaderboard", "--benchmark", "bench")
    scores = submitted(*board, "--method", "score", "--format", "json").json
    assert [(row["model"], row["rating"], row["outputs"]) for row in scores["rows"]] == [
        ("alpha", 9.0, 4),
        ("beta", 4.0, 4),
        ("gamma", 4.0, 4),
    ]
    assert "Mean scores, judged by" in submitted(*board, "--method", "score").out
    rates = submitted(*board, "--margin", "0.1", "--format", "json").json
    assert [row["win_rate"] for row in rates["rows"]] == [1.0, 0.25, 0.25]


def test_a_baseline_has_no_meaning_for_scores(submitted: Invoke) -> None:
    result = submitted(
        *("run", "--benchmark", "bench", "--judge", "scripted:coin", "--baseline", "alpha"),
        *("--template", "pointwise/mt-bench"),
    )
    assert result.code == 2
    assert "scores each output by itself" in result.err
