"""What a graph of battles can tell: which models are comparable at all, and which only in one direction.

Ford (1957): the Bradley-Terry likelihood has a maximum if and only if, however the models are cut in two, each side
has beaten the other somewhere. So models fall into components (linked by any battle) and, inside these, into parts
(linked by wins in both directions); only inside a part does the likelihood alone determine differences.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components
from scipy.special import expit, log_expit

from judgebench.stats.newton import maximise, solve_dense
from judgebench.stats.verdict_table import Codes, Floats, PairCounts, VerdictTable

_NO_WIN = 1e-9  # share of a pair's battles below which a soft win counts as none
Mask = NDArray[np.bool_]


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


@dataclass(frozen=True, slots=True, eq=False)
class PlacementLayer:
    """Parts that are placed together, and by what."""

    blocks: Floats  # (k, free) which model belongs to which part
    counted: Mask  # (k, k) pairs whose battles place them
    floating: bool  # nobody is settled: only differences count, so the offsets are held to sum to zero
    unit: Floats  # (free,) verdicts that stand for one independent observation: those of an instruction


def plan(met: Mask, graph: Connectivity, table: VerdictTable | None = None) -> tuple[PlacementLayer, ...]:
    """In which order the parts of ``graph`` outside its cores are placed; empty where everybody is in a core.

    ``met`` (k, k): which models have a battle. Without ``table`` every verdict counts as independent.
    """
    if graph.core[graph.part >= 0].all():
        return ()
    return tuple(_layer(free, settled, graph, table) for free, settled in _order(met, graph))


def one_scale(
    theta: Floats, covariance: Floats, counts: PairCounts, graph: Connectivity, layers: tuple[PlacementLayer, ...]
) -> tuple[Floats, Floats]:
    """Ratings (k,) and covariance (k, k) on one scale a component, its core's ratings summing to zero.

    Both are given inside each part; a row of NaN in ``covariance`` marks a model whose spread is unknown, and ends as
    NaN for all whose uncertainty rests on it. A model without a battle ends as NaN.
    Raises StatisticsError when a placement does not converge.
    """
    unknown = np.isnan(np.diag(covariance))
    covariance = np.nan_to_num(covariance)
    for layer in layers:
        offsets = _Offsets.of(layer, theta, counts)
        shift = maximise(offsets, np.zeros(len(layer.unit)), scale=float(offsets.verdicts.sum())).x
        theta = theta + layer.blocks @ shift
        covariance = offsets.propagate(theta, covariance)
    origins = _origins(graph)
    theta = theta - (origins @ theta)[graph.component]
    covariance = covariance - (origins @ covariance)[graph.component]
    covariance = covariance - (covariance @ origins.T)[:, graph.component]
    silent = graph.part < 0
    theta[silent] = np.nan
    blank = silent | _touched(unknown, graph)
    covariance[blank, :] = np.nan
    covariance[:, blank] = np.nan
    return theta, (covariance + covariance.T) / 2


def _order(met: Mask, graph: Connectivity) -> Iterator[tuple[NDArray[np.intp], Mask]]:
    """Parts to place next, and the models already settled; no model where a component has no core."""
    for label in range(int(graph.component.max(initial=-1)) + 1):
        members = graph.component == label
        settled = members & graph.core
        waiting = set(np.unique(graph.part[members & ~settled]).tolist())
        if waiting and not settled.any():
            yield np.array(sorted(waiting)), settled
            continue
        while waiting:
            reached = np.any(met[:, settled], axis=1) & members & ~settled
            free = np.unique(graph.part[reached])
            yield free, settled
            waiting -= set(free.tolist())
            settled = settled | np.isin(graph.part, free)


def _layer(free: NDArray[np.intp], settled: Mask, graph: Connectivity, table: VerdictTable | None) -> PlacementLayer:
    blocks = (graph.part[:, None] == free[None, :]).astype(np.float64)
    moving = np.asarray(blocks.sum(axis=1) > 0)
    floating = not settled.any()
    if floating:
        counted = moving[:, None] & moving[None, :] & (graph.part[:, None] != graph.part[None, :])
    else:
        counted = (moving[:, None] & settled[None, :]) | (settled[:, None] & moving[None, :])
    unit = np.ones(len(free)) if table is None else _verdicts_per_instruction(table, counted, blocks)
    return PlacementLayer(blocks, counted, floating, unit)


def _verdicts_per_instruction(table: VerdictTable, counted: Mask, blocks: Floats) -> Floats:
    """(free,) mean number of a block's counted verdicts on an instruction that has any."""
    rows = table.select(counted[table.model_a, table.model_b])
    block: Codes = np.where(blocks.any(axis=1), blocks.argmax(axis=1), -1).astype(np.int32)
    side = np.concatenate([block[rows.model_a], block[rows.model_b]]).astype(np.int64)
    instruction = np.concatenate([rows.instruction, rows.instruction])[side >= 0]
    side = side[side >= 0]
    distinct = np.unique(side * max(len(table.instructions), 1) + instruction) // max(len(table.instructions), 1)
    free = blocks.shape[1]
    unit: Floats = np.bincount(side, minlength=free) / np.bincount(distinct, minlength=free)
    return unit


