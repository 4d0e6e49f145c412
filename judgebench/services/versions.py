"""What changed from one version of a model to the next, by the verdicts that count.

Two versions that were compared with each other are compared by that; else by what each did against a baseline, the one
that is named or the one on which both have most instructions in common; else by their scores.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from judgebench import store
from judgebench.coverage import Coverage
from judgebench.errors import InputError, StatisticsError
from judgebench.records import Instruction
from judgebench.services.scope import Scope, Scoped, scoped_scores, scoped_verdicts
from judgebench.stats.scores import score_preferences
from judgebench.stats.verdict_table import Codes, VerdictTable
from judgebench.stats.versions import (
    Decision,
    PairedVersions,
    VersionChange,
    against_baseline,
    between_versions,
    by_scores,
    decide,
    version_change,
)
from judgebench.store.database import Connection

Evidence = Literal["battles", "baseline", "scores"]
Dependence = Literal["dialogue", "category"]  # instructions that share one depend on each other
_FLIPS: Mapping[int, Literal["negative", "positive", ""]] = {-1: "negative", 1: "positive", 0: ""}


@dataclass(frozen=True, slots=True)
class ByVersions:
    """How a change is told."""

    baseline: str | None = None  # by what each did against this model; None: against each other, where they met
    right_from: float | None = None  # scores that are this or more are right; None: they are 0 or 1, or only graded
    margin: float = 0.0  # how much worse NEW may be
    cluster: Dependence = "dialogue"


USUAL_VERSIONS = ByVersions()


@dataclass(frozen=True, slots=True)
class PartChange:
    """What changed on a category."""

    name: str  # empty: instructions without a category
    change: VersionChange


@dataclass(frozen=True, slots=True)
class OutputChange:
    """What changed on one instruction."""

    key: str
    text: str  # ``Instruction.brief``
    category: str | None
    old: float | None  # preference for OLD against the baseline, its score, or share of readings right; None: battles
    new: float | None
    difference: float  # NEW less OLD
    flip: Literal["negative", "positive", ""]
    confirmed: bool  # a negative flip by every one of two or more readings of both outputs


@dataclass(frozen=True, slots=True)
class ModelChange:
    """What changed from the first model, OLD, to the second, NEW."""

    evidence: Evidence
    baseline: str | None  # where the evidence is battles with one
    right_from: float | None  # as it was given
    graded: bool  # differences are in units of the score; else of shares, in [-1, 1]
    cluster: Dependence
    clusters: int  # groups of instructions that depend on each other
    margin: float
    decision: Decision
    whole: VersionChange
    categories: tuple[PartChange, ...]  # by name; empty where no instruction has a category
    instructions: tuple[OutputChange, ...]  # the worst regression first


@dataclass(frozen=True, slots=True, eq=False)
class Evident:
    """What tells two models apart."""

    evidence: Evidence
    baseline: str | None
    paired: PairedVersions
    keys: Sequence[str]  # of the instructions that codes stand for
    table: VerdictTable  # what it amounts to between the two
    coverage: Coverage


def evident(
    connection: Connection, benchmark: str, models: tuple[str, str], scope: Scope, by: ByVersions
) -> Evident | None:
    """None where no verdicts that count are about both. Raises as ``leaderboard`` does, and InputError for choices that
    do not fit the verdicts."""
    if by.baseline in models:
        raise InputError(f"{by.baseline!r} is one of the two that are compared: name another model as the baseline")
    if by.baseline is not None:
        store.models.check_model(connection, by.baseline)
    try:
        verdicts = scoped_verdicts(connection, benchmark, scope)
    except StatisticsError as error:
        return _by_scores(connection, benchmark, models, scope, by, error)
    if by.right_from is not None:
        raise InputError("--right-from is about scores, and these verdicts compare outputs: choose a pointwise judge")
    if by.baseline is None and len(verdicts.table.among(models)):
        return _by_battles(verdicts, models)
    baseline = by.baseline or _common_opponent(verdicts.table, models)
    return None if baseline is None else _by_baseline(verdicts, models, baseline)


def change(between: Evident, instructions: Mapping[str, Instruction], by: ByVersions, level: float) -> ModelChange:
    """Raises StatisticsError for a margin or level that is none."""
    paired = between.paired
    graded = between.evidence == "scores"
    if by.margin > 1 and not graded:
        raise InputError(f"the margin is {by.margin:g}, and differences are shares in [-1, 1]: 0.05 is five points")
    about = [instructions[between.keys[code]] for code in paired.instruction]
    clusters = _clusters(about, by.cluster)
    whole = version_change(paired, clusters, level=level)
    names = np.array([row.category or "" for row in about], dtype=object)
    known = sorted(set(names.tolist()))
    parts = [(name, names == name) for name in known if known != [""]]
    categories = (
        PartChange(name, version_change(paired.select(rows), clusters[rows], level=level)) for name, rows in parts
    )
    return ModelChange(
        evidence=between.evidence,
        baseline=between.baseline,
        right_from=by.right_from,
        graded=between.evidence == "scores" and whole.flips.rate.value is None,
        cluster=by.cluster,
        clusters=len(np.unique(clusters)),
        margin=by.margin,
        decision=decide(whole.difference, by.margin),
        whole=whole,
        categories=tuple(categories),
        instructions=_outputs(paired, about),
    )


def _by_battles(verdicts: Scoped[VerdictTable], models: tuple[str, str]) -> Evident:
    table = verdicts.table.among(models)
    coverage = verdicts.between(models).covered(models, flagged="pairs")
    return Evident("battles", None, between_versions(table, *models), table.instructions, table, coverage)


def _by_baseline(verdicts: Scoped[VerdictTable], models: tuple[str, str], baseline: str) -> Evident | None:
    theirs = verdicts.between(models, baseline)
    try:
        paired = against_baseline(theirs.table, *models, baseline)
    except StatisticsError:
        return None
    coverage = theirs.covered(models, baseline=baseline, flagged="pairs")
    table = _amounting(theirs.table, paired, models)
    return Evident("baseline", baseline, paired, table.instructions, table, coverage)


def _by_scores(
    connection: Connection,
    benchmark: str,
    models: tuple[str, str],
    scope: Scope,
    by: ByVersions,
    error: StatisticsError,
) -> Evident | None:
    """Raises what was wrong with comparing outputs where there are no scores either."""
    try:
        scores = scoped_scores(connection, benchmark, scope)
    except (InputError, StatisticsError):
        raise error from None
    if not len(scores.table):
        raise error
    if by.baseline is not None:
        raise InputError("--baseline is about outputs that were compared, and here are scores: leave it out")
    theirs = scores.table.among(models)
    try:
        paired = by_scores(theirs, *models, right_from=by.right_from)
    except (StatisticsError, ValueError):  # ValueError: a model without any score
        return None
    coverage = scores.between(models).covered(models, flagged="pairs")
    return Evident("scores", None, paired, theirs.instructions, score_preferences(theirs), coverage)


def _common_opponent(table: VerdictTable, models: tuple[str, str]) -> str | None:
    """The model that both met on most instructions, of equal ones the first by name."""
    met: list[dict[str, set[int]]] = []
    for model in models:
        if model not in table.models:
            return None
        rows = table.against(model)
        other = np.where(rows.model_a == table.model_code(model), rows.model_b, rows.model_a)
        met.append({table.models[code]: {*rows.instruction[other == code].tolist()} for code in np.unique(other)})
    shared = {name: len(met[0][name] & met[1][name]) for name in met[0].keys() & met[1].keys()}
    best = max(shared.values(), default=0)
    return min((name for name, number in shared.items() if number == best), default=None) if best else None


def _amounting(table: VerdictTable, paired: PairedVersions, models: tuple[str, str]) -> VerdictTable:
    """One row an instruction, with the preference for the first that the difference between the two amounts to."""
    n = len(paired)
    none = np.zeros(n, dtype=np.int32)
    a, b = (np.full(n, table.model_code(model), dtype=np.int32) for model in models)
    return VerdictTable(
        *(table.models, table.instructions, table.judges, a, b, paired.instruction, none),
        *(np.full(n, -1, dtype=np.int8), (1 - paired.difference) / 2, none, none),
    )


def _clusters(about: Sequence[Instruction], cluster: Dependence) -> Codes:
    """(m,) codes: instructions that begin with the same user turn are of one dialogue; without a category each is one
    of its own."""
    if cluster == "dialogue":
        names = [row.turns[0] for row in about]
    else:
        names = [row.key if row.category is None else f"category {row.category}" for row in about]
    return np.unique(np.array(names, dtype=object), return_inverse=True)[1].astype(np.int32)


def _outputs(paired: PairedVersions, about: Sequence[Instruction]) -> tuple[OutputChange, ...]:
    """The worst first, of equal ones those that flipped, and of these the confirmed; then by key."""
    places = sorted(
        range(len(about)),
        key=lambda at: (paired.difference[at], paired.flip[at], not paired.confirmed[at], about[at].key),
    )
    return tuple(
        OutputChange(
            about[at].key,
            about[at].brief,
            about[at].category,
            None if np.isnan(paired.old[at]) else float(paired.old[at]),
            None if np.isnan(paired.new[at]) else float(paired.new[at]),
            float(paired.difference[at]),
            _FLIPS[int(paired.flip[at])],
            bool(paired.confirmed[at]),
        )
        for at in places
    )
