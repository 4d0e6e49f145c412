"""A body that is JSON is one object, each field once, and nothing that JSON does not know."""

import asyncio
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from fastapi import Request

from judgebench.errors import InputError
from judgebench.server import documents
from judgebench.services.web_studies import check_texts
from judgebench.spec.credentials import refuse_secrets
from tests.growth import grows_in_proportion
from tests.server.serving import JSON, Api

NAMES = ("\ud800", "\udfff\ud800", "a\n\x00", "\u202e", "x" * 30_000)


def read(body: bytes) -> dict[str, Any]:
    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    scope = {"type": "http", "headers": [(b"content-type", b"application/json")]}
    return asyncio.run(documents.read(Request(scope, receive)))


@pytest.mark.parametrize("body", [b"", b"null", b"1", b'"x"', b"\xff", b'{"a": Infinity}', b'{"a": 1, "a": 1}'])
def test_what_is_none_is_said_in_a_sentence(api: Api, body: bytes) -> None:
    answer = api.ask("POST", "/runs", "admin", body, JSON)
    assert answer.status == 422
    assert answer.json["error"].startswith("the body")


@pytest.mark.parametrize("name", NAMES, ids=["half", "halves", "controls", "turned", "long"])
def test_a_field_may_have_any_name_in_every_sentence(api: Api, name: str) -> None:
    """Half a surrogate among them, of which no text in UTF-8 can tell; a name is told in as few characters as it
    takes to find it."""
    field = json.dumps(name)
    wrong = {
        "too high": [f"{{{field}: {10**30}}}", f'{{"a": {{{field}: {{{field}: [{10**30}]}}}}}}'],
        "at most": [f"{{{field}: {[1] * 101}}}", f'{{"a": [{{{field}: {[1] * 101}}}]}}'],
        "twice": [f"{{{field}: 1, {field}: 1}}", f'{{"a": {{{field}: 1, {field}: 1}}}}'],
        "nested": [f"{{{field}: " * 25 + "1" + "}" * 25],
        "": [
            *(f"{{{field}: 1}}", f'{{"benchmark": "bench", {field}: 1}}', f'{{"benchmark": {field}}}'),
            f'{{"benchmark": "bench", "judge": {{{field}: 1}}}}',
            f'{{"benchmark": "bench", "judge": {field}}}',
            f'{{"benchmark": "bench", "judge": {{"model": "scripted:coin", "url": {field}}}}}',
            f'{{"benchmark": "bench", "judge": {{"model": "scripted:coin", "price": {field}}}}}',
            f'{{"benchmark": "bench", "judge": {{"model": "scripted:coin", "template": {field}}}}}',
            f'{{"audit": "integrity", "settings": {{"benchmark": "bench", {field}: 1}}}}',
            f'{{"audit": {field}, "settings": {{"benchmark": "bench"}}}}',
            f'{{"benchmark": "bench", "models": ["beta"], "step": {field}}}',
        ],
    }
    for path in ("/runs", "/audits", "/placements"):
        for words, bodies in wrong.items():
            for body in bodies:
                answer = api.ask("POST", path, "admin", body.encode(), JSON)
                assert answer.status in ((422,) if words else (403, 422)), (path, body[:99], answer.body)
                assert words in answer.json["error"], (path, body[:99], answer.body)
                assert not words or len(answer.json["error"]) < 1000


@pytest.mark.slow
@pytest.mark.parametrize(
    "body",
    [
        lambda size: {f"n{at}": 1 for at in range(size)},
        lambda size: {"n" * 10 * size: {f"n{at}": 1 for at in range(size)}},
        lambda size: {"n" * 10 * size: {f"n{at}": {"a": 1} for at in range(size)}},
        lambda size: {"n" * 10 * size: [[[[1] * 10] * 10] * 10] * (size // 1000)},
    ],
    ids=["names", "under a long name", "fields under a long name", "lists under a long name"],
)
def test_a_body_is_read_in_proportion_to_its_length(body: Callable[[int], dict[str, Any]]) -> None:
    """On the event loop, where nobody else is answered meanwhile, and then as settings of a judge."""

    def work(size: int) -> None:
        text = json.dumps(body(size))
        with suppress(InputError):
            read(text.encode())
        settings = {"settings": json.loads(text)}
        check_texts(settings, "the body")
        refuse_secrets(settings)
        with pytest.raises(InputError, match="twice"):
            read(f'{text[:-1]}, "last": 1, "last": 1}}'.encode())

    assert grows_in_proportion(work, 48_000)
