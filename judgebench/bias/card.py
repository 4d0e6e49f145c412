"""A judge's report card: one line a question, each with its interval, a grade by a rule that is printed, and evidence.

A grade is for what is known: one letter where the whole interval has it, two neighbours where it spans one threshold.
What leaves more open, is not identified or rests on fewer than ten observations has too little data for a grade. The
overall grade is what the worst line leaves open, by the same rule. Nothing is estimated here but the shares of trials
that ended well, cost and latency.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array

from judgebench.bias.human_agreement import JudgeAgreement, PeopleAgreement
from judgebench.bias.relatives import Relation
from judgebench.bias.report import BiasReport
from judgebench.counts import count
from judgebench.coverage import Coverage
from judgebench.estimate import Estimate
from judgebench.estimate import unidentified as unknown
from judgebench.records import Status
from judgebench.stats.intervals import FEWEST_RESAMPLED, Clusters, bootstrap_estimate, bounded_mean, influence_estimate
from judgebench.stats.verdict_table import Floats, VerdictTable, distinct

Grade = str  # "A" to "D", two neighbours that are open as "A-B", TOO_LITTLE, or NOT_GRADED
Unit = Literal["share", "points", "number", "USD", "s"]
_GRADES = "ABCD"
NEEDED = ("parsed", "consistency", "null models", "people")  # of an overall grade
_LENGTH = ("length and quality", "people's length", "sharpness", "length")  # the last is what the others lead to
TOO_LITTLE, NOT_GRADED = "too little data", "-"
FEWEST = 10  # observations: of fewer, no interval is trusted with a grade
_EVERYTHING = ("A", "D")
_STEP, _STEPS = 1.1, 150  # of the number of observations, until an interval would be narrow enough
_NO_RESAMPLING = f"an interval takes {FEWEST_RESAMPLED} instructions"


@dataclass(frozen=True, slots=True)
class GradingRule:
    """The three thresholds of A, B and C: at least so large a share, or at most so large an amount."""

    best: Literal["high", "near zero"]
    thresholds: tuple[float, float, float]

    def grade(self, figure: Estimate) -> Grade:
        """One letter, or two neighbours; else TOO_LITTLE."""
        best, worst = self.leaves_open(figure)
        if figure.n < FEWEST or _GRADES.index(worst) - _GRADES.index(best) > 1:
            return TOO_LITTLE
        return "-".join(dict.fromkeys((best, worst)))

    def leaves_open(self, figure: Estimate) -> tuple[str, str]:
        """The best and the worst grade inside the interval: A and D where there is none, or an end is missing."""
        if not figure.identified or figure.lower is None or figure.upper is None:
            return _EVERYTHING
        ends = abs(figure.lower), abs(figure.upper)
        best, worst = min(ends), max(ends)
        if self.best == "high":
            best, worst = figure.upper, figure.lower
        elif figure.lower <= 0 <= figure.upper:
            best = 0.0
        return self._of(best), self._of(worst)

    def needed(self, figure: Estimate) -> int | None:
        """Roughly how many observations would give a grade, were the value the same and the interval to shrink with
        the root of their number (with their number, where the value lies at its end); None where there is no interval,
        or a grade already."""
        if self.grade(figure) != TOO_LITTLE or figure.value is None or figure.lower is None or figure.upper is None:
            return None
        speed = 1.0 if figure.value in (figure.lower, figure.upper) else 0.5
        for step in range(_STEPS):
            n = max(FEWEST, ceil(max(figure.n, 1) * _STEP**step))
            width = (max(figure.n, 1) / n) ** speed
            lower = figure.value - (figure.value - figure.lower) * width
            upper = figure.value + (figure.upper - figure.value) * width
            if self.grade(replace(figure, lower=lower, upper=upper, n=n)) != TOO_LITTLE:
                return _rounded_up(n)
        return None

    def words(self, unit: Unit) -> str:
        form = "{:g}" if unit == "number" else "{:g} points" if unit == "points" else "{:g}%"
        a, b, c = (form.format(edge if unit == "number" else 100 * edge) for edge in self.thresholds)
        how = "at least" if self.best == "high" else "no further from 0 than"
        return f"{how} {a}: A, {b}: B, {c}: C, else D"

    def _of(self, number: float) -> str:
        reached = [number >= edge if self.best == "high" else number <= edge for edge in self.thresholds]
        return _GRADES[reached.index(True) if True in reached else 3]


@dataclass(frozen=True, slots=True)
class CardLine:
    """One question about the judge."""

    name: str
    question: str
    figure: Estimate
    unit: Unit
    grade: Grade
    rule: str  # "" where it is not graded
    evidence: str  # what the figure rests on
    leaves_open: tuple[str, str] = _EVERYTHING  # the best and the worst grade inside the interval
    needed: int | None = None  # roughly the observations that would give a grade; None: it has one, or nobody can say


@dataclass(frozen=True, slots=True)
class Overall:
    """What the worst line of a card leaves open."""

    grade: Grade
    decided_by: tuple[str, ...]  # lines with the worst grade there is
    lacking: tuple[str, ...]  # lines that are needed and have no grade
    rule: str = (
        f"the worst of the graded lines; {', '.join(NEEDED[:-1])} and {NEEDED[-1]} must be graded, unless others "
        "settle it; each line is known at its own level, not all of them at once"
    )


@dataclass(frozen=True, slots=True)
class Failures:
    """Trials without a verdict that ended for one reason."""

    status: Status
    reason: str
    trials: int


@dataclass(frozen=True, slots=True)
class Card:
    """A judge on one benchmark."""

    judge: str
    model: str
    template: str
    benchmark: str
    lines: tuple[CardLine, ...]
    notes: tuple[str, ...]
    overall: Overall
    coverage: Coverage | None = None  # what of the benchmark it counts; None: it is of verdicts that nobody chose
    failures: tuple[Failures, ...] = ()  # all trials without a verdict, most first


@dataclass(frozen=True, slots=True, eq=False)
class TrialRecord:
    """How the judge's n trials on the benchmark ended, failures included."""

    instruction: Clusters  # (n,)
    replied: NDArray[np.bool_]  # (n,) whether there was a reply at all
    verdict: NDArray[np.bool_]  # (n,) whether it held a verdict
    cost_usd: Floats  # (n,) NaN where not known
    latency_s: Floats  # (n,) NaN where not known
    recorded: bool  # imported: only what its publisher wrote down is known


