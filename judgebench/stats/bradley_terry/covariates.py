"""Ratings controlled for what a verdict's two outputs differ in, and with a model of ties.

logit = theta_a - theta_b + z . beta, where each column of z is antisymmetric (A's value minus B's): style, length, or
who was shown first. Columns are divided by their root mean square and never centred, since centring would make the
fit depend on which model is called A. Without columns this is Bradley-Terry with a choice of what a tie means.
Chatbot Arena's and Arena-Hard's style control is this model with centred columns and a ridge on the ratings.

Three answers to "what is a tie?" ``half`` is the logistic with a tie as half a win (no tie parameter). ``davidson``
(Davidson 1970): win, tie, loss in proportion to exp(x/2), nu, exp(-x/2). ``rao_kupper`` (Rao and Kupper 1967): P(win) =
1 / (1 + eta exp(-x)), P(loss) likewise with -x, a tie is the rest. The parameter u is log nu, or log(eta^2 - 1): any
real number, in which both log-likelihoods are concave; where no verdict contradicts another, as of a model that won
once and tied ever after, they rise without end, and there are no ratings. A soft preference y counts as |2y - 1| of a
win or loss and the rest of a tie.

A column that the models themselves explain (say, a property that never varies inside a model) is reported as not
identified instead of estimated. Models without a maximum-likelihood rating are placed as in ``separation``, on their
verdicts alone: for them nothing is controlled. No per-judge terms; see judge_model.

This is the one place where a covariate gets its coefficient: ``leaderboard --control`` and what the app says of a
covariate both come from ``ControlledRatings.coefficient``.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, partial
from math import sqrt
from typing import Literal

import numpy as np
from scipy.sparse import csr_array
from scipy.sparse.csgraph import NegativeCycleError, floyd_warshall
from scipy.special import expit, log_expit, softmax

from judgebench.errors import StatisticsError
from judgebench.estimate import Estimate, unidentified
from judgebench.stats.bradley_terry import (
    Ratings,
    anchor,
    bootstrap_ratings,
    doubt,
    effective_clusters,
    fit_bradley_terry,
)
from judgebench.stats.bradley_terry.separation import Connectivity, connectivity, one_scale, plan
from judgebench.stats.intervals import FEWEST_RESAMPLED, critical_value, critical_values, meat_of_rows, normal_estimate
from judgebench.stats.method import Choices, Compared, Estimates
from judgebench.stats.newton import maximise, solve_dense
from judgebench.stats.pair_sums import PairSums
from judgebench.stats.verdict_table import Floats, PairCounts, VerdictTable
from judgebench.stats.win_rate import rates_of

__all__ = ["ControlledRatings", "fit_with_covariates"]
TieRule = Literal["half", "davidson", "rao_kupper"]
_COLLINEAR = 1e-8  # share of a column that models and earlier columns must leave unexplained
_UNBOUNDED = 10.0  # log-odds that a root mean square of a column may be unsure by before its size has no bound
_UNTOLD = "the verdicts cannot tell it from the strengths of the models or other covariates"
_NO_BOUND = "no verdict speaks against it, so that its size has no bound"
_FEWEST_JUDGES = 10  # below which a sandwich clustered by them is too narrow
_SHARED = {
    "instruction": "clustered by instruction",
    "judge": "clustered by judge",
    "both": "clustered by instruction and by judge",
    "verdict": "verdicts taken as independent",
}


@dataclass(frozen=True, slots=True, eq=False)
class Outcomes:
    """(n,) masses of win, tie and loss for A; they sum to 1."""

    win: Floats
    tie: Floats
    loss: Floats

    @classmethod
    def of(cls, preference: Floats) -> "Outcomes":
        lean = 2 * preference - 1
        return cls(np.maximum(lean, 0.0), 1 - np.abs(lean), np.maximum(-lean, 0.0))


@dataclass(frozen=True, slots=True, eq=False)
class Pieces:
    """(n,) log-likelihood of each row and minus its derivatives, signs as in an information matrix."""

    value: Floats
    score_x: Floats  # first derivatives
    score_u: Floats
    info_xx: Floats  # minus second derivatives
    info_xu: Floats
    info_uu: Floats


def half(x: Floats, u: float | Floats, y: Outcomes) -> Pieces:
    """A tie as half a win; ``u`` is not used."""
    win, p = y.win + y.tie / 2, expit(x)
    none = np.zeros_like(x)
    value = win * log_expit(x) + (1 - win) * log_expit(-x)
    return Pieces(value, win - p, none, p * (1 - p), none, none)


def davidson(x: Floats, u: float | Floats, y: Outcomes) -> Pieces:
    """``u`` = log nu."""
    logits = np.stack([x / 2, np.broadcast_to(u, x.shape), -x / 2])
    win, tie, loss = softmax(logits, axis=0)
    top = logits.max(axis=0)
    value = y.win * logits[0] + y.tie * u + y.loss * logits[2] - top - np.log(np.exp(logits - top).sum(axis=0))
    lean = win - loss
    return Pieces(
        value, (y.win - y.loss - lean) / 2, y.tie - tie, (win + loss - lean**2) / 4, -tie * lean / 2, tie * (1 - tie)
    )


def rao_kupper(x: Floats, u: float, y: Outcomes) -> Pieces:
    """``u`` = log(eta^2 - 1), so log eta = log(1 + e^u) / 2."""
    threshold, rate = np.logaddexp(0.0, u) / 2, expit(u)
    ahead, behind = x - threshold, -x - threshold
    not_loss, not_win = y.win + y.tie, y.loss + y.tie
    value = not_loss * log_expit(ahead) + not_win * log_expit(behind) + y.tie * u
    pull_up, pull_down = not_loss * expit(-ahead), not_win * expit(-behind)
    bend_up, bend_down = pull_up * expit(ahead), pull_down * expit(behind)
    return Pieces(
        value,
        pull_up - pull_down,
        y.tie - (pull_up + pull_down) * rate / 2,
        bend_up + bend_down,
        (bend_down - bend_up) * rate / 2,
        (bend_up + bend_down) * rate**2 / 4 + (pull_up + pull_down) * rate * (1 - rate) / 2,
    )


RULES: dict[str, Callable[[Floats, float, Outcomes], Pieces]] = {
    "half": half,
    "davidson": davidson,
    "rao_kupper": rao_kupper,
}


def tie_parameter(rule: TieRule, u: float) -> float:
    """nu of Davidson, eta of Rao and Kupper; NaN for ``half``."""
    if rule == "davidson":
        return float(np.exp(u))
    return float(np.exp(np.logaddexp(0.0, u) / 2)) if rule == "rao_kupper" else float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class ControlledRatings:
    """Ratings at equal context, and what each context is worth."""

    ratings: Ratings
    columns: tuple[str, ...]  # f names
    coefficients: Floats  # (f,) log-odds for one unit of the column as given; NaN where not identified
    coefficient_errors: Floats  # (f,)
    coefficient_doubt: Floats  # (f,) variance that one more average instruction would by itself add; none is surer
    instructions: int
    verdicts: tuple[int, ...]  # (f,) in which the column is not 0
    not_identified: tuple[str, ...]
    unbounded: tuple[str, ...]  # held equal, but no verdict speaks against them, so the likelihood grows without end
    ties: TieRule
    tie_parameter: float  # nu or eta; NaN for "half"
    tie_interval: tuple[float, float]  # 95 %, of the same

    def coefficient(self, name: str, level: float = 0.95) -> Estimate:
        """Log-odds for one unit of the column, by Student's t over instructions."""
        at = self.columns.index(name)
        value, error, n = float(self.coefficients[at]), float(self.coefficient_errors[at]), self.verdicts[at]
        if name in self.not_identified:
            return unidentified(_UNTOLD if n else "no verdict has it", level=level, n=n)
        if name in self.unbounded:
            return unidentified(_NO_BOUND, level=level, n=n)
        degrees = max(self.instructions - 1, 1)
        error = sqrt(error**2 + float(self.coefficient_doubt[at]))
        return normal_estimate(value, error, level=level, n=n, degrees=degrees)


