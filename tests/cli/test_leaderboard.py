"""judgebench leaderboard."""

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Invoke, verdicts
from tests.fault_server import FaultServer, Reply, Request


def test_controls_of_the_leaderboard(judged: Invoke) -> None:
    where = ("leaderboard", "--benchmark", "bench", "--judge", "scripted:coin", "--format", "json")
    rated = judged(*where, "--method", "bradley-terry", "--control", "length,position").json
    assert any(note.startswith("at equal position, whose coefficient is") for note in rated["notes"])
    assert judged(*where, "--control", "length").code == 2
    assert judged(*where, "--method", "bradley-terry", "--control", "weight").code == 2
    assert judged(*where, "--anchor", "human", "--control", "length").code == 2
    assert judged(*where, "--margin", "1", "--exclude-related").code == 2
    assert judged(*where, "--method", "bradley-terry", "--control", "length", "--jury", "mean").code == 2


def test_related_judges_lose_their_say(judged: Invoke) -> None:
    where = ("leaderboard", "--benchmark", "bench", "--all-judges", "--format", "json")
    assert any("nobody declared" in note for note in judged(*where, "--exclude-related").json["notes"])
    for name in ("alpha", "beta", "gamma", "scripted:coin"):
        assert judged("lineage", "set", name, "--family", f"of {name}").code == 0
    assert judged("lineage", "set", "scripted:always-first", "--family", "of alpha").code == 0
    board = judged(*where, "--exclude-related").json
    assert board["notes"][0].endswith(": 16 left out")
    assert board["judges"] == ["scripted:always-first", "scripted:coin"]
    weighted = judged(*where, "--related-weight", "0.5").json
    assert weighted["notes"][0].endswith("16 given less weight")


def test_a_board_anchored_to_people(judged: Invoke, tmp_path: Path) -> None:
    where = ("leaderboard", "--benchmark", "bench", "--judge", "scripted:coin", "--format", "json")
    assert judged(*where, "--anchor", "human").code == 2  # every instruction is labelled, so nothing is left to predict
    corrected = judged(*where, "--anchor", "rogan-gladen")
    assert corrected.code == 2 or "corrected for a judge" in corrected.json["notes"][0]


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


@pytest.mark.parametrize("method", ["win-rate", "bradley-terry"])
def test_the_leaderboard_keeps_the_contract(submitted: Invoke, method: str) -> None:
    submitted("run", "--benchmark", "bench", "--judge", "scripted:coin", "--all-pairs")
    board = submitted("leaderboard", "--benchmark", "bench", "--method", method, "--format", "json").json
    assert {"benchmark", "judges", "method", "interval", "rows", "left_out"} <= board.keys()
    assert board["interval"].keys() == {"level", "method"}
    wanted = {"model", "rating", "win_rate", "lower", "upper", "rank", "rank_lower", "rank_upper", "battles", "ties"}
    for row in board["rows"]:
        assert wanted <= row.keys()
        assert row["lower"] <= row["rating"] <= row["upper"]
        assert row["rank_lower"] <= row["rank"] <= row["rank_upper"]
        assert 0 <= row["win_rate"] <= 1


def test_a_jury_is_a_view_of_its_judges_verdicts(submitted: Invoke, tmp_path: Path) -> None:
    for judge in ("scripted:coin", "scripted:always-first"):
        submitted("run", "--benchmark", "bench", "--judge", judge, "--all-pairs")
    before = verdicts(tmp_path)
    command = ("leaderboard", "--benchmark", "bench", "--format", "json")
    for rule in ("majority", "mean"):
        board = submitted(*command, "--jury", rule).json
        assert board["judges"] == ["scripted:always-first", "scripted:coin"]
        assert any("jury" in note for note in board["notes"])
        assert not any("pooled" in note for note in board["notes"])
        assert sum(row["battles"] for row in board["rows"]) == 2 * 12
    assert verdicts(tmp_path) == before
    alone = submitted(*command, "--jury", "mean", "--judge", "scripted:coin")
    assert (alone.code, "two judges" in alone.err) == (2, True)


def test_judge_aware_ratings_tell_the_first_place_from_quality(undecided: Invoke) -> None:
    board = undecided("leaderboard", "--benchmark", "b", "--method", "judge-aware", "--format", "json").json
    assert [round(row["rating"]) for row in board["rows"]] == [1000] * 4
    [note] = [note for note in board["notes"] if "shown first" in note]
    assert float(note.split()[-3]) > 1


