"""Many texts as words and sentences, in arrays: every rule counts in what is read here once.

A word is a number of 32 bits made of its characters in lower case; words of scripts that do not separate them are
taken character by character, and so is every sign. Time and memory are linear in the characters, of whatever kind.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from judgebench.keys import clean_text

Hashes = NDArray[np.uint64]
Words = NDArray[np.uint32]
Places = NDArray[np.int64]
_SPACE, _LETTER, _DIGIT, _ALONE, _SIGN = range(5)  # kinds of characters
_UNSEPARATED = re.compile("[\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]")
_PAGE = 1 << 20  # characters read at once
MOST = 1 << 22  # characters of one text that are read
_WIDEST = 16  # words in a sequence
_STEM = 5  # characters of a stem
_LONGEST = 256  # characters of a word whose order counts
_STOPS, _WIDE_STOPS = np.array([ord(sign) for sign in ".!?"]), np.array([ord(sign) for sign in "。！？"])
_OWNER = np.uint64(40)  # bits of a sequence; above them stands the text's number


def mix(values: Hashes) -> Hashes:
    """A bijection of 64-bit numbers that spreads every bit (the finaliser of MurmurHash3)."""
    shift = np.uint64(33)
    values = (values ^ (values >> shift)) * np.uint64(0xFF51AFD7ED558CCD)
    values = (values ^ (values >> shift)) * np.uint64(0xC4CEB9FE1A85EC53)
    return values ^ (values >> shift)


_ODD = mix(np.arange(1, 1 + _WIDEST, dtype=np.uint64)) | np.uint64(1)
_POWERS = np.concatenate([mix(np.arange(1, 1 + _LONGEST, dtype=np.uint64)), np.zeros(1, dtype=np.uint64)])


@dataclass(frozen=True, slots=True, eq=False)
class TextWords:
    """Texts as words, (w,), and sentences, (s,), one after another; ``bounds`` and ``sentence_bounds``, (texts + 1,),
    say where each text's begin and end."""

    words: Words
    stems: Words  # of the first five characters
    letters: NDArray[np.uint8]  # of each word, two for a character of a script without blanks; 0 for signs and numbers
    starts: NDArray[np.int32]  # characters from the text's beginning
    ends: NDArray[np.int32]  # exclusive
    bounds: Places
    sentences: Places  # the first word of each sentence
    sentence_bounds: Places

    def __len__(self) -> int:
        return len(self.bounds) - 1

    @property
    def texts(self) -> Places:
        """(w,) the text in which each word stands."""
        return np.repeat(np.arange(len(self)), np.diff(self.bounds))

    @property
    def texts_of_sentences(self) -> Places:
        """(s,) the text in which each sentence stands."""
        return np.repeat(np.arange(len(self)), np.diff(self.sentence_bounds))

    def over_sentences(self, values: NDArray[np.generic], reduce: np.ufunc = np.add) -> NDArray[np.generic]:
        """(s,) ``values`` of words, added up over each sentence."""
        return np.asarray(reduce.reduceat(values, self.sentences)) if len(self.sentences) else values[:0]

    def sentence_lines(self) -> Hashes:
        """(s,) a number for the letters of each sentence; signs and numbers do not count."""
        spoken = self.letters > 0
        place = np.cumsum(spoken, dtype=np.uint64)
        first = np.repeat(place[self.sentences], np.diff(np.append(self.sentences, len(self.words))))
        mixed = mix(self.words + (place - first << np.uint64(32))) * spoken
        return np.asarray(self.over_sentences(mixed), dtype=np.uint64)

    def sequences(self, width: int) -> "Sequences":
        """The distinct sequences of ``width`` words of each text; a shorter text is one sequence, an empty none."""
        counts = np.diff(self.bounds)
        long = np.repeat(np.minimum(np.maximum(counts, 1), width), counts)  # words in the text's sequences
        left = np.repeat(self.bounds[1:], counts) - np.arange(len(self.words))
        mixed = np.zeros(len(self.words), dtype=np.uint64)
        padded = np.concatenate([self.words, np.zeros(width, dtype=np.uint32)]).astype(np.uint64)
        for place in range(width):
            part = mix(padded[place : place + len(mixed)] + _ODD[place]) * _ODD[place]
            mixed += part if place == 0 else part * (long > place)
        owners = self.texts.astype(np.uint64) << _OWNER
        return Sequences.of((mix(mixed) >> (np.uint64(64) - _OWNER) | owners)[left >= long], len(self))


