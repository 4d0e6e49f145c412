"""Whether a judge favours its own outputs, or its family's, beyond what others find in them.

Consensus residuals need several judges: what a judge gives its own model, less what the additive model
"judge + model", fitted to the scores of unrelated judges and models alone, expects there (a fixed-effects form of the
self-bias of arXiv 2508.06709). Two forms need human labels. Equal opportunity: the share of battles that people gave to
the judge's own model in which the judge concurs, less that share where they preferred the other (Wataoka et al. 2024,
arXiv 2410.21819). As people's votes are noisy, an unbiased judge too concurs more where they preferred the better
model, so this is a figure and no favour. The favour is by how much more the judge sets its own model above the others
than people do, theirs times its sharpness (``bias.sharpness``).

Scores here are win rates against a baseline, which must not itself be related to a judge, or against the field: there a
favour of f shows as f * k / (k - 1) among k models, because what one wins its rivals lose; and a judge that is sharper
than the others gives a strong model of its own more without favouring it. Leakage, in ``relatives``, fits battles at
each judge's own sharpness and has neither. A judge's taste that its own model happens to meet is not told from
favour by either form.
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from judgebench.bias.effects import in_points
from judgebench.bias.human_agreement import people_preference
from judgebench.bias.relatives import Relation
from judgebench.bias.sharpness import beside_people
from judgebench.counts import count
from judgebench.errors import InputError, UnknownName
from judgebench.estimate import Estimate, unidentified
from judgebench.stats.intervals import bounded_mean, difference_estimate, influence_estimate
from judgebench.stats.verdict_table import Floats, LabelTable, VerdictTable

_UNTOLD = "no unrelated judge scored these models, so their quality is not known without the judge"
_NEAR = 1e-8  # of a contrast that should vanish
_NONE = "no battle has both a verdict and a likelihood by the same LLM: run one with a likelihood template as well"


@dataclass(frozen=True, slots=True)
class SelfPreference:
    """In win rate: 0.1 means ten points more than other judges' scores let expect."""

    own: Estimate  # mean over judges that are a model of the table
    family: Estimate  # mean over pairs of a judge and a relative that is not itself
    spread: Estimate  # own less family: what is left of being the same, beyond being related


def consensus_residuals(
    table: VerdictTable, relations: NDArray[np.object_], *, baseline: str | None = None, level: float = 0.95
) -> SelfPreference:
    """From ``relations`` (judges, models), see ``relatives.relation_matrix``; their n counts verdicts.

    Cells of unknown relation neither count as related nor teach what to expect.
    Raises UnknownName for a baseline that is not in the table, InputError for relations of another shape.
    """
    shape = (len(table.judges), len(table.models))
    if relations.shape != shape:
        raise InputError(f"relations must be (judges, models) {shape}, not {relations.shape}")
    scores = _scores(table, baseline)
    own = relations == Relation.SAME
    kin = (relations == Relation.INHERITANCE) | (relations == Relation.FAMILY)
    teaching = (relations == Relation.UNRELATED) & scores.present
    of_own, of_kin = (_contrast(cells & scores.present, teaching) for cells in (own, kin))
    spread = unidentified("it needs a judge's own model and a relative of a judge", level=level)
    if of_own is not None and of_kin is not None:
        spread = _figure(scores, of_own - of_kin, level)
    return SelfPreference(_figure(scores, of_own, level), _figure(scores, of_kin, level), spread)


@dataclass(frozen=True, slots=True)
class EqualOpportunity:
    """How often the judge concurs with people, by whose side they took. Judge's ties count half."""

    bias: Estimate  # concurs_own - concurs_other: above 0 also where its own model is merely the better one
    concurs_own: Estimate  # where people preferred its own output
    concurs_other: Estimate  # where they preferred the other


