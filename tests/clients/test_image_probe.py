"""Whether a judge sees is told apart from outages, keys and rates, whatever its server calls it."""

import asyncio
import base64
from collections.abc import Callable
from typing import Any

import pytest

from judgebench.clients.base import Access
from judgebench.clients.complaints import Reason, complaint_of
from judgebench.clients.http import Rejected, failure
from judgebench.clients.image_probe import ImageAbility, images_taken
from judgebench.clients.retry import RetryingClient
from tests.clients.asking import client_of
from tests.fault_server import FaultServer, Reply, Request
from tests.vision import images_of, see, seen_colour, text_of


def vllm(message: str, status: int = 400) -> Reply:
    return Reply.of({"error": {"message": message, "type": "BadRequestError", "param": None, "code": status}}, status)


OPENAI = {
    "message": "Invalid content type. image_url is only supported by certain models.",
    "type": "invalid_request_error",
    "param": "messages.[0].content.[1].type",
    "code": None,
}
NO = {
    "vllm": vllm("llama is not a multimodal model"),
    "vllm, flat": Reply.of(
        {"object": "error", "message": "llama is not a multimodal model None", "type": "BadRequestError", "code": 400},
        400,
    ),
    "vllm, of language alone": vllm("At most 0 image(s) may be provided in one prompt. (parameter=image)"),
    "ollama": Reply.of({"error": "this model is missing data required for image input"}, 500),
    "ollama, politer": Reply.of(
        {"error": {"message": "this model is missing data required for image input", "type": "api_error"}}, 400
    ),
    "llama.cpp": Reply.of(
        {
            "error": {
                "code": 500,
                "message": "image input is not supported - hint: if this is unexpected, you may need the mmproj",
                "type": "server_error",
            }
        },
        500,
    ),
    "openai": Reply.of({"error": OPENAI}, 400),
    "openrouter": Reply.of({"error": {"message": "No endpoints found that support image input", "code": 404}}, 404),
    "serde": Reply.of(
        {"error": {"message": "messages[0]: unknown variant `image_url`, expected `text` at line 1"}}, 422
    ),
    "a gateway that says nothing clear": Reply.of({"error": {"message": "malformed request"}}, 400),
}
UNKNOWN = {
    "key": (401, "invalid api key"),
    "rate": (429, "rate limit exceeded"),
    "outage": (503, "upstream unavailable"),
}


def asked(script: Callable[[int, Request], Reply]) -> tuple[ImageAbility, int]:
    """What was found out, and by how many questions."""

    async def run(url: str) -> ImageAbility:
        client = client_of(url)
        try:
            return await images_taken(client, {"temperature": 0, "max_tokens": 8, "logprobs": True})
        finally:
            await client.close()

    with FaultServer(script) as server:
        ability = asyncio.run(run(server.url))
        return ability, len(server.requests)


def refusing(reply: Reply) -> Callable[[int, Request], Reply]:
    """A server of a model that reads."""
    return lambda index, request: reply if images_of(request) else Reply.chat("red")


@pytest.mark.parametrize("name", NO)
def test_a_server_that_refuses_images_does_so_in_its_own_words(name: str) -> None:
    ability, _ = asked(refusing(NO[name]))
    assert ability.takes is False
    assert ability.why
    assert ability.why in NO[name].body.decode()


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_has_nothing_to_do_with_images_is_not_taken_for_an_answer(name: str) -> None:
    status, words = UNKNOWN[name]
    ability, _ = asked(lambda index, request: Reply.error(status, words))
    assert ability.takes is None
    assert words in ability.why


def test_a_server_that_sees_names_both_colours_by_one_question() -> None:
    assert asked(see) == (ImageAbility(True), 1)


