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


def test_parts_of_a_message_with_images_are_called_as_there() -> None:
    parts = [
        {"type": "text", "text": "Look:"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}},
    ]
    messages = [{"role": "system", "content": "Be fair."}, {"role": "user", "content": parts}]
    system, user = as_responses({"messages": messages})["input"]
    assert system == messages[0]
    image = {"type": "input_image", "image_url": "data:image/png;base64,AA==", "detail": "auto"}
    assert user == {"role": "user", "content": [{"type": "input_text", "text": "Look:"}, image]}
