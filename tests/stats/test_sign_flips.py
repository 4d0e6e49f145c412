"""The exact chance of as large a difference between equal models, held against every way to exchange them."""

from itertools import product

import numpy as np
import pytest

from judgebench.stats.sign_flips import chance_of_difference

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("part", [1, 2, 3, 6])
@pytest.mark.parametrize("n", [1, 2, 5, 9])
def test_it_counts_every_exchange_that_differs_as_much(n: int, part: int) -> None:
    signs = np.array(list(product([-1, 1], repeat=n)))
    for _ in range(10):
        differences = RNG.integers(-6, 7, n) / part
        as_large = np.abs(signs @ np.abs(differences)) >= abs(differences.sum()) - 1e-9
        assert chance_of_difference(differences) == pytest.approx(as_large.mean())


def test_all_of_five_one_way_happen_once_in_sixteen() -> None:
    assert chance_of_difference(np.full(5, 0.3)) == 2 / 32
    assert chance_of_difference(np.array([1, 1, 1, 1, 1, 0, 0, 0.0])) == 2 / 32


def test_nothing_and_ties_tell_nothing() -> None:
    assert chance_of_difference(np.zeros(0)) == chance_of_difference(np.zeros(7)) == 1


def test_many_are_as_the_normal_says() -> None:
    for n in (9_000, 11_000):  # on both sides of where exact sums end
        differences = np.where(np.arange(n) < n / 2 + 90, 1.0, -1.0)
        assert chance_of_difference(differences) == pytest.approx({9_000: 0.0577, 11_000: 0.0861}[n], rel=0.03)


def test_what_lies_far_apart_is_bounded_from_above() -> None:
    assert 0 < chance_of_difference(np.ones(40)) < 1e-5
