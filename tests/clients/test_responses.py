"""The Responses API as chat completions, without a server; test_openai_sdk.py asks one."""

from typing import Any

import pytest

from judgebench.clients.responses import as_chat, as_responses


@pytest.mark.parametrize("reply", [None, 5, [], {"output": 5}, {"error": {"message": "x"}, "output": []}])
def test_what_is_no_response_stays_as_it_is(reply: Any) -> None:
    assert as_chat(reply) == reply


def test_a_form_that_is_no_schema_stays_as_it_is() -> None:
    assert as_responses({"response_format": {"type": "json_object"}})["text"] == {"format": {"type": "json_object"}}
    assert as_responses({"logprobs": False}) == {"store": False}
