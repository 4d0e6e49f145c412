"""The openai SDK's own client at our transport's place: Azure, files and batches, the Responses API, no ambient key."""

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from judgebench.clients.base import Access, Price
from judgebench.clients.batch_api import BatchServer
from judgebench.clients.http import Overloaded, Rejected, Timeouts
from judgebench.clients.openai import OpenAIClient
from judgebench.clients.openai_sdk import AzureTransport, ResponsesTransport, SdkTransport, open_azure, open_sdk
from judgebench.clients.probe import check
from judgebench.errors import BadReply, InputError, JudgeError, JudgeRefused, JudgeUnreachable, MissingExtra
from judgebench.records import Completion
from judgebench.spec import ServerConnection
from tests.cli.conftest import Invoke, invoke, outputs, submitted
from tests.cli.test_batch import Server
from tests.clients.asking import KEY, QUICK, ask, ask_all
from tests.clients.asking import PROMPT as QUESTION
from tests.fault_server import FaultServer, Reply, Request, gzip_bomb, gzipped

__all__ = ["invoke", "outputs", "submitted"]  # fixtures
VERSION = ServerConnection(query={"api-version": "2024-10-21"})
WAYS = {"sdk": SdkTransport, "azure": AzureTransport, "responses": ResponsesTransport}


@pytest.fixture(autouse=True)
def _installed(request: pytest.FixtureRequest) -> None:
    if not request.node.name.startswith("test_without_"):
        pytest.importorskip("openai", reason="the extra openai is not installed")


def client(
    url: str, way: str = "sdk", key: str | None = KEY, timeouts: Timeouts = QUICK, **connection: Any
) -> OpenAIClient:
    said = ServerConnection(**connection) if connection else VERSION if way == "azure" else ServerConnection()
    access = Access("judge", url, key, connection=said)
    return OpenAIClient(access, transport=WAYS[way](access, timeouts))


def asked(
    script: Callable[[int, Request], Reply], way: str = "sdk", **settings: Any
) -> tuple[Completion, list[Request]]:
    with FaultServer(script) as server:
        url = server.url if way != "azure" else server.url.removesuffix("/v1")
        return ask(client(url, way), settings=settings), server.requests


def test_a_question_is_what_the_lean_transport_sends_without_what_tells_on_this_machine() -> None:
    reply, (request,) = asked(lambda *_: Reply.chat("A"), temperature=0)
    assert (reply.text, reply.prompt_tokens, reply.model) == ("A", 10, "judge")
    assert request.path == "/v1/chat/completions"
    assert request.json == {"model": "judge", "messages": request.json["messages"], "temperature": 0}
    assert [message["role"] for message in request.json["messages"]] == ["system", "user"]
    assert request.headers["authorization"] == f"Bearer {KEY}"
    strange = {name for name in request.headers if name.startswith(("x-stainless", "openai-"))}
    assert strange == set()


