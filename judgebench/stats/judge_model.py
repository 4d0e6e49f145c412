"""One likelihood for everything that several judges may differ in: the judge-aware model.

Row (A, B, judge k): x = gamma_k (theta_a - theta_b + z . beta) + b_k s, where s is 1 if A was shown first, -1 if B was,
0 if unknown; win, tie and loss in proportion to exp(x / 2), nu_k, exp(-x / 2) (Davidson 1970; judge discrimination
gamma after the judge-aware Bradley-Terry models of 2025-26). gamma says how sharply a judge tells models apart, b how
much it favours the first place, nu how readily it ties. Lineage and self terms are columns of z.

Normal priors keep every parameter finite: theta (0, 3), beta and b (0, 0.5), log gamma (0, 0.5), log nu (log 0.3, 1),
as standard deviations. They are priors, so estimates are shrunk towards them; without ties nu is left out. What the
design cannot tell apart is reported as not identified instead of echoing its prior. Covariance is clustered by
instruction. log gamma has mean 0 over judges: a single judge has gamma 1.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from judgebench.errors import StatisticsError
from judgebench.estimate import Estimate, unidentified
from judgebench.stats.bradley_terry import doubt, effective_clusters
from judgebench.stats.bradley_terry.covariates import (
    Outcomes,
    Pieces,
    coefficient_note,
    davidson,
    half,
    shown_first,
    told_by_battles,
)
from judgebench.stats.bradley_terry.separation import connectivity
from judgebench.stats.intervals import critical_values, normal_estimate
from judgebench.stats.method import Choices, Compared, Estimates
from judgebench.stats.newton import maximise, solve_dense
from judgebench.stats.pair_sums import PairSums
from judgebench.stats.verdict_table import Floats, PairCounts, VerdictTable

__all__ = ["JudgeModel", "TermEstimates", "fit_judge_model"]
_NULL = 1e-8  # share of a direction's length that must be left by the others to be identified
_HELD_BY_PRIOR = (
    "what is called undefeated, winless or separated is held by the prior alone: its interval leaves out what the "
    "prior cannot know"
)
_THETA_SD, _EFFECT_SD, _GAMMA_SD, _TIE_MEAN, _TIE_SD = 3.0, 0.5, 0.5, float(np.log(0.3)), 1.0


@dataclass(frozen=True, slots=True, eq=False)
class TermEstimates:
    """Estimates with standard errors, aligned to ``names``; NaN where not identified."""

    names: tuple[str, ...]
    estimate: Floats
    standard_error: Floats
    doubt: Floats  # variance that one more average instruction would by itself add; no estimate is surer
    degrees: float  # of freedom behind the variances

    def items(self, level: float) -> Iterator[tuple[str, Estimate]]:
        """Each by its name, with its interval by Student's t."""
        errors = np.sqrt(self.standard_error**2 + self.doubt)
        for name, value, error in zip(self.names, self.estimate.tolist(), errors.tolist(), strict=True):
            told = np.isfinite(value)
            known = normal_estimate(value, error, level=level, degrees=max(self.degrees, 1.0)) if told else None
            yield name, known or unidentified("the verdicts cannot tell it", level=level)


@dataclass(frozen=True, slots=True, eq=False)
class JudgeModel:
    models: tuple[str, ...]
    theta: Floats  # (k,) natural log-odds for a judge of discrimination 1, summing to zero; NaN without a verdict
    covariance: Floats  # (k, k) clustered by instruction
    effects: TermEstimates  # beta, one a column, for one unit of the column as given
    discrimination: TermEstimates  # log gamma, one a judge
    first_place: TermEstimates  # b, log-odds for the output shown first, one a judge
    tie_tendency: TermEstimates  # log nu, one a judge; NaN where nobody ever ties
    not_identified: tuple[str, ...]  # e.g. "first place: judge-1"


