"""Bradley-Terry ratings anchored to people: the judge on every instruction, human verdicts on a random few.

The estimating equation of PPI++ (Angelopoulos, Duchi and Zrnic 2023, section 4) with the Bradley-Terry score, summed
by instruction: lambda times the judge's mean score over unlabelled instructions, plus the mean over labelled ones of
people's score minus lambda times the judge's. It is a Bradley-Terry fit to combined pair sums, so Newton's method
serves. Both tables are averaged into battles first, and on labelled instructions the judge counts only in battles that
people decided, so that both speak of the same pairs.
"""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit, ndtr

from judgebench.errors import StatisticsError
from judgebench.stats.battles import Battles, average_battles
from judgebench.stats.bradley_terry import PointFit, fit_within_parts
from judgebench.stats.connectivity import connectivity
from judgebench.stats.pair_counts import PairCounts
from judgebench.stats.table import Floats, VerdictTable


@dataclass(frozen=True, slots=True, eq=False)
class AnchoredRatings:
    """Aligned to ``models``; natural log-odds, summing to zero."""

    models: tuple[str, ...]
    theta: Floats  # (k,)
    covariance: Floats  # (k, k)
    weight: float  # lambda in [0, 1]
    judge_theta: Floats  # (k,) from the judge alone, on all instructions
    judge_bias: Floats  # (k,) judge_theta minus theta
    judge_bias_errors: Floats  # (k,)
    labelled: int  # instructions
    unlabelled: int

    @property
    def standard_error(self) -> Floats:
        """(k,)"""
        errors: Floats = np.sqrt(np.maximum(np.diag(self.covariance), 0.0))
        return errors

    @property
    def bias_p_values(self) -> Floats:
        """(k,) two-sided, for "the judge rates this model as people do"."""
        with np.errstate(invalid="ignore", divide="ignore"):
            p: Floats = 2 * ndtr(-np.abs(self.judge_bias) / self.judge_bias_errors)
        return p


