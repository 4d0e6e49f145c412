"""Bradley-Terry ratings by maximum likelihood, with intervals that know which verdicts share an instruction.

P(i preferred to j) = 1 / (1 + exp(theta_j - theta_i)); a tie counts half for each side, a soft preference in
proportion (quasi-likelihood: the covariance is the sandwich, never the inverse information). Every verdict has equal
weight; ``verdict_table.average_battles`` makes battles equal. Newton's method on pair counts (Bradley and Terry 1952;
Ford 1957 for existence), cluster-robust covariance (Liang and Zeger 1986), two-way (Cameron, Gelbach and Miller 2011).

Models without a maximum-likelihood rating get a finite one from ``separation`` and a flag; ratings are relative within
a component of the battle graph and are never compared across. No style or judge terms here.

A sandwich of few instructions is too small, and nought where verdicts are alike. So intervals, and what ranks are told
by, rest on a second fit with one more instruction, which every pair that met half won and half lost (``Imagined``).

Resamples share the information matrix of the point fit (chord Newton): one factorisation serves every step of every
resample. What has not settled after a few steps, and every graph with models to be placed, is refitted in full.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.sparse import csr_array
from scipy.special import expit, log_expit

from judgebench.stats.bradley_terry.separation import Connectivity, PlacementLayer, connectivity, one_scale, plan
from judgebench.stats.intervals import Bootstrap, instruction_weights, meat_of_rows, meat_of_sums, summarise
from judgebench.stats.method import Cluster
from judgebench.stats.newton import Optimum, maximise, solve_dense
from judgebench.stats.pair_sums import PairSums
from judgebench.stats.verdict_table import Codes, Floats, PairCounts, VerdictTable

__all__ = ["Ratings", "fit_bradley_terry", "fit_pair_counts"]
_STEPS = 25
_SETTLED = 1e-7  # natural log-odds; 2e-5 of an Elo point


@dataclass(frozen=True, slots=True, eq=False)
class Ratings:
    """Aligned to ``models``. Natural log-odds; in each component the core's ratings sum to zero."""

    models: tuple[str, ...]
    theta: Floats  # (k,) NaN for a model without a battle
    covariance: Floats  # (k, k) NaN where fewer than two clusters, or no battle, can tell
    component: Codes  # (k,) ratings of different components share no scale; -1: no battle
    flags: tuple[str, ...]  # (k,) "" or why the rating is not a maximum-likelihood one; see connectivity
    verdicts: Floats  # (k,) how many each model took part in
    iterations: int
    gradient: float  # largest absolute component left, in verdicts

    @property
    def standard_error(self) -> Floats:
        """(k,)"""
        return np.sqrt(np.maximum(np.diag(self.covariance), 0.0))


@dataclass(frozen=True, slots=True, eq=False)
class Imagined:
    """One average instruction more, half won and half lost by either model of every pair that met."""

    verdicts: Floats  # (k, k) of a pair on an instruction

    @classmethod
    def of(cls, counts: PairCounts, clusters: Floats) -> "Imagined":
        """``clusters`` (k,): of how many instructions a model's verdicts are."""
        with np.errstate(invalid="ignore", divide="ignore"):
            average = counts.verdicts / np.minimum(clusters[:, None], clusters[None, :])
        return cls(np.nan_to_num(average))

    def inside(self, graph: Connectivity) -> "Imagined":
        """What of it both models of a part have."""
        return Imagined(self.verdicts * graph.same_part())

    def added_to(self, counts: PairCounts) -> PairCounts:
        """Ties, as far as a point fit can tell."""
        return replace(counts, wins=counts.wins + self.verdicts / 2, verdicts=counts.verdicts + self.verdicts)

    def meat(self, theta: Floats) -> Floats:
        """(k, k) of its scores, half of the time all won and half of the time all lost, pair by pair."""
        p = expit(theta[:, None] - theta[None, :])
        edges = self.verdicts * np.maximum(self.verdicts, 1.0) * (p**2 + (1 - p) ** 2) / 2
        return _laplacian(edges)


