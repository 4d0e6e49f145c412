"""Shares with their exact intervals."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from judgebench.audits.findings import share_estimate


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 50), st.integers(0, 50))
def test_property_share_estimate_holds_the_share(count: int, more: int) -> None:
    total = count + more
    share = share_estimate(count, total)
    assert 0 <= share.lower <= share.upper <= 1
    assert share.identified == (total > 0)
    if total:
        assert share.lower <= count / total <= share.upper


def test_golden_share_estimate() -> None:
    # Clopper and Pearson's interval for 4 of 10, as R's binom.test gives it: 0.1215523, 0.7376219.
    share = share_estimate(4, 10)
    assert (share.lower, share.upper) == pytest.approx((0.1215523, 0.7376219), abs=1e-6)
