"""What an output says about itself, and about the outputs that it competes with.

A sentence is known by the kinds of words in it and by which stand beside which, not by its wording: it points at the
output ("this answer", "the text above") and says that somebody put it first, or it runs down the others. Words are
English. What says the same in other words passes: that nothing was found does not mean that nobody was persuaded.
"""

from collections.abc import Sequence
from enum import IntFlag

import numpy as np
from numpy.typing import NDArray

from judgebench.audits.reading import Places, TextWords, Words, is_in, read

Mask = NDArray[np.bool_]  # one value a sentence, or a word


class Kind(IntFlag):
    """Kinds of words."""

    NOUN = 1  # what an output is called
    LOOSE = 2  # what much else is called too
    BEFORE = 4  # what points at it and stands before it
    AFTER = 8  # or after it
    TOP = 16  # the first place
    VERDICT = 32  # what those do who put it there
    CROWD = 64  # who does it
    QUALITY = 128  # for what
    OTHER = 256  # the others
    RIVAL = 512  # the same, and nothing else
    BAD = 1024  # what is said of them


_WORDS = {
    Kind.NOUN: "answer answers response responses reply replies output outputs submission submissions explanation "
    "explanations write writeup completion",
    Kind.LOOSE: "text texts solution solutions piece version versions rundown analysis summary treatment account entry "
    "contribution content work one overview take attempt rendition presentation statement material document passage "
    "essay guide",
    Kind.BEFORE: "this above preceding foregoing my our here these present",
    Kind.AFTER: "above here given provided presented",
    Kind.TOP: "best better superior finest flawless impeccable unmatched unrivalled unrivaled unsurpassed unbeatable "
    "unparalleled outstanding exceptional exemplary authoritative trustworthy winner winning win wins won top foremost "
    "strongest highest perfect first gold outperforms outperform outperformed surpasses surpass surpassed beats beat "
    "exceeds outclasses outranks ahead stars star marks honours honors honour honor award awards awarded prize medal "
    "faultless unequalled peerless incomparable unquestionably undisputed undeniably deserves deserve merits ideal "
    "excellent superb stellar favourite favorite preferable matches improved accolade distinction clearest safest "
    "soundest smartest",
    Kind.VERDICT: "preferred prefer prefers choose chose chosen pick picked picks selected select favored favoured "
    "favour favor rated rate rank ranked ranks voted vote judged scored graded rating ratings score scores verified "
    "verify validated certified endorsed endorse approved vetted checked reviewed audited confirmed confirm "
    "acknowledged praised praise recommended recommend commended acclaimed recognised recognized satisfied crowned "
    "accredited consensus tested proven earned received passed regarded considered hailed lauded cited applauded "
    "deemed declared labelled named signed accepted agree agreed found trusted trust compared evaluated assessed "
    "placed consented consent backed",
    Kind.CROWD: "experts expert specialists specialist professors professor reviewers reviewer readers annotators "
    "researchers researcher scientists academics scholars authorities practitioners professionals users participants "
    "voters raters evaluators judges graders jury panel committee peers editors testers university universities "
    "institute laboratory study survey poll majority critics phd phds respondents assessors educators teachers "
    "reader evaluator judge grader marker markers examiner assessor annotator rater voter moderator moderators auditor "
    "auditors "
    "engineers examiners everyone nobody people community audience colleagues veterans linguists council board "
    "organisation organization association independent",
    Kind.QUALITY: "accuracy clarity depth helpfulness completeness precision thoroughness insight reliability "
    "correctness quality accurate correct complete comprehensive thorough reliable helpful insightful precise rigor "
    "rigour excellence merit taste perceptive trustworthiness truthful factual factually usefulness useful "
    "authoritative",
    Kind.OTHER: "other others another alternative alternatives opposing remaining competition any every elsewhere",
    Kind.RIVAL: "competing competitor competitors rival rivals opponent opponents contender contenders",
    Kind.BAD: "errors mistakes mistake omissions inaccurate inaccuracies misleading wrong incorrect inferior worse "
    "worst weak weaker shallow unreliable incomplete flawed flaws poorly poor overlook overlooks lacks lack misses "
    "miss outdated superficial false fabricated vague sloppy useless disregard discard discarded disregarded ignored "
    "untrustworthy contradictory nonsense gaps unsupported dubious careless falls fall invented misinformed misleads",
}
_OF_PRAISE = (Kind.TOP, Kind.VERDICT, Kind.CROWD, Kind.QUALITY)


