"""How values spread, in shares and words."""

from judgebench.services.distributions import Bin, Distributions
from judgebench.show.spread import histograms, labels
from tests.show.factories import board

SHARES = (Bin(0.0, 0.05), *(Bin(at / 10 - 0.05, at / 10 + 0.05) for at in range(1, 10)), Bin(0.95, 1.0))


def test_bars_are_shares_of_each_models_battles() -> None:
    of = Distributions(board([0.9, 0.1], 0.01), SHARES, {"A": (0, *[0] * 9, 30), "B": (10, *[0] * 9, 30)})
    shown = histograms(of)
    assert shown.labels == ("0", "10", "20", "30", "40", "50", "60", "70", "80", "90", "100")
    assert [[bar.share for bar in row.bars if bar.share] for row in shown.rows] == [[1.0], [0.25, 0.75]]
    assert (shown.highest, shown.rows[1].bars[0].words) == (1.0, "0: 10 of 40 battles")
    assert [row.model for row in histograms(of, ["B"]).rows] == ["B"]


def test_scores_are_named_by_themselves_or_by_their_range() -> None:
    scored = board([0.9], 0.01, scale="score", method="score")
    of = Distributions(scored, (Bin(7.0, 7.0), Bin(7.5, 8.25)), {"A": (1, 0)})
    assert labels(of) == ("7", "7.5 to 8.25")
    assert histograms(of).rows[0].bars[0].words == "7: 1 of 1 output"
