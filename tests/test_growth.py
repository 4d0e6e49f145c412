"""The measure of growth tells work in proportion from work that grows by its square."""

import pytest

from tests.growth import grows_in_proportion


@pytest.mark.slow
def test_work_in_proportion_is_told_from_its_square() -> None:
    assert grows_in_proportion(lambda size: sum(range(1_000 * size)), 4_000)
    assert not grows_in_proportion(lambda size: sum(sum(range(size)) for _ in range(size)), 4_000)