def shown_first(table: VerdictTable) -> Floats:
    """(n,) a column for the slot: 1 where A was shown first, -1 where B was, 0 where nobody knows."""
    return np.select([table.order == 0, table.order == 1], [1.0, -1.0], 0.0)


def fit_with_covariates(
    table: VerdictTable, *, columns: Mapping[str, Floats] | None = None, ties: TieRule = "half"
) -> ControlledRatings:
    """Ratings controlled for ``columns`` (n,) each, finite and antisymmetric.

    Ties modelled by a parameter need some, some that are none, and verdicts that contradict each other.
    Raises StatisticsError for a column that does not fit, ties that cannot be modelled, or no convergence.
    """
    if ties not in RULES:
        raise StatisticsError(f"ties must be one of {', '.join(RULES)}, not {ties!r}")
    given = _checked(columns or {}, table)
    counts = PairCounts.of(table)
    graph = connectivity(counts.wins, counts.verdicts)
    inside = graph.part[table.model_a] == graph.part[table.model_b]
    rows = table.select(inside)
    context = _Context.of(rows, {name: column[inside] for name, column in given.items()}, graph)
    fit = _Fit(rows, context, graph, ties)
    start = fit.start()
    if fit.free_ties:
        _check_bounded(rows, ties)
    optimum = maximise(fit, start, scale=float(counts.verdicts.sum(axis=1).max(initial=1.0)))
    covariance = fit.covariance(optimum.x)
    k = len(table.models)
    layers = plan(counts.verdicts > 0, graph, table)
    theta, of_theta = one_scale(optimum.x[:k], covariance[:k, :k], counts, graph, layers)
    ratings = Ratings(
        models=table.models,
        theta=theta,
        covariance=of_theta,
        component=graph.component,
        flags=graph.flags,
        verdicts=counts.verdicts.sum(axis=1),
        iterations=optimum.iterations,
        gradient=optimum.gradient,
    )
    unsure = np.sqrt(np.diag(fit.bread(optimum.x))[k:])
    return _result(ratings, fit, optimum.x[k:], np.sqrt(np.diag(covariance)[k:]), unsure)