def fit_bradley_terry(
    table: VerdictTable, *, cluster: Cluster = "instruction", imagined: bool = False, sums: PairSums | None = None
) -> Ratings:
    """Ratings of all models of ``table``; ``cluster`` names what its verdicts share.

    "instruction" (default) and "judge" are one-way, "both" is two-way, "verdict" treats verdicts as independent and is
    too narrow wherever an instruction has several. Below about ten judges "judge" and "both" are too narrow as well.
    ``imagined``: with one more instruction, half won and half lost by everybody, as intervals want it.
    ``sums``: of the table, from who has them already.

    Raises StatisticsError when the fit does not converge.
    """
    sums = sums or PairSums.of(table)
    counts = sums.counts()
    graph = connectivity(counts.wins, counts.verdicts)
    more = Imagined.of(counts, sums.effective_instructions()).inside(graph) if imagined else None
    point = fit_within_parts(more.added_to(counts) if more else counts, graph)
    if cluster == "instruction":
        meat = meat_of_sums(sums, point.theta, graph.part)
    else:
        rows = table.select(graph.part[table.model_a] == graph.part[table.model_b])
        residual = rows.preference - expit(point.theta[rows.model_a] - point.theta[rows.model_b])
        meat = meat_of_rows(rows, residual, graph.part, cluster)
    meat = meat + more.meat(point.theta) if more else meat
    return _ratings(point, meat, counts, plan(counts.verdicts > 0, graph, table))


def doubt(table: VerdictTable) -> Floats:
    """(k, k) what one more instruction by itself adds to a covariance of ratings: none is surer, however it is fitted.

    For models of verdicts that have no such second fit. Raises StatisticsError when a fit does not converge.
    """
    counts = PairCounts.of(table)
    more = Imagined.of(counts, effective_clusters(table, "instruction"))
    counts = more.added_to(counts)
    point = fit_within_parts(counts, connectivity(counts.wins, counts.verdicts))
    return _ratings(point, more.meat(point.theta), counts, ()).covariance


def fit_pair_counts(counts: PairCounts, *, imagined: bool = False) -> Ratings:
    """Ratings from counts alone, with a sandwich covariance that treats verdicts as independent.

    ``imagined``: as of ``fit_bradley_terry``, each verdict an instruction of its own.
    Raises StatisticsError when the fit does not converge.
    """
    graph = connectivity(counts.wins, counts.verdicts)
    more = Imagined.of(counts, counts.verdicts.sum(axis=1)).inside(graph) if imagined else None
    point = fit_within_parts(more.added_to(counts) if more else counts, graph)
    p = expit(point.theta[:, None] - point.theta[None, :])
    squares = counts.squares - 2 * p * counts.wins + counts.verdicts * p**2
    if graph.parts > 1:
        squares = squares * graph.same_part()
    meat = _laplacian(squares)
    meat = meat + more.meat(point.theta) if more else meat
    return _ratings(point, meat, counts, plan(counts.verdicts > 0, graph))


def effective_clusters(table: VerdictTable, cluster: Cluster) -> Floats:
    """(k,) clusters that would tell as much if each held as many of a model's verdicts: Kish's number; 0 without any.

    Under two-way clustering the fewer of both.
    """
    if cluster == "both":
        return np.minimum(effective_clusters(table, "instruction"), effective_clusters(table, "judge"))
    if cluster == "instruction":
        return PairSums.of(table).effective_instructions()
    code = table.judge if cluster == "judge" else np.arange(len(table))
    sides = np.concatenate([table.model_a, table.model_b]), np.concatenate([code, code])
    shape = len(table.models), int(code.max(initial=-1)) + 1
    verdicts = csr_array((np.ones(len(sides[0])), sides), shape=shape)
    verdicts.sum_duplicates()
    effective: Floats = verdicts.sum(axis=1) ** 2 / np.maximum(verdicts.power(2).sum(axis=1), 1.0)
    return effective


def _laplacian(edges: Floats) -> Floats:
    laplacian: Floats = np.diag(edges.sum(axis=1)) - edges
    return laplacian


def difference_errors(covariance: Floats) -> Floats:
    """(k, k) standard errors of all differences of estimates with this (k, k) covariance."""
    variance = np.diag(covariance)
    errors: Floats = np.sqrt(np.maximum(variance[:, None] + variance[None, :] - 2 * covariance, 0.0))
    return errors


@dataclass(frozen=True, slots=True, eq=False)
class PointFit:
    """Ratings inside each part, each part summing to zero."""

    counts: PairCounts
    graph: Connectivity
    theta: Floats
    likelihood: "_WithinParts"
    optimum: Optimum


