"""Who votes, and how: each person's ties, leaning to what is shown first, agreement with others and with judges, pace.

Agreement is the share of pairs that agree on one of three outcomes (``stats.agreement.outcomes``), with intervals over
instructions. A remark on a person rests on an interval at a level by which, were nobody odd, any of all that are looked
at would be remarked on in 5 of 100 cases at most (Bonferroni). It says what is unlike others, and not why.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

import numpy as np

from judgebench.bias.human_agreement import LabelledBattles, PeopleAgreement, human_agreement, people_agreement
from judgebench.counts import count
from judgebench.estimate import Estimate, unidentified
from judgebench.records import HumanLabel, Order
from judgebench.stats.agreement import Resampling, outcomes
from judgebench.stats.intervals import bounded_mean
from judgebench.stats.verdict_table import Floats

_BY_HAND = "app"  # the source of labels whose times are those of votes
_FAST_S, _FEWEST_FAST = 3.0, 20  # an instruction and two outputs are hardly read in less
_PAUSE_S = 600.0  # after which somebody was away
_NO_ORDER = "it is not known which output was shown first, or no vote names a winner"
_ALONE = "nobody else voted on the same outputs"


@dataclass(frozen=True, slots=True)
class Voter:
    """One person's votes."""

    name: str
    votes: int
    ties: Estimate  # share of votes, both bad included
    first: Estimate  # share of what was shown first among votes that name a winner
    with_people: Estimate  # share of other people's votes on the same outputs that say the same, a battle
    with_judges: Mapping[str, Estimate]  # share of a judge's mean outcomes that say the same
    seconds: float | None  # median time from vote to vote; None: not known
    remarks: tuple[str, ...]  # what is unlike others


@dataclass(frozen=True, slots=True)
class VotersReport:
    """Those with most votes first."""

    people: PeopleAgreement
    voters: tuple[Voter, ...]
    left_out: int  # voters with fewer votes than those listed


def voters_report(
    items: LabelledBattles, labels: Sequence[HumanLabel], *, most: int = 200, how: Resampling | None = None
) -> VotersReport:
    """Of ``labels``, which are those of ``items``; the ``most`` people with most votes are listed."""
    how = how or Resampling()
    own: dict[str, list[HumanLabel]] = defaultdict(list)
    for label in labels:
        own[label.annotator].append(label)
    names = sorted(own, key=lambda name: (-len(own[name]), name))[:most]
    rows = dict(zip(items.annotator_names, items.people.by_rater(0), strict=True))
    agreement = people_agreement(items, how)
    strict = 1 - (1 - how.level) / max(len(names), 1)
    looks = _Looks(items, agreement.ceiling, how.level, strict)
    voters = tuple(looks.voter(name, own[name], rows.get(name, np.zeros(0, dtype=np.intp))) for name in names)
    return VotersReport(agreement, voters, len(own) - len(names))


class _Looks:
    """What does not depend on whom one looks at."""

    def __init__(self, items: LabelledBattles, ceiling: Estimate, level: float, strict: float) -> None:
        self._items, self._ceiling, self._level, self._strict = items, ceiling, level, strict
        self._people = items.people.valued(outcomes(items.people.value))
        self._counts, self._judges = self._people.counts(3), outcomes(items.judges)

    def voter(self, name: str, labels: Sequence[HumanLabel], own: np.ndarray) -> Voter:
        """``own``: places of this person's ratings."""
        codes = {key: number for number, key in enumerate(sorted({label.instruction for label in labels}))}
        cluster = np.array([codes[label.instruction] for label in labels])
        preference = np.array([label.preference for label in labels])
        ties = bounded_mean((preference == 0.5) * 1.0, cluster, level=self._level)
        shown = np.array([label.order is not None and label.preference != 0.5 for label in labels])
        first = np.array([(label.preference > 0.5) == (label.order is Order.AB) for label in labels]) * 1.0
        leaning = [self._leaning(first[shown], cluster[shown], level) for level in (self._level, self._strict)]
        beside = [self._with_people(own, level) for level in (self._level, self._strict)]
        judged = {judge: self._with_judge(own, at) for at, judge in enumerate(self._items.judge_names)}
        seconds, timed = _pace(labels)
        remarks = [*self._remarks(leaning[1], beside[1])]
        if seconds is not None and timed >= _FEWEST_FAST and seconds < _FAST_S:
            remarks.append(f"half of {count(timed, 'vote')} came within {seconds:.1f} s of the one before")
        return Voter(name, len(labels), ties, leaning[0], beside[0], judged, seconds, tuple(remarks))

    def _remarks(self, leaning: Estimate, beside: Estimate) -> list[str]:
        words = []
        lower, upper = leaning.ends
        if leaning.identified and (lower > 0.5 or upper < 0.5):
            words.append(f"names the output shown {'first' if lower > 0.5 else 'second'} more often than the other")
        if beside.identified and self._ceiling.value is not None and beside.ends[1] < self._ceiling.value:
            words.append("agrees with others less often than people here do")
        return words

    def _leaning(self, first: Floats, cluster: np.ndarray, level: float) -> Estimate:
        return bounded_mean(first, cluster, level=level) if len(first) else unidentified(_NO_ORDER, level=level)

    def _with_people(self, own: np.ndarray, level: float) -> Estimate:
        item, label = self._people.item[own], self._people.value[own].astype(np.intp)
        others = self._counts[item].sum(axis=1) - 1
        kept = others > 0
        if not kept.any():
            return unidentified(_ALONE, level=level)
        alike = (self._counts[item, label] - 1)[kept] / others[kept]
        return bounded_mean(alike, self._items.instruction[item[kept]], level=level)

    def _with_judge(self, own: np.ndarray, judge: int) -> Estimate:
        judged, instruction = self._judges[:, judge], self._items.instruction
        return human_agreement(judged, self._people, instruction, level=self._level, of=own)


def _pace(labels: Sequence[HumanLabel]) -> tuple[float | None, int]:
    """Median seconds from vote to vote, pauses left out, and how many times that is of."""
    times = sorted(
        datetime.fromisoformat(label.created_at)
        for label in labels
        if label.source == _BY_HAND and label.created_at is not None
    )
    gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(times)]
    gaps = [gap for gap in gaps if gap < _PAUSE_S]
    return (float(np.median(gaps)), len(gaps)) if gaps else (None, 0)