@dataclass(frozen=True, slots=True, eq=False)
class Sequences:
    """Sets of word sequences, one a text, as sorted numbers of 40 bits; different sequences share one about never."""

    numbers: Hashes  # with the text's number above
    texts: int

    @classmethod
    def of(cls, numbers: Hashes, texts: int) -> "Sequences":
        numbers = np.sort(numbers)
        return cls(numbers[np.flatnonzero(np.diff(numbers, prepend=numbers[:1] + np.uint64(1)))], texts)

    @property
    def owners(self) -> Places:
        return np.asarray(self.numbers >> _OWNER, dtype=np.int64)

    @property
    def hashes(self) -> Hashes:
        """Without the text's number, spread over 64 bits."""
        return np.asarray(self.numbers << (np.uint64(64) - _OWNER))

    @property
    def sizes(self) -> Places:
        return np.bincount(self.owners, minlength=self.texts)

    def __iter__(self) -> Iterator[Hashes]:
        hashes = self.hashes
        for start, end in pairwise(np.cumsum([0, *self.sizes])):
            yield hashes[start:end]

    def owned_by(self, owners: Places) -> Hashes:
        """The numbers with those of other texts."""
        below = self.numbers & ((np.uint64(1) << _OWNER) - np.uint64(1))
        return np.asarray(below | owners.astype(np.uint64) << _OWNER)

    def without(self, others: "Sequences") -> "Sequences":
        """Each text's set less that of the text with the same number in ``others``."""
        return Sequences(self.numbers[~is_in(self.numbers, others.numbers)], self.texts)


def is_in(values: NDArray[np.unsignedinteger], members: NDArray[np.unsignedinteger]) -> NDArray[np.bool_]:
    """Which values are members; quick where few are."""
    seen = np.zeros(1 << 20, dtype=np.bool_)
    seen[_slot(members)] = True
    result = seen[_slot(values)]
    maybe = np.flatnonzero(result)
    ordered = np.sort(members)
    places = np.minimum(np.searchsorted(ordered, values[maybe]), len(ordered) - 1)
    result[maybe] = ordered[places] == values[maybe] if len(ordered) else False
    return result


def frequent(values: Hashes, least: float) -> Hashes:
    """The values, sorted, that stand more than ``least`` times; quick where few do."""
    slots = _slot(values)
    distinct, counts = np.unique(values[np.bincount(slots, minlength=1 << 20)[slots] > least], return_counts=True)
    return np.asarray(distinct[counts > least])


def _slot(values: NDArray[np.unsignedinteger]) -> Places:
    spread = values.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    return np.asarray(spread >> np.uint64(44), dtype=np.int64)


def read(texts: Sequence[str]) -> TextWords:
    """All texts in their order; of each its first ``MOST`` characters."""
    pages = [_read_page(page) for page in _pages(texts)]
    words, sentences = (
        np.cumsum([0, *(len(part) for part in parts)])
        for parts in zip(*((p.words, p.sentences) for p in pages), strict=True)
    )
    return TextWords(
        **{
            name: np.concatenate([getattr(page, name) for page in pages])
            for name in ("words", "stems", "letters", "starts", "ends")
        },
        bounds=np.concatenate([[0], *(page.bounds[1:] + base for page, base in zip(pages, words, strict=False))]),
        sentences=np.concatenate([page.sentences + base for page, base in zip(pages, words, strict=False)]),
        sentence_bounds=np.concatenate(
            [[0], *(page.sentence_bounds[1:] + base for page, base in zip(pages, sentences, strict=False))]
        ),
    )


def _pages(texts: Sequence[str]) -> Iterator[list[str]]:
    """The texts in lower case, a few at a time; at least one page."""
    page: list[str] = []
    size = 0
    for text in texts:
        page.append(_lower(clean_text(text[:MOST])))
        size += len(page[-1])
        if size >= _PAGE:
            yield page
            page, size = [], 0
    yield page


