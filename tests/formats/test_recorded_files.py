"""Published files of judgments: each is of one format, whatever else is read here."""

from pathlib import Path

import pytest

from judgebench.formats.registry import recognise

SINGLE, HAIKU = "mt_bench/gpt-4_single.jsonl.gz", "claude-3-haiku-20240307_on_claude-3-5-sonnet.jsonl.gz"


@pytest.mark.shared
@pytest.mark.parametrize(
    ("file", "format"),
    [
        ("mt_bench/question.jsonl.gz", "instructions"),
        ("mt_bench/phi-3.jsonl.gz", "outputs"),
        ("mt_bench/ref.jsonl.gz", "outputs"),
        (SINGLE, "mt-bench-single"),
        ("mt_bench/gpt-4_pair.jsonl.gz", "mt-bench-pair"),
        ("wildbench/score_v2_gpt-4o-2024-05-13/gemma-2b-it.json.gz", "wildbench-scores"),
        ("alpaca_eval/NullModel/annotations.json.gz", "alpaca-eval"),
        ("alpaca_eval/official_leaderboard.csv", "alpaca-eval-leaderboard"),
        (f"scalerlab_judgebench/{HAIKU}", "scalerlab"),
        ("arena_hard_v0.1/question.jsonl.gz", "instructions"),
        ("arena_hard_v0.1/model_answer/gpt-4-0314.jsonl.gz", "outputs"),
        ("layouts/mt_bench_human.jsonl", "votes"),
    ],
)
def test_a_published_file_is_of_one_format(shared: Path, file: str, format: str) -> None:
    assert recognise(shared / "data" / file).name == format