def fit_judge_model(table: VerdictTable, *, columns: Mapping[str, Floats] | None = None) -> JudgeModel:
    """All terms at once; ``columns`` (n,) each are antisymmetric: A's value minus B's.

    Raises StatisticsError for a column that does not fit, verdicts that do not link all models, or no convergence.
    """
    given = {name: np.asarray(column, dtype=np.float64) for name, column in (columns or {}).items()}
    for name, column in given.items():
        if column.shape != (len(table),) or not np.isfinite(column).all():
            raise StatisticsError(f"the column {name!r} must hold {len(table)} finite numbers, one a verdict")
    counts = PairCounts.of(table)
    if connectivity(counts.wins, counts.verdicts).component.max(initial=-1) != 0:
        raise StatisticsError(
            "the judge-aware model needs verdicts that link all its models; fit each component of the battles by itself"
        )
    scale = {name: float(np.sqrt((column**2).mean())) or 1.0 for name, column in given.items()}
    scaled = {name: column / scale[name] for name, column in given.items()}
    outcomes = Outcomes.of(table.preference)
    before = _Likelihood(table, tuple(scaled), _matrix(scaled, table), outcomes)
    known = _identified(before, before.prior_mean)[before.places["beta"]]
    kept = {name: column for (name, column), use in zip(scaled.items(), known, strict=True) if use}
    likelihood = _Likelihood(table, tuple(kept), _matrix(kept, table), outcomes)
    optimum = maximise(likelihood, likelihood.prior_mean, scale=float(len(table)), iterations=200)
    return _result(likelihood, optimum.x, scale)


def estimates(
    table: VerdictTable,
    choices: Choices,
    baseline: str | None,
    rng: np.random.Generator,
    columns: Mapping[str, Floats] | None = None,
) -> Estimates:
    """The leaderboard's method "judge-aware"; what judges differ in besides the models is in the notes."""
    used, judge = np.unique(table.judge, return_inverse=True)
    names = tuple(table.judges[code] for code in used)
    model = fit_judge_model(replace(table, judges=names, judge=judge.astype(np.int32)), columns=columns)
    degrees = effective_clusters(table, "instruction") - 1
    known = model.covariance + doubt(table)
    half = critical_values(degrees, choices.level) * np.sqrt(np.maximum(np.diag(known), 0.0))
    counts = PairCounts.of(table)
    flags = connectivity(counts.wins, counts.verdicts).flags
    known_by = Estimates(
        value=model.theta,
        lower=model.theta - half,
        upper=model.theta + half,
        covariance=model.covariance,
        flags=flags,
        method="sandwich with t, clustered by instruction, given the priors",
        scale="logit",
        compared=Compared(model.theta, known, degrees),
        notes=(
            *((_HELD_BY_PRIOR,) if any(flags) else ()),
            *(coefficient_note(name, coefficient) for name, coefficient in model.effects.items(choices.level)),
            *(_of_judges(model.discrimination, "log discrimination", choices.level) if len(used) > 1 else ()),
            *_of_judges(model.first_place, "log-odds for what is shown first", choices.level),
            *(f"not identified: {name}" for name in model.not_identified),
        ),
    )
    return known_by if columns or len(used) > 1 else told_by_battles(known_by, PairSums.of(table), baseline)


def _of_judges(terms: TermEstimates, what: str, level: float) -> list[str]:
    known = [(name, term, *term.ends) for name, term in terms.items(level) if term.identified]
    return [f"{name}: {what} {term.value:.3f} [{lower:.3f}, {upper:.3f}]" for name, term, lower, upper in known]


def _matrix(columns: Mapping[str, Floats], table: VerdictTable) -> Floats:
    return np.column_stack([np.zeros((len(table), 0)), *columns.values()])


