"""Win rates at equal length, or equal in any other controlled property, without downloaded tables.

For model m on instruction i, logit P(m beats the baseline) = ability_m + slope_m . x_mi + sharpness_m d_i, where x are
the controls and d_i says how hard the instruction is to win on. The controlled win rate is the mean over instructions
of that probability at x = 0 (Dubois, Galambosi, Liang and Hashimoto 2024, equation 2).

``fits`` fits it, with difficulties and without; ``priors`` has what holds the slopes, in place of AlpacaEval's copies
of its baseline that were told to be verbose and concise; ``rates`` makes one rate of them, with an interval by refits
of every stage under reweighted instructions, since the published standard error leaves out what the coefficients
themselves are unsure of. Here is what the leaderboard makes of it.
"""

import numpy as np
from scipy.special import expit, logit

from judgebench.errors import StatisticsError, first_names
from judgebench.stats.intervals import critical_values
from judgebench.stats.length_control.fits import FEWEST_MODELS, controlled_rate, fit_controlled
from judgebench.stats.length_control.likelihood import compare_to_baseline, extrapolated
from judgebench.stats.length_control.priors import ALPACA_EVAL, PUBLISHED, empirical_prior
from judgebench.stats.length_control.rates import ControlledRates, controlled_win_rates
from judgebench.stats.method import Choices, Compared, Estimates
from judgebench.stats.verdict_table import Floats, VerdictTable
from judgebench.stats.win_rate import InstructionSums, WinRates, win_rates

__all__ = [
    "ALPACA_EVAL",
    "ControlledRates",
    "controlled_rate",
    "controlled_win_rates",
    "empirical_prior",
    "fit_controlled",
]
_MOST_REFITS = 200  # beyond, intervals hardly change and take long
_BY_POSITION = (
    "difficulties are joined by row position, as in AlpacaEval's published numbers, which shifts them for models that "
    "miss instructions; --join instruction does not"
)
_UNBROKEN = "intervals of undefeated and winless models hold that of their win rate: refits to the same wins agree"


def estimates(table: VerdictTable, choices: Choices, baseline: str | None, rng: np.random.Generator) -> Estimates:
    """The leaderboard's method "length-controlled".

    Raises StatisticsError without a baseline, with too few models to learn a prior from, or for a fit that fails.
    """
    if baseline is None:
        met = [table.models[code] for code in np.unique(np.concatenate([table.model_a, table.model_b]))]
        raise StatisticsError(f"length control compares with one model: name it by --baseline, of {first_names(met)}")
    data = compare_to_baseline(table, baseline=baseline)
    published = (*(table.judges[code] for code in np.unique(table.judge)), baseline) == PUBLISHED
    if not published and data.met.sum() < FEWEST_MODELS:
        raise StatisticsError(
            f"length control needs {FEWEST_MODELS} models that met the baseline to learn from; fewer are enough for "
            f"judge {PUBLISHED[0]} with baseline {PUBLISHED[1]} alone, whose taste for length is known"
        )
    by_position = published if choices.join is None else choices.join == "position"
    rates = controlled_win_rates(
        data,
        prior=ALPACA_EVAL if published else empirical_prior(data),
        order=table.arrival if by_position else None,
        level=choices.level,
        resamples=min(choices.resamples, _MOST_REFITS),
        rng=rng,
    )
    raw = win_rates(table, baseline=baseline)
    compared, half = _compared(rates, raw.sums, choices.level)
    (lower, upper), unbroken = _of_win_rate(raw, rates.rate, choices.level)
    beyond = extrapolated(table, baseline)
    shifted = rates.joined and by_position and table.arrival is not None and (data.weight == 0).any()
    least, most = rates.ends(half)
    return Estimates(
        value=rates.rate,
        lower=np.fmin(least, lower),
        upper=np.fmax(most, upper),
        covariance=rates.covariance,
        flags=[", ".join(filter(None, names)) for names in zip(unbroken, beyond.flags, strict=True)],
        method=f"{rates.method}, with t",
        scale="rate",
        compared=compared,
        notes=(
            f"win rates as they would be at equal length, estimated from {rates.estimator}",
            f"slopes are {rates.prior.source}",
            *((_UNBROKEN,) if any(unbroken) else ()),
            *beyond.notes,
            *((_BY_POSITION,) if shifted else ()),
        ),
    )


def _compared(rates: ControlledRates, raw: InstructionSums, level: float) -> tuple[Compared, Floats]:
    """The rates as they are told apart, and (k,) half their intervals in log-odds: none is surer than its win rate.

    Of verdicts that are alike, refits are alike.
    """
    known, doubt = raw.compared(), raw.doubt
    error = np.sqrt(rates.error**2 + doubt / (known.value * (1 - known.value)) ** 2)
    compared = Compared(rates.rate, rates.covariance + np.diag(doubt), known.degrees)
    return compared, critical_values(known.degrees, level) * error


def _of_win_rate(raw: WinRates, rate: Floats, level: float) -> tuple[tuple[Floats, Floats], list[str]]:
    """(k,) ends of the win rates' intervals, moved in log-odds as far as length control moves the rates; and flags.

    A sample of few instructions without one of the rare wins has nothing that refits could vary. What always or never
    wins is not moved: its ``rate`` rests on the prior.
    """
    names = {0.0: "winless", 1.0: "undefeated"}
    unbroken = np.isin(raw.rate, list(names))
    with np.errstate(divide="ignore", invalid="ignore"):
        moved = np.where(unbroken, 0.0, logit(rate) - logit(raw.rate))
        lower, upper = (expit(logit(end) + moved) for end in raw.sums.ends(level))
    return (lower, upper), [names.get(float(rate), "") for rate in raw.rate]
