"""How values spread: everything that the leaderboard counts is in some bin, and means are its ratings."""

from contextlib import closing
from pathlib import Path

import pytest

from judgebench import services
from judgebench.leaderboard import Choices
from judgebench.store.database import Database
from tests import kinds

distributions = services.distributions.distributions


@pytest.mark.parametrize("choices", [Choices(), Choices(baseline="m1"), Choices(method="bradley-terry")])
def test_every_battle_is_in_one_bin(tmp_path: Path, choices: Choices) -> None:
    with closing(Database(str(tmp_path / "j.db"), create=True)) as database:
        kinds.KINDS["pairwise"](database)
        of = distributions(database, "bench", choices=choices)
    assert (of.bins[0].low, of.bins[-1].high, len(of.bins)) == (0.0, 1.0, 11)
    for row in of.board.rows:
        counts = of.counts[row.model]
        assert sum(counts) == row.battles
        if row.model != of.board.baseline:
            won = sum(number for bin, number in zip(of.bins, counts, strict=True) if bin.low >= 0.5)
            lost = sum(number for bin, number in zip(of.bins, counts, strict=True) if bin.high <= 0.5)
            assert counts[5] >= row.ties
            assert won + lost + counts[5] == row.battles


def test_scores_are_counted_one_by_one_where_they_are_few(tmp_path: Path) -> None:
    choices = Choices(method="score")
    with closing(Database(str(tmp_path / "j.db"), create=True)) as database:
        kinds.KINDS["pointwise"](database)
        of = distributions(database, "bench", choices=choices)
    for row in of.board.rows:
        counts = of.counts[row.model]
        mean = sum(bin.low * number for bin, number in zip(of.bins, counts, strict=True)) / sum(counts)
        assert mean == pytest.approx(row.rating)