def _check_bounded(rows: VerdictTable, ties: TieRule) -> None:
    """Raises StatisticsError where no verdict speaks against models ever further apart and ties ever wider.

    That is so where places exist in which every winner lies one threshold or more above whom it beat, and who tied one
    or less apart: the thinner the chance of what never was, the better the fit. There are none where a chain of such
    steps leads from a model back below itself, which a shortest path tells.
    """
    outcomes, k = Outcomes.of(rows.preference), len(rows.models)
    steps = np.zeros((k, k))  # how much lower at least (-1), or higher at most (1), the column's model lies; 0: unknown
    for step, first, second, mass in (
        (1.0, rows.model_a, rows.model_b, outcomes.tie),
        (1.0, rows.model_b, rows.model_a, outcomes.tie),
        (-1.0, rows.model_a, rows.model_b, outcomes.win),
        (-1.0, rows.model_b, rows.model_a, outcomes.loss),
    ):
        steps[first[mass > 0], second[mass > 0]] = step
    try:
        floyd_warshall(csr_array(steps))
    except NegativeCycleError:
        return
    raise StatisticsError(
        f"{ties} needs verdicts that contradict each other: here models may lie ever further apart the wider a tie is"
        " taken to be, and no verdict speaks against it. Count ties as half instead"
    )


