"""Win rates and ratings anchored to people: a judge's verdicts everywhere, corrected by human labels on a few.

Prediction-powered inference: the judge's mean over the unlabelled instructions, plus what people say differently on
the labelled ones (Angelopoulos et al. 2023); a weight lambda on the judge chosen so that the interval is, in large
samples, never wider than with the labels alone (PPI++, Angelopoulos, Duchi and Zrnic 2023, section 6). Valid whatever
the judge's biases, as long as the labelled instructions are a random sample of all.

Where the labels come from elsewhere, a share of positives is corrected for the judge's known sensitivity and
specificity (Rogan and Gladen 1978; interval of Lee et al. 2025, "How to correctly report LLM-as-a-judge evaluations").
That assumes that the judge errs at the same rates on the test items as it did there, and equally for every model.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from scipy.special import expit

from judgebench.errors import StatisticsError
from judgebench.estimate import Estimate
from judgebench.stats.bradley_terry import PointFit, fit_within_parts
from judgebench.stats.bradley_terry.separation import connectivity
from judgebench.stats.intervals import critical_value, normal_estimate
from judgebench.stats.verdict_table import Battles, Floats, PairCounts, VerdictTable, average_battles
from judgebench.stats.win_rate import instruction_sums

__all__ = [
    "AnchoredRatings", "CorrectedShare", "JudgeErrorRates", "anchored_ratings", "anchored_win_rates",
    "corrected_share",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class AnchoredMean:
    """A mean of human labels, estimated with a judge's help."""

    estimate: float
    variance: float
    weight: float  # lambda in [0, 1]; 0 ignores the judge
    labels_only: float
    labels_only_variance: float
    labelled: int
    unlabelled: int

    @property
    def standard_error(self) -> float:
        return float(np.sqrt(self.variance))

    def interval(self, level: float = 0.95) -> Estimate:
        return normal_estimate(
            self.estimate, self.standard_error, level=level, n=self.labelled, method="prediction-powered"
        )


def anchored_mean(
    labels: Floats, judged: Floats, elsewhere: Floats, *, weight: float | None = None, correction: int = 0
) -> AnchoredMean:
    """The mean label, from ``labels`` and the judge's ``judged`` on the same n items, and ``elsewhere`` on N others.

    ``weight`` None tunes lambda. ``correction`` 1 divides variances by n - 1 instead of n; 0 is ppi_py's convention.
    Raises StatisticsError for fewer than two labels, nothing elsewhere, different lengths or values not finite.
    """
    y, f, more = (np.asarray(column, dtype=np.float64) for column in (labels, judged, elsewhere))
    if y.shape != f.shape or y.ndim != 1 or more.ndim != 1 or len(y) < 2 or len(more) < 1:
        raise StatisticsError("anchoring needs at least two labels, as many judged values, and judged values elsewhere")
    if not all(np.isfinite(column).all() for column in (y, f, more)):
        raise StatisticsError("labels and judged values must be finite; leave items without a verdict out, counted")
    used = _tuned_weight(y, f, more) if weight is None else weight
    n, rest = len(y), len(more)
    return AnchoredMean(
        estimate=float(used * more.mean() + (y - used * f).mean()),
        variance=float(used**2 * _var(more, correction) / rest + _var(y - used * f, correction) / n),
        weight=used,
        labels_only=float(y.mean()),
        labels_only_variance=_var(y, correction) / n,
        labelled=n,
        unlabelled=rest,
    )


def anchored_win_rates(
    human: VerdictTable, judge: VerdictTable, *, baseline: str | None = None, weight: float | None = None
) -> dict[str, AnchoredMean]:
    """By model, its win rate in people's eyes; both tables under the same names.

    An instruction is labelled for a model when both tables have a battle of it there, and otherwise the judge's alone.
    Each instruction is one item (its battles averaged), so the variance is clustered by instruction. Models with fewer
    than two labelled instructions, or none besides, are left out.
    Raises StatisticsError when the tables' names differ, UnknownName for an unknown baseline.
    """
    if (human.models, human.instructions) != (judge.models, judge.instructions):
        raise StatisticsError("human and judge tables must share their models and instructions, in order")
    labels, verdicts = (_per_instruction(table, baseline) for table in (human, judge))
    results = {}
    for m, name in enumerate(human.models):
        judged = ~np.isnan(verdicts[:, m])
        both = judged & ~np.isnan(labels[:, m])
        alone = judged & ~both
        if name != baseline and both.sum() >= 2 and alone.any():
            columns = labels[both, m], verdicts[both, m], verdicts[alone, m]
            results[name] = anchored_mean(*columns, weight=weight, correction=1)
    return results


def _var(values: Floats, correction: int) -> float:
    return float(values.var(ddof=correction)) if len(values) > correction else 0.0


def _tuned_weight(y: Floats, f: Floats, more: Floats) -> float:
    """Equation 6.2 of PPI++ with ppi_py's divisors, clipped to [0, 1]."""
    together = np.concatenate([f, more])
    spread = float(together.var(ddof=1))
    if spread <= 0:
        return 0.0
    covariance = float(((y - y.mean()) * (f - f.mean())).mean())
    return min(max(covariance / ((1 + len(y) / len(more)) * spread), 0.0), 1.0)


