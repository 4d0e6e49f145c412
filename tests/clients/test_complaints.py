"""What errors say of limits: how long to wait, in headers, bodies and words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.clients.complaints import complaint_of, reset_s, seconds, wait_s


def test_headers_say_how_long_to_wait() -> None:
    now = 1_800_000_000.0
    both = {"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "6m0s"}
    both |= {"x-ratelimit-remaining-tokens": "900", "x-ratelimit-reset-tokens": "9m0s"}
    assert wait_s({"retry-after-ms": "1500", "retry-after": "9"}, now) == 1.5
    assert reset_s(both, now) == 360.0
    assert reset_s({"x-ratelimit-reset": str(int(now * 1000) + 4000)}, now) == pytest.approx(4.0)
    assert reset_s({"anthropic-ratelimit-requests-reset": "2027-01-15T08:00:30Z"}, now) == 30.0
    assert wait_s({"x-ratelimit-limit-requests": "10"}, now) is None
    assert [seconds(text) for text in ("20ms", "1h2m", {"seconds": 3}, "soon", None, "nan")] == [
        0.02, 3720.0, 3.0, None, None, None]  # fmt: skip
    assert complaint_of({"error": {"message": "x", "retry_after": 7}}).wait_s == 7.0


NAMES = st.sampled_from(["error", "message", "code", "details", "loc", "retryDelay", "headers", "raw"])
BODIES = st.recursive(
    st.none() | st.integers() | st.floats() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner)
)


@given(BODIES)
def test_any_body_is_a_complaint(body: object) -> None:
    complaint = complaint_of(body)
    assert complaint.wait_s is None or complaint.wait_s >= 0
    assert complaint.reason is None or complaint.status is not None