@pytest.mark.parametrize("way", WAYS)
def test_nothing_ambient_is_sent(way: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("OPENAI_API_KEY", "AZURE_OPENAI_API_KEY", "AZURE_OPENAI_AD_TOKEN", "OPENAI_ADMIN_KEY"):
        monkeypatch.setenv(name, "sk-ambient")
    monkeypatch.setenv("OPENAI_ORG_ID", "sk-ambient")
    monkeypatch.setenv("OPENAI_PROJECT_ID", "sk-ambient")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Ambient: sk-ambient")
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "OPENAI_BASE_URL"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password sk-ambient\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    for key in (KEY, None):
        with FaultServer(lambda *_: Reply.of({"output": []}) if way == "responses" else Reply.chat()) as server:
            ask_all(client(server.url.removesuffix("/v1") if way == "azure" else server.url, way, key), [QUESTION])
            (request,) = server.requests
        assert "ambient" not in json.dumps(request.headers)
        assert {name for name in request.headers if name in ("authorization", "api-key")} == (
            set() if key is None else {"api-key" if way == "azure" else "authorization"}
        )


def test_azure_is_asked_for_a_deployment_with_its_key_and_version() -> None:
    reply, (request,) = asked(lambda *_: Reply.chat("B"), "azure")
    assert reply.text == "B"
    assert request.path == "/openai/deployments/judge/chat/completions?api-version=2024-10-21"
    assert (request.headers["api-key"], "authorization" in request.headers) == (KEY, False)


def test_azure_wants_a_version() -> None:
    with pytest.raises(InputError, match="give --query api-version=2024-10-21"):
        open_azure(Access("judge", "http://127.0.0.1:9", KEY))


def test_a_token_of_entra_id_is_renewed_once_it_is_refused() -> None:
    made: list[str] = []

    async def token() -> str:
        made.append(f"token-number-{len(made)}-of-entra")
        return made[-1]

    def script(index: int, request: Request) -> Reply:
        fresh = request.headers.get("authorization") == f"Bearer {made[-1]}" and index != 2
        return Reply.chat() if fresh else Reply.error(401, "token expired")

    with FaultServer(script) as server:
        connection = {"query": VERSION.query, "token": token}
        asking = client(server.url.removesuffix("/v1"), "azure", None, **connection)
        replies = ask_all(asking, [QUESTION])
        assert isinstance(replies[0], Completion), replies
        assert "api-key" not in server.requests[0].headers
    assert len(made) == 1
    made.clear()
    with FaultServer(lambda index, request: script(2 if index == 0 else 3, request)) as server:
        asking = client(server.url.removesuffix("/v1"), "azure", None, **connection)
        assert ask(asking).text == "A"
        assert [request.headers["authorization"] for request in server.requests] == [f"Bearer {name}" for name in made]
    assert len(made) == 2


@pytest.mark.parametrize(
    ("reply", "kind", "message"),
    [
        (Reply.error(401, "bad key"), Rejected, "check the key"),
        (Reply.error(404, "no model"), Rejected, "check the address and the model's name"),
        (Reply.error(429, "slow", headers={"Retry-After": "7"}), Overloaded, "answered 429"),
        (Reply.error(500), Overloaded, "answered 500"),
        (Reply(307, headers={"Location": "http://127.0.0.1:9/v1"}), JudgeRefused, "redirects to"),
        (Reply(body=b"<html>", headers={"Content-Type": "text/html"}), BadReply, "not JSON"),
        (Reply(body=b'{"choices": [', headers={"Content-Type": "application/json"}), BadReply, "not JSON"),
        (Reply.of({"error": {"message": "queue full", "code": 503}}), Overloaded, "queue full"),
        (Reply(stall=True), JudgeUnreachable, "did not answer within"),
        (Reply.chat(drip_s=0.5), JudgeUnreachable, "did not answer within"),
        (Reply.chat(reset_after=5), JudgeUnreachable, "broke"),
        (Reply(raw=b"SMTP ready\r\n"), JudgeUnreachable, "broke"),
        (gzipped(Reply.chat()), BadReply, "packed"),
        (Reply(stream=gzip_bomb(2), headers={"Content-Encoding": "gzip"}), BadReply, "packed"),
        (Reply(body=b" " * 2**24 + b"{}"), BadReply, "more than 16 MiB"),
    ],
)
def test_what_goes_wrong_is_what_it_is_by_the_lean_transport(
    reply: Reply, kind: type[JudgeError], message: str
) -> None:
    with FaultServer(lambda *_: reply) as server:
        asking = client(server.url, timeouts=Timeouts(2.0, 1.0 if reply.stall or reply.drip_s else 30.0))
        with pytest.raises(kind, match=message) as caught:
            ask(asking)
        assert len(server.requests) <= 1
    assert KEY not in str(caught.value)
    if isinstance(caught.value, Overloaded) and caught.value.status == 429:
        assert caught.value.retry_after_s == 7.0


def test_nobody_listening_is_unreachable() -> None:
    with pytest.raises(JudgeUnreachable, match="broke"):
        ask(client("http://127.0.0.1:9/v1"))


def test_a_filter_refuses_and_a_field_that_is_refused_is_left_out() -> None:
    blocked, _ = asked(lambda *_: Reply.error(400, "content_filter triggered", code="content_filter"))
    assert blocked.finish_reason == "content_filter"

    def script(index: int, request: Request) -> Reply:
        if "temperature" in request.json:
            return Reply.error(400, "Unsupported parameter: 'temperature'", code="unsupported_parameter")
        return Reply.chat("A")

    reply, requests = asked(script, temperature=0)
    assert (reply.text, len(requests)) == ("A", 2)


def test_a_key_that_is_echoed_is_not_kept() -> None:
    reply, _ = asked(lambda *_: Reply.chat(f"your key is {KEY}"))
    assert KEY not in reply.text
    with (
        FaultServer(lambda *_: Reply.error(400, f"Bearer {KEY} is odd")) as server,
        pytest.raises(JudgeError) as caught,
    ):
        ask(client(server.url))
    assert KEY not in str(caught.value)
    assert KEY not in repr(client("http://127.0.0.1:9/v1"))


def test_headers_query_and_a_proxy_are_the_connections() -> None:
    with FaultServer(lambda *_: Reply.chat()) as proxy:
        address = f"http://127.0.0.1:{proxy.port}"
        asking = client("http://judge.invalid/v1", headers={"X-Tenant": "t"}, query={"tier": "b"}, proxy=address)
        assert ask(asking).text == "A"
        (request,) = proxy.requests
    assert request.path == "http://judge.invalid/v1/chat/completions?tier=b"
    assert request.headers["x-tenant"] == "t"
    with pytest.raises(InputError, match="leave key_header out"):
        client("http://127.0.0.1:9/v1", key_header="X-Key")


@pytest.mark.parametrize("way", ["sdk", "azure"])
def test_files_and_batches_are_the_sdks(way: str, tmp_path: Path) -> None:
    batches = Server(others=5)

    def script(index: int, request: Request) -> Reply:
        path = re.sub(r"api-version=2024-10-21&?", "", request.path.replace("/openai/", "/v1/")).rstrip("?")
        if way == "azure":
            assert "api-version=2024-10-21" in request.path
        return batches(index, Request(request.method, path, request.headers, request.body))

    async def run(url: str) -> None:
        connection = VERSION if way == "azure" else ServerConnection()
        server = BatchServer(Access("judge", url, KEY, connection=connection), WAYS[way])
        (tmp_path / "b.jsonl").write_text('{"custom_id": "x"}\n')
        assert await server.find("mine") is None
        made = await server.submit(tmp_path / "b.jsonl", "mine")
        assert await server.find("mine") == made
        batches.finish([b'{"custom_id": "x", "key": "%s"}\n' % KEY.encode()])
        ended = await server.get(made.id)
        assert ended.ended
        await server.fetch(ended.results[0], tmp_path / "out.jsonl")
        await server.close()

    with FaultServer(script) as server:
        asyncio.run(run(server.url.removesuffix("/v1") if way == "azure" else server.url))
    assert batches.files["file-0"] == b'{"custom_id": "x"}\n'
    assert "[key]" in (tmp_path / "out.jsonl").read_text()


def answer(*parts: Any, **fields: Any) -> Reply:
    """A reply of the Responses API."""
    usage = {"input_tokens": 7, "output_tokens": 3, "output_tokens_details": {"reasoning_tokens": 1}}
    content = [{"type": "output_text", "text": part} if isinstance(part, str) else part for part in parts]
    thought = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}
    message = {"type": "message", "role": "assistant", "content": content}
    output = {"object": "response", "status": "completed", "model": "judge", "output": [thought, message]}
    return Reply.of(output | {"usage": usage} | fields)


