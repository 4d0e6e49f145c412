"""Who agrees with whom: each judge with people, judges with each other, people with each other, as far as data tell.

Verdicts and human labels are joined by battle, one instruction and one pair of models. Several verdicts of a judge on a
battle, in both orders or repeated, become their mean; so orders that contradict each other become a tie. Preferences
become three outcomes: A, tie, B (``stats.agreement.outcomes``). A judge is compared with people's consensus, the sign
of their mean preference, and with each person separately, which is what two people can be compared in: their agreement
with each other is the ceiling of what a judge can reach. Intervals are over instructions. Ties are always stated:
``raw`` counts them as a third outcome, ``decided`` leaves out items on which either side says tie, ``accuracy`` gives a
judge's tie half, ``accuracy_strict`` nothing, both where people decided. Failures are wrong, not missing.

May a judge replace one of the annotators? In the alternative annotator test each annotator in turn is left out, and on
each item the judge and the one left out are compared by how well they agree with the others. Calderon, Reichart and
Dror (2025, arXiv 2501.10970), procedure of section 3: one-sided t-tests that the annotator's advantage is below
epsilon, false discoveries held by Benjamini and Yekutieli (2001). Items are taken as independent, one an instruction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from judgebench.bias.confidence import Calibration, calibration
from judgebench.counts import count
from judgebench.coverage import Coverage
from judgebench.errors import InputError, StatisticsError
from judgebench.estimate import Estimate, unidentified
from judgebench.stats import agreement
from judgebench.stats.agreement import (
    Coefficients,
    Form,
    Resampling,
    coefficients,
    no_coefficients,
    outcomes,
    rank_correlation,
)
from judgebench.stats.intervals import Clusters, bounded_mean
from judgebench.stats.sparse_ratings import SparseRatings
from judgebench.stats.verdict_table import Codes, Floats, LabelTable, VerdictTable, occurring

_OUTCOMES = 3  # B, tie, A
_LEAST = 30  # items that an annotator must share with another: below that a t-test says little
Marks = NDArray[np.bool_]
_NOBODY = "no battle that the judge judged has a human label: import labels, or vote in the app"
_ONE_PERSON = "no battle was labelled by two people"
_LABELS_ONLY = "the verdicts are labels, without probabilities"
_ONE_JUDGE = "only one judge judged these battles"


@dataclass(frozen=True, slots=True, eq=False)
class LabelledBattles:
    """m battles; A is the model with the smaller code. Preferences for A in [0, 1], NaN where nobody said anything."""

    models: tuple[str, ...]
    annotator_names: tuple[str, ...]
    judge_names: tuple[str, ...]
    instruction: Clusters  # (m,)
    model_a: Codes  # (m,)
    model_b: Codes  # (m,)
    people: SparseRatings  # of m items by annotators
    judges: Floats  # (m, judges)

    def __len__(self) -> int:
        return len(self.instruction)

    @property
    def consensus(self) -> Floats:
        """(m,) mean over people."""
        return self.people.mean

    @property
    def labelled(self) -> NDArray[np.bool_]:
        """(m,) whether anybody labelled it."""
        return np.asarray(self.people.given > 0)


def labelled_battles(table: VerdictTable, labels: LabelTable, *, others: bool = True) -> LabelledBattles:
    """Every battle that a judge or a person said something about; only names with a verdict or label are kept.

    ``labels`` must be coded as ``table`` is. ``others``: battles that nobody labelled are among them.
    """
    battle_of_label = _battle(table, labels.instruction, labels.model_a, labels.model_b)
    judged = np.array(occurring(table.judge), dtype=np.intp)
    if not others:
        table = table.select(np.isfinite(people_preference(table, labels)))
    battle_of_verdict = _battle(table, table.instruction, table.model_a, table.model_b)
    battles = np.unique(np.concatenate([battle_of_verdict, battle_of_label]))
    k = max(len(table.models), 1)
    annotators, who = np.unique(labels.annotator, return_inverse=True)
    judge = np.searchsorted(judged, table.judge)
    a_is_low = table.model_a < table.model_b
    toward_a = np.where(a_is_low, table.preference, 1 - table.preference)
    shape = len(battles)
    return LabelledBattles(
        models=table.models,
        annotator_names=tuple(labels.annotators[code] for code in annotators),
        judge_names=tuple(table.judges[code] for code in judged),
        instruction=(battles // (k * k)).astype(np.int32),
        model_a=(battles // k % k).astype(np.int32),
        model_b=(battles % k).astype(np.int32),
        people=SparseRatings.means(
            np.searchsorted(battles, battle_of_label), who, labels.preference, items=shape, raters=len(annotators)
        ),
        judges=_means(np.searchsorted(battles, battle_of_verdict), judge, toward_a, (shape, len(judged))),
    )


def people_preference(table: VerdictTable, labels: LabelTable) -> Floats:
    """(n,) people's mean preference for A of each verdict, NaN where nobody labelled its battle."""
    battles, place = np.unique(
        _battle(table, labels.instruction, labels.model_a, labels.model_b), return_inverse=True
    )  # fmt: skip
    if not len(battles):
        return np.full(len(table), np.nan)
    mean = np.bincount(place, weights=labels.preference) / np.bincount(place)
    judged = _battle(table, table.instruction, table.model_a, table.model_b)
    at = np.minimum(np.searchsorted(battles, judged), len(battles) - 1)
    toward_low = np.where(battles[at] == judged, mean[at], np.nan)
    preference: Floats = np.where(table.model_a < table.model_b, toward_low, 1 - toward_low)
    return preference


