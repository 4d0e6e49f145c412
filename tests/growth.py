"""How the work of a function grows with what it is given: in proportion, whatever the machine."""

import gc
from collections.abc import Callable
from time import process_time

_TIMES = 8  # as much work: work in proportion takes about so many times as long, work that grows by its square 64 times
_MOST = 24.0
_CLOCK_S = 0.02  # what is less is too little to be compared


def grows_in_proportion(work: Callable[[int], object], size: int) -> bool:
    """Whether ``work`` at ``size`` takes about eight times the processor time of that at an eighth of it."""
    gc.collect()
    least = min(_seconds(work, size // _TIMES) for _ in range(3))
    return min(_seconds(work, size) for _ in range(2)) <= _MOST * max(least, _CLOCK_S / _TIMES)


def _seconds(work: Callable[[int], object], size: int) -> float:
    begun = process_time()
    work(size)
    return process_time() - begun
