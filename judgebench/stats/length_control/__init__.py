"""Win rates at equal length, or equal in any other controlled property, without downloaded tables.

For model m on instruction i, logit P(m beats the baseline) = ability_m + slope_m . x_mi + sharpness_m d_i, where x are
the controls and d_i says how hard the instruction is to win on. The controlled win rate is the mean over instructions
of that probability at x = 0 (Dubois, Galambosi, Liang and Hashimoto 2024, equation 2).

Two stages, as published: the difficulties d come from one joint fit of all models with sharpness 1; then each model is
fitted with d given. Intervals refit both stages under reweighted instructions, since the published standard error
leaves out what the coefficients themselves are unsure of. Where AlpacaEval pins slopes by copies of its baseline that
were told to be verbose and concise, and ships d as a table, both are replaced by Gaussian priors:

``ALPACA_EVAL`` was read off the published coefficients and difficulties, not off the published length-controlled win
rates: where a coefficient vector is the optimum of likelihood plus penalty, the likelihood's gradient equals the
penalty's. Over the 22 models whose verdicts and coefficients are both public these gradients are linear in the
coefficients with a symmetric matrix, which is the precision of the implied Gaussian, and vanish at its mean. The joint
stage's slope is the one at which the fitted difficulties carry no more of the common length difference than the
published ones do.

``empirical_prior`` learns a prior from the models at hand, for any other judge or baseline: slopes of all models are
draws from one normal distribution whose mean and variance are estimated together with them (empirical Bayes by
expectation-maximisation with Laplace's approximation); so are the difficulties, around 0. The sharpness keeps a weak
prior around 1, which only fixes the scale. It cannot tell a judge's taste for length from better answers being longer,
nor protect against one gamed model among few: on AlpacaEval its slopes are nearly half again as steep as those that
anchor rows give. A declared prior can.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from judgebench.errors import StatisticsError
from judgebench.stats.intervals import critical_value, critical_values, instruction_weights
from judgebench.stats.length_control.likelihood import (
    Comparisons,
    ControlPrior,
    JointDifficulty,
    OwnCoefficients,
    columns_of,
    compare_to_baseline,
)
from judgebench.stats.method import Choices, Compared, Estimates
from judgebench.stats.newton import maximise
from judgebench.stats.verdict_table import Floats, VerdictTable
from judgebench.stats.win_rate import InstructionSums, WinRates, win_rates

__all__ = ["ALPACA_EVAL", "ControlledRates", "controlled_win_rates", "empirical_prior"]
_FEWEST_MODELS = 3  # below it difficulties cannot be told from the models' own luck, and are left out
_START = -1.0
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
    optimum = maximise(own, before.ravel(), scale=_scale(data)).x.reshape(m, f + 2)
    return ControlFit(optimum[:, :f], optimum[:, f] * difficulty.any(), optimum[:, f + 1], difficulty, joint)


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

    Zeros below _FEWEST_MODELS.
    """
    m, i = data.weight.shape
    per_model = np.tile([*prior.joint_mean, _START], (m, 1)).ravel()
    if (data.weight.sum(axis=1) > 0).sum() < _FEWEST_MODELS:
        return np.zeros(len(per_model) + i)
    begin = np.concatenate([per_model, np.zeros(i)]) if start is None else start.joint
    return maximise(JointDifficulty(data, prior), begin, scale=_scale(data)).x


def estimates(table: VerdictTable, choices: Choices, baseline: str | None, rng: np.random.Generator) -> Estimates:
    """The leaderboard's method "length-controlled".

    Raises StatisticsError without a baseline, with too few models to learn a prior from, or for a fit that fails.
    """
    if baseline is None:
        raise StatisticsError("length control compares with one model: name it by --baseline")
    data = compare_to_baseline(table, baseline=baseline)
    judges = tuple(table.judges[code] for code in np.unique(table.judge))
    published = (*judges, baseline) == _PUBLISHED
    if not published and (data.weight.sum(axis=1) > 0).sum() < _FEWEST_MODELS:
        raise StatisticsError(f"length control needs {_FEWEST_MODELS} models that met the baseline to learn from")
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
    raw = win_rates(table, baseline=baseline)
    compared, half = _compared(rates, raw.sums, choices.level)
    (lower, upper), flags = _unbroken(raw, choices.level)
    shifted = by_position and table.arrival is not None and (data.weight == 0).any()
    return Estimates(
        value=rates.rate,
        lower=np.fmin(expit(logit(rates.rate) - half), lower),
        upper=np.fmax(expit(logit(rates.rate) + half), upper),
        covariance=rates.covariance,
        flags=flags,
        method=f"{rates.method}, with t",
        scale="rate",
        compared=compared,
        notes=(
            f"win rates as they would be at equal length; slopes are held by a prior from {learned}",
            *((_UNBROKEN,) if any(flags) else ()),
            *((_BY_POSITION,) if shifted else ()),
        ),
    )


def _compared(rates: ControlledRates, raw: InstructionSums, level: float) -> tuple[Compared, Floats]:
    """The rates as they are told apart, and (k,) half their intervals in log-odds: none is surer than its win rate.

    Of verdicts that are alike, refits are alike.
    """
    known, doubt = raw.compared(), raw.doubt
    spread = (logit(rates.upper) - logit(rates.rate)) / critical_value(rates.level)
    error = np.sqrt(spread**2 + doubt / (known.value * (1 - known.value)) ** 2)
    compared = Compared(rates.rate, rates.covariance + np.diag(doubt), known.degrees)
    return compared, critical_values(known.degrees, level) * error


def _unbroken(rates: WinRates, level: float) -> tuple[tuple[Floats, Floats], list[str]]:
    """The interval of the win rate of models that always or never beat the baseline, else NaN; and what to call them.

    Their rate at equal length rests on the prior, and a refit to the same wins differs by nothing.
    """
    names = {0.0: "winless", 1.0: "undefeated"}
    unbroken = np.isin(rates.rate, list(names))
    lower, upper = (np.where(unbroken, end, np.nan) for end in rates.sums.ends(level))
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
    diagonal = np.arange(len(data.controls))
    active = data.weight.sum(axis=1) > 0
    own = OwnCoefficients(data, columns_of(data, fit.difficulty), prior.mean, prior.precision)
    unsure = own.spread(np.column_stack([fit.slopes, fit.sharpness, fit.ability]))[active][:, diagonal, diagonal]
    slopes = fit.slopes[active]
    mean = slopes.mean(axis=0)
    variance = ((slopes - mean) ** 2 + unsure).mean(axis=0)
    difficulty, doubt = JointDifficulty(data, prior).difficulty_moments(fit.joint)
    spread = float(np.sqrt((difficulty**2 + doubt).mean())) if difficulty.any() else prior.difficulty_sd
    return mean, np.maximum(np.sqrt(variance), _SMALLEST_SD), spread
