"""Rates at equal controls with their intervals: which fits they are made of, by the number of models.

Where it is known how steep slopes are with difficulties and without (``ControlPrior.alone``), two estimators err in
different ways: each model alone is not moved by the others, the fit with difficulties is sharper, but the more models
are alike the more its difficulties hold what those have in common. So few models take the one, many the other, moved
half way towards where they typically are alone. What a prior's means may be beside a model's own slope is drawn in
every refit.

A prior learnt from the data leaves open how much of its slope is the judge's: the interval holds those of all shares.
"""

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from judgebench.stats.intervals import critical_value, instruction_weights
from judgebench.stats.length_control.fits import (
    FEWEST_MODELS,
    ControlFit,
    controlled_rate,
    fit_alone,
    fit_controlled,
    places,
    weighed,
)
from judgebench.stats.length_control.likelihood import Comparisons, ControlPrior
from judgebench.stats.newton import STEP_TOLERANCE
from judgebench.stats.verdict_table import Floats

_MANY_MODELS = 6  # from which the fit with difficulties is the better one
_RECENTRED = 0.5  # of the way to where models typically are alone
_EVEN = 1 / 12  # variance of an even distribution, over its width squared
_ROUGH = 1e-3  # natural log-odds, of a refit's last step: what is left is about its square


