"""A body that is JSON is one object, each field once, and nothing that JSON does not know."""

import pytest

from tests.server.serving import JSON, Api


@pytest.mark.parametrize("body", [b"", b"null", b"1", b'"x"', b"\xff", b'{"a": Infinity}', b'{"a": 1, "a": 1}'])
def test_what_is_none_is_said_in_a_sentence(api: Api, body: bytes) -> None:
    answer = api.ask("POST", "/runs", "admin", body, JSON)
    assert answer.status == 422
    assert answer.json["error"].startswith("the body")
