"""Win rates at equal length, or equal in any other controlled property, without downloaded tables.

For model m on instruction i, logit P(m beats the baseline) = ability_m + slope_m . x_mi + sharpness_m d_i, where x are
the controls and d_i says how hard the instruction is to win on. The controlled win rate is the mean over instructions
of that probability at x = 0 (Dubois, Galambosi, Liang and Hashimoto 2024, equation 2).

Two stages, as published: the difficulties d come from one joint fit of all models with sharpness 1; then each model is
fitted with d given. Where AlpacaEval pins slopes by copies of its baseline that were told to be verbose and concise,
and ships d as a table, both are replaced by Gaussian priors; see ``ControlPrior``. Intervals refit both stages under
reweighted instructions, since the published standard error leaves out what the coefficients themselves are unsure of.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from judgebench.errors import StatisticsError
from judgebench.stats.bootstrap import instruction_weights
from judgebench.stats.intervals import critical_value
from judgebench.stats.length_control.likelihood import (
    Comparisons,
    ControlPrior,
    JointDifficulty,
    OwnCoefficients,
    columns_of,
)
from judgebench.stats.newton import maximise
from judgebench.stats.verdict_table import Floats

FEWEST_MODELS = 3  # below it difficulties cannot be told from the models' own luck, and are left out


_START = -1.0


@dataclass(frozen=True, slots=True, eq=False)
class ControlFit:
    """Coefficients of m models with f controls on i instructions; natural log-odds."""

    slopes: Floats  # (m, f) of the controls
    sharpness: Floats  # (m,) of the difficulty; 0 where difficulties were left out
    ability: Floats  # (m,)
    difficulty: Floats  # (i,) centred; zeros where left out
    joint: Floats  # the whole optimum of the joint stage, to begin the next fit from


@dataclass(frozen=True, slots=True, eq=False)
class ControlledRates:
    """Aligned to ``models``; the baseline has rate 1/2 by definition. NaN for a model without a battle."""

    models: tuple[str, ...]
    baseline: str
    rate: Floats  # (k,) at equal controls, in [0, 1]
    raw: Floats  # (k,) as it was
    covariance: Floats  # (k, k) of ``rate`` over the refits
    lower: Floats  # (k,)
    upper: Floats  # (k,)
    level: float
    method: str
    prior: ControlPrior
    fit: ControlFit  # of the models other than the baseline, in order

    @property
    def standard_error(self) -> Floats:
        """(k,)"""
        return np.sqrt(np.diag(self.covariance))


def controlled_win_rates(
    data: Comparisons,
    *,
    prior: ControlPrior,
    order: NDArray[np.integer] | None = None,
    difficulty: Floats | None = None,
    level: float = 0.95,
    resamples: int = 200,
    rng: np.random.Generator,
) -> ControlledRates:
    """Win rates with every control of ``data`` at 0, and refit intervals, symmetric in log-odds.

    ``difficulty`` (i,) takes these as they are, in every refit, instead of fitting them.

    ``order``: positions of the benchmark's instructions as codes. Where it is given, a model's r-th battle takes the
    r-th difficulty, as alpaca_eval does, which is wrong for models that miss instructions and needed only to compare
    with its published numbers. Left out, difficulties are joined by instruction.
    Raises StatisticsError when the prior does not have the controls of ``data``, or as above.
    """
    critical = critical_value(level)
    place = _places(data, order)
    point = fit_controlled(data, prior, place=place, difficulty=difficulty)
    rate = controlled_rate(point, data.weight, place)
    draws = []
    for block in instruction_weights(len(data.instructions), resamples, rng):
        for weights in block:
            again = fit_controlled(data, prior, place=place, weights=weights, start=point, difficulty=difficulty)
            draws.append(controlled_rate(again, data.weight * weights, place))
    drawn = np.array(draws)
    spread = logit(drawn).std(axis=0, ddof=1)
    half = critical * spread
    shown = (rate, _raw(data), expit(logit(rate) - half), expit(logit(rate) + half))
    at = sum(name < data.baseline for name in data.models)
    rate, raw, lower, upper = (np.insert(column, at, 0.5) for column in shown)
    centred = np.insert(drawn - drawn.mean(axis=0), at, 0.0, axis=1)
    return ControlledRates(
        models=(*data.models[:at], data.baseline, *data.models[at:]),
        baseline=data.baseline,
        rate=rate,
        raw=raw,
        covariance=centred.T @ centred / (resamples - 1),
        lower=lower,
        upper=upper,
        level=level,
        method=f"{resamples} refits over instructions, normal in log-odds",
        prior=prior,
        fit=point,
    )


def fit_controlled(
    data: Comparisons,
    prior: ControlPrior,
    *,
    place: NDArray[np.intp] | None = None,
    weights: Floats | None = None,
    start: ControlFit | None = None,
    difficulty: Floats | None = None,
) -> ControlFit:
    """Both stages once, or the second alone where ``difficulty`` (i,) is given.

    ``weights`` (i,) weigh instructions; ``start`` is a fit to begin from.
    ``place`` (m, i): which instruction's difficulty each battle takes; its own where None.
    Raises StatisticsError when the prior does not have the controls of ``data``, or a fit does not converge.
    """
    if len(prior.mean) != len(data.controls) + 1:
        raise StatisticsError(f"the prior is for {len(prior.mean) - 1} controls, the data have {len(data.controls)}")
    if weights is not None:
        data = replace(data, weight=data.weight * weights)
    m, f = len(data.models), len(data.controls)
    joint = np.zeros(0)
    if difficulty is None:
        joint = _difficulties(data, prior, start)
        difficulty = joint[m * (f + 1) :] - joint[m * (f + 1) :].mean()
        difficulty = difficulty / (difficulty.std() or 1.0) * prior.difficulty_sd
    elif np.shape(difficulty) != (len(data.instructions),) or not np.isfinite(difficulty).all():
        raise StatisticsError(f"difficulties must be {len(data.instructions)} finite numbers, one an instruction")
    columns = columns_of(data, difficulty if place is None else difficulty[place])
    before = _coefficients(start) if start else np.tile([*prior.mean, _START], (m, 1))
    own = OwnCoefficients(data, columns, prior.mean, prior.precision)
    found = maximise(own, before.ravel(), scale=_scale(data)).x.reshape(m, f + 2)
    return ControlFit(found[:, :f], found[:, f] * difficulty.any(), found[:, f + 1], difficulty, joint)


def controlled_rate(fit: ControlFit, weight: Floats, place: NDArray[np.intp] | None = None) -> Floats:
    """(m,) mean probability at controls 0, over each model's battles under ``weight`` (m, i); NaN without any."""
    shown = fit.difficulty[None, :] if place is None else fit.difficulty[place]
    chance = expit(fit.ability[:, None] + fit.sharpness[:, None] * shown)
    with np.errstate(invalid="ignore"):
        rate: Floats = (chance * weight).sum(axis=1) / weight.sum(axis=1)
    return rate


