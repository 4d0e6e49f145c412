"""A server's complaints about fields, learned once each, in the words that real servers use."""

from typing import Any

import pytest

from judgebench.clients.complaints import Complaint, complaint_of
from judgebench.clients.dialect import Dialect
from judgebench.errors import JudgeRefused
from tests.clients.asking import PROMPT, ask, ask_all, client_of
from tests.fault_server import FaultServer, Reply, Request

SENT = {"temperature": 0, "max_tokens": 10, "logprobs": True, "top_logprobs": 5, "response_format": {}}


def complaint(message: str, *, code: str | None = None, param: str | None = None) -> Complaint:
    return complaint_of({"error": {"message": message, "code": code, "param": param}} if code or param else message)


def lesson(message: str, **fields: Any) -> Dialect | None:
    return Dialect().taught(complaint(message, **fields), SENT, SENT, PROMPT.messages)


@pytest.mark.parametrize(
    ("message", "code", "param", "field"),
    [
        (
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens'.",
            "unsupported_parameter",
            "max_tokens",
            "max_tokens",
        ),
        (
            "Unsupported value: 'temperature' does not support 0 with this model. Only the default (1) is supported.",
            "unsupported_value",
            "temperature",
            "temperature",
        ),
        ("You are not allowed to request logprobs from this model", None, None, "logprobs"),
        ("top_logprobs is not supported", None, None, "top_logprobs"),
        ("This response_format type is unavailable now", None, None, "response_format"),
        ('[{"type":"extra_forbidden","loc":["body","top_logprobs"],"msg":"Extra inputs are not permitted"}]',
         None, None, "top_logprobs"),
        ("unknown field `logprobs`", None, None, "logprobs"),
        # About a value, a field that was not sent, or something else: nothing is learned.
        ("This model's maximum context length is 4096 tokens; max_tokens is too large: 5000", None, None, None),
        ("'max_tokens' must be at least 1", None, "max_tokens", None),
        ("Unsupported parameter: 'seed'", "unsupported_parameter", "seed", None),
        ("unknown model", None, None, None),
        ("", None, None, None),
    ],
)  # fmt: skip
def test_a_complaint_names_the_field(message: str, code: str | None, param: str | None, field: str | None) -> None:
    taught = lesson(message, code=code, param=param)
    assert taught == (None if field is None else Dialect().without(field))


def test_a_refused_field_is_renamed_or_left_out_and_takes_its_dependents_along() -> None:
    dialect = Dialect().without("max_tokens").without("logprobs")
    assert dialect.spoken(SENT) == {"temperature": 0, "max_completion_tokens": 10, "response_format": {}}
    assert dialect.left_out(SENT) == ("logprobs", "top_logprobs")
    dialect = dialect.without("max_completion_tokens")
    assert "max_completion_tokens" not in dialect.spoken(SENT)
    assert dialect.left_out(SENT) == ("logprobs", "max_tokens", "top_logprobs")


def picky(index: int, request: Request) -> Reply:
    """A reasoning model's server."""
    for field in ("max_tokens", "temperature", "logprobs"):
        if field in request.json:
            message = f"Unsupported parameter: '{field}' is not supported with this model."
            return Reply.error(400, message, code="unsupported_parameter", param=field, delay_s=0.01)
    return Reply.chat("A")


def test_a_client_learns_each_field_once_and_then_asks_right() -> None:
    settings: dict[str, Any] = {"temperature": 0, "max_tokens": 10, "logprobs": True, "top_logprobs": 5}
    with FaultServer(picky) as server:
        client = client_of(server.url)
        assert ask(client, settings=settings).text == "A"
        assert client.calls == len(server.requests) == 4
        assert ask(client, settings=settings).text == "A"
        assert len(server.requests) == 5
        assert server.requests[-1].json["max_completion_tokens"] == 10
    assert client.left_out(settings) == ("logprobs", "temperature", "top_logprobs")


def test_questions_in_flight_together_learn_together() -> None:
    with FaultServer(picky) as server:
        client = client_of(server.url)
        answers = ask_all(client, [PROMPT] * 20, {"temperature": 0})
        assert [answer.text for answer in answers if not isinstance(answer, BaseException)] == ["A"] * 20
        assert client.calls == len(server.requests) == 40


def test_a_server_that_refuses_everything_ends_in_a_refusal() -> None:
    refuse = Reply.error(400, "unknown field: temperature, max_tokens, max_completion_tokens")
    with FaultServer(lambda index, request: refuse) as server, pytest.raises(JudgeRefused):
        ask(client_of(server.url), settings={"temperature": 0, "max_tokens": 1})
    assert len(server.requests) == 4
