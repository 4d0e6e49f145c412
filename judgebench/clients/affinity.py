"""Which of several servers is asked: the one that has the beginning of a prompt in its cache, unless it has too much to
do, else the one with the fewest in flight.

A prompt's home is drawn by rendezvous hashing (Thaler and Ravishankar 1998): the same in every process, and where a
server comes or goes, no prompt moves but to it or from it. The bound on its load is that of consistent hashing with
bounded loads (Mirrokni, Thorup and Zadimoghaddam 2018).
"""

from collections import OrderedDict
from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2b

# Times the mean of those in flight: with more a home is passed by. Where each server has all that it can work at, twice
# the mean costs a quarter of the rate for a few more hits (``python -m bench.endpoints shared``).
_SPILL = 1.1
_KNOWN = 4096  # beginnings
_FEW = 4  # in flight: no load, however few others have
_ODD = 0x9E3779B97F4A7C15  # 2^64 / golden ratio, as in Fibonacci hashing
_64_BITS = (1 << 64) - 1


@lru_cache(maxsize=4096)
def number_of(text: str) -> int:
    """64 bits of a prompt's beginning or of a server's address, the same in every process."""
    return int.from_bytes(blake2b(text.encode("utf-8", "backslashreplace"), digest_size=8).digest())


@lru_cache(maxsize=4096)
def home(beginning: int, servers: tuple[int, ...]) -> int:
    """The place among ``servers`` of the one that prompts with this beginning go to; both are of ``number_of``."""
    return max(range(len(servers)), key=lambda place: _weight(beginning, servers[place]))


def is_free_enough(load: int, total: int, servers: int) -> bool:
    """Whether a home with ``load`` questions in flight takes one more, of ``total`` in flight at so many servers."""
    return load <= max(_FEW, _SPILL * total / servers)


class Desks:
    """Which of several servers that answer by turns, and keep what they have computed, has which beginning on it.

    Questions come in twos, a battle in both orders, of which the second is answered in no time where the first was."""

    def __init__(self) -> None:
        self._desks: OrderedDict[int, tuple[int, bool]] = OrderedDict()  # where it was last, and whether for the first

    def find(self, beginning: int, loads: Mapping[int, int]) -> int:
        """The server to be asked, of those with so many questions in flight."""
        desk, is_second = self._desks.pop(beginning, (-1, False))
        load = loads.get(desk)
        if load is None or not (is_second or load <= _SPILL * sum(loads.values()) / len(loads)):
            desk, is_second = min(loads, key=lambda server: loads[server]), False
        self._desks[beginning] = desk, not is_second
        if len(self._desks) > _KNOWN:
            self._desks.popitem(last=False)
        return desk


def _weight(beginning: int, server: int) -> int:
    mixed = (beginning ^ server) * _ODD & _64_BITS
    return (mixed ^ mixed >> 29) * _ODD & _64_BITS