def test_the_responses_api_is_asked_in_its_words() -> None:
    form = {"type": "json_schema", "json_schema": {"name": "word", "schema": {"type": "object"}, "strict": True}}
    settings = {
        "max_tokens": 9,
        "logprobs": True,
        "top_logprobs": 5,
        "response_format": form,
        "reasoning_effort": "low",
    }
    token = {
        "token": "A",
        "logprob": -0.1,
        "top_logprobs": [{"token": "B", "logprob": -2}, {"token": "A", "logprob": -0.1}],
    }
    reply, (request,) = asked(
        lambda *_: answer({"type": "output_text", "text": "A", "logprobs": [token]}), "responses", **settings
    )
    assert request.path == "/v1/responses"
    body = request.json
    assert body.pop("input")[0] == {"role": "system", "content": "You judge."}
    assert body == {
        "model": "judge", "store": False, "max_output_tokens": 9, "top_logprobs": 5,
        "include": ["message.output_text.logprobs"], "reasoning": {"effort": "low"},
        "text": {"format": {"type": "json_schema", "name": "word", "schema": {"type": "object"}, "strict": True}},
    }  # fmt: skip
    assert (reply.text, reply.reasoning, reply.finish_reason, reply.model) == ("A", "hm", "stop", "judge")
    assert (reply.prompt_tokens, reply.completion_tokens) == (7, 3)
    assert reply.logprobs is not None
    assert reply.logprobs[0].top == (("A", -0.1), ("B", -2.0))


