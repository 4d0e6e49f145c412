"""The fits behind rates at equal controls: with the instructions' difficulties, and of each model by itself.

With difficulties there are two stages, as published: the difficulties come from one joint fit of all models with
sharpness 1; then each model is fitted with them given. Alone, a model's preferences depend on its ability and its
controls, and the slope is then that of the average over instructions, which is flatter (Gail, Wieand and Piantadosi
1984): such a fit has a prior of its own.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from judgebench.errors import StatisticsError
from judgebench.stats.length_control.likelihood import (
    Comparisons,
    ControlPrior,
    JointDifficulty,
    OwnCoefficients,
    SlopePrior,
    chance,
    columns_of,
)
from judgebench.stats.newton import STEP_TOLERANCE, maximise
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


def fit_controlled(
    data: Comparisons,
    prior: ControlPrior,
    *,
    place: NDArray[np.intp] | None = None,
    weights: Floats | None = None,
    start: ControlFit | None = None,
    difficulty: Floats | None = None,
    tolerance: float = STEP_TOLERANCE,
) -> ControlFit:
    """Both stages once, or the second alone where ``difficulty`` (i,) is given.

    ``weights`` (i,) weigh instructions; ``start`` is a fit to begin from.
    ``place`` (m, i): which instruction's difficulty each battle takes; its own where None.
    Raises StatisticsError when the prior does not have the controls of ``data``, or a fit does not converge.
    """
    f = len(data.controls)
    if prior.mean.shape[-1] != f + 1:
        raise StatisticsError(f"the prior is for {prior.mean.shape[-1] - 1} controls, the data have {f}")
    data = weighed(data, weights)
    joint = np.zeros(0)
    if difficulty is None:
        joint = _difficulties(data, prior, start, tolerance)
        difficulty = joint[len(data.models) * (f + 1) :] - joint[len(data.models) * (f + 1) :].mean()
        difficulty = difficulty / (difficulty.std() or 1.0) * prior.difficulty_sd
    elif np.shape(difficulty) != (len(data.instructions),) or not np.isfinite(difficulty).all():
        raise StatisticsError(f"difficulties must be {len(data.instructions)} finite numbers, one an instruction")
    columns = columns_of(data, difficulty if place is None else difficulty[place])
    before = None if start is None else np.column_stack([start.slopes, start.sharpness, start.ability])
    optimum = _own(data, columns, prior.mean, prior.precision, before, tolerance)
    return ControlFit(optimum[:, :f], optimum[:, f] * difficulty.any(), optimum[:, f + 1], difficulty, joint)


def controlled_rate(fit: ControlFit, weight: Floats, place: NDArray[np.intp] | None = None) -> Floats:
    """(m,) mean probability at controls 0, over each model's battles under ``weight`` (m, i); NaN without any."""
    shown = fit.difficulty[None, :] if place is None else fit.difficulty[place]
    wins = chance(fit.ability[:, None] + fit.sharpness[:, None] * shown)
    with np.errstate(invalid="ignore"):
        rate: Floats = (wins * weight).sum(axis=1) / weight.sum(axis=1)
    return rate


def fit_alone(
    data: Comparisons, prior: SlopePrior, *, start: Floats | None = None, tolerance: float = STEP_TOLERANCE
) -> Floats:
    """(m, f + 1) slopes, then abilities: the log-odds of rates at equal controls. ``start`` is a fit to begin from.

    Raises StatisticsError when a fit does not converge.
    """
    return _own(data, columns_of(data), prior.mean, prior.precision, start, tolerance)


def weighed(data: Comparisons, weights: Floats | None) -> Comparisons:
    """``data`` with instructions weighed by ``weights`` (i,)."""
    return data if weights is None else replace(data, weight=data.weight * weights)


def places(data: Comparisons, order: NDArray[np.integer] | None) -> NDArray[np.intp] | None:
    """(m, i) which instruction's difficulty each battle takes, joined by row position; None: its own.

    Raises StatisticsError when ``order`` does not hold each instruction's code once.
    """
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


def _own(
    data: Comparisons, columns: Floats, mean: Floats, precision: Floats, start: Floats | None, tolerance: float
) -> Floats:
    """(m, p) each model's coefficients, the last its ability."""
    m, p = len(data.models), columns.shape[1]
    begin = np.column_stack([np.broadcast_to(mean, (m, p - 1)), np.full(m, _START)]) if start is None else start
    own = OwnCoefficients(data, columns, mean, precision)
    return maximise(own, begin.ravel(), scale=_scale(data), tolerance=tolerance).x.reshape(m, p)


def _scale(data: Comparisons) -> float:
    return max(float(data.weight.sum(axis=1).max(initial=0.0)), 1.0)


def _difficulties(data: Comparisons, prior: ControlPrior, start: ControlFit | None, tolerance: float) -> Floats:
    """Where the joint likelihood is largest: coefficients of all models, then (i,) difficulties; see JointDifficulty.

    Zeros below FEWEST_MODELS.
    """
    m, i = data.weight.shape
    per_model = np.tile([*prior.joint_mean, _START], (m, 1)).ravel()
    if data.met.sum() < FEWEST_MODELS:
        return np.zeros(len(per_model) + i)
    begin = np.concatenate([per_model, np.zeros(i)]) if start is None else start.joint
    return maximise(JointDifficulty(data, prior), begin, scale=_scale(data), tolerance=tolerance).x
