"""Retry-After, and what a refusal means for other questions."""

from contextlib import suppress
from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.clients.complaints import Complaint, retry_after_s
from judgebench.clients.http import Rejected, failure
from judgebench.clients.replies import chat_completion
from judgebench.errors import BadReply, JudgeError
from judgebench.records import Completion

NOW = 1_800_000_000.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("7", 7.0),
        ("0.5", 0.5),
        ("-3", 0.0),
        (formatdate(NOW + 90, usegmt=True), 90.0),
        (formatdate(NOW - 90, usegmt=True), 0.0),
        ("nan", None),
        ("inf", None),
        ("soon", None),
        ("", None),
        (None, None),
        ("Mon, 1 Jan 99999999999999999999 00:00:00 GMT", None),
        ("Wed, 99 Foo 2026 99:99:99 GMT", None),
    ],
)
def test_retry_after_is_a_number_or_a_date(value: str | None, seconds: float | None) -> None:
    assert retry_after_s(value, NOW) == seconds


@given(st.text())
def test_no_header_breaks_it(value: str) -> None:
    seconds = retry_after_s(value, NOW)
    assert seconds is None or seconds >= 0


@pytest.mark.parametrize(
    ("status", "code", "only_this"),
    [
        (400, None, True),
        (413, None, True),
        (422, None, True),
        (404, "not_recorded", True),
        (404, "model_not_found", False),
        (404, None, False),
        (401, "invalid_api_key", False),
        (403, None, False),
        (429, "insufficient_quota", False),
    ],
)
def test_a_refusal_tells_whether_others_may_fare_better(status: int, code: str | None, only_this: bool) -> None:
    codes = () if code is None else (code,)
    error = Rejected("no", status=status, complaint=Complaint("no", ("no",), codes, code))
    assert error.only_this is only_this


NAMES = st.sampled_from(["choices", "message", "content", "logprobs", "token", "logprob", "usage", "top_logprobs"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children) | st.dictionaries(NAMES, children),
)


@pytest.mark.slow
@given(JSON)
def test_any_json_is_a_completion_or_a_bad_reply(reply: object) -> None:
    for hostile in (reply, {"choices": [{"message": {"content": reply}, "logprobs": reply}], "usage": reply}):
        with suppress(BadReply):
            assert isinstance(chat_completion(hostile), Completion)


@given(st.integers(min_value=100, max_value=599).filter(lambda status: status // 100 != 2), st.text())
def test_any_failing_status_and_body_is_one_short_error(status: int, body: str) -> None:
    error = failure("http://host/v1", status, {}, body)
    assert isinstance(error, JudgeError)
    assert len(str(error)) < 500
    assert str(error).isprintable()
