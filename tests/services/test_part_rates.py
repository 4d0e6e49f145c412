"""What all models did on all categories is what each one's profile says, whatever kind of verdicts there are."""

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given

from judgebench import services
from judgebench.errors import UnknownName
from judgebench.leaderboard import Choices
from judgebench.stats.verdict_table import VerdictTable, judged_cells
from judgebench.stats.win_rate import win_rates
from judgebench.store.database import Database
from tests import kinds
from tests.coverage import BENCHMARK, everything
from tests.stats.factories import tables

rates_of = services.part_rates.category_rates


@pytest.mark.parametrize(
    ("kind", "choices"),
    [
        ("pairwise", Choices()),
        ("pairwise", Choices(baseline="m1")),
        ("pairwise", Choices(method="bradley-terry", level=0.8)),
        ("pointwise", Choices(method="score")),
        ("both", Choices()),
    ],
)
def test_categories_of_all_models_are_those_of_their_profiles(tmp_path: Path, kind: str, choices: Choices) -> None:
    with closing(Database(str(tmp_path / "j.db"), create=True)) as database:
        kinds.KINDS[kind](database)
        rates = rates_of(database, "bench", choices=choices)
        assert list(rates.rates) == [row.model for row in rates.board.rows]
        assert rates.categories
        for model, parts in rates.rates.items():
            assert parts == services.profiles.profile(database, "bench", model, choices=choices).categories
            assert sum(part.instructions for part in parts) == kinds.COUNT
        of_one = rates_of(database, "bench", choices=choices, models=["m2"])
        assert (of_one.rates, of_one.categories) == ({"m2": rates.rates["m2"]}, rates.categories)
        with pytest.raises(UnknownName, match="m9"):
            rates_of(database, "bench", models=["m9"], choices=choices)


@given(tables())
def test_parts_of_models_are_those_of_all_win_rates(table: VerdictTable) -> None:
    rates, cells = win_rates(table), judged_cells(table).sum(axis=0)
    lower, upper = rates.sums.ends(0.9)
    parts = services.part_rates.verdict_parts("some", table, table.models, 0.9)
    met = [name for at, name in enumerate(table.models) if rates.battles[at]]
    assert list(parts) == met
    for name in met:
        at, part = table.models.index(name), parts[name]
        assert (part.battles, part.wins, part.ties) == (rates.battles[at], rates.wins[at], rates.ties[at])
        assert (part.estimate.value, part.instructions) == (rates.rate[at], cells[at])
        ends = [None if np.isnan(end) else end for end in (lower[at], upper[at])]
        assert [part.estimate.lower, part.estimate.upper] == ends


def test_scores_with_a_margin_are_rates(tmp_path: Path) -> None:
    with closing(Database(str(tmp_path / "j.db"), create=True)) as database:
        kinds.KINDS["pointwise"](database)
        rates = rates_of(database, "bench", choices=Choices(margin=0.0))
    values = [part.estimate.value for parts in rates.rates.values() for part in parts]
    assert values
    assert all(value is not None and 0 <= value <= 1 for value in values)


def test_a_flagged_model_is_nobodys_opponent(tmp_path: Path) -> None:
    """Parts add up to the rows of the leaderboard, whose numbers do not depend on it."""
    path = str(tmp_path / "j.db")
    everything(path)
    with closing(Database(path)) as database:
        rates = rates_of(database, BENCHMARK)
        spread = services.distributions.distributions(database, BENCHMARK)
        assert any(row.apart for row in rates.board.rows)
        for row in rates.board.rows:
            profile = services.profiles.profile(database, BENCHMARK, row.model)
            assert sum(part.battles for part in profile.opponents) == row.battles
            assert sum(spread.counts[row.model]) == row.battles
            assert sum(part.battles for part in rates.rates[row.model]) in (0, row.battles)
            assert rates.rates[row.model] == profile.categories
