"""Lengths that requests say of their bodies are numbers within the limit, or refused before a byte is read."""

import pytest
from starlette.exceptions import HTTPException

from judgebench.web.bodies import BodyLimits


@pytest.mark.parametrize(("given", "status"), [("-1", 400), ("1e3", 400), ("", 400), ("\u0661", 400), ("11", 413)])
def test_a_length_that_is_none_or_too_long_is_refused(given: str, status: int) -> None:
    with pytest.raises(HTTPException) as refusal:
        BodyLimits(10).check_length(given)
    assert (refusal.value.status_code, refusal.value.headers) == (status, {"Connection": "close"})


def test_a_length_within_the_limit_is_taken() -> None:
    assert BodyLimits(10).check_length("10") == 10
