"""A prior for length control learned from the models at hand, for judges and benchmarks without published slopes.

Slopes of all models are draws from one normal distribution whose mean and variance are estimated together with them
(empirical Bayes by expectation-maximisation with Laplace's approximation); so are the difficulties, around 0. The
sharpness keeps a weak prior around 1, which only fixes the scale.

It cannot tell a judge's taste for length from better answers being longer, nor protect against one gamed model among
few: on AlpacaEval its slopes are nearly half again as steep as those that anchor rows give. A declared prior can.
"""

import numpy as np

from judgebench.errors import StatisticsError
from judgebench.stats.length_control import ControlFit, fit_controlled
from judgebench.stats.length_control.likelihood import Comparisons, JointDifficulty, OwnCoefficients, columns_of
from judgebench.stats.length_control.prior import ControlPrior
from judgebench.stats.verdict_table import Floats

_SHARPNESS_PRECISION = 4.0


_SMALLEST_SD = 0.05  # natural log-odds; below it slopes count as equal


_ROUNDS = 30


_SETTLED = 1e-3


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
