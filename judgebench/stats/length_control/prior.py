"""What is assumed of slopes and difficulties before the verdicts are seen, and where each number comes from.

``ALPACA_EVAL`` stands in for two things that AlpacaEval's estimator downloads: its gamed-baseline rows, which pin the
length slope and the sharpness of every model, and its table of difficulties. It was read off the published
coefficients and difficulties, not off the published length-controlled win rates: where a coefficient vector is the
optimum of likelihood plus penalty, the likelihood's gradient equals the penalty's. Over the 22 models whose verdicts
and coefficients are both public these gradients are linear in the coefficients with a symmetric matrix, which is the
precision of the implied Gaussian, and vanish at its mean. The joint stage's slope is the one at which the fitted
difficulties carry no more of the common length difference than the published ones do.

For another judge, baseline or benchmark use ``judgebench.stats.empirical_prior``.
"""

from dataclasses import dataclass

import numpy as np

from judgebench.stats.verdict_table import Floats


@dataclass(frozen=True, slots=True, eq=False)
class ControlPrior:
    """Independent Gaussians a model; controls come first, in the order of the data's."""

    mean: Floats  # (f + 1,) slopes of the controls, then sharpness
    precision: Floats  # (f + 1, f + 1) inverse covariance of these
    joint_mean: Floats  # (f,) slopes while the difficulties are fitted
    joint_precision: Floats  # (f,)
    difficulty_sd: float  # of the difficulties: their prior, and the scale the fitted ones are brought to
    source: str


ALPACA_EVAL = ControlPrior(
    mean=np.array([-1.86, 0.77]),
    precision=np.array([[12.0, 7.0], [7.0, 42.0]]),
    joint_mean=np.array([-0.8]),
    joint_precision=np.array([100.0]),
    difficulty_sd=1.48,
    source="AlpacaEval 2: implied by the published coefficients",
)
