"""Whether a judge prefers the output that its own LLM finds more likely.

Wataoka et al. (2024, arXiv:2410.21819) trace self-preference to this: judges favour what is familiar to them, their own
outputs among it. The likelihoods are the verdicts of the same LLM under a likelihood template, on the same battles.
Likely outputs may also be better ones: the figure says how far verdicts go with likelihood, not that they should not.
"""

from collections.abc import Sequence, Set

import numpy as np
from numpy.typing import NDArray

from judgebench.bias.figure import Figure, bounded_mean, unidentified
from judgebench.bias.people import people_preference
from judgebench.errors import InputError
from judgebench.stats.table import LabelTable, VerdictTable

_NONE = "no battle has both a verdict and a likelihood by the same LLM: run one with a likelihood template as well"


def familiarity(
    table: VerdictTable,
    judge_models: Sequence[str],
    by_likelihood: Set[str],
    *,
    asked: NDArray[np.bool_],
    level: float = 0.95,
) -> Figure:
    """Mean preference of the ``asked`` judges, (judges,), for the output that their LLM finds more likely, less one
    half; in [-0.5, 0.5]. Verdicts that are likelihoods themselves, and equal likelihoods, are left out.

    ``judge_models`` names the LLM of each of ``table.judges``, ``by_likelihood`` the judges with a likelihood template.
    Raises InputError when the LLMs are not aligned.
    """
    if len(judge_models) != len(table.judges):
        raise InputError(f"{len(judge_models)} LLMs are given for {len(table.judges)} judges")
    likely = np.array([name in by_likelihood for name in table.judges], dtype=bool)
    llms = np.array(judge_models, dtype=object)
    values, clusters = [], []
    for llm in sorted(set(llms[likely])):
        told = _as_labels(table.select((likely & (llms == llm))[table.judge]))
        own = table.select((asked & ~likely & (llms == llm))[table.judge])
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