def bradley_terry_estimates(
    table: VerdictTable,
    choices: Choices,
    baseline: str | None,
    rng: np.random.Generator,
    columns: Mapping[str, Floats] | None = None,
) -> Estimates:
    """The leaderboard's method "bradley-terry"; ``columns`` as in ``fit_with_covariates``."""
    if columns is not None:
        return _with_ties("half", table, choices, baseline, rng, columns)
    sums = PairSums.of(table)
    by_instruction = choices.cluster == "instruction"
    estimates = rating_estimates(
        fit_bradley_terry(table, cluster=choices.cluster, sums=sums),
        fit_bradley_terry(table, cluster=choices.cluster, imagined=True, sums=sums),
        (sums.effective_instructions() if by_instruction else effective_clusters(table, choices.cluster)) - 1,
        choices.level,
    )
    estimates = told_by_battles(estimates, sums, baseline)
    if choices.interval == "analytic":
        notes = _few_judges(table) if choices.cluster in ("judge", "both") else ()
        return replace(estimates, method=f"sandwich with t, {_SHARED[choices.cluster]}", notes=notes)
    if choices.cluster != "instruction":
        raise StatisticsError("the bootstrap draws instructions: leave out the choice of clusters, or the bootstrap")
    drawn = bootstrap_ratings(table, level=choices.level, resamples=choices.resamples, rng=rng)
    enough = effective_clusters(table, "instruction") >= FEWEST_RESAMPLED
    lower, upper = drawn.where(enough, estimates.lower, estimates.upper)
    return replace(estimates, lower=lower, upper=upper, method=drawn.method)


def rating_estimates(ratings: Ratings, known: Ratings, degrees: Floats, level: float) -> Estimates:
    """Ratings in natural log-odds; each flag names its scale where there are several.

    Their intervals are those of ``known``, which is as sure of the ratings as may be, by Student's t with ``degrees``
    (k,) of freedom, and hold the ratings.
    """
    half = critical_values(degrees, level) * known.standard_error
    scales = int(ratings.component.max(initial=-1)) + 1
    flags = [
        ", ".join(filter(None, (flag, f"scale {component + 1} of {scales}" if scales > 1 else "")))
        for flag, component in zip(ratings.flags, ratings.component.tolist(), strict=True)
    ]
    return Estimates(
        value=ratings.theta,
        lower=np.minimum(known.theta - half, ratings.theta),
        upper=np.maximum(known.theta + half, ratings.theta),
        covariance=ratings.covariance,
        flags=flags,
        method="sandwich with t, clustered by instruction",
        scale="logit",
        compared=Compared(known.theta, known.covariance, degrees),
    )


def told_by_battles(estimates: Estimates, sums: PairSums, baseline: str | None) -> Estimates:
    """Ratings for which nothing but battles counts, with the win rates of these.

    Where all battles are of two models, or with the baseline, no order is told that equal models might well show.
    """
    rates = rates_of(sums, baseline=baseline)
    with_it = None if baseline is None else sums.models.index(baseline)
    alone = with_it is None or bool(((sums.first == with_it) | (sums.second == with_it)).all())
    compared = estimates.compared
    if compared is not None and alone:
        compared = replace(compared, chance=rates.sums.chance())
    return replace(estimates, rates=rates, compared=compared)


def coefficient_note(name: str, coefficient: Estimate) -> str:
    """What a covariate held equal is worth, as leaderboards note it."""
    if coefficient.reason == _NO_BOUND:
        return f"at equal {name}, whose coefficient is not identified: {_NO_BOUND}"
    if not coefficient.identified:
        return f"{name} cannot be told from the models' strengths here, so it is not controlled"
    lower, upper = coefficient.ends
    return f"at equal {name}, whose coefficient is {coefficient.value:.2f} [{lower:.2f}, {upper:.2f}] log-odds a unit"


def _with_ties(
    ties: TieRule,
    table: VerdictTable,
    choices: Choices,
    baseline: str | None,
    rng: np.random.Generator,
    columns: Mapping[str, Floats] | None = None,
) -> Estimates:
    controlled = fit_with_covariates(table, columns=columns, ties=ties)
    notes = (coefficient_note(name, controlled.coefficient(name, choices.level)) for name in controlled.columns)
    degrees, ratings = effective_clusters(table, "instruction") - 1, controlled.ratings
    known = replace(ratings, covariance=ratings.covariance + doubt(table))
    estimates = replace(rating_estimates(ratings, known, degrees, choices.level), notes=tuple(notes))
    return estimates if columns else told_by_battles(estimates, PairSums.of(table), baseline)


davidson_estimates = partial(_with_ties, "davidson")


rao_kupper_estimates = partial(_with_ties, "rao_kupper")