@pytest.mark.parametrize("reply", ["I cannot see any images.", "red, green", ""])
def test_images_that_are_dropped_without_a_word_are_noticed(reply: str) -> None:
    drawn: list[str] = []

    def blind(index: int, request: Request) -> Reply:
        drawn.append(see(index, request).body.decode())
        return Reply.chat("green, red" if "red, green" in drawn[-1] else reply)

    ability, _ = asked(blind)
    assert ability.takes is False
    assert not reply or "it was shown" in ability.why


def test_colours_in_the_wrong_order_are_not_seen() -> None:
    def swapped(index: int, request: Request) -> Reply:
        first, second = json_text(see(index, request)).split(", ")
        return Reply.chat(f"{second}, {first}")

    assert asked(swapped)[0].takes is False


def json_text(reply: Reply) -> str:
    import json

    return str(json.loads(reply.body)["choices"][0]["message"]["content"])


def test_a_limit_of_one_image_is_found_and_that_one_is_seen() -> None:
    def limited(index: int, request: Request) -> Reply:
        if len(images_of(request)) > 1:
            return vllm("At most 1 image(s) may be provided in one prompt.")
        return see(index, request)

    assert asked(limited)[0] == ImageAbility(True, "", 1)


@pytest.mark.parametrize("name", ["ollama", "llama.cpp", "openrouter"])
def test_a_500_or_404_about_images_is_no_outage(name: str) -> None:
    reply = NO[name]
    error = failure("http://x", reply.status, {}, reply.body.decode())
    assert isinstance(error, Rejected)
    assert (error.only_this, error.complaint.reason) == (True, Reason.IMAGES)

    async def run(url: str) -> Any:
        client = RetryingClient(client_of(url))
        try:
            return await images_taken(client, {})
        finally:
            await client.close()

    with FaultServer(refusing(reply)) as server:
        assert asyncio.run(run(server.url)).takes is False
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    "words",
    [
        "the server is overloaded, try again",
        "max_tokens is not supported with this model",
        "Found more '<image>' placeholders in input prompt than actual multimodal data items.",
        "this model's maximum context length is 8192 tokens",
        "logprobs are not supported",
    ],
)
def test_other_complaints_are_not_about_images(words: str) -> None:
    assert complaint_of({"error": {"message": words}}).reason is not Reason.IMAGES


def test_the_question_is_two_images_in_their_places() -> None:
    with FaultServer(see) as server:

        async def run() -> None:
            client = client_of(server.url)
            await images_taken(client, {"max_tokens": 8, "logprobs": True})
            await client.close()

        asyncio.run(run())
    [request] = server.requests
    kinds = [part["type"] for part in request.json["messages"][0]["content"]]
    assert kinds == ["text", "image_url", "text", "image_url", "text"]
    assert "Image 1:" in text_of(request)
    assert ("logprobs" in request.json, request.json["max_tokens"]) == (False, 1024)


def seen_as_responses(index: int, request: Request) -> Reply:
    """A server of the Responses API that sees."""
    content = request.json["input"][-1]["content"]
    urls = [part["image_url"] for part in content if part["type"] == "input_image"]
    colours = [seen_colour(base64.b64decode(url.partition(",")[2])) for url in urls]
    text = {"type": "output_text", "text": ", ".join(colours)}
    return Reply.of({"object": "response", "model": "judge", "output": [{"type": "message", "content": [text]}]})


@pytest.mark.parametrize(("opener", "script"), [("open_sdk", see), ("open_responses", seen_as_responses)])
def test_the_openai_sdk_sends_images(opener: str, script: Callable[[int, Request], Reply]) -> None:
    sdk = pytest.importorskip("judgebench.clients.openai_sdk")
    pytest.importorskip("openai", reason="it needs the extra openai")

    async def run(url: str) -> ImageAbility:
        client = getattr(sdk, opener)(Access("judge", url=url, api_key="key"))
        try:
            return await images_taken(client, {"temperature": 0})
        finally:
            await client.close()

    with FaultServer(script) as server:
        assert asyncio.run(run(server.url)) == ImageAbility(True)
