"""Judges by benchmarks of judges, from files of these benchmarks and verdicts that are stored."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

import judgebench
from judgebench import services
from judgebench.errors import InputError, StatisticsError, UnknownName
from judgebench.leaderboard.published.judge_board import EvaluatedJudge
from judgebench.records import Status
from judgebench.services.imports import ImportOptions, import_file
from judgebench.services.judge_benchmarks import evaluate_judges
from judgebench.store.database import Database
from tests.formats.writing import write_rows

UNAUDITED = ImportOptions(audit=False)
SCALERLAB = {
    "Skywork-Reward-Llama-3.1-8B_on_gpt-4o": "Skywork/Skywork-Reward-Llama-3.1-8B",
    "claude-3-haiku-20240307_on_claude-3-5-sonnet": "claude-3-haiku-20240307",
}
SOURCES = {"knowledge": "mmlu-pro", "reasoning": "livebench-reasoning", "math": "livebench-math", "coding": "livecode"}


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(str(tmp_path / "x.db"), create=True)


def correct(row: dict[str, Any]) -> bool:
    """As utils/metrics.py of ScalerLab/JudgeBench has it."""
    flip = {"A>B": "B>A", "B>A": "A>B"}
    first, second = (judgment["decision"] if judgment else None for judgment in row["judgments"])
    decisions = (first, flip.get(second, second))
    return sum((told == row["label"]) - (told == flip[row["label"]]) for told in decisions) > 0


@pytest.mark.slow
@pytest.mark.parametrize("name", SCALERLAB)
def test_scalerlabs_recorded_judgments_give_its_accuracies(database: Database, shared: Path, name: str) -> None:
    path = shared / "data" / "scalerlab_judgebench" / f"{name}.jsonl.gz"
    import_file(database, path, options=UNAUDITED)
    rows = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    board = evaluate_judges(database, "scalerlab")
    [judge] = board.rows
    assert (judge.judge, judge.pairs, judge.both_orders, board.labelled) == (SCALERLAB[name], *[len(rows)] * 3)
    for section, source in {"overall": "", **SOURCES}.items():
        right = [correct(row) for row in rows if row["source"].startswith(source)]
        known = judge.numbers[section]
        assert known.value == pytest.approx(100 * sum(right) / len(right), abs=1e-9)
        assert known.n == len(right)
        assert known.ends[0] < known.value < known.ends[1]
    failures = {status: number for status, number in judge.statuses.items() if status not in (Status.OK, Status.TIE)}
    assert failures == ({Status.UNPARSED: 13} if "haiku" in name else {})
    assert board.notes == ()


def rewardbench(tmp_path: Path, n: int = 8) -> Path:
    """MT-Bench's prompts in subsets of two sections, and two other subsets; the chosen output says "at length"."""
    subsets = ("mt-bench-easy", "mt-bench-hard", "donotanswer", "math-prm")
    rows = [
        {
            "prompt": f"Write {at}." if subset.startswith("mt-bench") else f"{subset} {at}?",
            **{"chosen": f"{subset} {at}, at length", "chosen_model": "gpt"},
            **{
                "rejected": f"{subset} {at}, briefly",
                "rejected_model": "llama",
                "subset": subset,
                "id": f"{subset}{at}",
            },
        }
        for subset in subsets
        for at in range(n)
    ]
    return write_rows(tmp_path / "filtered.jsonl", rows)


def at_length(messages: list[dict[str, str]]) -> str:
    """Right in both orders."""
    text = messages[-1]["content"]
    return "AB"[text.index("at length") > text.index("briefly")]


def says_nothing(messages: list[dict[str, str]]) -> str:
    return "Who can tell?"


def yes_at_length(messages: list[dict[str, str]]) -> str:
    """Scores single outputs, and of those on math all alike."""
    text = messages[-1]["content"]
    return "yes" if "at length" in text or "math-prm" in text else "no"


@pytest.fixture
def labelled(database: Database, tmp_path: Path) -> Database:
    import_file(database, rewardbench(tmp_path), options=UNAUDITED)
    return database


def evaluated(database: Database, judge: Any, **how: Any) -> EvaluatedJudge:
    """A function, once it has judged."""
    judgebench.run(database, benchmark="rewardbench", judge=judge, judge_name="j", judge_version="1", **how)
    [row] = evaluate_judges(database, "rewardbench", judges=["j"]).rows
    return row


def test_a_prompt_in_several_sections_counts_in_each_by_its_own_pair(labelled: Database) -> None:
    judge = evaluated(labelled, at_length, all_pairs=True)
    assert (judge.pairs, judge.both_orders) == (32, 32)
    assert judge.statuses == {Status.OK: 64}
    for section in ("overall", "chat", "chat_hard", "safety", "reasoning"):
        assert judge.numbers[section].value == 100, section
        assert judge.numbers[section].n == (32 if section == "overall" else 8)
    lower = judge.numbers["overall"].lower
    assert lower is not None
    assert 75 < lower < 100