@pytest.mark.parametrize(
    ("reply", "text", "reason"),
    [
        (answer("A", "B"), "AB", "stop"),
        (answer({"type": "refusal", "refusal": "I will not."}), "I will not.", "refusal"),
        (answer("Half", incomplete_details={"reason": "max_output_tokens"}), "Half", "length"),
        (answer("", incomplete_details={"reason": "content_filter"}), "", "content_filter"),
        (answer("A", usage=None, output=[5, {"content": ["x", {"type": "output_text", "text": "A"}]}]), "A", "stop"),
    ],
)  # fmt: skip
def test_replies_of_the_responses_api_are_read_as_completions(reply: Reply, text: str, reason: str) -> None:
    read, _ = asked(lambda *_: reply, "responses")
    assert (read.text, read.finish_reason) == (text, reason)


def test_errors_of_the_responses_api_are_errors_and_lessons() -> None:
    failed = Reply.of({"error": {"message": "try later", "code": 503}, "output": []})
    with FaultServer(lambda *_: failed) as server, pytest.raises(Overloaded, match="try later"):
        ask(client(server.url, "responses"))

    def script(index: int, request: Request) -> Reply:
        if request.json.get("max_output_tokens", 0) < 16:
            return Reply.error(400, "Invalid 'max_output_tokens': must be at least 16.", code="integer_below_min_value")
        return answer("A")

    reply, requests = asked(script, "responses", max_tokens=8)
    assert (reply.text, len(requests)) == ("A", 2)
    with FaultServer(lambda *_: Reply.of({"output": "x"})) as server, pytest.raises(BadReply):
        ask(client(server.url, "responses"))


def test_a_server_is_tried_and_priced_as_any() -> None:
    def script(index: int, request: Request) -> Reply:
        return Reply.of({"data": [{"id": "judge"}]}) if request.method == "GET" else Reply.chat("A")

    with FaultServer(script) as server:

        async def run() -> Any:
            tried = open_sdk(Access("judge", server.url, KEY, Price(1.0, 2.0)))
            try:
                return await check(tried, {"temperature": 0}), await tried.complete(QUESTION, {})
            finally:
                await tried.close()

        report, reply = asyncio.run(run())
    assert (report.model, report.json_schema) == ("judge", False)
    assert reply.cost_usd == pytest.approx(14e-6)


def test_a_run_names_it_by_its_provider(submitted: Invoke, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", KEY)
    with FaultServer(
        lambda index, request: Reply.chat("[[A]]") if request.method == "POST" else Reply.of({"data": []})
    ) as server:
        study = ("--benchmark", "bench", "--pair", "alpha,beta", "--format", "json")
        ran = submitted(
            "run", "--judge", "openai-sdk:judge", "--judge-url", server.url, "--judge-key-env", "MY_KEY", *study
        )
        assert (ran.code, ran.json["ok"]) == (0, 8), ran.err
        assert {request.json["model"] for request in server.requests if request.body} == {"judge"}
    exported = submitted(
        "batch", "export", "--to", "b.jsonl", "--benchmark", "bench", "--pair", "alpha,gamma",
        "--judge", "openai-sdk:judge", "--judge-url", "http://127.0.0.1:9/v1", "--same-judge",
    )  # fmt: skip
    assert exported.code == 0, exported.err
    assert json.loads(Path("b.jsonl").read_text().splitlines()[0])["body"]["model"] == "judge"
    refused = submitted(
        "batch", "export", "--to", "c.jsonl", "--benchmark", "bench", "--pair", "alpha,gamma",
        "--judge", "responses:judge", "--judge-url", "http://127.0.0.1:9/v1",
    )  # fmt: skip
    assert (refused.code, "without batches" in refused.err) == (2, True)


def test_without_the_sdk_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(MissingExtra, match=r"judgebench\[openai\]"):
        open_sdk(Access("judge", "http://127.0.0.1:9/v1", KEY))


@pytest.mark.slow
def test_without_need_the_sdk_is_not_loaded() -> None:
    code = "import sys, judgebench.cli.run, judgebench.clients.openai_sdk; print('openai' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