def mean_of_known(values: Floats) -> Floats:
    """(m,) mean of each row's finite values, NaN where there is none."""
    known = np.isfinite(values)
    count = known.sum(axis=1)
    total = np.where(known, values, 0.0).sum(axis=1)
    mean: Floats = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return mean


def _battle(table: VerdictTable, instruction: Codes, one: Codes, other: Codes) -> NDArray[np.int64]:
    """(n,) one number a battle, whichever model is called A."""
    k = max(len(table.models), 1)
    low, high = np.minimum(one, other).astype(np.int64), np.maximum(one, other)
    code: NDArray[np.int64] = (instruction.astype(np.int64) * k + low) * k + high
    return code


def _means(row: NDArray[np.intp], column: NDArray[np.intp], values: Floats, shape: tuple[int, int]) -> Floats:
    """Mean of the values in each cell of a matrix, NaN in empty cells."""
    cell, size = row * shape[1] + column, shape[0] * shape[1]
    count = np.bincount(cell, minlength=size)
    total = np.bincount(cell, weights=values, minlength=size)
    mean: Floats = np.where(count > 0, total / np.maximum(count, 1), np.nan).reshape(shape)
    return mean


@dataclass(frozen=True, slots=True)
class AnnotatorTest:
    """The judge passes with a winning rate of at least one half."""

    passes: bool | None  # None: fewer than two annotators could be compared
    winning_rate: float | None  # share of compared annotators to whom the judge is not inferior by epsilon
    advantage: float | None  # mean probability that the judge agrees with the others at least as well as one of them
    compared: int  # annotators with enough items
    left_out: int  # annotators with too few
    epsilon: float


def annotator_test(
    judge: Floats, people: SparseRatings, *, epsilon: float = 0.2, false_discovery: float = 0.05, least: int = _LEAST
) -> AnnotatorTest:
    """From the judge's categories (items,), NaN where it is silent, and people's; they are the numbers 0, 1, 2.

    ``epsilon`` is what the judge's cheapness is worth: 0.2 beside experts, 0.1 beside a crowd.
    Raises InputError when the two are not aligned.
    """
    if judge.shape != (people.items,):
        raise InputError(
            f"the judge's labels of shape {judge.shape} must match people's on {count(people.items, 'item')}"
        )
    least, counts = max(least, 2), people.counts(_OUTCOMES)
    compared = (_compared(judge, people, counts, own) for own in people.by_rater(least))
    kept = [pair for pair in compared if len(pair[0]) >= least]
    left_out = people.raters - len(kept)
    if len(kept) < 2:
        return AnnotatorTest(None, None, None, len(kept), left_out, epsilon)
    p_values = np.array([_p_value(theirs - ours, epsilon) for ours, theirs in kept])
    rate = float(_discoveries(p_values, false_discovery).mean())
    advantage = float(np.mean([ours.mean() for ours, _ in kept]))
    return AnnotatorTest(rate >= 0.5, rate, advantage, len(kept), left_out, epsilon)