def _places(data: Comparisons, order: NDArray[np.integer] | None) -> NDArray[np.intp] | None:
    if order is None:
        return None
    i = len(data.instructions)
    if sorted(np.asarray(order).tolist()) != list(range(i)):
        raise StatisticsError(f"order must hold each of the {i} instruction codes once")
    places = np.tile(np.arange(i), (len(data.models), 1))
    for row, present in zip(places, data.weight > 0, strict=True):
        mine = order[present[order]]
        row[mine] = order[: len(mine)]
    return places


def _raw(data: Comparisons) -> Floats:
    with np.errstate(invalid="ignore"):
        raw: Floats = (data.preference * data.weight).sum(axis=1) / data.weight.sum(axis=1)
    return raw


def _coefficients(fit: ControlFit) -> Floats:
    return np.column_stack([fit.slopes, fit.sharpness, fit.ability])


def _scale(data: Comparisons) -> float:
    return max(float(data.weight.sum(axis=1).max(initial=0.0)), 1.0)


def _difficulties(data: Comparisons, prior: ControlPrior, start: ControlFit | None) -> Floats:
    """Where the joint likelihood is largest: coefficients of all models, then (i,) difficulties; see JointDifficulty.

    Zeros below FEWEST_MODELS.
    """
    m, i = data.weight.shape
    per_model = np.tile([*prior.joint_mean, _START], (m, 1)).ravel()
    if (data.weight.sum(axis=1) > 0).sum() < FEWEST_MODELS:
        return np.zeros(len(per_model) + i)
    begin = np.concatenate([per_model, np.zeros(i)]) if start is None else start.joint
    return maximise(JointDifficulty(data, prior), begin, scale=_scale(data)).x