def anchored_ratings(human: VerdictTable, judge: VerdictTable, *, weight: float | None = None) -> AnchoredRatings:
    """Ratings in people's eyes; both tables under the same names. ``weight`` None tunes lambda.

    Raises StatisticsError when names differ, when fewer than two instructions are labelled or none is not, or when the
    verdicts do not link all models in both directions.
    """
    if (human.models, human.instructions) != (judge.models, judge.instructions):
        raise StatisticsError("human and judge tables must share their models and instructions, in order")
    sample = _Sample.of(average_battles(human), average_battles(judge))
    chosen = _tuned_weight(sample, _solve(sample, 1.0)) if weight is None else weight
    point = _solve(sample, chosen)
    inverse = _inverse(point)
    labelled = (
        sample.scores(point.theta, sample.human) - chosen * sample.scores(point.theta, sample.paired)
    ) / sample.n
    alone = chosen * sample.scores(point.theta, sample.alone) / sample.rest
    judged = _judge_fit(sample)
    both = (_inverse(judged) / (sample.n + sample.rest)).T
    shifts = [
        labelled @ inverse - sample.scores(judged.theta, sample.paired) @ both,
        alone @ inverse - sample.scores(judged.theta, sample.alone) @ both,
    ]
    covariance = inverse @ (_scatter(labelled[sample.is_labelled]) + _scatter(alone[sample.is_alone])) @ inverse
    spread = _scatter(shifts[0][sample.is_labelled]) + _scatter(shifts[1][sample.is_alone])
    return AnchoredRatings(
        models=human.models,
        theta=point.theta,
        covariance=covariance,
        weight=chosen,
        judge_theta=judged.theta,
        judge_bias=judged.theta - point.theta,
        judge_bias_errors=np.sqrt(np.diag(spread)),
        labelled=sample.n,
        unlabelled=sample.rest,
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Sample:
    """Battles by people; the judge's on the same; the judge's on instructions without any label."""

    human: Battles
    paired: Battles
    alone: Battles
    is_labelled: np.ndarray  # (instructions,)
    is_alone: np.ndarray  # (instructions,)

    @classmethod
    def of(cls, human: Battles, judge: Battles) -> "_Sample":
        said, found = _keys(human), _keys(judge)
        human, paired = human.select(np.isin(said, found)), judge.select(np.isin(found, said))
        is_labelled = np.zeros(len(human.instructions), dtype=bool)
        is_labelled[human.instruction] = True
        alone = judge.select(~is_labelled[judge.instruction])
        is_alone = np.zeros(len(human.instructions), dtype=bool)
        is_alone[alone.instruction] = True
        if is_labelled.sum() < 2 or not is_alone.any():
            raise StatisticsError("anchoring needs two or more labelled instructions, and some that only the judge saw")
        return cls(human, paired, alone, is_labelled, is_alone)

    @property
    def n(self) -> int:
        return int(self.is_labelled.sum())

    @property
    def rest(self) -> int:
        return int(self.is_alone.sum())

    def scores(self, theta: Floats, battles: Battles) -> Floats:
        """(instructions, k) sums of (preference - probability) (e_first - e_second)."""
        shape = (len(battles.instructions), len(battles.models))
        residual = battles.preference - expit(theta[battles.first] - theta[battles.second])
        base = battles.instruction.astype(np.int64) * shape[1]
        size = shape[0] * shape[1]
        plus = np.bincount(base + battles.first, weights=residual, minlength=size)
        minus = np.bincount(base + battles.second, weights=residual, minlength=size)
        return np.asarray((plus - minus).reshape(shape), dtype=np.float64)


def _solve(sample: _Sample, weight: float) -> PointFit:
    """The combined fit, per labelled instruction."""
    models = sample.human.models
    pieces = [
        (sample.human, 1 / sample.n),
        (sample.paired, -weight / sample.n),
        (sample.alone, weight / sample.rest),
    ]
    return _fitted(models, pieces)


def _judge_fit(sample: _Sample) -> PointFit:
    each = 1 / (sample.n + sample.rest)
    return _fitted(sample.human.models, [(sample.paired, each), (sample.alone, each)])


def _fitted(models: tuple[str, ...], pieces: list[tuple[Battles, float]]) -> PointFit:
    wins, verdicts = np.zeros((2, len(models), len(models)))
    for battles, factor in pieces:
        np.add.at(wins, (battles.first, battles.second), factor * battles.preference)
        np.add.at(wins, (battles.second, battles.first), factor * (1 - battles.preference))
        np.add.at(verdicts, (battles.first, battles.second), factor)
        np.add.at(verdicts, (battles.second, battles.first), factor)
    wins, verdicts = (np.where(np.abs(m) < 1e-12, 0.0, m) for m in (wins, verdicts))
    graph = connectivity(wins, verdicts)
    if graph.parts != 1 or (graph.part < 0).any() or (verdicts < 0).any():
        raise StatisticsError(
            "anchored ratings need verdicts that link all models by wins in both directions; leave out models that"
            " always won or lost, or label more instructions"
        )
    return fit_within_parts(PairCounts(models, wins, np.zeros_like(wins), verdicts), graph)


def _inverse(point: PointFit) -> Floats:
    """Pseudo-inverse of the information on the space of ratings that sum to zero."""
    information = point.likelihood.derivatives(point.theta)[1] - point.likelihood.anchor
    return np.asarray(np.linalg.pinv(information, hermitian=True), dtype=np.float64)


def _scatter(rows: Floats) -> Floats:
    """Covariance of the sum of independent rows: squares around their mean, with the factor G / (G - 1)."""
    if len(rows) < 2:
        return np.zeros((rows.shape[1], rows.shape[1]))
    centred = rows - rows.mean(axis=0)
    scatter: Floats = centred.T @ centred * (len(rows) / (len(rows) - 1))
    return scatter


def _tuned_weight(sample: _Sample, point: PointFit) -> float:
    """PPI++ proposition 2 with scores summed by instruction, clipped to [0, 1]."""
    inverse = _inverse(point)
    human, paired = (sample.scores(point.theta, b)[sample.is_labelled] @ inverse for b in (sample.human, sample.paired))
    alone = sample.scores(point.theta, sample.alone)[sample.is_alone] @ inverse
    together = np.concatenate([paired, alone])
    spread = float(together.var(axis=0, ddof=1).sum())
    shared = float(((human - human.mean(axis=0)) * (paired - paired.mean(axis=0))).mean(axis=0).sum())
    return min(max(shared / ((1 + sample.n / sample.rest) * spread), 0.0), 1.0) if spread > 0 else 0.0


def _keys(battles: Battles) -> np.ndarray:
    k = len(battles.models)
    return (battles.instruction.astype(np.int64) * k + battles.first) * k + battles.second
