"""The published AlpacaEval verdicts, imported and ranked, give the published numbers.

Source: official_leaderboard.csv beside the verdicts (tatsu-lab/alpaca_eval, weighted_alpaca_eval_gpt4_turbo).
"""

import csv
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import spearmanr

from judgebench import services, store
from judgebench.leaderboard import Choices
from judgebench.stats.method import Join
from judgebench.store.database import Database
from judgebench.store.transfer import check

pytestmark = pytest.mark.shared

# The null model's verdicts name their model "example".
PUBLISHED_AS = {"NullModel": "example"}


@pytest.fixture(scope="module")
def imported(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Database:
    database = Database(str(tmp_path_factory.mktemp("alpaca") / "judgebench.db"), create=True)
    files = sorted((shared / "data" / "alpaca_eval").glob("*/annotations.json.gz"))
    assert len(files) == 24
    services.imports.import_alpaca_eval(database, files)
    return database


@pytest.mark.slow
def test_every_win_rate_and_standard_error_is_the_published_one(imported: Database, shared: Path) -> None:
    board = services.leaderboards.leaderboard(imported, "alpaca_eval")
    rows = {row.model: row for row in board.rows}
    with (shared / "data" / "alpaca_eval" / "official_leaderboard.csv").open() as stream:
        published = list(csv.DictReader(stream))
    assert board.baseline == "gpt4_1106_preview"
    assert len(published) == 23
    for official in published:
        row = rows[PUBLISHED_AS.get(official["model"], official["model"])]
        assert 100 * row.win_rate == pytest.approx(float(official["win_rate"]), abs=1e-6)
        error = 0.0 if row.standard_error is None else row.standard_error  # the baseline's own rate never varies
        assert 100 * error == pytest.approx(float(official["standard_error"]), abs=1e-6)
        if official["model"] != "gpt4_1106_preview":
            assert row.ties == int(official["n_draws"])
            assert row.battles == int(official["n_total"])


@pytest.mark.slow
def test_importing_again_adds_nothing(imported: Database, shared: Path) -> None:
    before = check(imported)
    [report] = services.imports.import_alpaca_eval(
        imported, [shared / "data" / "alpaca_eval" / "phi-2" / "annotations.json.gz"]
    )
    assert (report.new, report.known) == (0, 803)
    assert check(imported) == before


@pytest.mark.slow
def test_the_raw_reply_is_kept_with_its_order(imported: Database) -> None:
    chosen = store.battles.BattleFilter(models=("claude-2",))
    [summary], total = services.battles.battles(imported, "alpaca_eval", chosen, limit=1)
    battle = services.battles.battle(imported, "alpaca_eval", summary.instruction, summary.model_a, summary.model_b)
    [shown] = battle.verdicts
    assert total == 805
    assert shown.order is not None
    assert shown.completion is not None
    assert shown.completion.text in ("m", "M")
    assert shown.completion.logprobs


@pytest.mark.slow
def test_bradley_terry_orders_the_field_as_win_rates_against_one_baseline_do(imported: Database) -> None:
    ratings = services.leaderboards.leaderboard(imported, "alpaca_eval", choices=Choices(method="bradley-terry"))
    rates = services.leaderboards.leaderboard(imported, "alpaca_eval")
    assert [row.model for row in ratings.rows] == [row.model for row in rates.rows]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("join", "mean", "largest", "rank"), [(None, 0.4, 1.5, 0.998), ("instruction", 0.7, 2.6, 0.993)]
)
def test_length_controlled_win_rates_are_close_to_the_published_ones(
    imported: Database, shared: Path, join: Join | None, mean: float, largest: float, rank: float
) -> None:
    board = services.leaderboards.leaderboard(
        imported, "alpaca_eval", choices=Choices(method="length-controlled", join=join)
    )
    ours = {row.model: row.rating for row in board.rows}
    with (shared / "data" / "alpaca_eval" / "official_leaderboard.csv").open() as stream:
        published = {row["model"]: float(row["length_controlled_winrate"]) for row in csv.DictReader(stream)}
    pairs = np.array([(100 * ours[PUBLISHED_AS.get(name, name)], rate) for name, rate in published.items()])
    error = np.abs(pairs[:, 0] - pairs[:, 1])
    assert error.mean() <= mean
    assert error.max() <= largest
    assert spearmanr(pairs).statistic >= rank
