"""What holds the slopes: AlpacaEval's own constants, or what the models at hand show.

``ALPACA_EVAL`` stands in for the copies of the baseline that AlpacaEval had rewritten longer and shorter; see
docs/statistics.md for where its constants come from. They belong to one judge, ``PUBLISHED``, against one baseline.

``empirical_prior`` learns a prior from the models at hand, for any other judge or baseline: slopes of all models are
draws from one normal distribution whose median and variance are estimated together with them (empirical Bayes by
expectation-maximisation with Laplace's approximation; the median, since one gamed model among few bends a mean); so are
the difficulties, around 0. The sharpness keeps a weak prior around 1, which only fixes the scale. Verdicts cannot tell
a judge's taste for length from better outputs being longer, so of the slope that is learnt only some is the judge's:
between half of it and all, as was measured where the judge's own is known.
"""

from dataclasses import replace

import numpy as np

from judgebench.errors import StatisticsError
from judgebench.stats.length_control.fits import ControlFit, fit_controlled
from judgebench.stats.length_control.likelihood import (
    Comparisons,
    ControlPrior,
    JointDifficulty,
    OwnCoefficients,
    SlopePrior,
    columns_of,
)
from judgebench.stats.verdict_table import Floats

PUBLISHED = ("weighted_alpaca_eval_gpt4_turbo", "gpt4_1106_preview")  # the judge and baseline of ``ALPACA_EVAL``
ALPACA_EVAL = ControlPrior(
    mean=np.array([-1.86, 0.77]),
    precision=np.array([[12.0, 7.0], [7.0, 42.0]]),
    joint_mean=np.array([-1.0]),
    joint_precision=np.array([100.0]),
    difficulty_sd=1.2,
    source=f"held by constants that were measured on AlpacaEval 2, of {PUBLISHED[0]} against {PUBLISHED[1]}",
    alone=SlopePrior(mean=np.array([-1.0]), precision=np.array([[200.0]])),
    doubt=0.15,
)
_OF_THE_JUDGE = (0.5, 0.75, 1.0)  # how much of a learnt slope: at least, as taken, at most
_FIRM = 0.1  # largest standard deviation of slopes around such a share: how models differ is not the judge's
_LEARNT = (
    "learnt from these models, which a gamed one among few can bend; verdicts do not tell how much of such a slope is "
    "the judge's: rates take three quarters, intervals hold what half of it and all of it give"
)
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
        prior = _prior(mean, sd, difficulty_sd)
        fit = fit_controlled(data, prior, start=fit)
        before = np.concatenate([mean, sd, [difficulty_sd]])
        mean, sd, difficulty_sd = _updated(data, prior, fit)
        if np.abs(np.concatenate([mean, sd, [difficulty_sd]]) - before).max() < _SETTLED:
            break
    return replace(_prior(mean, np.minimum(sd, _FIRM), difficulty_sd), of_the_judge=_OF_THE_JUDGE)


def _prior(mean: Floats, sd: Floats, difficulty_sd: float) -> ControlPrior:
    return ControlPrior(
        mean=np.append(mean, 1.0),
        precision=np.diag(np.append(1 / sd**2, _SHARPNESS_PRECISION)),
        joint_mean=mean,
        joint_precision=1 / sd**2,
        difficulty_sd=difficulty_sd,
        source=_LEARNT,
    )


def _updated(data: Comparisons, prior: ControlPrior, fit: ControlFit) -> tuple[Floats, Floats, float]:
    """The next mean and standard deviation of the slopes, and the difficulties' standard deviation."""
    diagonal = np.arange(len(data.controls))
    own = OwnCoefficients(data, columns_of(data, fit.difficulty), prior.mean, prior.precision)
    unsure = own.spread(np.column_stack([fit.slopes, fit.sharpness, fit.ability]))[data.met][:, diagonal, diagonal]
    slopes = fit.slopes[data.met]
    mean = np.median(slopes, axis=0)
    variance = ((slopes - mean) ** 2 + unsure).mean(axis=0)
    difficulty, doubt = JointDifficulty(data, prior).difficulty_moments(fit.joint)
    spread = float(np.sqrt((difficulty**2 + doubt).mean())) if difficulty.any() else prior.difficulty_sd
    return mean, np.maximum(np.sqrt(variance), _SMALLEST_SD), spread
