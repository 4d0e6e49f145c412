"""Which of many like parameters the quick run tries; the full run tries all."""

from collections.abc import Iterable
from typing import Any

import pytest


def few(values: Iterable[Any], count: int) -> list[Any]:
    """The values as parameters of a test, of which all but the first ``count`` are slow."""
    return [value if n < count else pytest.param(value, marks=pytest.mark.slow) for n, value in enumerate(values)]