def equal_opportunity(table: VerdictTable, own: str, human: Floats, *, level: float = 0.95) -> EqualOpportunity:
    """For verdicts of a judge whose own outputs are those of model ``own``; human ties say nothing.

    ``human`` (n,): people's preference for A in [0, 1], NaN where nobody judged.
    Raises UnknownName for a model that is not in the table, InputError when ``human`` is not aligned.
    """
    if own not in table.models:
        raise UnknownName("model", own, table.models)
    if human.shape != (len(table),):
        raise InputError(f"human preferences must be of {count(len(table), 'verdict')}, one each, not {human.shape}")
    code = table.model_code(own)
    is_a, is_b = table.model_a == code, table.model_b == code
    toward = np.where(is_a, table.preference, 1 - table.preference)
    people = np.where(is_a, human, 1 - human)
    theirs, others = ((is_a | is_b) & side for side in (people > 0.5, people < 0.5))
    n = int(theirs.sum() + others.sum())
    if not theirs.any() or not others.any():
        reason = f"people never preferred {'the other' if theirs.any() else repr(own)}"
        return no_opportunity(reason, level, n)
    concurs = [
        bounded_mean(share[rows], table.instruction[rows], level=level)
        for share, rows in ((toward, theirs), (1 - toward, others))
    ]
    return EqualOpportunity(difference_estimate(*concurs), *concurs)


def no_opportunity(reason: str, level: float, n: int = 0) -> EqualOpportunity:
    """Nothing of it is identified, for one reason."""
    return EqualOpportunity(*(unidentified(reason, level=level, n=n),) * 3)