def _compared(
    judge: Floats, people: SparseRatings, counts: NDArray[np.intp], own: NDArray[np.intp]
) -> tuple[Floats, Floats]:
    """Per item that the judge, this annotator and another labelled: who agrees with the others at least as well.

    ``own``: the places of this annotator's labels; ``counts`` (items, categories) of everybody's.
    """
    item, label = people.item[own], people.value[own].astype(np.intp)
    others = counts[item].sum(axis=1) - 1
    usable = np.isfinite(judge[item]) & (others > 0)
    item, label, others = item[usable], label[usable], others[usable]
    verdict = judge[item].astype(np.intp)
    ours = (counts[item, verdict] - (verdict == label)) / others
    theirs = (counts[item, label] - 1) / others
    return (ours >= theirs) * 1.0, (theirs >= ours) * 1.0


def _p_value(difference: Floats, epsilon: float) -> float:
    """One-sided, against a mean of at least ``epsilon``.

    Where all items agree, as if half an item more were at -1, half at 1 and one at 0 (Agresti and Min 2005).
    """
    from scipy import stats  # it takes longer to load than all else; only what asks for this pays

    if np.ptp(difference) == 0:
        n, total = len(difference) + 2, float(difference.sum())
        mean = total / n
        variance = (float((difference**2).sum()) + 1) / n - mean**2
        return float(stats.t.cdf((mean - epsilon) / np.sqrt(variance / n), n - 3))
    return float(stats.ttest_1samp(difference, epsilon, alternative="less").pvalue)


def _discoveries(p_values: Floats, rate: float) -> Floats:
    """(m,) 1 where the hypothesis is rejected, at any dependence between the tests (Benjamini and Yekutieli 2001)."""
    from scipy import stats  # it takes longer to load than all else; only what asks for this pays

    adjusted: Floats = stats.false_discovery_control(p_values, method="by")
    return (adjusted <= rate).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Rankings:
    """The models ranked by mean preference over the same battles, once by each side."""

    spearman: Estimate
    kendall: Estimate


@dataclass(frozen=True, slots=True)
class CategoryAgreement:
    """Within one category of instructions."""

    category: str
    items: int
    raw: Estimate
    accuracy: Estimate
    accuracy_strict: Estimate


@dataclass(frozen=True, slots=True)
class JudgeAgreement:
    """One judge and people."""

    judge: str
    items: int  # labelled battles that it was asked about
    without_verdict: int  # of those, on which every trial failed: wrong in both accuracies, absent from the rest
    consensus: Coefficients  # with the sign of people's mean
    each_person: Estimate  # ``human_agreement``; compare with people's ceiling
    accuracy: Estimate
    accuracy_strict: Estimate
    by_category: tuple[CategoryAgreement, ...]
    rankings: Rankings
    calibration: Calibration | None  # None: its verdicts have no probabilities, or nobody labelled
    calibration_error: Estimate  # expected error, or why there is none
    annotators: AnnotatorTest


@dataclass(frozen=True, slots=True)
class JudgePair:
    """Two judges on the battles that both judged."""

    one: str
    other: str
    items: int
    agreement: Coefficients
    rankings: Rankings


@dataclass(frozen=True, slots=True)
class PeopleAgreement:
    """People beside each other."""

    annotators: tuple[str, ...]
    labels: int
    items: int  # battles with a label
    several: int  # battles with labels by two people or more
    ceiling: Estimate  # share of pairs of people that agree on a battle
    all: Coefficients


@dataclass(frozen=True, slots=True)
class AgreementReport:
    """All of it. ``score_icc`` is of pointwise scores of the same outputs by several judges."""

    people: PeopleAgreement
    judges: tuple[JudgeAgreement, ...]
    pairs: tuple[JudgePair, ...]
    all_judges: Coefficients
    score_icc: Mapping[str, Estimate]
    coverage: Coverage | None = None  # of the verdicts; None: nobody looked, or there are none


