"""MT-Bench's numbers, on the published judgments of one model, and by count on made ones."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

import judgebench
from judgebench.services.imports import ImportOptions, import_file
from judgebench.store.database import Database
from tests.formats.writing import write_rows

UNAUDITED = ImportOptions(audit=False)


@pytest.fixture(scope="module")
def published(shared: Path) -> Database:
    database, folder = Database(":memory:", create=True), shared / "data" / "mt_bench"
    for name in ("question", "phi-3", "phi-3-dpo", "gpt-4_single", "gpt-4_pair"):
        import_file(database, folder / f"{name}.jsonl.gz", benchmark="mt_bench", options=UNAUDITED)
    return database


@pytest.mark.shared
def test_golden_turns_and_pairs_of_published_judgments(published: Database, shared: Path) -> None:
    frame = judgebench.rank(published, benchmark="mt_bench", profile="mt-bench").set_index("model")
    row = frame.loc["phi-3-dpo"]
    assert (row["turn_1"], row["turn_2"]) == (8.3625, 8.0375)
    assert row["average"] == pytest.approx((8.3625 + 8.0375) / 2)
    assert tuple(row[name] for name in ("wins", "losses", "ties")) == (20, 18, 35)
    assert row["win_rate_adjusted"] == pytest.approx(100 * 37.5 / 73)
    assert round(row["win_rate_adjusted"], 1) == 51.4
    assert all(row[f"{name}_lower"] < row[name] < row[f"{name}_upper"] for name in ("turn_1", "turn_2", "average"))
    with gzip.open(shared / "data" / "mt_bench" / "gpt-4_single.jsonl.gz", "rt") as lines:
        rows = [json.loads(line) for line in lines]
    categories = {
        number: [row["score"] for row in rows if (row["question_id"] - 81) // 10 == number] for number in (0, 3)
    }
    assert row["category.writing"] == pytest.approx(sum(categories[0]) / 20)
    assert row["category.math"] == pytest.approx(sum(categories[3]) / 20)


@pytest.mark.shared
def test_all_prompts_of_the_judge_count_together_and_it_is_said_whose(published: Database) -> None:
    frame = judgebench.rank(published, benchmark="mt_bench", profile="mt-bench")
    prompts = {name.partition(":")[2] for name in frame.attrs["judges"]}
    assert {"single-v1", "single-math-v1", "single-v1-multi-turn", "single-math-v1-multi-turn"} < prompts
    assert not any("wording" in note for note in frame.attrs["notes"])  # the prompts were MT-Bench's
    assert frame.attrs["coverage"]["not_judged"] == []  # phi-3 has no score, and met the other in pairs
    number = frame.attrs["rows"][0]["numbers"]["average"]
    assert number["method"] == "Agresti-Coull with t, clustered by question"
    alone = judgebench.rank(published, benchmark="mt_bench", profile="mt-bench", judge="gpt-4:single-math-v1")
    assert "turn_2" not in alone.columns


def judged(folder: Path, pairs: list[dict[str, Any]]) -> Database:
    database = Database(":memory:", create=True)
    questions = [{"question_id": at, "category": "writing", "turns": [f"Ask {at}."]} for at in range(1, 7)]
    import_file(database, write_rows(folder / "question.jsonl", questions), benchmark="mt", options=UNAUDITED)
    answers = [
        {"question_id": at, "model": model, "instruction": f"Ask {at}.", "output": f"{model} says {at}."}
        for at in range(1, 7)
        for model in ("a", "b")
    ]
    import_file(database, write_rows(folder / "answers.jsonl", answers), benchmark="mt", options=UNAUDITED)
    import_file(database, write_rows(folder / "pairs.jsonl", pairs), benchmark="mt", options=UNAUDITED)
    return database


def pair(question: int, first: str, second: str) -> dict[str, Any]:
    """Winners of both games, as the file names them."""
    shared = {"question_id": question, "model_1": "a", "model_2": "b", "judge": ["gpt-4", "pair-v2"], "turn": 1}
    games = {"g1_winner": first, "g2_winner": second, "g1_judgment": "x", "g2_judgment": "y"}
    return shared | games | {"g1_user_prompt": None, "g2_user_prompt": None, "tstamp": 0.0}


def test_orders_that_differ_tie_and_an_error_leaves_the_pair_out(tmp_path: Path) -> None:
    games = [("model_1",) * 2, ("model_1", "model_2"), ("tie", "model_1"), ("model_2",) * 2, ("error", "model_1")]
    games.append(("tie", "tie"))
    database = judged(tmp_path, [pair(at, *winners) for at, winners in enumerate(games, 1)])
    frame = judgebench.rank(database, benchmark="mt", profile="mt-bench").set_index("model")
    counts = {model: tuple(frame.loc[model, ["wins", "losses", "ties"]]) for model in ("a", "b")}
    assert counts == {"a": (1, 1, 3), "b": (1, 1, 3)}
    assert frame.loc["a", "win_rate_adjusted"] == pytest.approx(50)
    assert any(note.startswith("1 verdict is left out") for note in frame.attrs["notes"])
    against = judgebench.rank(database, benchmark="mt", profile="mt-bench", baseline="b")
    assert against.attrs["baselines"] == {"all": ["b"]}