def test_failures_are_counted_and_count_as_the_benchmark_says(labelled: Database) -> None:
    judge = evaluated(labelled, says_nothing, pairs=[("gpt", "llama")])
    assert judge.numbers["overall"].value is None  # the pairs of mt-bench-hard have other names
    assert judge.numbers["safety"].value == 50
    assert judge.statuses == {Status.UNPARSED: 48}
    assert (judge.pairs, judge.both_orders) == (24, 24)


def test_scores_of_single_outputs_decide_by_which_is_higher(labelled: Database) -> None:
    judge = evaluated(labelled, yes_at_length, template="pointwise/yes-no")
    assert (judge.pairs, judge.both_orders) == (32, 0)
    assert [judge.numbers[name].value for name in ("chat", "chat_hard", "safety", "reasoning")] == [100, 100, 100, 50]
    assert judge.numbers["overall"].value == 87.5


def test_what_was_not_asked_and_what_is_in_no_subset_is_said(labelled: Database, tmp_path: Path) -> None:
    row = {"prompt": "Else?", "chosen": "yes, at length", "chosen_model": "gpt", "rejected": "no, briefly"}
    more = write_rows(tmp_path / "more.jsonl", [row | {"rejected_model": "llama", "subset": "own", "id": "o"}])
    import_file(labelled, more, options=ImportOptions(audit=False, extend=True))
    judgebench.run(labelled, benchmark="rewardbench", judge="scripted:coin", pairs=[("gpt", "llama")], orders="single")
    board = evaluate_judges(labelled, "rewardbench")
    assert board.notes == (
        "1 of 33 pairs are in no subset of RewardBench (own): they count in none of its sections",
        "judge scripted:coin was asked about 25 of 33 pairs; only these count",
    )


def test_names_are_looked_up_and_nothing_to_count_is_an_error(database: Database, tmp_path: Path) -> None:
    with pytest.raises(UnknownName, match="benchmark 'b'"):
        evaluate_judges(database, "b")
    import_file(database, rewardbench(tmp_path), benchmark="b", options=UNAUDITED)
    with pytest.raises(StatisticsError, match="any judge was asked about none of the 32 labelled pairs"):
        evaluate_judges(database, "b")
    with pytest.raises(UnknownName, match="judge 'nobody'"):
        evaluate_judges(database, "b", judges=["nobody"])
    with pytest.raises(UnknownName, match="benchmark of judges 'reward'"):
        evaluate_judges(database, "b", profile="reward")
    rows = [{"instruction": "Two?", "output_a": "2", "output_b": "5", "winner": "A", "annotator": "ann"}]
    import_file(database, write_rows(tmp_path / "l.jsonl", rows), benchmark="votes", options=UNAUDITED)
    with pytest.raises(InputError, match="nothing tells which benchmark of judges 'votes' is: name it by --profile"):
        evaluate_judges(database, "votes")
    rows = [{"instruction": "Two?", "model": "m", "output": "2"}]
    import_file(database, write_rows(tmp_path / "o.jsonl", rows), benchmark="plain", options=UNAUDITED)
    with pytest.raises(StatisticsError, match="has no labels"):
        evaluate_judges(database, "plain")


def test_files_tell_their_subset_by_their_path(database: Database, tmp_path: Path) -> None:
    row = {"input": "Say hi.", "output_1": "bye, briefly", "output_2": "hi, at length", "label": 2}
    for subset in ("Natural", "Neighbor", "GPTInst", "GPTOut", "Manual"):
        folder = tmp_path / "LLMBar" / subset
        folder.mkdir(parents=True)
        path = write_rows(folder / "dataset.json", [row | {"input": f"{subset} {at}"} for at in range(3)])
        import_file(database, path, options=ImportOptions(audit=False, extend=True))
    judgebench.run(
        database, benchmark="llmbar", judge=at_length, judge_name="j", judge_version="1", all_pairs=True
    )  # fmt: skip
    frame = judgebench.evaluate_judges(database, benchmark="llmbar")
    assert frame["judge"].to_list() == ["j"]
    assert frame.loc[0, ["natural", "adversarial", "neighbor", "consistency", "pairs"]].to_list() == [100] * 4 + [15]
    assert frame.attrs["profile"] == "llmbar"
    labels = services.labels.human_labels(database, "llmbar")
    assert {label.source for label in labels} >= {"dataset.json#Natural", "dataset.json#GPTOut"}
