"""Leaderboards and estimates to be shown."""

import numpy as np

from judgebench.bias.counterfactual import CounterfactualRow, Counterfactuals, Passing, WithoutEffect
from judgebench.estimate import Estimate, unidentified
from judgebench.leaderboard import Leaderboard, Row
from judgebench.stats.ranks import rank_sets


def known(value: float, half: float = 0.1) -> Estimate:
    return Estimate(value, value - half, value + half, 0.95, "normal", 10)


def board(values: list[float], spread: float, names: str = "ABCDEFGH", **changes: object) -> Leaderboard:
    """A leaderboard of independent estimates, the best first."""
    values = sorted(values, reverse=True)
    covariance = np.eye(len(values)) * spread**2
    sets = rank_sets(np.array(values), covariance, rng=np.random.default_rng(0))
    rows = tuple(
        Row(
            model=names[i],
            estimate=Estimate(value, value - 2 * spread, value + 2 * spread, 0.95, "normal", 10),
            win_rate=value,
            standard_error=spread,
            rank=i + 1,
            rank_lower=int(sets.lower[i]),
            rank_upper=int(sets.upper[i]),
            tier=int(sets.tier[i]),
            battles=10,
            ties=1,
            flag="",
        )
        for i, value in enumerate(values)
    )
    fields: dict[str, object] = {
        "judges": ("judge",),
        "method": "win-rate",
        "scale": "rate",
        "baseline": None,
        "rows": rows,
        "notes": (),
    }
    return Leaderboard(**(fields | changes))


def ledger(
    rates: dict[str, tuple[float, float]],
    passing: tuple[tuple[str, str], ...] = (),
    flags: dict[str, str] | None = None,
) -> Counterfactuals:
    rows = tuple(
        CounterfactualRow(model, known(before), known(after), known(after - before), (flags or {}).get(model, ""))
        for model, (before, after) in rates.items()
    )
    flips = tuple(Passing(low, high, known(0.4), known(0.2)) for low, high in passing)
    figures = known(0.4), known(0.1, 0.02)
    identified = WithoutEffect("length", "twice as long", *figures, rows, flips, "length beyond people")
    missing = WithoutEffect("family", "the judge's relative", None, unidentified("nothing is declared"), (), ())
    together = WithoutEffect("all", "all together", None, None, rows, flips, "length beyond people, position")
    return Counterfactuals((identified, missing), together, 100)
