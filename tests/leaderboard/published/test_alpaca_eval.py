"""AlpacaEval's numbers against its published board, and by count on made preferences."""

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import judgebench
from judgebench.leaderboard import Choices
from judgebench.leaderboard.build import build
from judgebench.leaderboard.profiles import PROFILES
from judgebench.leaderboard.published.alpaca_eval import score, score_controlled
from judgebench.leaderboard.published.board import ScorerInput, ScoringChoices
from judgebench.services.imports import import_alpaca_eval
from judgebench.stats.verdict_table import VerdictTable
from judgebench.store.database import Database
from tests.leaderboard.published.test_wildbench import compared

PUBLISHED_AS = {"NullModel": "example"}
COUNTS = ("n_wins", "n_wins_base", "n_draws", "n_total", "avg_length")


@pytest.mark.slow
@pytest.mark.shared
def test_golden_rates_of_the_published_board(shared: Path) -> None:
    """Version 1's numbers are among those of version 2, whose slow one is tested below."""
    folder = shared / "data" / "alpaca_eval"
    database = Database(":memory:", create=True)
    models = ("NullModel", "phi-2")
    import_alpaca_eval(database, [folder / name / "annotations.json.gz" for name in models], audit=False)
    frame = judgebench.rank(database, benchmark="alpaca_eval", profile="alpaca-eval-1").set_index("model")
    with (folder / "official_leaderboard.csv").open() as lines:
        official = {row["model"]: row for row in csv.DictReader(lines)}
    for model in models:
        ours, published = frame.loc[PUBLISHED_AS.get(model, model)], official[model]
        for name in ("win_rate", "standard_error", "discrete_win_rate", *COUNTS):
            if (model, name) != ("phi-2", "avg_length"):  # published of outputs that were not judged, too
                assert ours[name] == pytest.approx(float(published[name]), abs=1e-6), (model, name)
    assert frame.attrs["baselines"] == {"all": ["gpt4_1106_preview"]}
    assert "the baseline is gpt4_1106_preview and not the benchmark's, text_davinci_003" in frame.attrs["notes"]


def test_version_1_counts_hard_preferences_against_its_baseline() -> None:
    preference = np.array([1.0, 1.0, 0.0, 0.5, 1.0, 0.0, 0.5, 1.0])
    n = len(preference)
    table = VerdictTable(
        models=("m", "text_davinci_003"),
        instructions=tuple(f"q{at}" for at in range(n)),
        judges=("gpt-4",),
        model_a=np.zeros(n, dtype=np.int32),
        model_b=np.ones(n, dtype=np.int32),
        instruction=np.arange(n, dtype=np.int32),
        judge=np.zeros(n, dtype=np.int32),
        order=np.zeros(n, dtype=np.int8),
        preference=preference,
        length_a=np.arange(10, 10 + n, dtype=np.int32),
        length_b=np.full(n, 5, dtype=np.int32),
    )
    [row] = score(ScorerInput(PROFILES["alpaca-eval-1"], {}, verdicts=table), ScoringChoices("alpaca-eval-1")).rows
    values = {name: known.value for name, known in row.numbers.items()}
    assert values["win_rate"] == pytest.approx(100 * preference.mean())
    assert values["standard_error"] == pytest.approx(100 * preference.std(ddof=1) / np.sqrt(n))
    assert values["discrete_win_rate"] == pytest.approx(100 * 5 / 8)
    assert [values[name] for name in COUNTS] == [4, 2, 2, 8, 13]


def test_version_2_has_the_leaderboards_length_controlled_win_rates() -> None:
    rng = np.random.default_rng(3)
    rows = [
        (at, model, "base", float(rng.random() < chance), int(rng.integers(50, 900)), int(rng.integers(50, 900)))
        for model, chance in (("a", 0.7), ("b", 0.5), ("c", 0.3))
        for at in range(60)
    ]
    table = compared(rows)
    known = ScorerInput(PROFILES["alpaca-eval-2"], {}, verdicts=table, style={})
    board = score_controlled(known, ScoringChoices("alpaca-eval-2"))
    expected = build(table, Choices("length-controlled", resamples=200))
    assert [row.model for row in board.rows] == ["a", "b", "c"]
    for row in board.rows:
        number = row.numbers["length_controlled_winrate"]
        theirs = next(other.estimate for other in expected.rows if other.model == row.model)
        ends = [number.value, number.lower, number.upper]
        assert ends == pytest.approx(
            [100 * end for end in (theirs.value, theirs.lower, theirs.upper) if end is not None]
        )
    blind = score_controlled(replace(known, style=None), ScoringChoices("alpaca-eval-2"))
    assert blind.rows[0].numbers["length_controlled_winrate"].value is None