def _few_judges(table: VerdictTable) -> tuple[str, ...]:
    judges = len(np.unique(table.judge))
    if judges < 2:
        return ("one judge tells nothing of how judges differ: there is no interval by judge",)
    if judges < _FEWEST_JUDGES:
        return (f"{judges} judges tell little of how judges differ: intervals by judge are too narrow",)
    return ()


@dataclass(frozen=True, slots=True, eq=False)
class _Context:
    """Columns as they are fitted: those identified, each divided by its root mean square."""

    names: tuple[str, ...]  # all that were given
    verdicts: tuple[int, ...]  # in which each of them is not 0
    kept: tuple[int, ...]  # which of them are identified
    scale: Floats  # (kept,)
    z: Floats  # (n, kept)

    @classmethod
    def of(cls, rows: VerdictTable, columns: Mapping[str, Floats], graph: Connectivity) -> "_Context":
        z = np.column_stack([np.zeros((len(rows), 0)), *columns.values()])
        scale = np.sqrt((z**2).mean(axis=0)) if len(rows) else np.zeros(z.shape[1])
        z = z / np.where(scale > 0, scale, 1.0)
        gram = _gram(rows, z, np.ones(len(rows)))
        k = len(rows.models)
        gram[:k, :k] += anchor(graph, PairCounts.of(rows).verdicts)
        kept: list[int] = []
        for j in range(z.shape[1]):
            before = [*range(k), *(k + i for i in kept)]
            coupling = gram[before, k + j]
            left = gram[k + j, k + j] - coupling @ solve_dense(gram[np.ix_(before, before)], coupling)
            if left > _COLLINEAR * len(rows):
                kept.append(j)
        verdicts = tuple(np.count_nonzero(z, axis=0).tolist())
        return cls(tuple(columns), verdicts, tuple(kept), scale[kept], z[:, kept])


@dataclass(frozen=True, eq=False)
class _Fit:
    """The likelihood in (theta, beta, u); u is left out where ties have no parameter."""

    rows: VerdictTable
    context: _Context
    graph: Connectivity
    ties: TieRule

    @cached_property
    def outcomes(self) -> Outcomes:
        return Outcomes.of(self.rows.preference)

    @cached_property
    def anchor(self) -> Floats:
        return anchor(self.graph, PairCounts.of(self.rows).verdicts)

    @property
    def free_ties(self) -> bool:
        return self.ties != "half"

    def start(self) -> Floats:
        """Raises StatisticsError when ties are to be modelled and there are none, or nothing else."""
        zeros = np.zeros(len(self.rows.models) + self.context.z.shape[1])
        if not self.free_ties:
            return zeros
        share = float(self.outcomes.tie.mean()) if len(self.rows) else 0.0
        if not 0.0 < share < 1.0:
            raise StatisticsError(
                f"{self.ties} needs some verdicts that are ties and some that are not, among models that have both"
                f" beaten and lost to each other; here {share:.0%} are ties. Count ties as half instead"
            )
        eta = (1 + share) / (1 - share)
        return np.append(zeros, np.log(2 * share / (1 - share)) if self.ties == "davidson" else np.log(eta**2 - 1))

    def value(self, x: Floats) -> float:
        return float(self._pieces(x).value.sum())

    def newton(self, x: Floats) -> tuple[Floats, Floats]:
        pieces = self._pieces(x)
        parts = [_differences(self.rows, pieces.score_x), pieces.score_x @ self.context.z]
        gradient = np.concatenate([*parts, [pieces.score_u.sum()]] if self.free_ties else parts)
        return gradient, solve_dense(self._information(pieces), gradient)

    def covariance(self, x: Floats) -> Floats:
        """Sandwich; NaN rows for models whose part has a single cluster."""
        pieces = self._pieces(x)
        extra = [pieces.score_x[:, None] * self.context.z]
        if self.free_ties:
            extra.append(pieces.score_u[:, None])
        meat = meat_of_rows(
            self.rows, pieces.score_x, self.graph.part, "instruction", extra=np.concatenate(extra, axis=1)
        )
        unknown = np.isnan(np.diag(meat))
        bread = self.bread(x)
        covariance: Floats = bread @ np.nan_to_num(meat) @ bread
        covariance[unknown] = np.nan
        return covariance

    def bread(self, x: Floats) -> Floats:
        """The inverse information: what verdicts that were independent would leave open."""
        return np.asarray(np.linalg.inv(self._information(self._pieces(x))), dtype=np.float64)

    def _pieces(self, x: Floats) -> Pieces:
        k, f = len(self.rows.models), self.context.z.shape[1]
        gap = x[self.rows.model_a] - x[self.rows.model_b] + self.context.z @ x[k : k + f]
        return RULES[self.ties](gap, float(x[-1]) if self.free_ties else 0.0, self.outcomes)

    def _information(self, pieces: Pieces) -> Floats:
        k, z = len(self.rows.models), self.context.z
        information = _gram(self.rows, z, pieces.info_xx)
        information[:k, :k] += self.anchor
        if not self.free_ties:
            return information
        border = np.concatenate([_differences(self.rows, pieces.info_xu), pieces.info_xu @ z])
        return np.block([[information, border[:, None]], [border[None, :], pieces.info_uu.sum()]])