def _lower(text: str) -> str:
    """In lower case, character by character, so that places stay."""
    lower = text.lower()
    return lower if len(lower) == len(text) else "".join(char.lower()[0] for char in text)


def _read_page(texts: Sequence[str]) -> TextWords:
    joined = "\n".join(texts) + "\n"
    codes = _codes(joined)
    kinds = _kinds(codes)
    begins = np.cumsum([0, *(len(text) + 1 for text in texts)])  # of texts
    inner = (kinds == _LETTER) | (kinds == _DIGIT)
    alone = kinds >= _ALONE
    starts = np.flatnonzero(alone | (inner & ~np.concatenate([[False], inner[:-1]])))
    ends = np.flatnonzero(alone | (inner & ~np.concatenate([inner[1:], [False]]))) + 1
    bounds = np.searchsorted(starts, begins)
    sentences = _sentences(codes, kinds, starts, ends, bounds)
    base = np.repeat(begins[:-1], np.diff(bounds))
    words, stems = _hashes(codes, inner | alone, starts)
    return TextWords(
        words, stems, _letters(kinds, starts, ends),
        (starts - base).astype(np.int32), (ends - base).astype(np.int32), bounds,
        sentences, np.searchsorted(sentences, bounds),
    )  # fmt: skip


def _codes(text: str) -> NDArray[np.unsignedinteger]:
    if text.isascii():
        return np.frombuffer(text.encode("ascii"), dtype=np.uint8)
    return np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)


def _kinds(codes: NDArray[np.unsignedinteger]) -> NDArray[np.uint8]:
    present = np.flatnonzero(np.bincount(codes))
    table = np.zeros(int(present[-1]) + 1, dtype=np.uint8)
    table[present] = [_kind(code) for code in present.tolist()]
    return np.asarray(table[codes])


@lru_cache(maxsize=1 << 16)
def _kind(code: int) -> int:
    char = chr(code)
    if char.isspace():
        return _SPACE
    if _UNSEPARATED.match(char):
        return _ALONE if char.isalnum() else _SIGN
    return _LETTER if char.isalpha() else _DIGIT if char.isalnum() or char == "_" else _SIGN


def _hashes(codes: NDArray[np.unsignedinteger], inner: NDArray[np.bool_], starts: Places) -> tuple[Words, Words]:
    """(w,) the words and their stems as numbers."""
    if not len(starts):
        return np.empty(0, dtype=np.uint32), np.empty(0, dtype=np.uint32)
    place = np.arange(len(codes)) - np.repeat(
        np.append(0, starts), np.diff(np.concatenate([[0], starts, [len(codes)]]))
    )
    place[~inner] = _LONGEST
    np.clip(place, 0, _LONGEST, out=place)
    weighted = (codes.astype(np.uint64) + np.uint64(1)) * _POWERS[place]
    whole = np.add.reduceat(weighted, starts)
    weighted[place >= _STEM] = 0
    shift = np.uint64(32)
    stems = np.add.reduceat(weighted, starts)
    return (mix(whole) >> shift).astype(np.uint32), (mix(stems) >> shift).astype(np.uint32)


def _letters(kinds: NDArray[np.uint8], starts: Places, ends: Places) -> NDArray[np.uint8]:
    digits = np.concatenate([[0], np.cumsum(kinds == _DIGIT)])
    pure = (kinds[starts] == _LETTER) & (digits[ends] == digits[starts])
    sizes = np.where(kinds[starts] == _ALONE, 2, np.where(pure, ends - starts, 0))
    return np.asarray(np.minimum(sizes, 255), dtype=np.uint8)


def _sentences(
    codes: NDArray[np.unsignedinteger], kinds: NDArray[np.uint8], starts: Places, ends: Places, bounds: Places
) -> Places:
    """The first word of each sentence: sentences end at a stop before white space, and with the line."""
    if not len(starts):
        return np.empty(0, dtype=np.int64)
    last = codes[starts]
    stop = (np.isin(last, _STOPS) & (kinds[ends] == _SPACE)) | np.isin(last, _WIDE_STOPS)
    lines = np.cumsum(codes == 10)[starts]
    begins = np.concatenate([[True], stop[:-1] | (np.diff(lines) > 0)])
    begins[bounds[:-1][bounds[:-1] < len(starts)]] = True
    return np.flatnonzero(begins)
