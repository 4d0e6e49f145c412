"""Win rates and ratings anchored to people: a judge's verdicts everywhere, corrected by human labels on a few.

Prediction-powered inference: the judge's mean over the unlabelled instructions, plus what people say differently on
the labelled ones (Angelopoulos et al. 2023); a weight lambda on the judge chosen so that the interval is, in large
samples, never wider than with the labels alone (PPI++, Angelopoulos, Duchi and Zrnic 2023, section 6). Valid whatever
the judge's biases, as long as the labelled instructions are a random sample of all.

A few labels that are alike, or that all agree with the judge, show no variance, though others would. So intervals and
comparisons imagine four labelled items more, one of each kind: label and judge say (0, 0), (0, 1), (1, 0) and (1, 1)
(after Agresti and Caffo 2000, The American Statistician 54, 280-288). The mean that is shown is the plain one.

Where the labels come from elsewhere, a share of positives is corrected for the judge's known sensitivity and
specificity (Rogan and Gladen 1978). Its interval combines those of the three shares without a normal approximation of
their ratio: MOVER (Zou and Donner 2008, Statistics in Medicine 27, 1693-1702), inverted as Fieller does. It holds near
0 and 1 and after few labels, where the adjusted one of Lang and Reiczigel (2014), recommended by Lee et al. (2025, "How
to correctly report LLM-as-a-judge evaluations"), falls to 91 %. It is assumed that the judge errs at the same rates on
the test items as it did there, and equally for every model.
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import hypot, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from judgebench.errors import StatisticsError
from judgebench.estimate import Estimate
from judgebench.stats.bradley_terry import PointFit, doubt, effective_clusters, fit_within_parts
from judgebench.stats.bradley_terry.separation import connectivity
from judgebench.stats.intervals import critical_value
from judgebench.stats.method import Compared
from judgebench.stats.verdict_table import Battles, Floats, PairCounts, VerdictTable, average_battles
from judgebench.stats.win_rate import instruction_sums

__all__ = [
    "AnchoredRatings", "CorrectedShare", "JudgeErrorRates", "anchored_ratings", "anchored_win_rates",
    "corrected_share",
]  # fmt: skip
_KINDS = np.array([[0.0, 0.0, 1.0, 1.0], [0.0, 1.0, 0.0, 1.0]])  # of imagined items: label, judge
_CORRECTED = "Rogan-Gladen, MOVER of Agresti-Coull"
_IMAGINED = "prediction-powered with t and four imagined pairs"


@dataclass(frozen=True, slots=True, eq=False)
class AnchoredItems:
    """n items with a label and the judge's value, N others with the judge's value alone; all in [0, 1]."""

    labels: Floats  # (n,)
    judged: Floats  # (n,)
    elsewhere: Floats  # (N,)

    def imagining(self, amount: float, weight: float | None) -> "HeldMean":
        """The mean with ``amount`` imagined items of each of four kinds; ``weight`` None tunes lambda with them."""
        n, rest = len(self.labels), len(self.elsewhere)
        label, judged = np.append(self.labels, _KINDS[0]), np.append(self.judged, _KINDS[1])
        share = np.append(np.ones(n), np.full(4, amount))
        share /= share.sum()
        about = judged - share @ judged
        spread, shared = share @ about**2, share @ (about * label)
        used = min(max(shared / ((1 + n / rest) * spread), 0.0), 1.0) if weight is None else weight
        rectifier = label - used * judged
        moved = share * (rectifier - share @ rectifier)
        mean = float(self.elsewhere.mean())
        return HeldMean(
            value=float(share @ rectifier) + used * mean,
            labelled=moved[:n],
            alone=used * (self.elsewhere - mean) / rest,
            imagined=float((moved[n:] ** 2).sum() / amount),
        )


@dataclass(frozen=True, slots=True, eq=False)
class HeldMean:
    """An anchored mean with imagined items, as sure as may be."""

    value: float
    labelled: Floats  # (n,) what each labelled item moves it by
    alone: Floats  # (N,) what each of the others does
    imagined: float  # variance that the imagined items add

    @property
    def standard_error(self) -> float:
        return sqrt(float((self.labelled**2).sum() + (self.alone**2).sum()) + self.imagined)


@dataclass(frozen=True, slots=True)
class AnchoredMean:
    """A mean of human labels in [0, 1], estimated with a judge's help."""

    estimate: float
    variance: float
    weight: float  # lambda in [0, 1]; 0 ignores the judge
    labels_only: float
    labels_only_variance: float
    labelled: int
    unlabelled: int
    items: AnchoredItems
    tuned: bool  # whether lambda was

    @property
    def standard_error(self) -> float:
        return float(np.sqrt(self.variance))

    def imagining(self, amount: float) -> HeldMean:
        """``AnchoredItems.imagining``, with the weight on the judge that was given, if any."""
        return self.items.imagining(amount, None if self.tuned else self.weight)

    def interval(self, level: float = 0.95) -> Estimate:
        """With z^2 / 4 imagined items of each kind, by Student's t; it holds the estimate."""
        held = self.imagining(critical_value(level) ** 2 / 4)
        half = critical_value(level, self.labelled - 1) * held.standard_error
        lower, upper = min(held.value - half, self.estimate), max(held.value + half, self.estimate)
        return Estimate(self.estimate, _clip(lower), _clip(upper), level, _IMAGINED, self.labelled)