_RULES: Mapping[str, GradingRule] = {
    "reached": GradingRule("high", (0.99, 0.97, 0.90)),
    "parsed": GradingRule("high", (0.99, 0.97, 0.90)),
    "consistency": GradingRule("high", (0.90, 0.80, 0.65)),
    "position": GradingRule("near zero", (0.02, 0.05, 0.10)),
    "length": GradingRule("near zero", (0.03, 0.08, 0.15)),
    "own outputs": GradingRule("near zero", (0.02, 0.05, 0.10)),
    "family": GradingRule("near zero", (0.02, 0.05, 0.10)),
    "repeatability": GradingRule("high", (0.97, 0.90, 0.80)),
    "transitivity": GradingRule("near zero", (0.05, 0.10, 0.20)),
    "null models": GradingRule("near zero", (0.05, 0.10, 0.20)),
    "people": GradingRule("high", (0.85, 0.75, 0.65)),
    "calibration": GradingRule("near zero", (0.05, 0.10, 0.20)),
}

_OF_PAIRS: Mapping[str, tuple[str, Unit]] = {  # what comparisons alone tell: the question and its unit
    "consistency": ("names the same winner in both orders", "share"),
    "position": ("what the first place adds to a win rate at equal quality", "points"),
    "length and quality": ("what twice the length adds to a win rate, with the quality that comes with it", "points"),
    "people's length": ("what twice the length adds when people judge", "points"),
    "sharpness": ("how far apart it sets models that people set apart by 1", "number"),
    "length": ("what twice the length adds beyond people's taste, at least", "points"),
    "own outputs": ("what being the judge's own adds to a win rate", "points"),
    "family": ("what being a relative of the judge's adds to a win rate", "points"),
    "repeatability": ("gives the same outcome when asked again", "share"),
    "transitivity": ("triples of models that it ranks in a circle", "share"),
    "people": ("accuracy: names the winner that people name, ties half", "share"),
    "calibration": ("distance of its confidence from being right", "number"),
}


def line(name: str, question: str, figure: Estimate, unit: Unit, evidence: str) -> CardLine:
    """Graded by the rule of its name, where there is one."""
    rule = _RULES.get(name)
    about = f"{evidence}; {figure.reason}" if figure.identified and figure.reason else evidence
    if rule is None:
        return CardLine(name, question, figure, unit, NOT_GRADED, "", about)
    grade, leaves_open = rule.grade(figure), rule.leaves_open(figure)
    return CardLine(name, question, figure, unit, grade, rule.words(unit), about, leaves_open, rule.needed(figure))


