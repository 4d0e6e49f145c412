"""The two likelihoods of length_control: all difficulties at once, and each model by itself given them.

Both are concave with their priors, and both exploit their shape: the joint one is an arrow matrix whose difficulties
are eliminated from every Newton step, the other a batch of small systems.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import expit, log_expit

from judgebench.stats.control_prior import ControlPrior
from judgebench.stats.controls import Comparisons
from judgebench.stats.table import Floats

ABILITY_PRECISION = 0.01  # keeps a model that always won or always lost finite; moves nobody else by 0.01 points


def columns_of(data: Comparisons, difficulty: Floats) -> Floats:
    """(m, i, f + 2) controls, difficulty and 1, for difficulties (i,), or (m, i) as each battle takes them."""
    shown = np.broadcast_to(difficulty, data.weight.shape)[:, :, None]
    return np.concatenate([data.control, shown, np.ones_like(shown)], axis=2)


@dataclass(frozen=True, eq=False)
class OwnCoefficients:
    """The models' likelihoods side by side: independent, so solved as a batch of small systems."""

    data: Comparisons
    columns: Floats  # (m, i, f + 2) controls, difficulty, 1
    mean: Floats  # (f + 1,)
    prior_precision: Floats  # (f + 1, f + 1)

    @cached_property
    def centre(self) -> Floats:
        return np.append(self.mean, 0.0)

    @cached_property
    def precision(self) -> Floats:
        p = len(self.centre)
        full = np.diag(np.full(p, ABILITY_PRECISION))
        full[: p - 1, : p - 1] = self.prior_precision
        return full

    def value(self, x: Floats) -> float:
        own = x.reshape(len(self.data.models), -1)
        gap = own - self.centre
        return _log_likelihood(self.data, self._logits(own)) - 0.5 * float(((gap @ self.precision) * gap).sum())

    def newton(self, x: Floats) -> tuple[Floats, Floats]:
        own = x.reshape(len(self.data.models), -1)
        p = expit(self._logits(own))
        residual = self.data.weight * (self.data.preference - p)
        gradient = np.matmul(residual[:, None, :], self.columns)[:, 0] - (own - self.centre) @ self.precision
        return gradient.ravel(), np.linalg.solve(self._information(p), gradient[:, :, None]).ravel()

    def spread(self, own: Floats) -> Floats:
        """(m, f + 2, f + 2) covariance of each model's coefficients around ``own``, by Laplace's approximation."""
        spread: Floats = np.linalg.inv(self._information(expit(self._logits(own)))).astype(np.float64)
        return spread

    def _information(self, p: Floats) -> Floats:
        turned = self.columns.transpose(0, 2, 1) * (self.data.weight * p * (1 - p))[:, None, :]
        information: Floats = np.matmul(turned, self.columns) + self.precision
        return information

    def _logits(self, own: Floats) -> Floats:
        logits: Floats = np.matmul(self.columns, own[:, :, None])[:, :, 0]
        return logits


@dataclass(frozen=True, eq=False)
class JointDifficulty:
    """All models and difficulties at once, sharpness 1; the difficulties are eliminated from each Newton step."""

    data: Comparisons
    prior: ControlPrior

    @cached_property
    def columns(self) -> Floats:
        return np.concatenate([self.data.control, np.ones((*self.data.weight.shape, 1))], axis=2)

    @cached_property
    def centre(self) -> Floats:
        return np.append(self.prior.joint_mean, 0.0)

    @cached_property
    def precision(self) -> Floats:
        return np.append(self.prior.joint_precision, ABILITY_PRECISION)

    @cached_property
    def ridge(self) -> float:
        return 1.0 / self.prior.difficulty_sd**2

    def value(self, x: Floats) -> float:
        own, d = self._split(x)
        penalty = (self.precision * (own - self.centre) ** 2).sum() + self.ridge * (d**2).sum()
        return _log_likelihood(self.data, self._logits(own, d)) - 0.5 * float(penalty)

    def newton(self, x: Floats) -> tuple[Floats, Floats]:
        own, d = self._split(x)
        p = expit(self._logits(own, d))
        residual, curvature = self.data.weight * (self.data.preference - p), self.data.weight * p * (1 - p)
        mine = np.matmul(residual[:, None, :], self.columns)[:, 0] - self.precision * (own - self.centre)
        theirs = residual.sum(axis=0) - self.ridge * d
        step, shift = self._eliminate(curvature, mine, theirs)
        return np.concatenate([mine.ravel(), theirs]), np.concatenate([step, shift])

    def difficulty_moments(self, x: Floats) -> tuple[Floats, Floats]:
        """(i,) difficulties at ``x``, and their variances given everything else."""
        own, d = self._split(x)
        p = expit(self._logits(own, d))
        return d, 1 / ((self.data.weight * p * (1 - p)).sum(axis=0) + self.ridge)

    def _eliminate(self, curvature: Floats, mine: Floats, theirs: Floats) -> tuple[Floats, Floats]:
        """Solve the arrow-shaped system: a block a model, a diagonal for the difficulties, and what couples them."""
        m, f = mine.shape
        turned = self.columns.transpose(0, 2, 1) * curvature[:, None, :]
        coupling = turned.reshape(m * f, -1)
        diagonal = curvature.sum(axis=0) + self.ridge
        system = -(coupling / diagonal) @ coupling.T
        blocks = system.reshape(m, f, m, f)
        each = np.arange(m)
        blocks[each, :, each, :] += np.matmul(turned, self.columns) + np.diag(self.precision)
        step = np.linalg.solve(system, mine.ravel() - coupling @ (theirs / diagonal))
        return step, (theirs - step @ coupling) / diagonal

    def _split(self, x: Floats) -> tuple[Floats, Floats]:
        size = self.columns.shape[0] * self.columns.shape[2]
        return x[:size].reshape(self.columns.shape[0], -1), x[size:]

    def _logits(self, own: Floats, d: Floats) -> Floats:
        logits: Floats = np.matmul(self.columns, own[:, :, None])[:, :, 0] + d
        return logits


def _log_likelihood(data: Comparisons, logits: Floats) -> float:
    y = data.preference
    return float((data.weight * (y * log_expit(logits) + (1 - y) * log_expit(-logits))).sum())