@dataclass(frozen=True, slots=True, eq=False)
class ControlledRates:
    """Aligned to ``models``; the baseline has rate 1/2 by definition. NaN for a model without a battle."""

    models: tuple[str, ...]
    baseline: str
    rate: Floats  # (k,) at equal controls, in [0, 1]
    raw: Floats  # (k,) as it was
    covariance: Floats  # (k, k) of ``rate`` over the refits, and over what the prior leaves open of its slopes
    least: Floats  # (k,) of ``rate`` over what the prior leaves open; ``rate`` where that is nothing
    most: Floats  # (k,)
    error: Floats  # (k,) standard error in log-odds, beside that
    level: float
    method: str
    estimator: str  # what they are made of, in words
    joined: bool  # whether difficulties take part
    prior: ControlPrior

    @property
    def standard_error(self) -> Floats:
        """(k,)"""
        return np.sqrt(np.diag(self.covariance))

    @property
    def lower(self) -> Floats:
        """(k,)"""
        return self.ends(critical_value(self.level) * self.error)[0]

    @property
    def upper(self) -> Floats:
        """(k,)"""
        return self.ends(critical_value(self.level) * self.error)[1]

    def ends(self, half: Floats) -> tuple[Floats, Floats]:
        """(k,) of intervals that reach ``half`` (k,) log-odds beyond what the prior leaves open."""
        return expit(logit(self.least) - half), expit(logit(self.most) + half)


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
    Raises StatisticsError when the prior does not have the controls of ``data``, or as ``fit_controlled``.
    """
    critical_value(level)
    fit = partial(_fit, place=places(data, order), difficulty=difficulty)
    shares = [fit(data, one) for one in prior.shares()]
    point = shares[len(shares) // 2]
    middle = prior.shares()[len(shares) // 2]
    drawn = np.array(
        [
            fit(weighed(data, weights), _doubted(middle, data, rng), start=point).log_odds
            for block in instruction_weights(len(data.instructions), resamples, rng)
            for weights in block
        ]
    )
    open_to = expit(np.array([share.log_odds for share in shares]))
    return _with_baseline(data, open_to, drawn, level, prior)


@dataclass(frozen=True, slots=True, eq=False)
class _Fitted:
    log_odds: Floats  # (m,) of the rates at equal controls; NaN for a model without a battle
    joint: ControlFit | None  # with difficulties
    alone: Floats | None  # (m, f + 1) without


def _fit(
    data: Comparisons,
    prior: ControlPrior,
    *,
    place: NDArray[np.intp] | None,
    difficulty: Floats | None,
    start: _Fitted | None = None,
) -> _Fitted:
    joint, alone, tolerance = (None, None, STEP_TOLERANCE) if start is None else (start.joint, start.alone, _ROUGH)
    fit = partial(fit_controlled, data, prior, place=place, start=joint, difficulty=difficulty, tolerance=tolerance)
    if prior.alone is None or difficulty is not None:
        joint = fit()
        return _Fitted(logit(controlled_rate(joint, data.weight, place)), joint, None)
    alone = fit_alone(data, prior.alone, start=alone, tolerance=tolerance)
    of_each = np.where(data.met, alone[:, -1], np.nan)
    if data.met.sum() < FEWEST_MODELS:
        return _Fitted(of_each, None, alone)
    joint = fit()
    of_all = logit(controlled_rate(joint, data.weight, place))
    return _Fitted(_together(of_all, of_each, _mean(data, data.control[:, :, 0])), joint, alone)


def _together(joint: Floats, alone: Floats, difference: Floats) -> Floats:
    """(m,) log-odds of both fits as one, for models whose mean control is ``difference`` (m,).

    A slope that is off moves a model the more, the further its outputs are from equal on average, and one whose outputs
    are equal not at all: so goes the shift.
    """
    if np.isfinite(joint).sum() < _MANY_MODELS:
        return (joint + alone) / 2
    shifted: Floats = joint + _RECENTRED * _typical_ratio(alone - joint, difference) * difference
    return shifted


def _typical_ratio(gap: Floats, difference: Floats) -> float:
    """Of ``gap`` to ``difference``, both (m,), with the least absolute errors: a weighted median, which one model that
    is like no other does not bend.
    """
    known = np.isfinite(gap) & (difference != 0)
    if not known.any():
        return 0.0
    ratio, weight = gap[known] / difference[known], np.abs(difference[known])
    order = np.argsort(ratio, kind="stable")
    below = np.cumsum(weight[order])
    return float(ratio[order][np.searchsorted(below, below[-1] / 2)])


def _doubted(prior: ControlPrior, data: Comparisons, rng: np.random.Generator) -> ControlPrior:
    """With means as they may be, a model."""
    if not prior.doubt:
        return prior
    moved = prior.doubt * rng.standard_normal((len(data.models), len(data.controls)))
    alone = prior.alone and replace(prior.alone, mean=prior.alone.mean + moved)
    return replace(prior, mean=prior.mean + np.pad(moved, [(0, 0), (0, 1)]), alone=alone)


def _with_baseline(
    data: Comparisons, open_to: Floats, drawn: Floats, level: float, prior: ControlPrior
) -> ControlledRates:
    """From rates (s, m) by each share of the slopes, the middle one as estimate, and log-odds (r, m) of refits."""
    at = sum(name < data.baseline for name in data.models)
    rate, least, most = open_to[len(open_to) // 2], open_to.min(axis=0), open_to.max(axis=0)
    rate, raw, least, most = (
        np.insert(column, at, 0.5) for column in (rate, _mean(data, data.preference), least, most)
    )
    error = np.insert(drawn.std(axis=0, ddof=1), at, 0.0)
    centred = np.insert(expit(drawn) - expit(drawn).mean(axis=0), at, 0.0, axis=1)
    across = np.insert(open_to[-1] - open_to[0], at, 0.0)
    return ControlledRates(
        models=(*data.models[:at], data.baseline, *data.models[at:]),
        baseline=data.baseline,
        rate=rate,
        raw=raw,
        covariance=centred.T @ centred / (len(drawn) - 1) + np.outer(across, across) * _EVEN,
        least=least,
        most=most,
        error=error,
        level=level,
        method=f"{len(drawn)} refits over instructions, normal in log-odds",
        joined=prior.alone is None or data.met.sum() >= FEWEST_MODELS,
        estimator=_estimator(prior, int(data.met.sum())),
        prior=prior,
    )


def _estimator(prior: ControlPrior, models: int) -> str:
    if prior.alone is None or models < FEWEST_MODELS:
        return "each model by itself" if models < FEWEST_MODELS else "all models with their instructions' difficulties"
    if models < _MANY_MODELS:
        return "half way between each model by itself and all with their instructions' difficulties"
    return "all models with their instructions' difficulties, half way towards where they are by themselves"


def _mean(data: Comparisons, values: Floats) -> Floats:
    """(m,) of ``values`` (m, i) over each model's battles; NaN without any."""
    with np.errstate(invalid="ignore"):
        mean: Floats = (values * data.weight).sum(axis=1) / data.weight.sum(axis=1)
    return mean
