"""Length-controlled win rates as a method of ranking, with the priors that stand in for what AlpacaEval downloads.

``ALPACA_EVAL`` replaces two things: its gamed-baseline rows, which pin the length slope and the sharpness of every
model, and its table of difficulties. It was read off the published coefficients and difficulties, not off the published
length-controlled win rates: where a coefficient vector is the optimum of likelihood plus penalty, the likelihood's
gradient equals the penalty's. Over the 22 models whose verdicts and coefficients are both public these gradients are
linear in the coefficients with a symmetric matrix, which is the precision of the implied Gaussian, and vanish at its
mean. The joint stage's slope is the one at which the fitted difficulties carry no more of the common length difference
than the published ones do.

``empirical_prior`` learns a prior from the models at hand, for any other judge or baseline: slopes of all models are
draws from one normal distribution whose mean and variance are estimated together with them (empirical Bayes by
expectation-maximisation with Laplace's approximation); so are the difficulties, around 0. The sharpness keeps a weak
prior around 1, which only fixes the scale. It cannot tell a judge's taste for length from better answers being longer,
nor protect against one gamed model among few: on AlpacaEval its slopes are nearly half again as steep as those that
anchor rows give. A declared prior can.
"""

import numpy as np

from judgebench.errors import StatisticsError
from judgebench.stats.intervals import rate_estimate
from judgebench.stats.length_control.fit import FEWEST_MODELS, ControlFit, controlled_win_rates, fit_controlled
from judgebench.stats.length_control.likelihood import (
    Comparisons,
    ControlPrior,
    JointDifficulty,
    OwnCoefficients,
    columns_of,
    compare_to_baseline,
)
from judgebench.stats.method import Choices, Estimates
from judgebench.stats.verdict_table import Floats, VerdictTable
from judgebench.stats.win_rate import win_rates

__all__ = ["ALPACA_EVAL", "ControlPrior", "compare_to_baseline", "controlled_win_rates", "empirical_prior", "estimates"]

ALPACA_EVAL = ControlPrior(
    mean=np.array([-1.86, 0.77]),
    precision=np.array([[12.0, 7.0], [7.0, 42.0]]),
    joint_mean=np.array([-0.8]),
    joint_precision=np.array([100.0]),
    difficulty_sd=1.48,
    source="AlpacaEval 2: implied by the published coefficients",
)
_PUBLISHED = ("weighted_alpaca_eval_gpt4_turbo", "gpt4_1106_preview")  # judge and baseline whose prior that is
_MOST_REFITS = 200  # beyond, intervals hardly change and take long
_BY_POSITION = (
    "difficulties are joined by row position, as in AlpacaEval's published numbers, which shifts them for models that "
    "miss instructions; --join instruction does not"
)
_UNBROKEN = "intervals of undefeated and winless models hold Wilson's for their win rate: refits to the same wins agree"
_SHARPNESS_PRECISION = 4.0
_SMALLEST_SD = 0.05  # natural log-odds; below it slopes count as equal
_ROUNDS = 30
_SETTLED = 1e-3


def estimates(table: VerdictTable, choices: Choices, baseline: str | None, rng: np.random.Generator) -> Estimates:
    """The leaderboard's method "length-controlled".

    Raises StatisticsError without a baseline, with too few models to learn a prior from, or for a fit that fails.
    """
    if baseline is None:
        raise StatisticsError("length control compares with one model: name it by --baseline")
    data = compare_to_baseline(table, baseline=baseline)
    judges = tuple(table.judges[code] for code in np.unique(table.judge))
    published = (*judges, baseline) == _PUBLISHED
    if not published and (data.weight.sum(axis=1) > 0).sum() < FEWEST_MODELS:
        raise StatisticsError(f"length control needs {FEWEST_MODELS} models that met the baseline to learn from")
    by_position = published if choices.join is None else choices.join == "position"
    rates = controlled_win_rates(
        data,
        prior=ALPACA_EVAL if published else empirical_prior(data),
        order=table.arrival if by_position else None,
        level=choices.level,
        resamples=min(choices.resamples, _MOST_REFITS),
        rng=rng,
    )
    learned = "AlpacaEval's judge and baseline" if published else "these models, which a gamed one among few can bend"
    (lower, upper), flags = _unbroken(table, choices, baseline)
    shifted = by_position and table.arrival is not None and (data.weight == 0).any()
    return Estimates(
        value=rates.rate,
        lower=np.fmin(rates.lower, lower),
        upper=np.fmax(rates.upper, upper),
        covariance=rates.covariance,
        flags=flags,
        method=rates.method,
        scale="rate",
        notes=(
            f"win rates as they would be at equal length; slopes are held by a prior from {learned}",
            *((_UNBROKEN,) if any(flags) else ()),
            *((_BY_POSITION,) if shifted else ()),
        ),
    )


