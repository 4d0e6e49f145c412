"""Texts of one collection found in another: benchmark instructions in training data, in templates, in submissions.

Candidates share a run of eight words, or of four where both are brief; rapidfuzz then compares them, whole against
whole, and the shorter against the part of the longer that lies where the run does. A pair that shares thirteen words in
a row as well is reported in any case, and marked, because that is the usual rule for training data (Brown et al. 2020,
appendix C). Runs that many texts share are taken for boilerplate and start no comparison.

It reads words: a translation or a paraphrase is not found. Texts of fewer than eight words are found only as a whole.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import fuzz, process

from judgebench.errors import InputError

_WORDS = 8  # a copy with one word in ten changed still holds such a run with near certainty
_VERBATIM = 13
_FEW_WORDS = 4  # of a brief text: one changed word in ten may leave no run of eight
_BRIEF = 48  # words, below which a text is brief
_COMMON = 100  # distinct texts of one side; what more of them share is boilerplate, not copying
_COVERED = 0.5  # share of the shorter text's runs, enough by itself where texts are too long to be compared
_LONG = 4_000_000  # product of two lengths in characters; comparing takes time in proportion
_UNEVEN = 1.2  # ratio of lengths, from which the shorter is looked for inside the longer
_UNSPACED = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # kana and ideographs: each is a word
_WORD = re.compile(rf"[{_UNSPACED}]|[^\W{_UNSPACED}]+")
Hashes = NDArray[np.uint64]
Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Overlap:
    """A text of one side found on the other. Indices hold all places of that text, as identical texts are one."""

    texts: tuple[int, ...]
    others: tuple[int, ...]
    similarity: float  # in [0, 1]; 1: the same words, or the shorter is inside the longer; 0: below the threshold
    inside: bool  # found as a part: whole against whole they are less similar than the threshold
    verbatim: bool  # they share thirteen words in a row


def find_overlaps(texts: Sequence[str], others: Sequence[str], *, threshold: float = 0.75) -> tuple[Overlap, ...]:
    """Pairs whose similarity reaches ``threshold``, and those with thirteen words in common; most similar first.

    Raises InputError for a threshold outside (0, 1].
    """
    if not 0 < threshold <= 1:
        raise InputError(f"the threshold of similarity must lie in (0, 1], not {threshold!r}")
    vocabulary: dict[str, int] = {}
    left, right = _Collection.of(texts, vocabulary), _Collection.of(others, vocabulary)
    pairs = _pairs(left, right, left.runs(_WORDS), right.runs(_WORDS))
    brief = _pairs(left, right, left.runs(_FEW_WORDS, left.brief), right.runs(_FEW_WORDS, right.brief))
    pairs = pairs.and_those_of(brief)
    verbatim = _pairs(left, right, left.runs(_VERBATIM, pairs.left), right.runs(_VERBATIM, pairs.right))
    similarity, inside = _compare(left, right, pairs, threshold)
    is_verbatim = np.isin(pairs.key, verbatim.key)
    kept = np.flatnonzero((similarity >= threshold) | is_verbatim)
    kept = kept[np.argsort(-similarity[kept], kind="stable")]
    return tuple(
        Overlap(
            left.places[pairs.left[at]],
            right.places[pairs.right[at]],
            float(similarity[at]),
            bool(inside[at]),
            bool(is_verbatim[at]),
        )
        for at in kept
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Collection:
    """Distinct texts as sequences of words, one after the other."""

    places: tuple[tuple[int, ...], ...]  # of each distinct text
    words: tuple[str, ...]  # of each, joined by spaces
    token: NDArray[np.int64]  # (t,) all words as numbers
    start: Indices  # (texts + 1,)

    @classmethod
    def of(cls, texts: Sequence[str], vocabulary: dict[str, int]) -> "_Collection":
        """Texts without a word are left out. New words are added to ``vocabulary``."""
        places: dict[str, list[int]] = {}
        split = []
        for at, text in enumerate(texts):
            words = _WORD.findall(text.casefold())
            copies = places.setdefault(" ".join(words), [])
            if words and not copies:
                split.append(words)
            copies.append(at)
        places.pop("", None)
        token = [vocabulary.setdefault(word, len(vocabulary)) for words in split for word in words]
        start = np.concatenate([[0], np.cumsum([len(words) for words in split], dtype=np.int64)])
        return cls(tuple(map(tuple, places.values())), tuple(places), np.array(token, dtype=np.int64), start)

    @property
    def brief(self) -> Indices:
        """The texts of fewer than ``_BRIEF`` words."""
        return np.flatnonzero(np.diff(self.start) < _BRIEF)

    def runs(self, length: int, among: Indices | None = None) -> "_Runs":
        """The distinct runs of ``length`` words of the texts ``among``; of all texts also the whole of shorter ones."""
        size = np.diff(self.start)
        chosen = np.ones(len(size), dtype=bool) if among is None else np.bincount(among, minlength=len(size)) > 0
        hashes = _rolled(self.token, length)
        owner = np.repeat(np.arange(len(size)), size)[: len(hashes)]
        whole = np.flatnonzero(chosen[owner] & (np.arange(len(hashes)) + length <= self.start[owner + 1]))
        short = np.flatnonzero(size < length) if among is None else np.zeros(0, dtype=np.int64)
        alone = [_rolled(self.token[self.start[at] : self.start[at + 1]], int(size[at])) for at in short]
        texts = np.concatenate([owner[whole], short])
        place = np.concatenate([whole, self.start[short]]) - self.start[texts]
        return _Runs.of(np.concatenate([hashes[whole], *alone]), texts, place)

    def part(self, text: int, first: int, size: int) -> str:
        """``size`` words of a text from its word ``first`` on; negative starts begin at 0."""
        return " ".join(self.words[text].split(" ")[max(first, 0) : max(first, 0) + size])


@dataclass(frozen=True, slots=True, eq=False)
class _Runs:
    """Each distinct run of each text once, sorted by hash."""

    hashes: Hashes
    text: Indices
    place: Indices  # the word at which it begins in its text

    @classmethod
    def of(cls, hashes: Hashes, text: Indices, place: Indices) -> "_Runs":
        order = np.argsort(hashes, kind="stable")  # runs of one text came together, so that equal ones stay together
        hashes, text = hashes[order], text[order]
        fresh = np.ones(len(hashes), dtype=bool)
        fresh[1:] = (hashes[1:] != hashes[:-1]) | (text[1:] != text[:-1])
        return cls(hashes[fresh], text[fresh], place[order][fresh])

    def matches(self, other: "_Runs") -> tuple[Indices, Indices]:
        """Numbers of equal runs here and there; what more than ``_COMMON`` texts of a side share is left out."""
        first = np.searchsorted(other.hashes, self.hashes, "left")
        there = np.searchsorted(other.hashes, self.hashes, "right") - first
        shared = np.flatnonzero((there > 0) & (there <= _COMMON))
        sought = self.hashes[shared]
        here = np.searchsorted(self.hashes, sought, "right") - np.searchsorted(self.hashes, sought, "left")
        shared = shared[here <= _COMMON]
        repeats = there[shared]
        offset = np.arange(repeats.sum()) - np.repeat(np.cumsum(repeats) - repeats, repeats)
        return np.repeat(shared, repeats), np.repeat(first[shared], repeats) + offset


@dataclass(frozen=True, slots=True, eq=False)
class _Pairs:
    """p pairs of distinct texts that share a run."""

    key: Indices  # (p,) sorted, unique
    left: Indices
    right: Indices
    shift: Indices  # (p,) how many words later the shared run begins on the right
    covered: NDArray[np.float64]  # (p,) share of the runs of the text with fewer of them that the other has too

    def and_those_of(self, other: "_Pairs") -> "_Pairs":
        """These pairs, and the pairs of ``other`` that are not among them."""
        key, first = np.unique(np.concatenate([self.key, other.key]), return_index=True)
        columns = ((self.left, other.left), (self.right, other.right), (self.shift, other.shift))
        left, right, shift = (np.concatenate(pair)[first] for pair in columns)
        return _Pairs(key, left, right, shift, np.concatenate([self.covered, other.covered])[first])


def _pairs(left: _Collection, right: _Collection, one: _Runs, other: _Runs) -> _Pairs:
    here, there = one.matches(other)
    width = max(len(right.places), 1)
    key, first, count = np.unique(one.text[here] * width + other.text[there], return_index=True, return_counts=True)
    a, b = np.divmod(key, width)
    runs = [np.bincount(side.text, minlength=1)[chosen] for side, chosen in ((one, a), (other, b))]
    shift = other.place[there[first]] - one.place[here[first]]
    return _Pairs(key, a, b, shift, count / np.minimum(*runs))


def _compare(
    left: _Collection, right: _Collection, pairs: _Pairs, threshold: float
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(p,) similarity, 0 where below the threshold; and whether it is that of a part."""
    ones, others = [left.words[at] for at in pairs.left], [right.words[at] for at in pairs.right]
    a, b = (np.array([len(text) for text in side], dtype=np.int64) for side in (ones, others))
    whole = np.where(a * b <= _LONG, 1.0, 0.0)
    _score(ones, others, whole, threshold)
    shorter, longer = np.minimum(a, b), np.maximum(a, b)
    sought = (whole == 0) & (longer > _UNEVEN * shorter)
    part = np.where(sought & (shorter**2 <= _LONG), 1.0, 0.0)
    for at in np.flatnonzero(part):
        if a[at] < b[at]:
            others[at] = right.part(pairs.right[at], pairs.shift[at], ones[at].count(" ") + 1)
        else:
            ones[at] = left.part(pairs.left[at], -pairs.shift[at], others[at].count(" ") + 1)
    _score(ones, others, part, threshold)
    long = (whole == 0) & (part == 0) & (a * b > _LONG) & (pairs.covered >= _COVERED)
    part = np.where(long, pairs.covered ** (1 / _WORDS), part)  # words kept, where changes are spread evenly
    return np.maximum(whole, part), sought & (part >= threshold)


def _score(ones: Sequence[str], others: Sequence[str], scores: NDArray[np.float64], threshold: float) -> None:
    """Replace ``scores`` that are not 0 by the pair's similarity, or 0 where that is below the threshold."""
    at = [int(number) for number in np.flatnonzero(scores)]
    if at:
        a, b = [ones[i] for i in at], [others[i] for i in at]
        compared = process.cpdist(a, b, scorer=fuzz.ratio, score_cutoff=100 * threshold, workers=1)
        scores[at] = np.asarray(compared, dtype=np.float64) / 100


def _rolled(token: NDArray[np.int64], length: int) -> Hashes:
    """(t - length + 1,) polynomial hashes modulo 2**64 of mixed words."""
    if len(token) < length:
        return np.zeros(0, dtype=np.uint64)
    mixed = _mixed(token.astype(np.uint64) + np.uint64(1))
    total = np.zeros(len(token) - length + 1, dtype=np.uint64)
    for at in range(length):
        total = total * np.uint64(0x9E3779B97F4A7C15) + mixed[at : at + len(total)]
    return _mixed(total)


def _mixed(x: Hashes) -> Hashes:
    """The finaliser of SplitMix64 (Steele, Lea and Flood 2014)."""
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))