def overall(lines: Sequence[CardLine]) -> Overall:
    """The grade of all lines together: a line that is needed and has none leaves everything open."""
    graded = [line for line in lines if line.grade not in (TOO_LITTLE, NOT_GRADED)]
    lacking = tuple(name for name in NEEDED if name not in {line.name for line in graded})
    best = max((line.leaves_open[0] for line in graded), default=_EVERYTHING[0])
    worst = max((line.leaves_open[1] for line in graded), default=_EVERYTHING[1])
    worst = _EVERYTHING[1] if lacking else worst
    if _GRADES.index(worst) - _GRADES.index(best) > 1:
        return Overall(TOO_LITTLE, (), lacking)
    by = tuple(line.name for line in graded if line.leaves_open[0] == best)
    return Overall("-".join(dict.fromkeys((best, worst))), by, lacking)


def _rounded_up(number: int) -> int:
    """To two digits."""
    unit = int(10 ** max(len(str(number)) - 2, 0))
    return -(-number // unit) * unit


def bias_lines(report: BiasReport, judge: str) -> list[CardLine]:
    """Place, length, relatives and repetition."""
    place = report.position
    points = place.points if place.points.identified else report.position_across
    matched = f"{count(place.matched, 'battle')} in both orders"
    how = matched if place.points.identified else "orders varied across battles"
    own, family = _relatives(report, judge)
    return [
        _pair_line("consistency", place.consistency, matched),
        _pair_line("position", points, how),
        *_length_lines(report),
        _pair_line("own outputs", own, _named(report, judge, "same")),
        _pair_line("family", family, _named(report, judge, "inheritance", "family")),
        _pair_line("repeatability", place.repeatability, f"{count(place.repeatability.n, 'trial')} with repeats"),
    ]


def lines_without_pairs(reason: str, *, level: float) -> list[CardLine]:
    """All lines that comparisons alone would give, of a judge that has made none."""
    return [_pair_line(name, unknown(reason, level=level), reason) for name in _OF_PAIRS]


def _pair_line(name: str, figure: Estimate, evidence: str) -> CardLine:
    question, unit = _OF_PAIRS[name]
    return line(name, question, figure, unit, evidence)


def _length_lines(report: BiasReport) -> list[CardLine]:
    """Of them only what goes beyond people's taste is graded: the rest holds quality, which comes with length."""
    slope = report.length.slope
    labelled = f"{count(slope.beyond_people.n, 'labelled verdict')}"
    about = f"{count(report.verdicts, 'verdict')}; people's own taste is in it, so it has no grade"
    sharper = f"{labelled}; above 1 it decides with less noise than they"
    beyond = f"{labelled}; its slope less its sharpness times people's"
    return [
        _pair_line("length and quality", slope.points, about),
        _pair_line("people's length", slope.points_of_people, labelled),
        _pair_line("sharpness", slope.sharpness, sharper),
        _pair_line("length", slope.points_beyond_people, beyond),
    ]


def record_lines(record: TrialRecord, *, level: float) -> list[CardLine]:
    """Reached, parsed, cost and latency."""
    n = len(record.replied)
    at, replied = record.instruction, record.replied
    reached = unknown("recorded by others: only the replies were published", level=level, n=n)
    if not record.recorded:
        reached = bounded_mean(replied.astype(np.float64), at, level=level)
    parsed = bounded_mean(record.verdict[replied].astype(np.float64), at[replied], level=level)
    silent = f"{int((~replied).sum()):,} of {count(n, 'trial')} without a reply"
    failures = f"{int((~record.verdict[replied]).sum()):,} of {count(int(replied.sum()), 'reply')} without a verdict"
    return [
        line("reached", "answers at all", reached, "share", silent),
        line("parsed", "gives a verdict when it answers", parsed, "share", failures),
        line("cost", "USD a trial", _mean(record.cost_usd, at, "prices", level), "USD", "as charged or by its price"),
        line("latency", "seconds a reply", _mean(record.latency_s, at, "times", level), "s", "as measured"),
    ]


def people_lines(judge: JudgeAgreement, people: PeopleAgreement) -> list[CardLine]:
    """Accuracy, beside human agreement and its ceiling; and calibration."""
    ceiling = "one person a battle, so the ceiling is not known"
    if people.ceiling.value is not None:
        ceiling = f"of people with each other {_share(people.ceiling)}"
    agree = f"{count(judge.items, 'labelled battle')}; human agreement {_share(judge.each_person)}, {ceiling}"
    return [
        _pair_line("people", judge.accuracy, agree),
        _pair_line("calibration", judge.calibration_error, f"{count(judge.calibration_error.n, 'labelled battle')}"),
    ]


def _share(known: Estimate) -> str:
    """With its interval, in percent."""
    if known.value is None or known.lower is None or known.upper is None:
        return "not known" if known.value is None else f"{known.value:.0%}"
    return f"{known.value:.0%} [{known.lower:.0%}, {known.upper:.0%}]"


def transitivity_line(table: VerdictTable, *, level: float, seed: int = 0, resamples: int = 200) -> CardLine:
    """Share of triples of models whose majorities go round."""
    rng = np.random.default_rng(seed)
    sums = _Sums.of(table)
    enough = sums.verdicts.shape[1] >= FEWEST_RESAMPLED
    share = bootstrap_estimate(
        lambda times: _cyclic_share(sums.wins(times)), table.instruction, rng=rng, level=level, resamples=resamples
    )
    if share.identified and not enough:
        share = replace(share, lower=None, upper=None, method="none", reason=_NO_RESAMPLING)
    if not share.identified:
        share = unknown("no three models met each other", level=level, n=len(table))
    return _pair_line("transitivity", share, f"{count(len(table), 'verdict')}; close models go round by chance")


def null_line(rate: Estimate | None, evidence: str, *, level: float) -> CardLine:
    """The best null model's win rate against the baseline, as the newest audit has it; None where there is none."""
    question = "win rate of the best output that ignores the instruction"
    missing = unknown("not audited: it was not asked about null models", level=level)
    return line("null models", question, missing if rate is None else rate, "share", evidence)


def sorted_lines(lines: Sequence[CardLine]) -> tuple[CardLine, ...]:
    """In the order of the card."""
    order = ("reached", "parsed", "consistency", "position", *_LENGTH, *_RULES, "cost", "latency")
    return tuple(sorted(lines, key=lambda answer: order.index(answer.name)))


def _relatives(report: BiasReport, judge: str) -> tuple[Estimate, Estimate]:
    """Own and family, at the judge's own sharpness: beside other judges, else beside people."""
    favour = report.leakage.points
    own = [favour[Relation.SAME], report.own_beyond_people[judge]]
    return _first_identified(own), _first_identified([favour[Relation.INHERITANCE], favour[Relation.FAMILY]])


def _first_identified(figures: Sequence[Estimate]) -> Estimate:
    return next((known for known in figures if known.identified), figures[0])


def _named(report: BiasReport, judge: str, *kinds: str) -> str:
    names = [name for kind in kinds for name in report.relations.get(judge, {}).get(kind, ())]
    return f"relatives: {', '.join(names[:6])}{' ...' if len(names) > 6 else ''}" if names else "no declared relative"


def _mean(values: Floats, clusters: Clusters, what: str, level: float) -> Estimate:
    known = np.isfinite(values)
    n = int(known.sum())
    if not n:
        return unknown(f"no {what} are known", level=level)
    value = float(values[known].mean())
    influence = (values[known] - value) / n
    return influence_estimate(value, influence, clusters[known], level=level, bounds=(0.0, np.inf))


@dataclass(frozen=True, slots=True, eq=False)
class _Sums:
    """What each instruction adds to the pairs of models: a bootstrap asks for their wins hundreds of times."""

    k: int
    pair: NDArray[np.int64]  # (m,) pairs that met, A's code times k, and B's
    verdicts: csr_array  # (m, g)
    preference: csr_array  # (m, g) for A, summed

    @classmethod
    def of(cls, table: VerdictTable) -> "_Sums":
        k = len(table.models)
        pairs, row = distinct(table.model_a.astype(np.int64) * k + table.model_b)
        instructions, column = distinct(table.instruction)
        shape = len(pairs), len(instructions)
        values = np.ones(len(table)), table.preference
        return cls(k, pairs, *(csr_array(coo_array((value, (row, column)), shape=shape)) for value in values))

    def wins(self, times: NDArray[np.intp]) -> Floats:
        """(k, k) as ``PairCounts.wins``, each instruction so many times (g,)."""
        n, y = np.zeros(self.k**2), np.zeros(self.k**2)
        n[self.pair], y[self.pair] = self.verdicts @ times, self.preference @ times
        wins: Floats = y.reshape(self.k, self.k) + (n - y).reshape(self.k, self.k).T
        return wins


def _cyclic_share(wins: Floats) -> float:
    """NaN where no three models have a majority between each two."""
    ahead = (wins > wins.T).astype(np.float32)  # counts up to the number of models are exact in it
    triples = _circles(ahead + ahead.T) / 2
    return _circles(ahead) / triples if triples else float("nan")


def _circles(edges: NDArray[np.float32]) -> float:
    """How many triples go round along ``edges`` (k, k), each direction one."""
    return float(np.vdot((edges @ edges).astype(np.float64), edges.T)) / 3
