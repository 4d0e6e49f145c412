"""WildBench's numbers, on published scores and counts, and by hand on made ones."""

import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import judgebench
from judgebench.errors import StatisticsError
from judgebench.leaderboard.profiles import PROFILES
from judgebench.leaderboard.published.board import PublishedBoard, ScorerInput, ScoringChoices
from judgebench.leaderboard.published.wildbench import GROUPS, score
from judgebench.records import Instruction
from judgebench.services.imports import ImportOptions, import_file
from judgebench.stats.published_scores import TASK_WEIGHTS, wb_task_score
from judgebench.stats.scores import ScoreTable
from judgebench.stats.verdict_table import VerdictTable
from judgebench.store.database import Database

WILDBENCH = PROFILES["wildbench"]
THREE = WILDBENCH.baselines_of(None)
PREFERENCES = {"win_much": 1.0, "win": 0.75, "tie": 0.5, "lose": 0.25, "lose_much": 0.0}


def compared(rows: Sequence[tuple[int, str, str, float, int, int]]) -> VerdictTable:
    """Of (instruction, model, baseline, preference for the model, its length, the baseline's)."""
    models = tuple(sorted({name for row in rows for name in row[1:3]}))
    columns = list(zip(*rows, strict=True))
    return VerdictTable(
        models=models,
        instructions=tuple(f"q{at}" for at in range(max(columns[0]) + 1)),
        judges=("judge",),
        model_a=np.array([models.index(name) for name in columns[1]], dtype=np.int32),
        model_b=np.array([models.index(name) for name in columns[2]], dtype=np.int32),
        instruction=np.array(columns[0], dtype=np.int32),
        judge=np.zeros(len(rows), dtype=np.int32),
        order=np.zeros(len(rows), dtype=np.int8),
        preference=np.array(columns[3], dtype=np.float64),
        length_a=np.array(columns[4], dtype=np.int32),
        length_b=np.array(columns[5], dtype=np.int32),
    )


def scored(table: VerdictTable, **choices: Any) -> PublishedBoard:
    return score(ScorerInput(WILDBENCH, {}, verdicts=table), ScoringChoices("wildbench", **choices))


def value(board: PublishedBoard, model: str, name: str) -> float | None:
    return next(row for row in board.rows if row.model == model).numbers[name].value


@pytest.mark.slow
@pytest.mark.shared
def test_golden_scores_of_three_models(shared: Path) -> None:
    database, folder = Database(":memory:", create=True), shared / "data" / "wildbench"
    for path in sorted((folder / "score_v2_gpt-4o-2024-05-13").iterdir()):
        import_file(database, path, options=ImportOptions(audit=False))
    frame = judgebench.rank(database, benchmark="wildbench", profile="wildbench")
    official = json.loads((folder / "official_score.json").read_text())
    ours = {name.rpartition("/")[2]: row for name, row in frame.set_index("model").iterrows()}
    assert set(ours) == set(official)
    for model, published in official.items():
        assert ours[model]["mean_score"] == pytest.approx(published["score"], abs=1e-9)
        assert ours[model]["wb_score"] == pytest.approx(10 * published["adjusted_score"], abs=1e-9)


def official_counts(shared: Path) -> Mapping[str, Mapping[str, Any]]:
    counts: Mapping[str, Mapping[str, Any]] = json.loads(
        gzip.decompress((shared / "data" / "wildbench" / "official_pairwise_counts.json.gz").read_bytes())
    )
    return counts


@pytest.mark.shared
def test_golden_rewards_of_published_counts(shared: Path) -> None:
    """The published reward divides by all tasks, judged or not: ours times the share that has a verdict."""
    counts = official_counts(shared)
    kinds = {"gpt4t": THREE[0], "haiku": THREE[1], "llama": THREE[2]}
    boards = {key: name for key in counts for kind, name in kinds.items() if key.startswith(kind) and "K=-1" in key}
    assert len(boards) == 3
    models = sorted(set.intersection(*(set(counts[key]) for key in boards)) - set(THREE))[:5]
    rows = []
    for key, baseline in boards.items():
        for model in models:
            outcomes = [name for name in PREFERENCES for _ in range(counts[key][model][name])]
            rows += [(at, model, baseline, PREFERENCES[name], 1, 1) for at, name in enumerate(outcomes)]
    board = scored(compared(rows), length_margin=-1)
    for model in models:
        rewards = []
        for key, baseline in boards.items():
            published = counts[key][model]
            judged = sum(published[name] for name in PREFERENCES)
            ours = value(board, model, f"against.{baseline}")
            assert ours is not None
            assert ours * judged / published["total"] == pytest.approx(100 * published["reward"], abs=1e-6)
            rewards.append(ours)
        assert value(board, model, "wb_reward") == pytest.approx(np.mean(rewards))


def test_k_turns_slight_wins_of_the_longer_into_ties() -> None:
    rows = [
        (0, "m", THREE[0], 0.75, 701, 200),  # slight win, more than 500 longer
        (1, "m", THREE[0], 0.75, 700, 200),
        (2, "m", THREE[0], 0.25, 100, 601),  # slight loss against the longer
        (3, "m", THREE[0], 1.0, 9000, 1),
    ]
    board = scored(compared(rows))
    assert value(board, "m", "wb_reward") == pytest.approx(100 * (0 + 0.5 + 0 + 1) / 4)
    assert value(board, "m", "wb_reward_without_margin") == pytest.approx(100 * (0.5 + 0.5 - 0.5 + 1) / 4)
    none = scored(compared(rows), length_margin=-1)
    assert value(none, "m", "wb_reward") == value(board, "m", "wb_reward_without_margin")
    assert any("mean over 3 baselines; here none met" in note for note in board.notes)


def test_a_verdict_of_other_labels_is_refused() -> None:
    with pytest.raises(StatisticsError, match="five labels"):
        scored(compared([(0, "m", THREE[0], 0.6, 1, 1)]))


def test_tasks_are_groups_of_tags_and_weigh_as_published() -> None:
    rng = np.random.default_rng(0)
    tags = [tag for tag in GROUPS for _ in range(3)]
    instructions = {f"q{at:03}": Instruction((f"q{at}",), tag) for at, tag in enumerate(tags)}
    scores = rng.integers(1, 11, len(tags)).astype(np.float64)
    codes = np.arange(len(tags), dtype=np.int32)
    none = np.zeros(len(tags), dtype=np.int32)
    table = ScoreTable(("m",), tuple(instructions), ("j",), none, codes, none, scores, none)
    board = score(ScorerInput(WILDBENCH, instructions, scores=table), ScoringChoices("wildbench"))
    groups = np.array([GROUPS[tag] for tag in tags])
    points = {group: 20 * (scores[groups == group].mean() - 5) for group in TASK_WEIGHTS}
    for group, expected in points.items():
        assert value(board, "m", f"task.{group}") == pytest.approx(expected)
    assert value(board, "m", "task_macro") == pytest.approx(wb_task_score(points))
    assert not any("task group" in note for note in board.notes)
    untagged = instructions | {"q000": Instruction(("q0",))}
    board = score(ScorerInput(WILDBENCH, untagged, scores=table), ScoringChoices("wildbench"))
    assert any(f"1 of {len(tags)} instructions have none of WildBench's tags" in note for note in board.notes)


@pytest.mark.shared
def test_golden_task_weights(shared: Path) -> None:
    official = json.loads((shared / "data" / "wildbench" / "official_score.json").read_text())
    for published in official.values():
        macro = wb_task_score(published["task_categorized_scores"])
        assert macro == pytest.approx(published["task_macro_score"], abs=1e-9)
