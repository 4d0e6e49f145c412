"""Servers of other shapes by any-llm: with a stand-in of its signatures, and with the real one where that is here."""

import asyncio
import json
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from judgebench.clients.any_llm import open_any_llm
from judgebench.clients.base import Access, Price
from judgebench.clients.http import Overloaded, Rejected
from judgebench.errors import BadReply, InputError, JudgeError, JudgeRefused, JudgeUnreachable, MissingExtra
from judgebench.records import ChatPrompt, Completion, PromptMessage
from judgebench.spec import ServerConnection
from tests.cli.conftest import Invoke, invoke, outputs, submitted
from tests.clients.asking import KEY, PROMPT, ask, ask_all
from tests.fault_server import FaultServer, Reply, Request

__all__ = ["invoke", "outputs", "submitted"]  # fixtures
real = pytest.mark.skipif(
    not all(map(find_spec, ("any_llm", "anthropic", "google"))), reason="any-llm-sdk[anthropic,gemini] is not installed"
)


@pytest.fixture
def _stand_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent / "other_shapes"))


def ambient(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Secrets wherever a library might look for some."""
    for name in ("AMBIENT_API_KEY", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "GEMINI_API_KEY", "GOOGLE_API_KEY"):
        monkeypatch.setenv(name, "sk-ambient")
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_BEARER_TOKEN_BEDROCK", "ANTHROPIC_CUSTOM_HEADERS"):
        monkeypatch.setenv(name, "sk-ambient")
    for name in (
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "http_proxy",
        "ALL_PROXY",
        "ANTHROPIC_BASE_URL",
        "GOOGLE_GEMINI_BASE_URL",
    ):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    (home / ".netrc").write_text("machine 127.0.0.1 login someone password sk-ambient\n")
    (home / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("NETRC", str(home / ".netrc"))


def saying(text: str) -> ChatPrompt:
    return ChatPrompt((PromptMessage("user", text),))


def asked(
    texts: list[str],
    *,
    model: str = "fake/m",
    key: str | None = KEY,
    settings: Mapping[str, Any] | None = None,
    **more: Any,
) -> list[Completion | BaseException]:
    access = Access(model, more.pop("url", None), key, Price(1.0, 1.0), ServerConnection(**more))
    return ask_all(open_any_llm(access), [saying(text) for text in texts], settings)


@pytest.mark.usefixtures("_stand_in")
def test_nothing_reaches_the_library_but_the_key_that_was_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ambient(monkeypatch, tmp_path)
    for key in ("a-short-key-1", None):
        (reply,) = asked(["environment"], key=key, url="http://judge.invalid", settings={"temperature": 0})
        assert isinstance(reply, Completion)
        seen = json.loads(reply.text)
        assert (seen["key"][::-1], seen["base"]) == (key or "none", "http://judge.invalid")
        assert seen["settings"] == {"temperature": 0}
        assert "ambient" not in reply.text
        assert not {name for name in seen["environment"] if "proxy" in name.lower()}
        assert not Path(seen["environment"]["HOME"]).exists()  # any more
        assert reply.cost_usd == pytest.approx(12e-6)


@pytest.mark.usefixtures("_stand_in")
def test_a_proxy_that_is_named_is_the_only_one() -> None:
    (reply,) = asked(["environment"], proxy="http://127.0.0.1:8")
    assert isinstance(reply, Completion)
    assert json.loads(reply.text)["environment"]["HTTPS_PROXY"] == "http://127.0.0.1:8"


@pytest.mark.usefixtures("_stand_in")
def test_errors_are_those_of_any_server_and_never_hold_the_key() -> None:
    kinds = ["RateLimitError", "AuthenticationError", "ContentFilterError", "ProviderError", "fine"]
    rate, key, filtered, provider, fine = asked(kinds)
    assert isinstance(rate, Overloaded)
    assert (rate.status, rate.retry_after_s) == (429, 7.0)
    assert isinstance(key, Rejected)
    assert not key.only_this
    assert isinstance(filtered, Completion)
    assert filtered.finish_reason == "content_filter"
    assert isinstance(provider, JudgeUnreachable)
    assert isinstance(fine, Completion)
    assert KEY not in "".join(map(str, (rate, key, provider)))


@pytest.mark.usefixtures("_stand_in")
def test_a_setting_that_the_library_refuses_is_left_out_and_reported() -> None:
    async def run() -> None:
        client = open_any_llm(Access("fake/m", None, KEY))
        settings = {"temperature": 0, "logprobs": True, "top_logprobs": 5}
        assert (await client.complete(PROMPT, settings)).text == "A"
        assert client.left_out(settings) == ("logprobs", "top_logprobs")
        assert await client.check() is None
        await client.close()
        refusing = open_any_llm(Access("fake/m", "http://refusing.invalid", KEY))
        assert await refusing.check() is None  # a question was answered
        await refusing.close()

    asyncio.run(run())


@pytest.mark.usefixtures("_stand_in")
def test_a_process_that_ends_is_unreachable_and_a_provider_that_is_absent_refuses() -> None:
    (gone,) = asked(["leave"])
    assert isinstance(gone, JudgeUnreachable)
    (absent,) = asked(["A"], model="absent/m")
    assert isinstance(absent, JudgeRefused)
    assert "packages are not installed" in str(absent)
    (stubborn,) = asked(["A"], model="stubborn/m")
    assert isinstance(stubborn, Completion)


@pytest.mark.usefixtures("_stand_in")
@pytest.mark.parametrize(
    ("text", "error"),
    [("leave", JudgeUnreachable), ("scribble", JudgeUnreachable), ("cancel", JudgeUnreachable), ("long", BadReply)],
)
def test_whatever_a_question_does_to_the_process_the_next_is_answered(text: str, error: type[JudgeError]) -> None:
    async def run() -> None:
        client = open_any_llm(Access("fake/m", None, KEY))
        async with asyncio.timeout(60):
            with pytest.raises(error):
                await client.complete(saying(text), {})
            assert (await client.complete(saying("A"), {})).text == "A"
        await client.close()

    asyncio.run(run())


@pytest.mark.usefixtures("_stand_in")
def test_what_cannot_be_passed_on_is_an_input_error() -> None:
    with pytest.raises(InputError, match="is not PROVIDER/MODEL"):
        open_any_llm(Access("claude"))
    with pytest.raises(InputError, match="takes no headers"):
        open_any_llm(Access("fake/m", connection=ServerConnection(headers={"X-A": "b"})))


def test_without_it_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("judgebench.clients.any_llm.find_spec", lambda name: None)
    with pytest.raises(MissingExtra, match=r"any-llm-sdk\[anthropic\]"):
        open_any_llm(Access("anthropic/claude"))


@pytest.mark.usefixtures("_stand_in")
def test_a_run_names_it_by_provider_and_model(submitted: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    study = ("--benchmark", "bench", "--pair", "alpha,beta", "--template", "pairwise/letter", "--format", "json")
    ran = submitted("run", "--judge", "any-llm:fake/m", "--judge-key-env", "MY_KEY", *study)
    assert (ran.code, ran.json["ok"]) == (0, 8), ran.err
    assert "other model" not in ran.err


def anthropic(request: Request) -> Reply:
    content = [{"type": "text", "text": "A"}]
    usage = {"input_tokens": 7, "output_tokens": 1}
    fields = {"id": "m", "type": "message", "role": "assistant", "model": "claude", "content": content}
    return Reply.of(fields | {"stop_reason": "end_turn", "stop_sequence": None, "usage": usage})


def gemini(request: Request) -> Reply:
    candidate = {"content": {"role": "model", "parts": [{"text": "A"}]}, "finishReason": "STOP"}
    usage = {"promptTokenCount": 7, "candidatesTokenCount": 1, "totalTokenCount": 8}
    return Reply.of({"candidates": [candidate], "usageMetadata": usage, "modelVersion": "gemini"})


@real
@pytest.mark.slow
@pytest.mark.parametrize(
    ("provider", "answer", "header", "system"),
    [
        ("anthropic", anthropic, "x-api-key", ("system",)),
        ("gemini", gemini, "x-goog-api-key", ("systemInstruction", "parts", 0, "text")),
    ],
)
def test_the_real_library_speaks_other_shapes_with_this_key_alone(
    provider: str, answer: Any, header: str, system: tuple[Any, ...], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ambient(monkeypatch, tmp_path)
    with FaultServer(lambda index, request: answer(request)) as server:
        url = server.url.removesuffix("/v1")
        reply = ask(open_any_llm(Access(f"{provider}/m", url, KEY)), settings={"temperature": 0, "max_tokens": 64})
        (request,) = server.requests
    assert (reply.text, reply.finish_reason, reply.prompt_tokens, reply.completion_tokens) == ("A", "stop", 7, 1)
    assert request.headers[header] == KEY
    assert "ambient" not in json.dumps([request.headers, request.path])
    assert "authorization" not in request.headers
    said = request.json
    for step in system:
        said = said[step]
    assert said == "You judge."


@real
@pytest.mark.slow
@pytest.mark.parametrize("provider", ["anthropic", "gemini"])
def test_errors_of_other_shapes_keep_their_meaning(provider: str) -> None:
    for status, kind in ((429, Overloaded), (529, Overloaded), (401, Rejected)):
        body = {"type": "error", "error": {"type": "x", "code": status, "status": "X", "message": "no"}}
        reply = Reply.of(body, status)
        with FaultServer(lambda *_: reply) as server:  # noqa: B023  # used at once
            client = open_any_llm(Access(f"{provider}/m", server.url.removesuffix("/v1"), KEY))
            with pytest.raises(kind):
                ask(client, settings={"max_tokens": 64})
        assert len(server.requests) == 1