@dataclass(frozen=True, slots=True, eq=False)
class _Offsets:
    """Likelihood of the offsets of a layer's parts, given everyone's rating up to these offsets."""

    layer: PlacementLayer
    theta: Floats
    wins: Floats  # (k, k) of the battles that count, virtual ones included
    verdicts: Floats

    @classmethod
    def of(cls, layer: PlacementLayer, theta: Floats, counts: PairCounts) -> "_Offsets":
        counted = counts.verdicts * layer.counted
        share = layer.unit / (layer.blocks.T @ counted.sum(axis=1))
        weight = layer.blocks @ share
        virtual = counted * (weight[:, None] + weight[None, :]) / (2 if layer.floating else 1)
        return cls(layer, theta, counts.wins * layer.counted + virtual / 2, counted + virtual)

    def value(self, x: Floats) -> float:
        return float((self.wins * log_expit(_gaps(self.theta + self.layer.blocks @ x))).sum())

    def newton(self, x: Floats) -> tuple[Floats, Floats]:
        ratings = self.theta + self.layer.blocks @ x
        gradient = (self.wins - self.verdicts * expit(_gaps(ratings))).sum(axis=1) @ self.layer.blocks
        return gradient, solve_dense(self._curvature(ratings), gradient)

    def propagate(self, theta: Floats, covariance: Floats) -> Floats:
        """The covariance after placing: offsets follow the settled ratings, and add noise of their own."""
        blocks, unit = self.layer.blocks, self.layer.unit
        inverse = np.linalg.inv(self._curvature(theta))
        follow = np.eye(len(theta)) - blocks @ inverse @ (blocks.T @ self._laplacian(theta))
        noise = inverse * np.sqrt(unit[:, None] * unit[None, :])
        moved: Floats = follow @ covariance @ follow.T + blocks @ noise @ blocks.T
        return moved

    def _curvature(self, ratings: Floats) -> Floats:
        curvature: Floats = self.layer.blocks.T @ self._laplacian(ratings) @ self.layer.blocks
        return curvature + curvature.trace() / len(curvature) if self.layer.floating else curvature

    def _laplacian(self, ratings: Floats) -> Floats:
        p = expit(_gaps(ratings))
        edges = self.verdicts * p * (1 - p)
        laplacian: Floats = np.diag(edges.sum(axis=1)) - edges
        return laplacian


def _gaps(ratings: Floats) -> Floats:
    gaps: Floats = ratings[:, None] - ratings[None, :]
    return gaps


def _touched(unknown: Mask, graph: Connectivity) -> Mask:
    """Models whose covariance rests on a part of unknown spread: its own, or its component's origin."""
    touched = unknown.copy()
    for label in np.unique(graph.component[unknown]):
        members = graph.component == label
        if (unknown & members & (graph.core | ~(graph.core & members).any())).any():
            touched |= members
    return touched


def _origins(graph: Connectivity) -> Floats:
    """(components + 1, k) weights that average a component's core, or all of it where it has none; last a row of 0."""
    components = int(graph.component.max(initial=-1)) + 1
    members = graph.component[None, :] == np.arange(components)[:, None]
    core = members & graph.core[None, :]
    counted = np.where(core.any(axis=1)[:, None], core, members)
    weights = counted / np.maximum(counted.sum(axis=1, keepdims=True), 1)
    return np.vstack([weights, np.zeros(len(graph.component))])
