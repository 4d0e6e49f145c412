import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgebench.clients.embedded.model import Transformer, extend, logprobs_of, next_logprobs
from judgebench.clients.embedded.weights_file import GgufFile

tokens = st.lists(st.integers(0, 49), min_size=1, max_size=300)


def states(model: Transformer, ids: list[int]) -> np.ndarray:
    return extend(model, ids, model.nothing())[0]


@pytest.mark.slow
@pytest.mark.parametrize("number", range(4))
def test_golden_logprobs_of_torch(model: Transformer, number: int) -> None:
    """Written by bench/embedded_golden.py with torch 2.13.0 and transformers 5.23.0; measured within 4e-5 nat."""
    golden = json.loads((Path(__file__).parent / "golden_logprobs.json").read_text())["texts"][number]
    found = logprobs_of(model, states(model, golden["ids"][:-1]), golden["ids"][1:])
    np.testing.assert_allclose(found, golden["logprobs"], rtol=0, atol=1e-3)


@settings(deadline=None)
@given(tokens, st.integers(0, 300))
def test_reading_in_two_parts_equals_reading_at_once(tiny: Transformer, ids: list[int], cut: int) -> None:
    first, past = extend(tiny, ids[:cut], tiny.nothing())
    second, _ = extend(tiny, ids[cut:], past)
    np.testing.assert_allclose(np.concatenate([first, second]), states(tiny, ids), atol=2e-5)


@settings(deadline=None)
@given(tokens, tokens)
def test_what_follows_changes_nothing_before(tiny: Transformer, ids: list[int], more: list[int]) -> None:
    np.testing.assert_allclose(states(tiny, ids + more)[: len(ids)], states(tiny, ids), atol=2e-5)


def test_a_shared_past_is_not_changed_by_its_continuations(tiny: Transformer) -> None:
    _, past = extend(tiny, [1, 2, 3], tiny.nothing())
    once, _ = extend(tiny, [4, 5], past)
    extend(tiny, [6, 7, 8], past)
    np.testing.assert_array_equal(once, extend(tiny, [4, 5], past)[0])


def test_order_matters_through_positions(tiny: Transformer) -> None:
    assert not np.allclose(states(tiny, [1, 2, 3])[-1], states(tiny, [2, 1, 3])[-1], atol=1e-3)


@settings(deadline=None)
@given(tokens)
def test_probabilities_sum_to_one(tiny: Transformer, ids: list[int]) -> None:
    found = next_logprobs(tiny, states(tiny, ids))
    np.testing.assert_allclose(np.exp(found, dtype=np.float64).sum(axis=1), 1, atol=1e-5)


@settings(deadline=None)
@given(tokens)
def test_logprobs_of_targets_are_those_of_the_whole_vocabulary(tiny: Transformer, ids: list[int]) -> None:
    read = states(tiny, ids)
    np.testing.assert_allclose(logprobs_of(tiny, read, ids), next_logprobs(tiny, read)[range(len(ids)), ids], atol=1e-6)


def test_huge_activations_stay_finite_and_silent(tiny: Transformer) -> None:
    with np.errstate(all="raise", under="ignore"):
        assert np.isfinite(next_logprobs(tiny, 1e4 * states(tiny, [1, 2]))).all()


def test_a_file_of_another_architecture_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        Transformer.of(GgufFile({}, {}, np.empty(0, dtype=np.uint8)))
