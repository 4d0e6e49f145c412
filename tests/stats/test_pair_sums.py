"""Sums by instruction and pair are what all rows at once amount to, however few rows and cells are taken at a time."""

from dataclasses import replace

import numpy as np
import pytest

from judgebench.stats import pair_sums, verdict_table
from judgebench.stats.bradley_terry import fit_bradley_terry
from judgebench.stats.pair_sums import PairSums
from judgebench.stats.verdict_table import PairCounts, VerdictTable, average_battles, judged_cells
from judgebench.stats.win_rate import win_rates


@pytest.fixture(
    params=[
        *((1 << 18, 1 << 18, 1_000_000, 1_000_000), (7, 5, 1_000_000, 1_000_000)),
        *((7, 5, -10_000, 1_000_000), (7, 5, -10_000, -10_000)),
    ],
    ids=str,
)
def parts(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows and cells at a time; the room for cells without a verdict, and for models' sums of none."""
    rows, cells, room, filled = request.param
    monkeypatch.setattr(verdict_table, "_PART", rows)
    monkeypatch.setattr(pair_sums, "_CELLS", cells)
    monkeypatch.setattr(pair_sums, "_ROOM", room)
    monkeypatch.setattr(pair_sums, "_FILLED", filled)


def _table(seed: int, models: int = 7, instructions: int = 30, n: int = 400) -> VerdictTable:
    """Models beyond the last two never met the others, and one met nobody."""
    rng = np.random.default_rng(seed)
    a = rng.integers(0, models - 3, n)
    b = (a + rng.integers(1, models - 3, n)) % (models - 3)
    a[:20], b[:20] = models - 3, models - 2
    preference = rng.choice([0.0, 0.25, 0.5, 1.0], n)
    nothing = np.zeros(n, dtype=np.int32)
    return VerdictTable(
        tuple(f"m{number}" for number in range(models)),
        tuple(f"i{number:02}" for number in range(instructions)),
        ("judge",),
        *(codes.astype(np.int32) for codes in (a, b, rng.integers(0, instructions - 2, n))),
        *(nothing, nothing.astype(np.int8), preference, nothing, nothing),
    )


@pytest.mark.usefixtures("parts")
@pytest.mark.parametrize("seed", range(3))
def test_pair_counts_and_win_rates_are_those_of_all_rows(seed: int) -> None:
    table = _table(seed)
    one, other = PairCounts.of(table), PairSums.of(table).counts()
    for name in ("wins", "squares", "verdicts"):
        np.testing.assert_allclose(getattr(other, name), getattr(one, name), atol=1e-12)
    battles, k = average_battles(table), len(table.models)
    rates = win_rates(table)
    sides = ((battles.first, battles.preference), (battles.second, 1 - battles.preference))
    np.testing.assert_array_equal(rates.battles, sum(np.bincount(side, minlength=k) for side, _ in sides))
    np.testing.assert_array_equal(rates.wins, sum(np.bincount(side[won > 0.5], minlength=k) for side, won in sides))
    np.testing.assert_array_equal(rates.ties, sum(np.bincount(side[won == 0.5], minlength=k) for side, won in sides))
    won = sum(np.bincount(side, won, k) for side, won in sides)
    np.testing.assert_allclose(rates.rate * rates.battles, np.where(rates.battles > 0, won, np.nan), atol=1e-10)
    cells = {(i, m) for i, a, b in zip(table.instruction, table.model_a, table.model_b, strict=True) for m in (a, b)}
    assert {*map(tuple, np.argwhere(judged_cells(table)))} == cells


@pytest.mark.usefixtures("parts")
@pytest.mark.parametrize("imagined", [False, True])
def test_errors_by_instruction_are_those_of_clusters_summed_row_by_row(imagined: bool) -> None:
    table = _table(4)
    by_row = replace(table, judges=table.instructions, judge=table.instruction)
    one = fit_bradley_terry(by_row, cluster="judge", imagined=imagined)
    other = fit_bradley_terry(table, cluster="instruction", imagined=imagined)
    np.testing.assert_allclose(other.theta, one.theta, atol=1e-10)
    np.testing.assert_allclose(other.covariance, one.covariance, atol=1e-10)


@pytest.mark.usefixtures("parts")
def test_effective_instructions_are_kishs_number() -> None:
    table = _table(5)
    numbers = np.zeros((len(table.models), len(table.instructions)))
    for side in (table.model_a, table.model_b):
        np.add.at(numbers, (side, table.instruction), 1)
    kish = numbers.sum(axis=1) ** 2 / np.maximum((numbers**2).sum(axis=1), 1)
    np.testing.assert_allclose(PairSums.of(table).effective_instructions(), kish, atol=1e-10)


@pytest.mark.usefixtures("parts")
def test_no_verdicts_have_no_sums() -> None:
    table = _table(0)
    empty = PairSums.of(table.select(np.zeros(len(table), dtype=bool)))
    assert not list(empty.cells())
    assert not empty.counts().verdicts.any()


def test_what_is_selected_whole_is_not_copied() -> None:
    table = _table(1)
    assert table.select(np.ones(len(table), dtype=bool)) is table
    assert table.among(table.models) is table
    assert np.concatenate([part.preference for part in table.parts()]).tolist() == table.preference.tolist()
