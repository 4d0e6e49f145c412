"""Who agrees with whom: each judge with people, judges with each other, people with each other, as far as data tell.

Preferences become three outcomes: A, tie, B (``agreement.outcomes``). A judge is compared with people's consensus, the
sign of their mean preference, and with each person separately, which is what two people can be compared in: their
agreement with each other is the ceiling of what a judge can reach. Intervals resample instructions. Ties are always
stated: ``raw`` counts them as a third outcome, ``decided`` leaves out items on which either side says tie, ``accuracy``
gives a judge's tie half, ``accuracy_strict`` nothing, both where people decided. Failures are wrong, not missing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from judgebench.bias.alternative_annotator import AnnotatorTest, annotator_test
from judgebench.bias.calibration import Calibration, calibration
from judgebench.bias.labelled_battles import Items, mean_of_known
from judgebench.errors import StatisticsError
from judgebench.estimate import Estimate, unidentified
from judgebench.stats import agreement
from judgebench.stats.agreement import (
    Coefficients,
    Resampling,
    coefficients,
    no_coefficients,
    outcomes,
    rank_correlation,
)
from judgebench.stats.intervals import Clusters, bounded_mean
from judgebench.stats.verdict_table import Floats

Marks = NDArray[np.bool_]


_NOBODY = "no battle that the judge judged has a human label: import labels, or vote in the app"


_ONE_PERSON = "no battle was labelled by two people, so how far people agree is not known"


_LABELS_ONLY = "the verdicts are labels, without probabilities"


_ONE_JUDGE = "only one judge judged these battles"


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
    """One judge beside people."""

    judge: str
    items: int  # labelled battles that it was asked about
    without_verdict: int  # of those, on which every trial failed: wrong in both accuracies, absent from the rest
    consensus: Coefficients  # with the sign of people's mean
    each_person: Estimate  # mean over labels of agreeing with that person; compare with people's ceiling
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
class Concord:
    """All of it. ``score_icc`` is of pointwise scores of the same outputs by several judges."""

    people: PeopleAgreement
    judges: tuple[JudgeAgreement, ...]
    pairs: tuple[JudgePair, ...]
    all_judges: Coefficients
    score_icc: Mapping[str, Estimate]


def concord(
    items: Items,
    *,
    categories: Sequence[str | None] = (),
    failed: Mapping[str, Marks] | None = None,
    score_icc: Mapping[str, Estimate] | None = None,
    how: Resampling | None = None,
) -> Concord:
    """Agreement on ``items``. ``categories`` of each instruction's code; ``failed`` marks (m,), by judge, items on
    which it was asked and never gave a preference; ``score_icc`` what ``score_agreement`` found.

    Raises StatisticsError when there is neither a verdict nor a label.
    """
    if not len(items):
        raise StatisticsError("there is neither a verdict nor a label: run a judge, or import labels")
    how = how or Resampling()
    names = items.judge_names
    pairs = [(i, j) for i in range(len(names)) for j in range(i + 1, len(names))]
    return Concord(
        people=_people(items, how),
        judges=tuple(_judge(items, at, categories, (failed or {}).get(name), how) for at, name in enumerate(names)),
        pairs=tuple(_pair(items, i, j, how) for i, j in pairs),
        all_judges=coefficients(items.judges, items.instruction, how)
        if len(names) > 1
        else no_coefficients(_ONE_JUDGE, how.level),
        score_icc=dict(score_icc or {}),
    )


def score_agreement(scores: Floats, clusters: Clusters, *, how: Resampling) -> dict[str, Estimate]:
    """ICC of pointwise scores (outputs, judges), by form; outputs with a missing score are left out."""
    full = np.isfinite(scores).all(axis=1)
    if scores.shape[1] < 2:
        return dict.fromkeys(("2,1", "2,k", "3,1", "3,k"), unidentified("fewer than two judges score", level=how.level))
    return {
        form: how.estimate(partial(agreement.icc, form=form), scores[full], clusters[full])
        for form in ("2,1", "2,k", "3,1", "3,k")
    }


def _people(items: Items, how: Resampling) -> PeopleAgreement:
    rated = outcomes(items.people)
    several = np.isfinite(rated).sum(axis=1) > 1
    found = no_coefficients(_ONE_PERSON, how.level)
    if several.any():
        found = coefficients(items.people[several], items.instruction[several], how)
    return PeopleAgreement(
        annotators=items.annotator_names,
        labels=int(np.isfinite(items.people).sum()),
        items=int(items.labelled.sum()),
        several=int(several.sum()),
        ceiling=found.raw,
        all=found,
    )


def _judge(
    items: Items, at: int, categories: Sequence[str | None], failed: Marks | None, how: Resampling
) -> JudgeAgreement:
    preference, consensus = items.judges[:, at], items.consensus
    missing = np.zeros(len(items), dtype=bool) if failed is None else failed.copy()
    missing &= np.isnan(preference)
    both = np.asarray(np.isfinite(preference) & items.labelled)
    asked = (np.isfinite(preference) | missing) & items.labelled
    if not asked.any():
        return _unlabelled(items.judge_names[at], how.level)
    cluster = items.instruction
    pair = np.column_stack([preference, consensus])
    accuracy = _accuracy(preference, consensus, asked, cluster, how.level)
    said = outcomes(pair)
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
        items=int(asked.sum()),
        without_verdict=int((asked & missing).sum()),
        consensus=coefficients(pair[both], cluster[both], how),
        each_person=_each_person(said[both, 0], outcomes(items.people[both]), cluster[both], how.level),
        accuracy=accuracy,
        accuracy_strict=_accuracy(preference, consensus, asked, cluster, how.level, tie_credit=0.0),
        by_category=_by_category(items, preference, said, asked, categories, how.level),
        rankings=_rankings(items, preference, consensus, both, how.level),
        calibration=calibrated,
        calibration_error=unidentified(_LABELS_ONLY, level=how.level, n=int(both.sum()))
        if calibrated is None
        else calibrated.expected_error,
        annotators=annotator_test(said[:, 0], outcomes(items.people)),
    )


def _unlabelled(name: str, level: float) -> JudgeAgreement:
    nothing = unidentified(_NOBODY, level=level)
    return JudgeAgreement(
        judge=name,
        items=0,
        without_verdict=0,
        consensus=no_coefficients(_NOBODY, level),
        each_person=nothing,
        accuracy=nothing,
        accuracy_strict=nothing,
        by_category=(),
        rankings=Rankings(nothing, nothing),
        calibration=None,
        calibration_error=nothing,
        annotators=annotator_test(np.zeros(0), np.zeros((0, 0))),
    )


def _pair(items: Items, one: int, other: int, how: Resampling) -> JudgePair:
    both = items.judges[:, [one, other]]
    known = np.asarray(np.isfinite(both).all(axis=1))
    found = no_coefficients("no battle was judged by both", how.level)
    if known.any():
        found = coefficients(both[known], items.instruction[known], how)
    rankings = _rankings(items, both[:, 0], both[:, 1], known, how.level)
    return JudgePair(items.judge_names[one], items.judge_names[other], int(known.sum()), found, rankings)


def _each_person(judged: Floats, people: Floats, clusters: Clusters, level: float) -> Estimate:
    known = np.isfinite(people)
    alike = mean_of_known(np.where(known, (people == judged[:, None]) * 1.0, np.nan))
    return bounded_mean(alike, clusters, level=level)


def _accuracy(
    preference: Floats, truth: Floats, asked: Marks, clusters: Clusters, level: float, tie_credit: float = 0.5
) -> Estimate:
    """On the items asked about and decided by people; a failure is wrong."""
    winner = outcomes(truth) / 2
    decided = asked & (winner != 0.5)
    if not decided.any():
        return unidentified("people named no winner on these battles", level=level)
    return agreement.accuracy(
        preference[decided], winner[decided], clusters[decided], tie_credit=tie_credit, level=level
    )


def _by_category(
    items: Items,
    preference: Floats,
    said: Floats,
    asked: Marks,
    categories: Sequence[str | None],
    level: float,
) -> tuple[CategoryAgreement, ...]:
    if not categories:
        return ()
    of_item = np.array([categories[code] or "" for code in items.instruction], dtype=object)
    found = []
    for name in sorted({str(each) for each in of_item[asked]} - {""}):
        inside = asked & (of_item == name)
        both = inside & np.isfinite(said).all(axis=1)
        alike = (said[both, 0] == said[both, 1]) * 1.0
        raw = bounded_mean(alike, items.instruction[both], level=level)
        right, strict = (
            _accuracy(preference, items.consensus, inside, items.instruction, level, tie_credit=credit)
            for credit in (0.5, 0.0)
        )
        found.append(CategoryAgreement(name, int(inside.sum()), raw, right, strict))
    return tuple(found)


def _rankings(items: Items, one: Floats, other: Floats, both: Marks, level: float) -> Rankings:
    ranked = [_win_rates(items, side, both) for side in (one, other)]
    return Rankings(
        rank_correlation(*ranked, method="spearman", level=level),
        rank_correlation(*ranked, method="kendall", level=level),
    )


def _win_rates(items: Items, preference: Floats, rows: Marks) -> dict[str, float]:
    """Mean preference for each model over these battles."""
    k = len(items.models)
    a, b, p = items.model_a[rows], items.model_b[rows], preference[rows]
    count = np.bincount(a, minlength=k) + np.bincount(b, minlength=k)
    total = np.bincount(a, weights=p, minlength=k) + np.bincount(b, weights=1 - p, minlength=k)
    return {items.models[code]: float(total[code] / count[code]) for code in np.flatnonzero(count)}