def test_models_that_judge_each_other_weigh_by_their_own_rank(undecided: Invoke) -> None:
    refused = undecided("leaderboard", "--benchmark", "b", "--method", "peer-rank")
    assert refused.code == 2
    assert "needs at least two judges that are models of this board, too, and there are 0" in refused.err
    for model in ("scripted:coin", "scripted:always-first"):
        file = Path("peer.csv")
        file.write_text("instruction,output\n" + "".join(f"Question {n}?,{model} says {n}\n" for n in range(6)))
        assert undecided("submit", file, "--model", model, "--benchmark", "b", "--no-audit").code == 0
        assert undecided("run", "--benchmark", "b", "--judge", model, "--all-pairs").code == 0
    assert undecided("run", "--benchmark", "b", "--judge", "scripted:coin", "--all-pairs").code == 0
    board = undecided("leaderboard", "--benchmark", "b", "--method", "peer-rank", "--format", "json").json
    assert len(board["rows"]) == 6
    assert all(row["lower"] < row["rating"] < row["upper"] for row in board["rows"])
    [weights] = [note for note in board["notes"] if "weigh by their own score" in note]
    assert "scripted:coin 0." in weights
    assert any("on their own outputs are left out" in note for note in board["notes"])


def test_csv_and_markdown_hold_every_model(undecided: Invoke) -> None:
    for form, line in (("csv", "m4,0.5,"), ("markdown", "| m4 | 50.0% |")):
        printed = undecided("leaderboard", "--benchmark", "b", "--format", form).out
        assert any(line in row for row in printed.splitlines())


@pytest.mark.slow
def test_people_rank_alone_those_named_alone_and_by_the_question_named(judged: Invoke, tmp_path: Path) -> None:
    def labels(who: str, winner: str, *more: str) -> None:
        rows = [
            {"instruction": f"Question {number}?", "model_a": "alpha", "model_b": "beta", "winner": winner}
            for number in range(4)
        ]
        path = tmp_path / f"{who}.jsonl"
        path.write_text("\n".join(map(json.dumps, rows)))
        assert judged("labels", "import", path, "--benchmark", "bench", "--annotator", who, *more).code == 0

    labels("bob", "model_b")
    labels("eve", "model_b")
    labels("people", "model_b", "--question", "accuracy")
    where = ("leaderboard", "--benchmark", "bench", "--by", "people", "--method", "bradley-terry")

    def first(*more: str) -> str:
        return str(judged(*where, *more, "--format", "json").json["rows"][0]["model"])

    assert first() == "beta"
    assert first("--annotator", "people") == "alpha"
    assert first("--annotator", "people", "--annotator", "bob", "--annotator", "eve") == "beta"
    assert first("--question", "accuracy") == "beta"
    assert "By people on accuracy: 4 votes of 1 annotator" in judged(*where, "--question", "accuracy").out
    unknown = judged(*where, "--question", "accurate")
    assert (unknown.code, "'accuracy'" in unknown.err) == (2, True)
    assert judged(*where, "--annotator", "nobody").code == 2
    assert judged(*where[:3], "--by", "human", "--format", "csv").out == judged(*where[:5], "--format", "csv").out
    both = (*where[:3], "--by", "both", "--method", "bradley-terry")
    rows = judged(*both, "--annotator", "bob", "--format", "json").json["models"]
    assert {row["model"] for row in rows} >= {"alpha", "beta"}
    assert rows[0]["lower_by_people"] is None or rows[0]["lower_by_people"] < rows[0]["rating_by_people"]
    assert judged(*both, "--format", "csv").out.startswith("model,rating_by_judges,lower_by_judges,upper_by_judges,")
    assert "| model | bradley-terry by judges |" in judged(*both, "--format", "markdown").out
    assert "bradley-terry by people" in judged(*both).out
    assert judged(*both, "--control", "length").code == 2
    assert judged(*both, "--profile", "lmarena").code == 2
    for misplaced in (("--annotator", "bob"), ("--question", "accuracy")):
        refused = judged("leaderboard", "--benchmark", "bench", *misplaced)
        assert (refused.code, "--by people" in refused.err) == (2, True)


def test_a_profile_in_each_form(judged: Invoke) -> None:
    where = ("leaderboard", "--benchmark", "bench", "--judge", "scripted:coin", "--profile", "alpaca-eval-1")
    board = judged(*where, "--baseline", "alpha", "--format", "json").json
    assert (board["profile"], board["baselines"]) == ("alpaca-eval-1", {"all": ["alpha"]})
    assert {row["model"] for row in board["rows"]} == {"beta", "gamma"}
    number = board["rows"][0]["numbers"]["win_rate"]
    assert number["lower"] < number["value"] < number["upper"]
    shown = judged(*where, "--baseline", "alpha").out
    assert "AlpacaEval 1.0, against alpha, judged by scripted:coin. Formulas:" in shown
    assert judged(*where, "--baseline", "alpha", "--format", "csv").out.startswith("model,win_rate,win_rate_lower,")
    assert "| model | win rate |" in judged(*where, "--baseline", "alpha", "--format", "markdown").out
    for more in (("--method", "elo"), ("--html", "x.html"), ("--length-margin", "5"), ("--level", "0.9")):
        assert judged(*where, "--baseline", "alpha", *more).code == 2
    assert judged("leaderboard", "--benchmark", "bench", "--length-margin", "5").code == 2
