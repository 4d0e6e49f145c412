"""A new version of a model beside the old one, on the instructions on which both were judged.

The difference is paired by instruction, orders averaged first; instructions of one cluster (a dialogue, a category)
depend on each other. A negative flip is an output that was right before and is wrong now (Echterhoff et al. 2024,
MUSCLE, arXiv 2407.09435: negative flip rate #/N; the change of accuracy is the positive rate less the negative one).
Right is a score from a threshold on, or a battle with a baseline won; of two outputs that were compared with each other
it is one that lost in both orders.

A judge that errs makes flips between equal versions: one that is wrong one time in ten shows 9 % of them. With two or
more readings of both outputs this floor is known: it is the chance that two readings of one output differ so, and
without bias for k readings of which a share p say right it is k / (k - 1) * p (1 - p), the mean of both versions.
Of readings that are not 0 or 1 it is the mean of x (1 - y) over pairs of different readings. A judge that errs alike
whenever it reads an output has no such floor.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from judgebench.errors import StatisticsError
from judgebench.estimate import Estimate, unidentified
from judgebench.stats.intervals import bounded_difference, bounded_mean, critical_value, normal_estimate
from judgebench.stats.planning import smallest_seen
from judgebench.stats.scores import ScoreTable
from judgebench.stats.verdict_table import Codes, Floats, VerdictTable, compared_outputs, repeat_number

__all__ = [
    "Flips", "PairedVersions", "VersionChange", "against_baseline", "between_versions", "by_scores", "decide",
    "version_change",
]  # fmt: skip
Codes64 = NDArray[np.int64]
Decision = Literal["no worse", "worse", "cannot tell"]
_OLD, _NEW = 0, 1
_AT_ONCE = "the versions were compared with each other: noise makes as many wins as losses, so it is in the difference"
_GRADED = "scores that are not 0 or 1 do not say what is right: name the score from which an output is"
_ONE_ORDER = "no battle was judged in both orders"
_ONCE = "fewer than two readings of both outputs: repeats show the judge's noise"
_ALIKE = "all scores are alike, so nothing tells how much they would vary"
_NOT_REPEATED = "no trial was repeated"


@dataclass(frozen=True, slots=True, eq=False)
class PairedVersions:
    """What was said of both versions on m instructions, by n verdicts."""

    instruction: Codes  # (m,) codes of the table's, ascending
    old: Floats  # (m,) preference for OLD against the baseline, its score, or share right; NaN: compared with NEW
    new: Floats  # (m,)
    difference: Floats  # (m,) NEW less OLD; of battles between them NEW's preference in [-1, 1], above 0 where it won
    span: float  # no difference lies outside [-span, span]
    flip: NDArray[np.int8]  # (m,) -1 negative, 1 positive, 0 none
    confirmed: NDArray[np.bool_]  # (m,) a flip by every one of two or more readings of both outputs
    rate: Floats  # (m,) chance that one reading of each is a negative flip; NaN: not known
    noise: Floats  # (m,) the same of two readings of one output; NaN where there are fewer than two of both
    why: str  # no rate is known; empty where they are
    why_no_noise: str
    at: Codes64  # (n,) into the m instructions
    trial: Codes64  # (n,) alike for readings of the same outputs by the same judge in the same order
    outcome: Codes64  # (n,) which of the values that count as different
    value: Floats  # (n,)
    weight: Floats  # (n,) of the verdict in its instruction's difference

    def __len__(self) -> int:
        return len(self.difference)

    def select(self, instructions: NDArray[np.bool_]) -> "PairedVersions":
        """Those of these (m,) instructions."""
        rows = instructions[self.at]
        place = np.cumsum(instructions) - 1
        names = ("instruction", "old", "new", "difference", "flip", "confirmed", "rate", "noise")
        columns = {name: getattr(self, name)[instructions] for name in names}
        of_rows = {name: getattr(self, name)[rows] for name in ("trial", "outcome", "value", "weight")}
        return replace(self, **columns, **of_rows, at=place[self.at[rows]])


@dataclass(frozen=True, slots=True)
class Flips:
    """Outputs that were right in one version and not in the other."""

    negative: int  # instructions
    positive: int
    confirmed: int  # negative ones by every one of two or more readings of both outputs
    rate: Estimate  # of negative flips, by one reading of each output; between outputs compared: lost in both orders
    floor: Estimate  # what the judge's noise makes of it between equal versions
    excess: Estimate  # the rate above the floor, paired by instruction


@dataclass(frozen=True, slots=True)
class VersionChange:
    """NEW beside OLD on some instructions."""

    difference: Estimate  # mean over instructions, NEW less OLD
    wins: int  # instructions on which NEW did better
    losses: int
    ties: int
    smallest: float | None  # difference that is found four times in five; None: no interval
    retest: Estimate  # share of pairs of readings of the same outputs in the same order that differ
    again: Estimate  # how far the judge's noise alone moves the difference: 0, and the interval around it
    flips: Flips


@dataclass(frozen=True, slots=True, eq=False)
class _Verdicts:
    """n verdicts on either version; ``side`` of a battle between them is NEW's."""

    instruction: Codes64
    side: Codes64
    judge: Codes64
    order: Codes64  # whether the side was shown first; -1: not known
    outputs: Codes64  # alike where the same outputs were read
    sample: Codes64  # which of the side's outputs
    value: Floats
    outcome: Codes64

    def select(self, rows: NDArray[np.bool_]) -> "_Verdicts":
        names = ("instruction", "side", "judge", "order", "outputs", "sample", "value", "outcome")
        return replace(self, **{name: getattr(self, name)[rows] for name in names})

    @property
    def trial(self) -> Codes64:
        columns = np.stack([self.outputs, self.side, self.judge, self.order], axis=1)
        return _coded(columns)[1]

    @property
    def reading(self) -> Codes64:
        """Which reading of the side's output to the instruction: of samples the sample, else the repeat."""
        return self.sample if self.sample.any() else repeat_number(self.trial)


