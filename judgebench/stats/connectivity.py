"""What a graph of battles can tell: which models are comparable at all, and which only in one direction.

Ford (1957): the Bradley-Terry likelihood has a maximum if and only if, however the models are cut in two, each side
has beaten the other somewhere. So models fall into components (linked by any battle) and, inside these, into parts
(linked by wins in both directions); only inside a part does the likelihood alone determine differences.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from judgebench.stats.table import Codes, Floats

_NO_WIN = 1e-9  # share of a pair's battles below which a soft win counts as none


@dataclass(frozen=True, slots=True, eq=False)
class Connectivity:
    """Aligned to the k models; labels count from 0 in order of their first model, -1 for a model without a battle."""

    component: Codes  # (k,)
    part: Codes  # (k,)
    core: NDArray[np.bool_]  # (k,) in its component's one largest part; nowhere where several are equally large
    flags: tuple[str, ...]  # "", "no battles", "undefeated", "winless" or "separated"

    @property
    def parts(self) -> int:
        return int(self.part.max(initial=-1)) + 1

    def same_part(self) -> NDArray[np.bool_]:
        """(k, k)"""
        same: NDArray[np.bool_] = (self.part[:, None] == self.part[None, :]) & (self.part >= 0)[:, None]
        return same


def connectivity(wins: Floats, battles: Floats) -> Connectivity:
    """Of (k, k) summed preferences for row over column, and (k, k) symmetric battle counts."""
    won = wins > _NO_WIN * battles
    played = battles.sum(axis=1) > 0
    component = _labels(battles > 0, "weak", played)
    part = _labels(won, "strong", played)
    core = _core(component, part, battles)
    defeated, victorious = np.any(won, axis=0), np.any(won, axis=1)
    facts = np.column_stack([played, core, defeated, victorious]).tolist()
    flags = [_flag(*row) for row in facts]
    return Connectivity(component, part, core, tuple(flags))


def _flag(played: bool, core: bool, defeated: bool, victorious: bool) -> str:
    if not played:
        return "no battles"
    if core:
        return ""
    if not defeated:
        return "undefeated"
    return "separated" if victorious else "winless"


def _labels(edges: NDArray[np.bool_], connection: str, played: NDArray[np.bool_]) -> Codes:
    _, labels = connected_components(csr_array(edges), directed=True, connection=connection)
    relabelled = np.full(len(played), -1, dtype=np.int32)
    names, first = np.unique(labels[played], return_index=True)
    order = np.empty(len(names), dtype=np.int32)
    order[np.argsort(first)] = np.arange(len(names))
    relabelled[played] = order[np.searchsorted(names, labels[played])]
    return relabelled


def _core(component: Codes, part: Codes, battles: Floats) -> NDArray[np.bool_]:
    """Most models, then most battles inside; a draw leaves the component without a core, so that names never decide."""
    core = np.zeros(len(part), dtype=bool)
    inside = (battles * (part[:, None] == part[None, :])).sum(axis=1)
    for label in range(int(component.max(initial=-1)) + 1):
        members = component == label
        sizes = [(int((part == p).sum()), float(inside[part == p].sum()), p) for p in np.unique(part[members])]
        largest = max(size[:2] for size in sizes)
        winners = [p for *size, p in sizes if tuple(size) == largest]
        if len(winners) == 1:
            core |= part == winners[0]
    return core
