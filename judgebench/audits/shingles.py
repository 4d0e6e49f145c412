"""Texts as sets of word sequences, so that what they share can be counted in arrays.

Sequences are numbers of 64 bits; two different ones share a number about never. Sketches follow Broder 1997: the share
of equal entries in two sketches estimates the Jaccard similarity of the two sets.
"""

import re
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from judgebench.records import clean_text

Hashes = NDArray[np.uint64]

# Words of scripts that do not separate them are taken character by character.
_WORD = re.compile(r"[^\W\u3040-\u30ff\u3400-\u9fff\u0e00-\u0e7f]+|\S")
SKETCH = 32
_PAGE = 4096  # sequences sketched at once
_WIDEST = 16  # words in a sequence


def shingles(text: str, width: int = 5) -> Hashes:
    """The distinct sequences of ``width`` words in ``text``, sorted; a shorter text is one sequence, an empty none."""
    words = _WORD.findall(clean_text(text).lower())
    ids = np.fromiter(map(crc32, map(str.encode, words)), dtype=np.uint64, count=len(words))
    if not len(ids):
        return ids
    width = min(width, len(ids), _WIDEST)
    count = len(ids) - width + 1
    mixed = np.zeros(count, dtype=np.uint64)
    for place in range(width):
        mixed += _mix(ids[place : place + count] + _ODD[place]) * _ODD[place]
    return np.unique(_mix(mixed))


def sketch(hashes: Hashes) -> Hashes:
    """(32,) the smallest member under each of 32 orderings; all ones for an empty set."""
    if not len(hashes):
        return np.full(SKETCH, np.iinfo(np.uint64).max, dtype=np.uint64)
    parts = [hashes[start : start + _PAGE, None] for start in range(0, len(hashes), _PAGE)]
    return np.asarray(np.min([_mix(part * _ODD[:SKETCH]).min(axis=0) for part in parts], axis=0), dtype=np.uint64)


def _mix(values: Hashes) -> Hashes:
    """A bijection of 64-bit numbers that spreads every bit (the finaliser of MurmurHash3)."""
    shift = np.uint64(33)
    values = (values ^ (values >> shift)) * np.uint64(0xFF51AFD7ED558CCD)
    values = (values ^ (values >> shift)) * np.uint64(0xC4CEB9FE1A85EC53)
    return values ^ (values >> shift)


_ODD = _mix(np.arange(1, 1 + max(SKETCH, _WIDEST), dtype=np.uint64)) | np.uint64(1)  # fixed: sketches are comparable