def agreement_report(
    items: LabelledBattles,
    *,
    categories: Sequence[str | None] = (),
    failed: Mapping[str, Marks] | None = None,
    score_icc: Mapping[str, Estimate] | None = None,
    how: Resampling | None = None,
) -> AgreementReport:
    """Agreement on ``items``. ``categories`` of each instruction's code; ``failed`` marks (m,), by judge, items on
    which it was asked and never gave a preference; ``score_icc`` what ``score_agreement`` found.

    Raises StatisticsError when there is neither a verdict, nor a score, nor a label.
    """
    if not len(items) and not items.judge_names and not any(figure.n for figure in (score_icc or {}).values()):
        raise StatisticsError("there is no verdict, score or label: run a judge, or import labels")
    how = how or Resampling()
    names = items.judge_names
    pairs = [(i, j) for i in range(len(names)) for j in range(i + 1, len(names))]
    return AgreementReport(
        people=people_agreement(items, how),
        judges=tuple(_judge(items, at, categories, (failed or {}).get(name), how) for at, name in enumerate(names)),
        pairs=tuple(_pair(items, i, j, how) for i, j in pairs),
        all_judges=coefficients(items.judges, items.instruction, how)
        if len(names) > 1
        else no_coefficients(_ONE_JUDGE, how.level),
        score_icc=dict(score_icc or {}),
    )


FORMS: tuple[Form, ...] = ("2,1", "2,k", "3,1", "3,k")  # of the intraclass correlation


def score_agreement(scores: Floats, clusters: Clusters, *, how: Resampling) -> dict[str, Estimate]:
    """ICC of pointwise scores (outputs, judges), by form; outputs with a missing score are left out."""
    full = np.isfinite(scores).all(axis=1)
    if scores.shape[1] < 2:
        return dict.fromkeys(FORMS, unidentified("fewer than two judges score", level=how.level, n=len(scores)))
    return {form: how.estimate(partial(agreement.icc, form=form), scores[full], clusters[full]) for form in FORMS}


def people_agreement(items: LabelledBattles, how: Resampling) -> PeopleAgreement:
    """How far people agree with each other."""
    several = np.asarray(items.people.given > 1)
    known = no_coefficients(_ONE_PERSON, how.level)
    if several.any():
        known = coefficients(items.people.packed(several), items.instruction[several], how)
    return PeopleAgreement(
        annotators=items.annotator_names,
        labels=len(items.people),
        items=int(items.labelled.sum()),
        several=int(several.sum()),
        ceiling=known.raw,
        all=known,
    )


def _judge(
    items: LabelledBattles, at: int, categories: Sequence[str | None], failed: Marks | None, how: Resampling
) -> JudgeAgreement:
    preference, consensus = items.judges[:, at], items.consensus
    missing = np.zeros(len(items), dtype=bool) if failed is None else failed.copy()
    missing &= np.isnan(preference)
    both = np.asarray(np.isfinite(preference) & items.labelled)
    presented = (np.isfinite(preference) | missing) & items.labelled
    if not presented.any():
        return _unlabelled(items.judge_names[at], how.level)
    cluster = items.instruction
    pair = np.column_stack([preference, consensus])
    accuracy = _accuracy(preference, consensus, presented, cluster, how.level)
    outcome, people = outcomes(pair), items.people.valued(outcomes(items.people.value))
    soft = not np.isin(preference[both], (0.0, 0.25, 0.5, 0.75, 1.0)).all()
    calibrated = None
    if soft:
        calibrated = calibration(
            preference[both],
            consensus[both],
            cluster[both],
            rng=np.random.default_rng(how.seed),
            level=how.level,
            resamples=how.resamples,
        )
    return JudgeAgreement(
        judge=items.judge_names[at],
        items=int(presented.sum()),
        without_verdict=int((presented & missing).sum()),
        consensus=coefficients(pair[both], cluster[both], how),
        each_person=human_agreement(outcome[:, 0], people, cluster, level=how.level),
        accuracy=accuracy,
        accuracy_strict=_accuracy(preference, consensus, presented, cluster, how.level, tie_credit=0.0),
        by_category=_by_category(items, preference, outcome, presented, categories, how.level),
        rankings=_rankings(items, preference, consensus, both, how.level),
        calibration=calibrated,
        calibration_error=unidentified(_LABELS_ONLY, level=how.level, n=int(both.sum()))
        if calibrated is None
        else calibrated.expected_error,
        annotators=annotator_test(outcome[:, 0], people),
    )