@dataclass(frozen=True, eq=False)
class _Likelihood:
    """Parameters in order: theta (k), beta (f), b, log gamma, log nu (one a judge each)."""

    table: VerdictTable
    columns: tuple[str, ...]
    z: Floats  # (n, f)
    outcomes: Outcomes

    @cached_property
    def places(self) -> dict[str, slice]:
        sizes = [len(self.table.models), self.z.shape[1], *[len(self.table.judges)] * 3]
        ends = np.cumsum(sizes).tolist()
        names = ("theta", "beta", "slot", "gamma", "nu")
        return {name: slice(end - size, end) for name, size, end in zip(names, sizes, ends, strict=True)}

    @cached_property
    def ties(self) -> bool:
        return bool(self.outcomes.tie.any())

    @cached_property
    def slot(self) -> Floats:
        return shown_first(self.table)

    @cached_property
    def prior_mean(self) -> Floats:
        mean = np.zeros(self.places["nu"].stop)
        mean[self.places["nu"]] = _TIE_MEAN
        return mean

    @cached_property
    def prior_precision(self) -> Floats:
        """A matrix, as it also holds the sum of theta and of log gamma near zero."""
        sds = {"theta": _THETA_SD, "beta": _EFFECT_SD, "slot": _EFFECT_SD, "gamma": _GAMMA_SD, "nu": _TIE_SD}
        precision = np.zeros((self.places["nu"].stop, self.places["nu"].stop))
        for name, sd in sds.items():
            place = self.places[name]
            precision[place, place] = np.eye(place.stop - place.start) / sd**2
        for name in ("theta", "gamma"):
            precision[self.places[name], self.places[name]] += float(len(self.table))
        return precision

    def value(self, x: Floats) -> float:
        gap = x - self.prior_mean
        return float(self.at(x)[0].value.sum() - 0.5 * gap @ self.prior_precision @ gap)

    def newton(self, x: Floats) -> tuple[Floats, Floats]:
        """The expected information replaces the observed one, which discrimination can make indefinite."""
        pieces, jacobian = self.at(x)
        gradient = self.row_scores(pieces, jacobian).sum(axis=0) - self.prior_precision @ (x - self.prior_mean)
        return gradient, solve_dense(self.information(pieces, jacobian), gradient)

    def information(self, pieces: Pieces, jacobian: csr_array) -> Floats:
        information = (jacobian.T @ (jacobian * pieces.info_xx[:, None])).toarray() + self.prior_precision
        if self.ties:
            nu = self.places["nu"]
            mixed = (jacobian.T @ self._by_judge(pieces.info_xu)).toarray()
            information[:, nu] += mixed
            information[nu, :] += mixed.T
            information[nu, nu] += np.diag(self._by_judge(pieces.info_uu).sum(axis=0))
        return np.asarray(information, dtype=np.float64)

    def row_scores(self, pieces: Pieces, jacobian: csr_array) -> csr_array:
        """(n, p)"""
        scores = jacobian * pieces.score_x[:, None]
        if not self.ties:
            return csr_array(scores)
        rows, columns = np.arange(len(self.table)), self.places["nu"].start + self.table.judge
        return csr_array(scores + csr_array((pieces.score_u, (rows, columns)), shape=scores.shape))

    def _by_judge(self, values: Floats) -> csr_array:
        rows = np.arange(len(self.table))
        return csr_array((values, (rows, self.table.judge)), shape=(len(self.table), len(self.table.judges)))

    def at(self, x: Floats) -> tuple[Pieces, csr_array]:
        """The rows' log-likelihood in their linear predictor, and the predictor's derivatives (n, p)."""
        table, places = self.table, self.places
        theta = x[places["theta"]]
        gamma = np.exp(np.clip(x[places["gamma"]], -20, 20))[table.judge]
        lean = gamma * (theta[table.model_a] - theta[table.model_b] + self.z @ x[places["beta"]])
        predictor = lean + x[places["slot"]][table.judge] * self.slot
        u = x[places["nu"]][table.judge]
        pieces = (davidson if self.ties else half)(predictor, u, self.outcomes)
        f = self.z.shape[1]
        columns = [
            table.model_a,
            table.model_b,
            places["slot"].start + table.judge,
            places["gamma"].start + table.judge,
        ]
        columns += [np.full(len(table), places["beta"].start + j) for j in range(f)]
        values = [gamma, -gamma, self.slot, lean, *(gamma * column for column in self.z.T)]
        rows = np.tile(np.arange(len(table)), len(columns))
        shape = (len(table), places["nu"].stop)
        return pieces, csr_array((np.concatenate(values), (rows, np.concatenate(columns))), shape=shape)


