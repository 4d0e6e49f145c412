"""What judges prefer beside what their own LLM finds likely."""

import numpy as np
import pytest

from judgebench.bias.self_preference import familiarity
from judgebench.errors import InputError
from tests.bias.factories import table_of

JUDGES = ("letter", "likelihood", "stranger")
LLMS = ("gpt", "gpt", "other")
EVERYONE = np.array([True, True, True])


def judged(rows):
    """From rows of (judge, instruction, preference for A), between two models."""
    judge, instruction, preference = zip(*rows, strict=True)
    n = len(rows)
    columns = {"judge": judge, "judges": JUDGES, "instruction": instruction, "order": np.zeros(n)}
    return table_of(np.zeros(n), np.ones(n), preference, models=("a", "b"), **columns)


def test_verdicts_are_counted_for_the_output_more_likely_to_the_same_llm():
    likely = [(1, i, 0.9 if i < 3 else 0.2) for i in range(4)]
    table = judged([*likely, (0, 0, 1.0), (0, 1, 1.0), (0, 2, 0.0), (0, 3, 0.0), (0, 4, 1.0), (2, 0, 0.0)])
    found = familiarity(table, LLMS, {"likelihood"}, asked=EVERYONE)
    assert (found.value, found.n) == (0.25, 4)  # 3 of 4; battle 4 has no likelihood, the stranger none of its own
    assert -0.5 <= found.lower < 0.25 < found.upper <= 0.5


def test_equal_likelihoods_tell_nothing():
    table = judged([(1, 0, 0.5), (0, 0, 1.0)])
    assert not familiarity(table, LLMS, {"likelihood"}, asked=EVERYONE).identified


def test_without_likelihoods_of_the_same_llm_it_is_not_identified():
    table = judged([(1, 0, 0.9), (2, 0, 1.0)])
    found = familiarity(table, LLMS, {"likelihood"}, asked=np.array([False, False, True]))
    assert not found.identified
    assert "likelihood template" in found.reason


def test_llms_that_are_not_aligned_are_refused():
    with pytest.raises(InputError, match="1 LLMs are given for 3 judges"):
        familiarity(judged([(0, 0, 1.0)]), ("gpt",), set(), asked=EVERYONE)