@dataclass(frozen=True, slots=True, eq=False)
class _WithinParts:
    """The Bradley-Terry likelihood of battles inside parts; ``anchor`` holds each part's sum at zero."""

    wins: Floats
    verdicts: Floats
    anchor: Floats

    def value(self, x: Floats) -> float:
        return float((self.wins * log_expit(x[:, None] - x[None, :])).sum())

    def derivatives(self, x: Floats) -> tuple[Floats, Floats]:
        expected = self.verdicts * expit(x[:, None] - x[None, :])
        gradient = self.wins.sum(axis=1) - expected.sum(axis=1)
        with np.errstate(invalid="ignore"):
            edges = expected * expected.T / np.where(self.verdicts > 0, self.verdicts, 1.0)
        information = self.anchor - edges
        information[np.diag_indices_from(information)] += edges.sum(axis=1)
        return gradient, information

    def newton(self, x: Floats) -> tuple[Floats, Floats]:
        gradient, information = self.derivatives(x)
        return gradient, solve_dense(information, gradient)


def fit_within_parts(counts: PairCounts, graph: Connectivity, start: Floats | None = None) -> PointFit:
    """The point fit of the battles inside parts, for those who refit or resample it.

    Raises StatisticsError when it does not converge.
    """
    wins, verdicts = counts.wins, counts.verdicts
    if graph.parts > 1:
        inside = graph.same_part()
        wins, verdicts = wins * inside, verdicts * inside
    likelihood = _WithinParts(wins, verdicts, anchor(graph, verdicts))
    optimum = maximise(
        likelihood,
        _start(wins, verdicts, graph) if start is None else start,
        scale=float(verdicts.sum(axis=1).max(initial=1.0)),
    )
    return PointFit(counts, graph, _centred(optimum.x, graph), likelihood, optimum)


def anchor(graph: Connectivity, verdicts: Floats) -> Floats:
    """(k, k) to add to an information: equal numbers a part, of its own size; 1 for models that nothing else holds."""
    played = verdicts.sum(axis=1)
    weight = np.where(played > 0, played / 4, 1.0).mean() if len(played) else 1.0
    same = graph.same_part().astype(np.float64)
    same[np.diag_indices_from(same)] = 1.0
    anchor: Floats = same * weight / np.maximum(same.sum(axis=1), 1.0)
    return anchor


def _start(wins: Floats, verdicts: Floats, graph: Connectivity) -> Floats:
    won, played = wins.sum(axis=1) + 0.5, verdicts.sum(axis=1) + 1.0
    return _centred(np.log(won / (played - won)), graph)


def _centred(theta: Floats, graph: Connectivity) -> Floats:
    """Each part's mean subtracted; 0 for a model without a battle."""
    group = np.where(graph.part >= 0, graph.part, graph.parts)
    mean = np.bincount(group, weights=theta) / np.maximum(np.bincount(group), 1)
    return np.where(graph.part >= 0, theta - mean[group], 0.0)


def refit(counts: PairCounts, graph: Connectivity, start: Floats, layers: tuple[PlacementLayer, ...]) -> Floats:
    """Ratings (k,) alone, for the same graph under other weights, found from the ratings ``start``.

    ``layers`` as planned for that graph. NaN for a model without a battle.
    Raises StatisticsError when the fit does not converge.
    """
    point = fit_within_parts(counts, graph, _centred(np.nan_to_num(start), graph))
    nothing = np.zeros((len(start), len(start)))
    theta, _ = one_scale(point.theta, nothing, counts, graph, layers)
    return theta


def _ratings(point: PointFit, meat: Floats, counts: PairCounts, layers: tuple[PlacementLayer, ...]) -> Ratings:
    factor = cho_factor(point.likelihood.derivatives(point.theta)[1], lower=True)
    unknown = np.isnan(np.diag(meat))
    half = cho_solve(factor, np.nan_to_num(meat))
    inside = cho_solve(factor, half.T)
    inside[unknown] = np.nan
    theta, covariance = one_scale(point.theta, inside, counts, point.graph, layers)
    return Ratings(
        counts.models,
        theta,
        covariance,
        point.graph.component,
        point.graph.flags,
        counts.verdicts.sum(axis=1),
        point.optimum.iterations,
        point.optimum.gradient,
    )