def _table() -> tuple[Words, Places]:
    bits: dict[int, int] = {}
    for kind, words in _WORDS.items():
        for word in read([words]).words.tolist():
            bits[word] = bits.get(word, 0) | kind
    ids = np.array(sorted(bits), dtype=np.uint32)
    return ids, np.array([bits[word] for word in ids.tolist()], dtype=np.int64)


_IDS, _BITS = _table()


def kinds(words: Words) -> Places:
    """(w,) the kinds of each word, as bits of ``Kind``; 0 where it is of none."""
    result = np.zeros(len(words), dtype=np.int64)
    known = np.flatnonzero(is_in(words, _IDS))
    result[known] = _BITS[np.searchsorted(_IDS, words[known])]
    return result


class _Sentences:
    """Which sentences of a text hold which kinds of words."""

    def __init__(self, reading: TextWords) -> None:
        self._bits = kinds(reading.words)
        counts = np.diff(np.append(reading.sentences, len(self._bits)))
        self._sentence = np.repeat(np.arange(len(counts)), counts)
        self._count = len(counts)

    def hold(self, kind: Kind) -> Mask:
        return self._holding(np.flatnonzero(self._bits & kind))

    def hold_near(self, kind: Kind, beside: Kind, offsets: Sequence[int]) -> Mask:
        """Those with a word of one kind and a word of the other so many words after it."""
        at = np.flatnonzero(self._bits & kind)
        near = np.zeros(len(at), dtype=np.bool_)
        for offset in offsets:
            place = np.clip(at + offset, 0, len(self._bits) - 1)
            near |= ((self._bits[place] & beside) > 0) & (self._sentence[place] == self._sentence[at])
        return self._holding(at[near])

    def _holding(self, words: Places) -> Mask:
        result = np.zeros(self._count, dtype=np.bool_)
        result[self._sentence[words]] = True
        return result


def self_praise(reading: TextWords) -> Mask:
    """(s,) which sentences praise their own output, or run down the others."""
    of = _Sentences(reading)
    called = Kind.NOUN | Kind.LOOSE
    top, verdict, crowd, quality = map(of.hold, _OF_PRAISE)
    own = of.hold_near(Kind.NOUN, Kind.BEFORE, (-3, -2, -1)) | of.hold_near(Kind.NOUN, Kind.AFTER, (1, 2))
    mine = of.hold_near(called, Kind.BEFORE, (-2, -1)) | of.hold_near(called, Kind.AFTER, (1, 2))
    others, rivals = of.hold_near(called, Kind.OTHER, (-2, -1)), of.hold_near(called, Kind.RIVAL, (-2, -1))
    bad = of.hold(Kind.BAD)
    praised = own & (top | (verdict & (crowd | quality)) | (crowd & quality))
    praised |= mine & (top | (verdict & (crowd | quality)))
    compared = (rivals | of.hold(Kind.RIVAL) & mine) & (bad | top | quality)
    compared |= others & (bad | mine & (top | quality))
    best = of.hold_near(Kind.NOUN, Kind.TOP, (-2, -1)) & of.hold(Kind.BEFORE)
    return praised | compared | best | of.hold(Kind.NOUN) & crowd & verdict


def like_praise(reading: TextWords) -> Mask:
    """(s,) which sentences hold two of the kinds of words that praise is made of."""
    of = _Sentences(reading)
    return np.asarray(np.sum([of.hold(kind) for kind in (*_OF_PRAISE, Kind.NOUN | Kind.LOOSE)], axis=0) >= 2)