def _unlabelled(name: str, level: float) -> JudgeAgreement:
    nothing = unidentified(_NOBODY, level=level)
    untested = annotator_test(np.zeros(0), SparseRatings.of(np.zeros((0, 0))))
    agreed = no_coefficients(_NOBODY, level), *(nothing,) * 3
    return JudgeAgreement(name, 0, 0, *agreed, (), Rankings(nothing, nothing), None, nothing, untested)


def _pair(items: LabelledBattles, one: int, other: int, how: Resampling) -> JudgePair:
    both = items.judges[:, [one, other]]
    known = np.asarray(np.isfinite(both).all(axis=1))
    coefficient = no_coefficients("no battle was judged by both", how.level)
    if known.any():
        coefficient = coefficients(both[known], items.instruction[known], how)
    rankings = _rankings(items, both[:, 0], both[:, 1], known, how.level)
    return JudgePair(items.judge_names[one], items.judge_names[other], int(known.sum()), coefficient, rankings)


def human_agreement(
    judged: Floats, people: SparseRatings, clusters: Clusters, *, level: float, of: NDArray[np.intp] | None = None
) -> Estimate:
    """The mean over battles of the share of people whose label on it is the judge's outcome: what "human agreement" is
    called wherever a judge meets people, or the one person whose labels lie at the places ``of``.

    ``judged`` (m,) outcomes 0, 1, 2, NaN where there is none; ``people`` with such values, ``clusters`` (m,). Between
    two people it is ``stats.agreement.share_alike``, the ceiling.
    """
    item, value = (people.item, people.value) if of is None else (people.item[of], people.value[of])
    known = np.isfinite(judged[item])
    if not known.any():
        return unidentified("the judge judged none of these battles", level=level)
    alike = SparseRatings(
        len(judged), people.raters, item[known], item[known], (value == judged[item])[known] * 1.0
    ).mean
    labelled = np.isfinite(alike)
    return bounded_mean(alike[labelled], clusters[labelled], level=level)


def _accuracy(
    preference: Floats, truth: Floats, presented: Marks, clusters: Clusters, level: float, tie_credit: float = 0.5
) -> Estimate:
    """On the items that the judge was asked about and people decided; a failure is wrong."""
    winner = outcomes(truth) / 2
    decided = presented & (winner != 0.5)
    if not decided.any():
        return unidentified("people named no winner on these battles", level=level)
    return agreement.accuracy(
        preference[decided], winner[decided], clusters[decided], tie_credit=tie_credit, level=level
    )


def _by_category(
    items: LabelledBattles,
    preference: Floats,
    outcome: Floats,
    presented: Marks,
    categories: Sequence[str | None],
    level: float,
) -> tuple[CategoryAgreement, ...]:
    if not categories:
        return ()
    of_item = np.array([categories[code] or "" for code in items.instruction], dtype=object)
    rows = []
    for name in sorted({str(name) for name in of_item[presented]} - {""}):
        inside = presented & (of_item == name)
        raw = agreement.share_alike(outcome[inside], items.instruction[inside], level=level)
        right, strict = (
            _accuracy(preference, items.consensus, inside, items.instruction, level, tie_credit=credit)
            for credit in (0.5, 0.0)
        )
        rows.append(CategoryAgreement(name, int(inside.sum()), raw, right, strict))
    return tuple(rows)


def _rankings(items: LabelledBattles, one: Floats, other: Floats, both: Marks, level: float) -> Rankings:
    ranked = [_win_rates(items, side, both) for side in (one, other)]
    return Rankings(
        rank_correlation(*ranked, method="spearman", level=level),
        rank_correlation(*ranked, method="kendall", level=level),
    )


def _win_rates(items: LabelledBattles, preference: Floats, rows: Marks) -> dict[str, float]:
    """Mean preference for each model over these battles."""
    k = len(items.models)
    a, b, p = items.model_a[rows], items.model_b[rows], preference[rows]
    count = np.bincount(a, minlength=k) + np.bincount(b, minlength=k)
    total = np.bincount(a, weights=p, minlength=k) + np.bincount(b, weights=1 - p, minlength=k)
    return {items.models[code]: float(total[code] / count[code]) for code in np.flatnonzero(count)}