def _differences(rows: VerdictTable, values: Floats) -> Floats:
    """(k,) each row's value added to its A and subtracted from its B."""
    k = len(rows.models)
    plus = np.bincount(rows.model_a, weights=values, minlength=k)
    return (plus - np.bincount(rows.model_b, weights=values, minlength=k)).astype(np.float64)


def _gram(rows: VerdictTable, z: Floats, weight: Floats) -> Floats:
    """(k + f, k + f) weighted sum of the outer products of (e_a - e_b, z)."""
    k = len(rows.models)
    cell = rows.model_a.astype(np.int64) * k + rows.model_b
    forth = np.bincount(cell, weights=weight, minlength=k * k).astype(np.float64).reshape(k, k)
    edges = forth + forth.T
    mixed = np.column_stack([np.zeros((k, 0)), *(_differences(rows, weight * column) for column in z.T)])
    return np.block([[np.diag(edges.sum(axis=1)) - edges, mixed], [mixed.T, z.T @ (weight[:, None] * z)]])


def _checked(columns: Mapping[str, Floats], table: VerdictTable) -> dict[str, Floats]:
    for name, column in columns.items():
        if np.shape(column) != (len(table),) or not np.isfinite(column).all():
            raise StatisticsError(
                f"the column {name!r} must hold {len(table)} finite numbers, one a verdict: A's value minus B's"
            )
    return {name: np.asarray(column, dtype=np.float64) for name, column in columns.items()}


def _result(ratings: Ratings, fit: _Fit, rest: Floats, errors: Floats, unsure: Floats) -> ControlledRatings:
    context = fit.context
    count = len(context.kept)
    clusters = max(len(np.unique(fit.rows.instruction)), 1)
    coefficients, spread, more = np.full((3, len(context.names)), np.nan)
    coefficients[list(context.kept)] = rest[:count] / context.scale
    spread[list(context.kept)] = errors[:count] / context.scale
    more[list(context.kept)] = (unsure[:count] / context.scale) ** 2 / clusters
    quantile = critical_value(0.95, max(clusters - 1, 1))
    half = quantile * sqrt(errors[-1] ** 2 + unsure[-1] ** 2 / clusters) if fit.free_ties else np.nan
    middle = float(rest[-1]) if fit.free_ties else np.nan
    return ControlledRatings(
        ratings=ratings,
        columns=context.names,
        coefficients=coefficients,
        coefficient_errors=spread,
        coefficient_doubt=more,
        instructions=clusters,
        verdicts=context.verdicts,
        not_identified=tuple(name for j, name in enumerate(context.names) if j not in context.kept),
        unbounded=tuple(context.names[j] for at, j in enumerate(context.kept) if unsure[at] > _UNBOUNDED),
        ties=fit.ties,
        tie_parameter=tie_parameter(fit.ties, middle),
        tie_interval=(tie_parameter(fit.ties, middle - half), tie_parameter(fit.ties, middle + half)),
    )