def between_versions(table: VerdictTable, old: str, new: str) -> PairedVersions:
    """By the battles between the two. Raises StatisticsError where there are none."""
    rows = _sided(table.among((old, new)), {new: _NEW}, signed=True)
    paired = _paired(rows.select(_present(rows, (_NEW,))[rows.instruction]), 1.0)
    m = len(paired)
    places = [(rows.order == order, paired.at[rows.order == order]) for order in (0, 1)]
    number = np.stack([np.bincount(at, minlength=m) for _, at in places])
    sign = np.sign([np.bincount(at, weights=rows.value[shown], minlength=m) for shown, at in places])
    both = (number > 0).all(axis=0)
    flip = np.where(both & (sign[0] == sign[1]), sign[0], 0).astype(np.int8)
    alike = np.ones(m, dtype=bool)
    np.logical_and.at(alike, paired.at, np.sign(paired.value) == flip[paired.at])
    return replace(
        paired,
        old=np.full(m, np.nan),
        new=np.full(m, np.nan),
        flip=flip,
        confirmed=(flip < 0) & alike & (number > 1).all(axis=0),
        rate=np.where(both, flip < 0, np.nan),
        why="" if both.any() else _ONE_ORDER,
        why_no_noise=_AT_ONCE,
    )


def against_baseline(table: VerdictTable, old: str, new: str, baseline: str) -> PairedVersions:
    """By what each did against ``baseline``: an output is right that beats it, both orders of a repeat together.

    Raises StatisticsError where there is no instruction on which both met it.
    """
    rows = _sided(table.among((old, new, baseline)).against(baseline), {old: _OLD, new: _NEW}, signed=False)
    rows = rows.select(_present(rows, (_OLD, _NEW))[rows.instruction])
    return _with_flips(_paired(rows, 1.0), rows, won=True)


def by_scores(table: ScoreTable, old: str, new: str, *, right_from: float | None = None) -> PairedVersions:
    """By scores of each output: with ``right_from``, by whether they are that or more, as scores that are 0 or 1 say.

    Raises StatisticsError where there is no instruction on which both have a score.
    """
    part = table.among((old, new))
    sides = np.where(part.model == table.models.index(new), _NEW, _OLD)
    value = part.score if right_from is None else (part.score >= right_from).astype(np.float64)
    sample = np.zeros(len(part), dtype=np.int64) if part.sample is None else part.sample.astype(np.int64)
    instruction = part.instruction.astype(np.int64)
    rows = _Verdicts(
        instruction=instruction,
        side=sides.astype(np.int64),
        judge=part.judge.astype(np.int64),
        order=np.full(len(part), -1, dtype=np.int64),
        outputs=_coded(np.stack([instruction, sample], axis=1))[1],
        sample=sample,
        value=value,
        outcome=np.unique(value, return_inverse=True)[1].astype(np.int64),
    )
    rows = rows.select(_present(rows, (_OLD, _NEW))[rows.instruction])
    if right_from is not None or np.isin(rows.value, (0.0, 1.0)).all():
        return _with_flips(_paired(rows, 1.0), rows, won=False)
    return replace(_paired(rows, float(np.ptp(rows.value))), why=_GRADED, why_no_noise=_GRADED)