def favour_beyond_people(table: VerdictTable, own: str, human: Floats, *, level: float = 0.95) -> Estimate:
    """Points of win rate that being ``own``'s adds at equal quality, at least, for verdicts of a judge that is ``own``.

    The lead of its strength over the mean of the others', less the judge's sharpness among the others times that lead
    with people; ``human`` (n,) as in ``equal_opportunity``.
    Raises UnknownName for a model that is not in the table, StatisticsError where no verdict has a human preference.
    """
    if own not in table.models:
        raise UnknownName("model", own, table.models)
    beside = beside_people(table, human, [])
    others = beside.connected(table.model_code(own))
    n = int(np.isfinite(human).sum())
    if not others.any():
        return unidentified("people did not compare the judge's own outputs with any other", level=level, n=n)
    lead = np.where(others, -1 / others.sum(), 0.0)
    lead[table.model_code(own)] = 1.0
    return in_points(beside.sharpness(others).beyond(lead, n=n, level=level), 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class _Scores:
    """Mean preference for each model by each judge, with what every row adds to its cell."""

    mean: Floats  # (judges, models) NaN without a verdict
    count: Floats  # (judges, models)
    judge: NDArray[np.int32]  # (m,) one row a verdict and scored side
    model: NDArray[np.int32]
    value: Floats
    instruction: NDArray[np.int32]

    @property
    def present(self) -> NDArray[np.bool_]:
        return self.count > 0


def _scores(table: VerdictTable, baseline: str | None) -> _Scores:
    if baseline is not None and baseline not in table.models:
        raise UnknownName("baseline", baseline, table.models)
    model = np.concatenate([table.model_a, table.model_b])
    rival = np.concatenate([table.model_b, table.model_a])
    value = np.concatenate([table.preference, 1 - table.preference])
    judge, instruction = np.tile(table.judge, 2), np.tile(table.instruction, 2)
    kept = np.ones(len(model), dtype=bool) if baseline is None else rival == table.model_code(baseline)
    shape = (len(table.judges), len(table.models))
    cell = judge[kept].astype(np.int64) * shape[1] + model[kept]
    count = np.bincount(cell, minlength=shape[0] * shape[1]).reshape(shape).astype(np.float64)
    total = np.bincount(cell, weights=value[kept], minlength=shape[0] * shape[1]).reshape(shape)
    with np.errstate(invalid="ignore"):
        mean = total / count
    return _Scores(mean, count, judge[kept], model[kept], value[kept], instruction[kept])


def _contrast(chosen: NDArray[np.bool_], teaching: NDArray[np.bool_]) -> Floats | None:
    """(judges, models) weights whose product with the scores is the mean residual of the ``chosen`` cells.

    Cells that the additive model cannot predict from the ``teaching`` cells are left out; None where none is left.
    """
    judges, models = chosen.shape
    taught = _additive(np.argwhere(teaching), judges, models)
    cells = np.argwhere(chosen)
    rows = _additive(cells, judges, models)
    weights = rows @ np.linalg.pinv(taught)  # (cells, teaching)
    predictable = np.abs(weights @ taught - rows).max(axis=1, initial=0.0) < _NEAR
    if not predictable.any():
        return None
    contrast = np.zeros(chosen.shape)
    contrast[tuple(cells[predictable].T)] = 1 / predictable.sum()
    contrast[teaching] -= weights[predictable].mean(axis=0)
    return contrast


def _additive(cells: NDArray[np.intp], judges: int, models: int) -> Floats:
    """(c, judges + models) the design of "judge + model" in these cells."""
    design = np.zeros((len(cells), judges + models))
    design[np.arange(len(cells)), cells[:, 0]] = 1.0
    design[np.arange(len(cells)), judges + cells[:, 1]] = 1.0
    return design


def _figure(scores: _Scores, contrast: Floats | None, level: float) -> Estimate:
    if contrast is None:
        return unidentified(_UNTOLD, level=level)
    used = contrast != 0
    value = float((contrast[used] * scores.mean[used]).sum())
    with np.errstate(invalid="ignore", divide="ignore"):
        weight = np.where(used, contrast / scores.count, 0.0)
    rows = used[scores.judge, scores.model]
    at = scores.judge[rows], scores.model[rows]
    influence = weight[at] * (scores.value[rows] - scores.mean[at])
    extra = float((contrast[used] ** 2 * _doubt(scores.mean[used], scores.count[used])).sum())
    return influence_estimate(value, influence, scores.instruction[rows], extra=extra, level=level)


def _doubt(mean: Floats, count: Floats) -> Floats:
    """Variance that an imagined verdict for and one against would by themselves add to a mean; no mean is surer."""
    rate = (mean * count + 1) / (count + 2)
    doubt: Floats = (rate**2 + (1 - rate) ** 2) / (count + 2) ** 2
    return doubt


def familiarity(
    table: VerdictTable,
    judge_models: Sequence[str],
    by_likelihood: Set[str],
    *,
    chosen: NDArray[np.bool_],
    level: float = 0.95,
) -> Estimate:
    """Mean preference of the ``chosen`` judges, (judges,), for the output that their LLM finds more likely, less one
    half; in [-0.5, 0.5]. Verdicts that are likelihoods themselves, and equal likelihoods, are left out.

    ``judge_models`` names the LLM of each of ``table.judges``, ``by_likelihood`` the judges with a likelihood template.
    Raises InputError when the LLMs are not aligned.
    """
    if len(judge_models) != len(table.judges):
        raise InputError(f"{count(len(judge_models), 'LLM')} for {count(len(table.judges), 'judge')}: name one each")
    likely = np.array([name in by_likelihood for name in table.judges], dtype=bool)
    llms = np.array(judge_models, dtype=object)
    values, clusters = [], []
    for llm in sorted(set(llms[likely])):
        told = _as_labels(table.select((likely & (llms == llm))[table.judge]))
        own = table.select((chosen & ~likely & (llms == llm))[table.judge])
        more_likely = people_preference(own, told)
        tells = np.isfinite(more_likely) & (more_likely != 0.5)
        values.append(np.where(more_likely > 0.5, own.preference, 1 - own.preference)[tells])
        clusters.append(own.instruction[tells])
    if not sum(map(len, values)):
        return unidentified(_NONE, level=level)
    return bounded_mean(np.concatenate(values), np.concatenate(clusters), level=level).mapped(lambda mean: mean - 0.5)


def _as_labels(table: VerdictTable) -> LabelTable:
    """Each judge as an annotator of battles."""
    swapped = table.model_a > table.model_b
    return LabelTable(
        annotators=table.judges,
        annotator=table.judge,
        instruction=table.instruction,
        model_a=np.where(swapped, table.model_b, table.model_a),
        model_b=np.where(swapped, table.model_a, table.model_b),
        preference=np.where(swapped, 1 - table.preference, table.preference),
    )