def _per_instruction(table: VerdictTable, baseline: str | None) -> Floats:
    """(instructions, k) mean preference; NaN without a battle."""
    sums = instruction_sums(table, baseline=baseline)
    with np.errstate(invalid="ignore"):
        means: Floats = sums.won / sums.battles
    return means


@dataclass(frozen=True, slots=True, eq=False)
class AnchoredRatings:
    """Aligned to ``models``; natural log-odds, summing to zero."""

    models: tuple[str, ...]
    theta: Floats  # (k,)
    covariance: Floats  # (k, k)
    weight: float  # lambda in [0, 1]
    labelled: int  # instructions
    unlabelled: int

    @property
    def standard_error(self) -> Floats:
        """(k,)"""
        errors: Floats = np.sqrt(np.maximum(np.diag(self.covariance), 0.0))
        return errors


def anchored_ratings(human: VerdictTable, judge: VerdictTable, *, weight: float | None = None) -> AnchoredRatings:
    """Ratings in people's eyes; both tables under the same names. ``weight`` None tunes lambda.

    Raises StatisticsError when names differ, when fewer than two instructions are labelled or none is not, or when the
    verdicts do not link all models in both directions.
    """
    if (human.models, human.instructions) != (judge.models, judge.instructions):
        raise StatisticsError("human and judge tables must share their models and instructions, in order")
    sample = _Sample.of(average_battles(human), average_battles(judge))
    chosen = _tuned_rating_weight(sample, _solve(sample, 1.0)) if weight is None else weight
    point = _solve(sample, chosen)
    inverse = _inverse(point)
    labelled = (
        sample.scores(point.theta, sample.human) - chosen * sample.scores(point.theta, sample.paired)
    ) / sample.n
    alone = chosen * sample.scores(point.theta, sample.alone) / sample.rest
    covariance = inverse @ (_scatter(labelled[sample.is_labelled]) + _scatter(alone[sample.is_alone])) @ inverse
    return AnchoredRatings(
        models=human.models,
        theta=point.theta,
        covariance=covariance,
        weight=chosen,
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
        labelled, judged = _keys(human), _keys(judge)
        human, paired = human.select(np.isin(labelled, judged)), judge.select(np.isin(judged, labelled))
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
    pieces = [(sample.human, 1 / sample.n), (sample.paired, -weight / sample.n), (sample.alone, weight / sample.rest)]
    return _fitted(models, pieces)


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


def _tuned_rating_weight(sample: _Sample, point: PointFit) -> float:
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


@dataclass(frozen=True, slots=True)
class JudgeErrorRates:
    """What is known of a binary judge: shares of right verdicts, and on how many labelled items."""

    specificity: float  # on items that people call negative
    negatives: int
    sensitivity: float  # on items that people call positive
    positives: int


@dataclass(frozen=True, slots=True)
class CorrectedShare:
    estimate: Estimate  # in [0, 1]; its interval is built around ``centre``
    centre: float  # the adjusted estimate
    shift: float
    standard_error: float


def corrected_share(share: float, items: int, rates: JudgeErrorRates, *, level: float = 0.95) -> CorrectedShare:
    """The share of positives, given that the judge called ``share`` of ``items`` positive.

    Raises StatisticsError for shares outside [0, 1], no items or labels, or a judge no better than chance.
    """
    c = rates
    if not all(0 <= value <= 1 for value in (share, c.specificity, c.sensitivity)):
        raise StatisticsError("a share, a sensitivity and a specificity lie in [0, 1]")
    if min(items, c.negatives, c.positives) < 1:
        raise StatisticsError("correcting needs judged items and calibration labels of both classes")
    if c.specificity + c.sensitivity <= 1:
        raise StatisticsError(
            "this judge is no better than chance (sensitivity + specificity <= 1): nothing to correct"
        )
    z = critical_value(level)
    p, n = (items * share + z**2 / 2) / (items + z**2), items + z**2
    q0, m0 = (c.negatives * c.specificity + 1) / (c.negatives + 2), c.negatives + 2
    q1, m1 = (c.positives * c.sensitivity + 1) / (c.positives + 2), c.positives + 2
    centre = (p + q0 - 1) / (q0 + q1 - 1)
    estimate = _clip((share + c.specificity - 1) / (c.specificity + c.sensitivity - 1))
    noise0, noise1 = q0 * (1 - q0) / m0, q1 * (1 - q1) / m1
    held = _clip(centre)
    shift = 2 * z**2 * (-(1 - held) * noise0 + held * noise1)
    se = sqrt(p * (1 - p) / n + (1 - held) ** 2 * noise0 + held**2 * noise1) / (q0 + q1 - 1)
    ends = (_clip(centre + shift - z * se), _clip(centre + shift + z * se))
    corrected = Estimate(estimate, *ends, level, "Rogan-Gladen, adjusted", items)
    return CorrectedShare(corrected, centre, shift, se)


def _clip(value: float) -> float:
    return min(max(value, 0.0), 1.0)