def anchored_mean(
    labels: Floats, judged: Floats, elsewhere: Floats, *, weight: float | None = None, correction: int = 0
) -> AnchoredMean:
    """The mean label, from ``labels`` and the judge's ``judged`` on the same n items, and ``elsewhere`` on N others.

    ``weight`` None tunes lambda. ``correction`` 1 divides variances by n - 1 instead of n; 0 is ppi_py's convention.
    Raises StatisticsError for fewer than two labels, nothing elsewhere, different lengths or values outside [0, 1].
    """
    y, f, more = (np.asarray(column, dtype=np.float64) for column in (labels, judged, elsewhere))
    if y.shape != f.shape or y.ndim != 1 or more.ndim != 1 or len(y) < 2 or len(more) < 1:
        raise StatisticsError("anchoring needs at least two labels, as many judged values, and judged values elsewhere")
    if not all(((column >= 0) & (column <= 1)).all() for column in (y, f, more)):
        raise StatisticsError("labels and judged values lie in [0, 1]; leave items without a verdict out, counted")
    used = _tuned_weight(y, f, more) if weight is None else weight
    n, rest = len(y), len(more)
    return AnchoredMean(
        estimate=_clip(float(used * more.mean() + (y - used * f).mean())),
        variance=float(used**2 * _var(more, correction) / rest + _var(y - used * f, correction) / n),
        weight=used,
        labels_only=float(y.mean()),
        labels_only_variance=_var(y, correction) / n,
        labelled=n,
        unlabelled=rest,
        items=AnchoredItems(y, f, more),
        tuned=weight is None,
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
    parts = _Parts.of(human, judge, baseline)
    results = {}
    for m, name in enumerate(human.models):
        both, alone = parts.both[:, m], parts.alone[:, m]
        if name != baseline and both.sum() >= 2 and alone.any():
            columns = parts.labels[both, m], parts.verdicts[both, m], parts.verdicts[alone, m]
            results[name] = anchored_mean(*columns, weight=weight, correction=1)
    return results


def compared_win_rates(
    human: VerdictTable, judge: VerdictTable, means: Mapping[str, AnchoredMean], *, baseline: str | None = None
) -> Compared:
    """The ``anchored_win_rates`` of these tables as they are told apart: with one imagined label for and one against.

    That is half an imagined item of each of the four kinds. Models of one instruction share what is odd about it.
    """
    parts, k = _Parts.of(human, judge, baseline), len(human.models)
    moved, value, extra, degrees = np.zeros_like(parts.labels), *np.full((3, k), np.nan)
    for name, mean in means.items():
        m, held = human.model_code(name), mean.imagining(0.5)
        moved[parts.both[:, m], m], moved[parts.alone[:, m], m] = held.labelled, held.alone
        value[m], extra[m], degrees[m] = held.value, held.imagined, mean.labelled - 1
    return Compared(value, moved.T @ moved + np.diag(extra), degrees)


@dataclass(frozen=True, slots=True, eq=False)
class _Parts:
    """(instructions, k) mean preferences for a model, NaN without a battle; and where there are both, or one."""

    labels: Floats
    verdicts: Floats
    both: NDArray[np.bool_]
    alone: NDArray[np.bool_]  # the judge's

    @classmethod
    def of(cls, human: VerdictTable, judge: VerdictTable, baseline: str | None) -> "_Parts":
        if (human.models, human.instructions) != (judge.models, judge.instructions):
            raise StatisticsError("human and judge tables must share their models and instructions, in order")
        labels, verdicts = (_per_instruction(table, baseline) for table in (human, judge))
        judged, labelled = ~np.isnan(verdicts), ~np.isnan(labels)
        return cls(labels, verdicts, judged & labelled, judged & ~labelled)


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
    doubt: Floats  # (k, k) what one more labelled instruction, half won and half lost by all, would add to it
    degrees: Floats  # (k,) of freedom behind the variances
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
        doubt=doubt(human),
        degrees=effective_clusters(human, "instruction") - 1,
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
    estimate: Estimate  # in [0, 1]
    standard_error: float


def corrected_share(share: float, items: int, rates: JudgeErrorRates, *, level: float = 0.95) -> CorrectedShare:
    """The share of positives, given that the judge called ``share`` of ``items`` positive.

    Its interval holds the shares p under which share - (1 - specificity) (1 - p) - sensitivity p may be 0.
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
    sharpness = c.specificity + c.sensitivity - 1
    value = _clip((share + c.specificity - 1) / sharpness)
    pieces = ((share, items), (1 - c.specificity, c.negatives), (c.sensitivity, c.positives))
    called, falsely, rightly = (_Share.of(part, n, level) for part, n in pieces)

    def excess(p: float, side: int) -> float:
        """The lower (-1) or upper (1) limit of what the judge called positive beyond what p lets expect."""
        gaps = called.reach(side), (1 - p) * falsely.reach(-side), p * rightly.reach(-side)
        expected = (1 - p) * falsely.value + p * rightly.value
        return called.value - expected + side * hypot(*gaps)

    lower, upper = _first(lambda p: excess(p, -1) <= 0), _first(lambda p: excess(p, 1) < 0)
    se = hypot(called.error, (1 - value) * falsely.error, value * rightly.error) / sharpness
    return CorrectedShare(Estimate(value, min(lower, value), max(upper, value), level, _CORRECTED, items), se)


@dataclass(frozen=True, slots=True)
class _Share:
    """A share with the interval of Agresti and Coull (1998), and the standard error that it is made of."""

    value: float
    lower: float
    upper: float
    error: float

    @classmethod
    def of(cls, share: float, n: int, level: float) -> "_Share":
        z = critical_value(level)
        size = n + z**2
        centre = (n * share + z**2 / 2) / size
        error = sqrt(centre * (1 - centre) / size)
        return cls(share, min(_clip(centre - z * error), share), max(_clip(centre + z * error), share), error)

    def reach(self, side: int) -> float:
        """From the value to the end on this side."""
        return self.upper - self.value if side > 0 else self.value - self.lower


def _first(holds: Callable[[float], bool]) -> float:
    """The first number in [0, 1] from which on it holds; 1 where it never does."""
    steps = 1 << 30
    return bisect_left(range(steps), True, key=lambda step: holds(step / steps)) / steps


def _clip(value: float) -> float:
    return min(max(value, 0.0), 1.0)