def _unbroken(table: VerdictTable, choices: Choices, baseline: str) -> tuple[tuple[Floats, Floats], list[str]]:
    """Wilson's interval of models that always or never beat the baseline, else NaN; and what to call them.

    Their rate at equal length rests on the prior, and a refit to the same wins differs by nothing.
    """
    rates = win_rates(table, baseline=baseline)
    lower, upper = np.full_like(rates.rate, np.nan), np.full_like(rates.rate, np.nan)
    names = {0.0: "winless", 1.0: "undefeated"}
    for at in np.flatnonzero(np.isin(rates.rate, list(names))):
        known = rate_estimate(float(rates.rate[at]), 0.0, int(rates.battles[at]), choices.level)
        lower[at], upper[at] = known.lower, known.upper
    return (lower, upper), [names.get(float(rate), "") for rate in rates.rate]


def empirical_prior(data: Comparisons) -> ControlPrior:
    """The prior under which the slopes found in ``data`` are typical.

    Raises StatisticsError when nobody has a battle with the baseline, or a fit does not converge.
    """
    if not data.weight.any():
        raise StatisticsError(f"no model has a verdict against {data.baseline!r}, so there is no slope to learn from")
    mean, sd, difficulty_sd = np.zeros(len(data.controls)), np.ones(len(data.controls)), 1.0
    fit: ControlFit | None = None
    for _ in range(_ROUNDS):
        prior = _prior(mean, sd, difficulty_sd, len(data.models))
        fit = fit_controlled(data, prior, start=fit)
        before = np.concatenate([mean, sd, [difficulty_sd]])
        mean, sd, difficulty_sd = _updated(data, prior, fit)
        if np.abs(np.concatenate([mean, sd, [difficulty_sd]]) - before).max() < _SETTLED:
            break
    return _prior(mean, sd, difficulty_sd, len(data.models))


def _prior(mean: Floats, sd: Floats, difficulty_sd: float, models: int) -> ControlPrior:
    return ControlPrior(
        mean=np.append(mean, 1.0),
        precision=np.diag(np.append(1 / sd**2, _SHARPNESS_PRECISION)),
        joint_mean=mean,
        joint_precision=1 / sd**2,
        difficulty_sd=difficulty_sd,
        source=f"empirical Bayes over {models} models",
    )


def _updated(data: Comparisons, prior: ControlPrior, fit: ControlFit) -> tuple[Floats, Floats, float]:
    """The next mean and standard deviation of the slopes, and the difficulties' standard deviation."""
    each = np.arange(len(data.controls))
    active = data.weight.sum(axis=1) > 0
    own = OwnCoefficients(data, columns_of(data, fit.difficulty), prior.mean, prior.precision)
    unsure = own.spread(np.column_stack([fit.slopes, fit.sharpness, fit.ability]))[active][:, each, each]
    slopes = fit.slopes[active]
    mean = slopes.mean(axis=0)
    variance = ((slopes - mean) ** 2 + unsure).mean(axis=0)
    difficulty, doubt = JointDifficulty(data, prior).difficulty_moments(fit.joint)
    found = float(np.sqrt((difficulty**2 + doubt).mean())) if difficulty.any() else prior.difficulty_sd
    return mean, np.maximum(np.sqrt(variance), _SMALLEST_SD), found