def _result(likelihood: _Likelihood, x: Floats, scale: Mapping[str, float]) -> JudgeModel:
    table, places = likelihood.table, likelihood.places
    covariance = _covariance(likelihood, x)
    known = _identified(likelihood, x)
    errors = np.where(known, np.sqrt(np.maximum(np.diag(covariance), 0.0)), np.nan)
    shown = np.where(known, x, np.nan)
    theta = places["theta"]
    silent = np.isnan(shown[theta])
    numbers = np.stack([shown, errors, _doubt(likelihood, x)])
    degrees = len(np.unique(table.instruction)) - 1.0
    slot, gamma, nu = (_terms(table.judges, numbers[:, places[n]], degrees) for n in ("slot", "gamma", "nu"))
    effects = _all_effects(likelihood, numbers[:, places["beta"]], degrees, scale)
    groups = [("effect", effects), ("first place", slot), ("discrimination", gamma)]
    groups += [("tie tendency", nu)] if likelihood.ties else []
    return JudgeModel(
        models=table.models,
        theta=shown[theta] - np.nanmean(shown[theta]),
        covariance=np.where(silent[:, None] | silent[None, :], np.nan, covariance[theta, theta]),
        effects=effects,
        discrimination=gamma,
        first_place=slot,
        tie_tendency=nu,
        not_identified=tuple(
            f"{kind}: {name}"
            for kind, effect in groups
            for name, value in zip(effect.names, effect.estimate, strict=True)
            if np.isnan(value)
        ),
    )


def _all_effects(likelihood: _Likelihood, numbers: Floats, degrees: float, scale: Mapping[str, float]) -> TermEstimates:
    """In the units and order given, NaN for columns that were left out; ``numbers`` as in ``_terms``, (3, kept)."""
    units = np.array([scale[name] for name in likelihood.columns])
    every = np.full((3, len(scale)), np.nan)
    every[:, [list(scale).index(name) for name in likelihood.columns]] = numbers / np.stack([units, units, units**2])
    return _terms(tuple(scale), every, degrees)


def _terms(names: tuple[str, ...], numbers: Floats, degrees: float) -> TermEstimates:
    """``numbers`` (3, m): estimates, standard errors, doubts."""
    return TermEstimates(names, numbers[0], numbers[1], numbers[2], degrees)


def _doubt(likelihood: _Likelihood, x: Floats) -> Floats:
    """(p,) variance that one average instruction more would by itself add to each parameter's."""
    pieces, jacobian = likelihood.at(x)
    information = likelihood.information(pieces, jacobian)
    bread = np.linalg.inv(information)
    clusters = len(np.unique(likelihood.table.instruction))
    doubt: Floats = np.diag(bread @ (information - likelihood.prior_precision) @ bread) / clusters
    return np.maximum(doubt, 0.0)


def _covariance(likelihood: _Likelihood, x: Floats) -> Floats:
    """Sandwich by instruction; scores without the prior, information with it."""
    pieces, jacobian = likelihood.at(x)
    bread = np.linalg.inv(likelihood.information(pieces, jacobian))
    code = likelihood.table.instruction
    rows = np.arange(len(code))
    members = csr_array((np.ones(len(code)), (code, rows)), shape=(int(code.max()) + 1, len(code)))
    sums = (members @ likelihood.row_scores(pieces, jacobian)).toarray()
    clusters = len(np.unique(code))
    factor = clusters / (clusters - 1) if clusters > 1 else np.nan
    covariance: Floats = bread @ (sums.T @ sums) @ bread * factor
    return covariance


def _identified(likelihood: _Likelihood, x: Floats) -> NDArray[np.bool_]:
    """Which parameters the rows can tell from those before them: models first, then judges, columns last.

    The sums of theta and of log gamma are fixed by definition, so they count as if they had been observed.
    """
    pieces, jacobian = likelihood.at(x)
    gram = likelihood.information(pieces, jacobian) - likelihood.prior_precision
    for name in ("theta", "gamma"):
        place = likelihood.places[name]
        seen = np.diag(gram)[place] > 0
        gram[place, place] += np.outer(seen, seen) * float(np.diag(gram)[place].mean())
    size = np.sqrt(np.maximum(np.diag(gram), 0.0))
    known: NDArray[np.bool_] = size > np.sqrt(_NULL) * size.max(initial=0.0)
    left = np.where(known[:, None] & known[None, :], gram, 0.0)
    left = left / np.where(known, size, 1.0)[:, None] / np.where(known, size, 1.0)[None, :]
    order = [i for name in ("theta", "nu", "slot", "gamma", "beta") for i in range(len(size))[likelihood.places[name]]]
    for i in order:
        known[i] = known[i] and left[i, i] > _NULL
        if known[i]:
            column = left[:, i] / np.sqrt(left[i, i])
            left = left - np.outer(column, column)
    return known
