"""A model of AlpacaEval that is held out, submitted with --rank, lands where it officially stands."""

from pathlib import Path

import pytest

from bench import placement

pytestmark = [
    pytest.mark.shared,
    pytest.mark.slow,
    pytest.mark.skipif(not (placement.TOOL.exists() and placement.DATA.exists()), reason="../shared is not there"),
]


def test_a_held_out_model_lands_in_a_rank_range_that_holds_its_official_rank(tmp_path: Path) -> None:
    landed = placement.landing("claude-2", tmp_path)
    assert landed.best <= landed.official <= landed.worst
    assert landed.win_rate == pytest.approx(landed.official_win_rate, abs=0.3)  # the replay mistakes some orders
    assert landed.calls <= 805  # the new model against the baseline, in one order each, as the board was judged
