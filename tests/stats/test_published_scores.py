import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.errors import InputError
from judgebench.stats.published_scores import (
    ARENA_HARD_VALUES,
    REWARD,
    TASK_WEIGHTS,
    arena_hard_score,
    arena_hard_values,
    mixed_reward,
    wb_reward,
    wb_score,
    wb_task_score,
    with_length_margin,
)

WILDBENCH = Path(__file__).parents[2].parent / "shared" / "data" / "wildbench"


def test_golden_wb_reward():
    # WildBench's formula on 10, 20, 10, 15 and 5 of 60.
    assert wb_reward({"win_much": 10, "win": 20, "tie": 10, "lose": 15, "lose_much": 5}) == pytest.approx(12.5)


def test_golden_arena_hard_v2():
    # Two items: (game 1, game 2) = (B>A, A=B) and (B>>A, A>B).
    games = [("B>A", "A=B"), ("B>>A", "A>B")]
    assert [value for game in games for value in arena_hard_values(*game)] == [0.5, 1, 1, 1, 1, 1]
    assert arena_hard_score(games) == pytest.approx(91.6666667)


LABELS = sorted(ARENA_HARD_VALUES)


@given(st.lists(st.tuples(st.sampled_from(LABELS), st.sampled_from(LABELS)), min_size=1))
def test_mirrored_games_mirror_the_score(games):
    turned = {"A>>B": "A<<B", "A>B": "A<B", "A=B": "A=B", "A<B": "A>B", "A<<B": "A>>B"}
    mirrored = [(turned[one], turned[other]) for one, other in games]
    assert arena_hard_score(games) + arena_hard_score(mirrored) == pytest.approx(100)


@pytest.mark.parametrize("label", ["A", "[[A]]", "A>B>", "", "tie"])
def test_unknown_labels_are_refused(label):
    with pytest.raises(InputError, match="unknown Arena-Hard label"):
        arena_hard_score([(label, "A=B")])


@pytest.mark.parametrize(
    ("outcome", "length", "reference", "margin", "expected"),
    [
        ("win", 900, 300, 500, "tie"),
        ("win", 800, 300, 500, "win"),
        ("lose", 300, 900, 500, "tie"),
        ("lose", 900, 300, 500, "lose"),
        ("win_much", 9000, 1, 500, "win_much"),
        ("win", 9000, 1, -1, "win"),
    ],
)
def test_length_margin(outcome, length, reference, margin, expected):
    assert with_length_margin(outcome, length, reference, margin) == expected


def test_wb_score_and_its_macro_mean():
    assert wb_score([5, 5]) == 0
    assert wb_score([1]) == -80
    assert wb_score([10]) == 100
    assert wb_task_score(dict.fromkeys(TASK_WEIGHTS, 7.0)) == pytest.approx(7.0)
    assert mixed_reward([1.0, 2.0, 6.0]) == 3.0


def test_bad_input_is_refused():
    for call in (
        lambda: wb_reward({"won": 1}),
        lambda: wb_reward({"win": -1}),
        lambda: wb_reward({}),
        lambda: wb_score([0]),
        lambda: wb_score([]),
        lambda: mixed_reward([]),
        lambda: wb_task_score({"Creative Tasks": 1}),
        lambda: with_length_margin("won", 1, 2, 3),
        lambda: arena_hard_score([]),
    ):
        with pytest.raises(InputError):
            call()


@pytest.mark.shared
def test_golden_published_wb_rewards():
    # WildBench's published counts, rewards and macro rewards: three references, margins -1 and 500.
    path = WILDBENCH / "official_pairwise_counts.json.gz"
    if not path.is_file():
        pytest.skip("the published WildBench counts are not beside this checkout (../shared/data/wildbench)")
    boards = json.loads(gzip.decompress(path.read_bytes()))
    rows = [row for board in boards.values() for row in board.values()]
    assert len(rows) > 50
    for row in rows:
        counts = {name: row[name] for name in REWARD}
        assert wb_reward(counts, total=row["total"]) == pytest.approx(100 * row["reward"], abs=1e-9)
        groups = {group: wb_reward(found) for group, found in row["task_categorized_results"].items()}
        assert wb_task_score(groups) == pytest.approx(100 * row["task_macro_reward"], abs=1e-9)


@pytest.mark.shared
def test_golden_published_wb_scores():
    # WildBench's published scores, from its per-item ratings.
    path = WILDBENCH / "official_score.json"
    if not path.is_file():
        pytest.skip("the published WildBench scores are not beside this checkout (../shared/data/wildbench)")
    board = json.loads(path.read_text(encoding="utf-8"))
    for file in sorted((WILDBENCH / "score_v2_gpt-4o-2024-05-13").glob("*.json.gz")):
        row = board[file.name.removesuffix(".json.gz")]
        ratings = [float(item["score"]) for item in json.loads(gzip.decompress(file.read_bytes()))]
        assert wb_score(ratings) == pytest.approx(10 * row["adjusted_score"], abs=1e-9)
        assert wb_task_score(row["task_categorized_scores"]) == pytest.approx(row["task_macro_score"], abs=1e-9)