def version_change(paired: PairedVersions, clusters: Sequence[int] | Codes, *, level: float = 0.95) -> VersionChange:
    """Of ``paired``, whose m instructions depend on each other within ``clusters`` (m,).

    Raises StatisticsError for a level outside (0, 1).
    """
    groups = np.asarray(clusters, dtype=np.int64)
    difference = _bounded(paired.difference, groups, paired.span, level)
    sign = np.sign(paired.difference)
    return VersionChange(
        difference=difference,
        wins=int((sign > 0).sum()),
        losses=int((sign < 0).sum()),
        ties=int((sign == 0).sum()),
        smallest=_smallest(difference, groups),
        retest=_retest(paired, groups, level),
        again=_again(paired, level),
        flips=_flips(paired, groups, level),
    )


def decide(difference: Estimate, margin: float = 0.0) -> Decision:
    """Whether NEW is worse than OLD by more than ``margin``: its interval lies below that, above it, or on both sides.

    Raises StatisticsError for a margin that is negative or no number.
    """
    if not 0.0 <= margin < np.inf:
        raise StatisticsError(f"the margin is {margin}: it must be a number from 0")
    lower, upper = difference.ends
    return "worse" if upper < -margin else "no worse" if lower >= -margin else "cannot tell"


def _sided(table: VerdictTable, sides: dict[str, int], *, signed: bool) -> _Verdicts:
    """Each verdict as one on the version that is named in ``sides``; signed: its preference in [-1, 1]."""
    side_of = np.array([sides.get(name, -1) for name in table.models], dtype=np.int64)
    is_a = side_of[table.model_a] >= 0
    preference = np.where(is_a, table.preference, 1 - table.preference)
    order = np.where(table.order < 0, -1, np.where(is_a, table.order, 1 - table.order)).astype(np.int64)
    samples = np.zeros((len(table), 2), dtype=np.int64) if table.samples is None else table.samples
    return _Verdicts(
        instruction=table.instruction.astype(np.int64),
        side=np.where(is_a, side_of[table.model_a], side_of[table.model_b]),
        judge=table.judge.astype(np.int64),
        order=order,
        outputs=compared_outputs(table),
        sample=np.where(is_a, samples[:, 0], samples[:, 1]).astype(np.int64),
        value=2 * preference - 1 if signed else preference,
        outcome=np.sign(preference - 0.5).astype(np.int64),
    )


def _present(rows: _Verdicts, sides: Sequence[int]) -> NDArray[np.bool_]:
    """(codes,) which instructions have a verdict on each of ``sides``. Raises StatisticsError where none has."""
    size = int(rows.instruction.max(initial=-1)) + 1
    counts = [np.bincount(rows.instruction[rows.side == side], minlength=size) > 0 for side in sides]
    present = np.asarray(np.logical_and.reduce(counts))
    if not present.any():
        raise StatisticsError("there is no instruction on which both versions were judged")
    return present


def _paired(rows: _Verdicts, span: float) -> PairedVersions:
    """Without flips: orders weigh alike, whatever the number of their verdicts."""
    instruction, at = np.unique(rows.instruction, return_inverse=True)
    cells, cell = _coded(np.stack([at, rows.side, rows.order], axis=1))
    side = _coded(cells[:, :2])[1]
    share = 1 / (np.bincount(cell) * np.bincount(side)[side])[cell]
    weight = np.where(rows.side == _NEW, share, -share)
    m = len(instruction)
    totals = (np.where(rows.side == side, share * rows.value, 0.0) for side in (_OLD, _NEW))
    old, new = (np.bincount(at, weights=total, minlength=m).astype(np.float64) for total in totals)
    return PairedVersions(
        instruction=instruction.astype(np.int32),
        old=old,
        new=new,
        difference=np.where(np.abs(new - old) > 1e-12 * max(span, 1.0), new - old, 0.0),  # what rounding leaves is none
        span=span,
        flip=np.zeros(m, dtype=np.int8),
        confirmed=np.zeros(m, dtype=bool),
        rate=np.full(m, np.nan),
        noise=np.full(m, np.nan),
        why="",
        why_no_noise="",
        at=at.astype(np.int64),
        trial=rows.trial,
        outcome=rows.outcome,
        value=rows.value,
        weight=weight,
    )


def _with_flips(paired: PairedVersions, rows: _Verdicts, *, won: bool) -> PairedVersions:
    """By readings of either version that are right, or with ``won`` won, tied (half right) or lost."""
    m = len(paired)
    columns = np.stack([paired.at, rows.side, rows.reading, rows.judge, rows.order], axis=1)
    keys, right = _means(columns, rows.value)
    keys, right = _means(keys[:, :4], right)
    keys, right = _means(keys[:, :3], (np.sign(right - 0.5) + 1) / 2 if won else right)
    cell = keys[:, 0] * 2 + keys[:, 1]
    number, total, squares = (
        np.bincount(cell, weights=weights, minlength=2 * m).reshape(m, 2).astype(np.float64)
        for weights in (None, right, right**2)
    )
    share = total / number
    with np.errstate(invalid="ignore", divide="ignore"):
        noise = share - (total**2 - squares) / (number * (number - 1))
    flip = np.where((share[:, _OLD] > 0.5) & (share[:, _NEW] < 0.5), -1, 0)
    flip[(share[:, _OLD] < 0.5) & (share[:, _NEW] > 0.5)] = 1
    surely = (share[:, _OLD] == 1) & (share[:, _NEW] == 0) & (number > 1).all(axis=1)
    rate = share[:, _OLD] * (1 - share[:, _NEW])
    floor = np.where((number > 1).all(axis=1), noise.mean(axis=1), np.nan)
    return replace(paired, flip=flip.astype(np.int8), confirmed=surely, rate=rate, noise=floor, why_no_noise=_ONCE)