@dataclass(frozen=True, eq=False)
class Refits:
    """The point fit, and its pairs of models in the order in which resamples give their sums."""

    models: tuple[str, ...]
    graph: Connectivity
    layers: tuple[PlacementLayer, ...]
    theta: Floats  # (k,) of the point fit; 0 for a model without a battle
    factor: tuple[Floats, bool]  # of its information
    first: NDArray[np.intp]  # (pairs,) smaller code
    second: NDArray[np.intp]  # (pairs,)

    @classmethod
    def of(cls, counts: PairCounts, table: VerdictTable | None = None) -> "Refits":
        graph = connectivity(counts.wins, counts.verdicts)
        point = fit_within_parts(counts, graph)
        first, second = np.nonzero(np.triu(counts.verdicts, 1))
        factor = cho_factor(point.likelihood.derivatives(point.theta)[1], lower=True)
        return cls(counts.models, graph, plan(counts.verdicts > 0, graph, table), point.theta, factor, first, second)

    def pair_of(self, first: NDArray[np.integer], second: NDArray[np.integer]) -> NDArray[np.intp]:
        """The column of each pair of codes, the smaller one first."""
        k = len(self.models)
        return np.searchsorted(self.first * k + self.second, first.astype(np.int64) * k + second)

    def ratings(self, won: Floats, met: Floats) -> Floats:
        """(b, k) ratings from (b, pairs) summed preferences for each pair's first model, and weights of verdicts."""
        if self.layers:
            return np.array([self._in_full(w, n) for w, n in zip(won, met, strict=True)])
        pairs = np.arange(len(self.first))
        ends = np.concatenate([self.first, self.second])
        signs = np.concatenate([np.ones(len(pairs)), -np.ones(len(pairs))])
        incidence = csr_array((signs, (np.concatenate([pairs, pairs]), ends)), shape=(len(pairs), len(self.models)))
        theta = np.tile(self.theta, (len(won), 1))
        moving = np.arange(len(won))
        for _ in range(_STEPS):
            gaps = theta[moving][:, self.first] - theta[moving][:, self.second]
            gradient = (won[moving] - met[moving] * expit(gaps)) @ incidence
            step = cho_solve(self.factor, gradient.T).T
            theta[moving] += step
            moving = moving[np.abs(step).max(axis=1) > _SETTLED]
            if not len(moving):
                break
        for row in moving:
            theta[row] = self._in_full(won[row], met[row])
        theta[:, self.graph.part < 0] = np.nan
        return theta

    def _in_full(self, won: Floats, met: Floats) -> Floats:
        wins, verdicts = np.zeros((2, len(self.models), len(self.models)))
        wins[self.first, self.second], wins[self.second, self.first] = won, met - won
        verdicts[self.first, self.second] = verdicts[self.second, self.first] = met
        counts = PairCounts(self.models, wins, np.zeros_like(wins), verdicts)
        return refit(counts, self.graph, self.theta, self.layers)


def bootstrap_ratings(
    table: VerdictTable, *, level: float = 0.95, resamples: int = 1000, rng: np.random.Generator
) -> Bootstrap:
    """Bradley-Terry ratings as in bradley_terry.fit_bradley_terry, refitted under ``resamples`` reweightings.

    Raises StatisticsError for fewer than two resamples, or when a fit does not converge.
    """
    counts = PairCounts.of(table)
    refits = Refits.of(counts, table)
    won, met = _pair_sums(table, refits)
    blocks = instruction_weights(len(table.instructions), resamples, rng)
    draws = [refits.ratings(weights @ won, weights @ met) for weights in blocks]
    return summarise(table.models, np.concatenate(draws), level)


def _pair_sums(table: VerdictTable, refits: Refits) -> tuple[csr_array, csr_array]:
    """(instructions, pairs) summed preference for each pair's first model, and number of verdicts."""
    forth = table.model_a < table.model_b
    pair = refits.pair_of(np.minimum(table.model_a, table.model_b), np.maximum(table.model_a, table.model_b))
    shape = (len(table.instructions), len(refits.first))
    rows = (table.instruction, pair)
    preference = np.where(forth, table.preference, 1 - table.preference)
    return csr_array((preference, rows), shape=shape), csr_array((np.ones(len(table)), rows), shape=shape)
