"""Finite ratings for models that the likelihood sends to infinity, without moving anybody else.

A part of the battle graph that only ever won, or only lost, against the rest has no maximum-likelihood rating. Each
such part is placed, as one block, against ratings that are already settled: the core first, then whoever met what was
placed, with one virtual instruction's worth of battles added, half won and half lost (the correction of Jeffreys'
prior for a proportion). The settled ratings are held fixed, so they cannot change. Where a component has no core, its
parts are placed jointly. The uncertainty is the curvature of that penalised likelihood plus what is inherited.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_expit

from judgebench.stats.connectivity import Connectivity
from judgebench.stats.newton import maximise, solve_dense
from judgebench.stats.pair_counts import PairCounts
from judgebench.stats.table import Codes, Floats, VerdictTable

Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """Parts that are placed together, and by what."""

    blocks: Floats  # (k, free) which model belongs to which part
    counted: Mask  # (k, k) pairs whose battles place them
    floating: bool  # nobody is settled: only differences count, so the offsets are held to sum to zero
    unit: Floats  # (free,) verdicts that stand for one independent observation: those of an instruction


def plan(met: Mask, graph: Connectivity, table: VerdictTable | None = None) -> tuple[Layer, ...]:
    """In which order the parts of ``graph`` outside its cores are placed; empty where everybody is in a core.

    ``met`` (k, k): which models have a battle. Without ``table`` every verdict counts as independent.
    """
    if graph.core[graph.part >= 0].all():
        return ()
    return tuple(_layer(free, settled, graph, table) for free, settled in _order(met, graph))


def one_scale(
    theta: Floats, covariance: Floats, counts: PairCounts, graph: Connectivity, layers: tuple[Layer, ...]
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
        found = maximise(offsets, np.zeros(len(layer.unit)), scale=float(offsets.verdicts.sum())).x
        theta = theta + layer.blocks @ found
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


def _layer(free: NDArray[np.intp], settled: Mask, graph: Connectivity, table: VerdictTable | None) -> Layer:
    blocks = (graph.part[:, None] == free[None, :]).astype(np.float64)
    moving = np.asarray(blocks.sum(axis=1) > 0)
    floating = not settled.any()
    if floating:
        counted = moving[:, None] & moving[None, :] & (graph.part[:, None] != graph.part[None, :])
    else:
        counted = (moving[:, None] & settled[None, :]) | (settled[:, None] & moving[None, :])
    unit = np.ones(len(free)) if table is None else _verdicts_per_instruction(table, counted, blocks)
    return Layer(blocks, counted, floating, unit)


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

    layer: Layer
    theta: Floats
    wins: Floats  # (k, k) of the battles that count, virtual ones included
    verdicts: Floats

    @classmethod
    def of(cls, layer: Layer, theta: Floats, counts: PairCounts) -> "_Offsets":
        counted = counts.verdicts * layer.counted
        share = layer.unit / (layer.blocks.T @ counted.sum(axis=1))
        each = layer.blocks @ share
        virtual = counted * (each[:, None] + each[None, :]) / (2 if layer.floating else 1)
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