def _flips(paired: PairedVersions, clusters: Codes64, level: float) -> Flips:
    known, repeated = np.isfinite(paired.rate), np.isfinite(paired.noise)
    n = len(paired)
    nothing = unidentified(paired.why or "there is no observation", level=level, n=n)
    no_floor = unidentified(paired.why_no_noise or "there is no observation", level=level, n=n)
    above = paired.rate[repeated] - paired.noise[repeated]
    return Flips(
        negative=int((paired.flip < 0).sum()),
        positive=int((paired.flip > 0).sum()),
        confirmed=int(paired.confirmed.sum()),
        rate=bounded_mean(paired.rate[known], clusters[known], level=level) if known.any() else nothing,
        floor=bounded_mean(paired.noise[repeated], clusters[repeated], level=level) if repeated.any() else no_floor,
        excess=bounded_difference(above, clusters[repeated], level=level) if repeated.any() else no_floor,
    )


def _retest(paired: PairedVersions, clusters: Codes64, level: float) -> Estimate:
    """Two readings of the same outputs, judge and order, drawn from those there are."""
    trials, trial, number = np.unique(paired.trial, return_inverse=True, return_counts=True)
    _, outcome = np.unique(paired.outcome, return_inverse=True)
    kinds = int(outcome.max(initial=0)) + 1
    cells, counts = np.unique(trial * kinds + outcome, return_counts=True)
    alike = np.bincount(cells // kinds, weights=counts * (counts - 1.0), minlength=len(trials))
    repeated = number > 1
    if not repeated.any():
        return unidentified(_NOT_REPEATED, level=level)
    of = np.zeros(len(trials), dtype=np.int64)
    of[trial] = clusters[paired.at]
    differing = 1 - alike[repeated] / (number * (number - 1.0))[repeated]
    return bounded_mean(differing, of[repeated], level=level)


def _again(paired: PairedVersions, level: float) -> Estimate:
    """From the pooled variance of a trial's readings, and what each weighs in the difference."""
    _, trial, number = np.unique(paired.trial, return_inverse=True, return_counts=True)
    degrees = float((number - 1).sum())
    if not degrees:
        return unidentified(_NOT_REPEATED, level=level)
    mean = np.bincount(trial, weights=paired.value) / number
    variance = float(((paired.value - mean[trial]) ** 2).sum()) / degrees
    error = np.sqrt(variance * (paired.weight**2).sum()) / len(paired)
    return normal_estimate(0.0, float(error), level=level, n=len(paired), degrees=degrees, method="t, from repeats")


def _bounded(values: Floats, clusters: Codes64, span: float, level: float) -> Estimate:
    if not span:
        return Estimate(float(values.mean()), None, None, level, "none", len(values), _ALIKE)
    return bounded_difference(values / span, clusters, level=level).mapped(lambda share: share * span)


def _smallest(difference: Estimate, clusters: Codes64) -> float | None:
    """Difference that would be found four times in five with as much spread."""
    if difference.lower is None or difference.upper is None:
        return None
    sizes = np.unique(clusters, return_counts=True)[1]
    degrees = max(float(sizes.sum() ** 2 / (sizes**2).sum()) - 1, 1.0)
    half = (difference.upper - difference.lower) / 2
    return smallest_seen(half / critical_value(difference.level, degrees), degrees, level=difference.level)


def _coded(columns: Codes64) -> tuple[Codes64, Codes64]:
    """The rows of (n, c) columns that differ, in order, and which of them each row is."""
    code = np.zeros(len(columns), dtype=np.int64)
    for column in columns.T:
        values, place = np.unique(column, return_inverse=True)
        code = np.unique(code * max(len(values), 1) + place, return_inverse=True)[1]
    first = np.unique(code, return_index=True)[1]
    return columns[first], code


def _means(columns: Codes64, values: Floats) -> tuple[Codes64, Floats]:
    """Of the values (n,) of rows that are alike."""
    keys, code = _coded(columns)
    return keys, np.bincount(code, weights=values) / np.bincount(code)
