"""One question over HTTP, against a real server with scripted faults."""

import gc
import logging
import resource
import socket
import traceback
from typing import Any

import pytest

from judgebench.clients.base import Access, Price
from judgebench.clients.http import Overloaded, Rejected, Timeouts
from judgebench.clients.openai import OpenAIClient
from judgebench.errors import BadReply, InputError, JudgeError, JudgeRefused, JudgeUnreachable
from judgebench.records import TokenLogprob
from tests.clients.asking import KEY, PROMPT, ask, ask_all, client_of
from tests.fault_server import FaultServer, Reply, gzip_bomb, gzipped


def reply_to(reply: Reply, **settings: Any) -> Any:
    with FaultServer(lambda index, request: reply) as server:
        return ask(client_of(server.url), settings=settings)


def error_of(reply: Reply) -> JudgeError:
    with pytest.raises(JudgeError) as caught:
        reply_to(reply)
    return caught.value


def test_a_request_carries_the_messages_the_settings_and_the_key_given() -> None:
    with FaultServer(lambda index, request: Reply.chat("A")) as server:
        completion = ask(client_of(server.url), settings={"temperature": 0, "max_tokens": 5})
    (request,) = server.requests
    assert (request.method, request.path) == ("POST", "/v1/chat/completions")
    assert request.headers["authorization"] == f"Bearer {KEY}"
    assert request.json == {
        "model": "judge",
        "messages": [{"role": "system", "content": "You judge."}, {"role": "user", "content": "A or B?"}],
        "temperature": 0,
        "max_tokens": 5,
    }
    assert (completion.text, completion.finish_reason, completion.model) == ("A", "stop", "judge")
    assert (completion.prompt_tokens, completion.completion_tokens, completion.cost_usd) == (10, 2, None)
    assert completion.latency_s is not None
    assert completion.latency_s > 0


def test_no_ambient_key_proxy_or_netrc_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login somebody password hidden\n")
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("OPENAI_API_KEY", "ambient-key-of-somebody")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    with FaultServer(lambda index, request: Reply.chat()) as server:
        ask(client_of(server.url, key=None))
    assert "authorization" not in server.requests[0].headers


def test_a_known_price_gives_a_cost() -> None:
    with FaultServer(lambda index, request: Reply.chat()) as server:
        client = OpenAIClient(Access("judge", server.url, price=Price(1.0, 2.0)))
        assert ask(client).cost_usd == pytest.approx((10 * 1.0 + 2 * 2.0) / 1e6)


def test_log_probabilities_come_with_their_alternatives_the_most_probable_first() -> None:
    top = [{"token": "B", "logprob": -2.0}, {"token": "A", "logprob": -0.1}, {"token": "C", "logprob": float("-inf")}]
    content = [{"token": "A", "logprob": -0.1, "top_logprobs": top}, {"token": ".", "logprob": -(10**400)}]
    completion = reply_to(Reply.chat(choice={"logprobs": {"content": content}}))
    assert completion.logprobs == (
        TokenLogprob("A", -0.1, (("A", -0.1), ("B", -2.0), ("C", -9999.0))),
        TokenLogprob(".", -9999.0),
    )


@pytest.mark.parametrize("absent", [None, float("nan"), "high", True])
def test_a_log_probability_that_is_no_number_leaves_the_reply_and_no_alternatives(absent: object) -> None:
    top = [{"token": "A", "logprob": absent}, {"token": "B", "logprob": -2.0}]
    content = [{"token": "A", "logprob": -0.1, "top_logprobs": top}, {"token": ".", "logprob": absent}]
    completion = reply_to(Reply.chat("A.", choice={"logprobs": {"content": content}}))
    assert completion.text == "A."
    assert completion.logprobs == (TokenLogprob("A", -9999.0), TokenLogprob(".", -9999.0))


@pytest.mark.parametrize(
    "content",
    [
        "A",
        ["A"],
        [None],
        [{"token": 1}],
        [{"token": "A", "logprob": -1, "top_logprobs": [3]}],
        [{"token": "A", "logprob": -1, "top_logprobs": 3}],
        [{"token": "A", "top_logprobs": [{"token": None}]}],
    ],
)
def test_log_probabilities_of_another_form_are_none(content: object) -> None:
    completion = reply_to(Reply.chat("A.", choice={"logprobs": {"content": content}}))
    assert (completion.text, completion.logprobs) == ("A.", None)


@pytest.mark.parametrize(
    ("reply", "text", "finish_reason"),
    [
        (Reply.chat("A becau", choice={"finish_reason": "length"}), "A becau", "length"),
        (Reply.chat(None, choice={"finish_reason": "content_filter"}), "", "content_filter"),
        (Reply.chat(None, message={"refusal": "I cannot."}), "I cannot.", "refusal"),
        (Reply.chat("A", message={"refusal": "But no."}), "A", "refusal"),
        (Reply.chat("A", message={"refusal": None}), "A", "stop"),
        (Reply.chat("A", choice={"finish_reason": None}), "A", None),
        (Reply.error(400, "filtered", code="content_filter"), "", "content_filter"),
        (Reply.chat("nul \0 and \ud800 surrogate"), "nul \ufffd and \ufffd surrogate", "stop"),
        (gzipped(Reply.chat("packed")), "packed", "stop"),
        (Reply.chat([{"type": "thinking"}, {"type": "text", "text": "A"}]), "A", "stop"),
    ],
)
def test_unusual_completions_keep_their_text_and_reason(reply: Reply, text: str, finish_reason: str | None) -> None:
    completion = reply_to(reply)
    assert (completion.text, completion.finish_reason) == (text, finish_reason)


@pytest.mark.parametrize("field", ["reasoning", "reasoning_content"])
def test_separated_reasoning_is_kept_apart(field: str) -> None:
    completion = reply_to(Reply.chat("A", message={field: "B looks bad"}))
    assert (completion.text, completion.reasoning) == ("A", "B looks bad")


def test_another_models_name_and_absurd_usage_do_not_break_a_completion() -> None:
    body = {"model": "gpt-9", "choices": [{"message": {"content": "A"}}], "usage": {"prompt_tokens": -1}}
    completion = reply_to(Reply.of(body | {"usage": {"prompt_tokens": 2**80, "completion_tokens": True}}))
    assert (completion.model, completion.prompt_tokens, completion.completion_tokens) == ("gpt-9", None, None)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(body=b"<html><body>Please log in</body></html>", headers={"Content-Type": "text/html"}),
        Reply(body=b""),
        Reply(body=b"\xff\xfe{}"),
        Reply(body=b"[" * 200_000),
        Reply(body=b'{"choices": ' + b"9" * 6000 + b"}"),
        Reply.of({"choices": []}),
        Reply.of({"choices": [{"message": None}]}),
        Reply.of({"choices": {"0": 1}}),
        Reply.of({"error": {"message": "with status 200"}}),
        Reply.of([]),
        Reply.of(None),
        Reply.chat(17),
        Reply(raw=b"220 mail.example.org ESMTP\r\n"),
        Reply(stream=gzip_bomb(17), headers={"Content-Encoding": "gzip"}),
        Reply(stream=lambda: iter([b" " * 2**20] * 17)),
    ],
)
def test_what_is_no_completion_is_a_bad_reply(reply: Reply) -> None:
    assert isinstance(error_of(reply), BadReply)


def test_an_error_sent_with_status_200_is_shown() -> None:
    assert "rate limited upstream" in str(error_of(Reply.of({"error": {"message": "rate limited upstream"}})))


def test_a_gzip_body_of_one_gigabyte_is_not_read_into_memory() -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    error = error_of(Reply(stream=gzip_bomb(1024), headers={"Content-Encoding": "gzip"}))
    assert "more than 16 MiB" in str(error)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150 * 1024  # KiB


@pytest.mark.parametrize(
    "reply",
    [
        Reply.chat("A" * 1000, reset_after=100),
        Reply.chat("A", reset_after=0),
        Reply(raw=b""),
        Reply(body=b"not gzip", headers={"Content-Encoding": "gzip"}),
    ],
)
def test_a_connection_that_breaks_is_unreachable(reply: Reply) -> None:
    assert isinstance(error_of(reply), JudgeUnreachable)


@pytest.mark.parametrize("reply", [Reply(stall=True), Reply.chat("A", drip_s=0.05)])
def test_stalls_and_slow_drips_end_at_the_deadline(reply: Reply) -> None:
    with FaultServer(lambda index, request: reply) as server, pytest.raises(JudgeUnreachable, match=r"within 0\.2 s"):
        ask(client_of(server.url, timeouts=Timeouts(total_s=0.2)))


def test_a_connection_that_is_never_made_is_said_with_its_own_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:  # as a server without TLS is to what TLS says first
        url = f"https://127.0.0.1:{deaf.getsockname()[1]}/v1"
        with pytest.raises(JudgeUnreachable, match=r"let nobody connect within 0\.2 s"):
            ask(client_of(url, timeouts=Timeouts(connect_s=0.2, total_s=30)))


def test_nobody_listening_is_unreachable() -> None:
    with FaultServer(lambda index, request: Reply.chat()) as server:
        url = server.url
    with pytest.raises(JudgeUnreachable, match="nobody answers at"):
        ask(client_of(url))


@pytest.mark.parametrize(("status", "hint"), [(401, "key"), (403, "key"), (404, "model's name"), (400, ""), (413, "")])
def test_refusals_name_the_servers_reason_once_and_cleaned(status: int, hint: str) -> None:
    error = error_of(Reply.error(status, "no\n\x1b[31m such\0 thing " + "x" * 5000))
    assert isinstance(error, Rejected)
    assert error.status == status
    assert hint in str(error)
    assert str(error).isprintable()
    assert len(str(error)) < 500


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"error": "model not found"}, "model not found"),
        ({"detail": "Not Found"}, "Not Found"),
        ({"detail": [{"loc": ["body"], "msg": "field required"}]}, "field required"),
        ({"message": "Unauthorized"}, "Unauthorized"),
        (["odd"], "odd"),
    ],
)
def test_the_reason_is_found_in_every_usual_error_body(body: Any, reason: str) -> None:
    assert reason in str(error_of(Reply.of(body, 400)))


@pytest.mark.parametrize("status", [408, 409, 429, 500, 502, 503, 529])
def test_transient_statuses_are_overloads_with_the_wait_asked_for(status: int) -> None:
    error = error_of(Reply.error(status, "later", headers={"Retry-After": "7"}))
    assert isinstance(error, Overloaded)
    assert (error.status, error.retry_after_s) == (status, 7.0)


def test_a_used_up_quota_is_a_refusal_though_its_status_is_429() -> None:
    assert isinstance(error_of(Reply.error(429, "You exceeded your quota", code="insufficient_quota")), JudgeRefused)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_never_followed(status: int) -> None:
    with FaultServer(lambda index, request: Reply.chat("from elsewhere")) as other:
        error = error_of(Reply(status, headers={"Location": other.url + "/chat/completions"}))
    assert isinstance(error, JudgeRefused)
    assert "redirects to" in str(error)
    assert other.requests == []


def _numbered(text: str) -> bytes:
    """With the key in it as .NET writes it, special characters by their numbers."""
    return text.replace("KEY", "".join(c if c.isalnum() else f"\\u{ord(c):04X}" for c in KEY)).encode()


@pytest.mark.slow
@pytest.mark.parametrize(
    "reply",
    [
        Reply.error(401, f"Incorrect API key provided: {KEY}"),
        Reply.error(500, f"Authorization: Bearer {KEY} for tenant"),
        Reply(400, body=f"<pre>{KEY.replace('/', '%2F').replace('+', '%2B').replace('=', '%3D')}</pre>".encode()),
        Reply(400, body=b"x" * 295 + KEY.encode()),
        Reply(400, body=b'{"error": "for ' + KEY.replace("/", "\\/").encode() + b'"}'),
        Reply(400, body=_numbered('{"error": {"message": "no such key: KEY"}}')),
        Reply(body=_numbered('{"choices": [], "debug": "KEY"}')),
        Reply(body=f"Dear {KEY}, log in".encode()),
        Reply(302, headers={"Location": f"http://127.0.0.1:9/?key={KEY}"}),
        Reply(raw=f"Bearer {KEY}\r\n\r\n".encode()),
        Reply(raw=f"HTTP/1.1 200 OK\r\n{KEY}\r\n\r\n".encode()),
        Reply.of({"choices": [], "debug": KEY}),
    ],
)
def test_a_key_echoed_by_the_server_reaches_no_message_and_no_log(
    reply: Reply, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    error = error_of(reply)
    gc.collect()  # what nobody awaited is logged when it is collected
    shown = "".join(traceback.format_exception(error)) + repr(error) + caplog.text
    assert KEY not in shown
    assert KEY[:12] not in shown


def test_a_key_echoed_in_a_completion_is_not_kept_but_a_short_one_is_a_word() -> None:
    assert KEY not in reply_to(Reply.chat(f"headers: {KEY}")).text
    with FaultServer(lambda index, request: Reply.chat("EMPTY answer")) as server:
        assert ask(client_of(server.url, key="EMPTY")).text == "EMPTY answer"


def test_no_representation_shows_the_key() -> None:
    client = client_of("http://127.0.0.1:9/v1")
    assert KEY not in repr(client) + repr(vars(client)) + repr(vars(client._transport))


@pytest.mark.parametrize(
    ("url", "key"),
    [
        ("ftp://host/v1", None),
        ("host:80/v1", None),
        ("http://", None),
        ("http://host:99999/v1", None),
        ("http://user:pass@host/v1", None),
        ("http://host/v1?key=1", None),
        ("http://host/v1\n", None),
        ("http://[::1/v1", None),
        ("http://host/v1", ""),
        ("http://host/v1", "two words"),
        ("http://host/v1", "line\r\nX-Evil: 1"),
    ],
)
def test_addresses_and_keys_of_the_wrong_form_are_input_errors(url: str, key: str | None) -> None:
    with pytest.raises(InputError) as caught:
        OpenAIClient(Access("judge", url, key))
    assert "pass@" not in str(caught.value)


def test_a_full_address_is_accepted_too() -> None:
    with FaultServer(lambda index, request: Reply.chat()) as server:
        ask(client_of(server.url + "/chat/completions"))
    assert server.requests[0].path == "/v1/chat/completions"


def test_settings_cannot_replace_the_question() -> None:
    with pytest.raises(InputError, match="stream"):
        ask(client_of("http://127.0.0.1:9/v1"), settings={"stream": True})


def test_connections_are_reused_and_many_fit_in_flight() -> None:
    with FaultServer(lambda index, request: Reply.chat(until=lambda: server.most_at_once == 300)) as server:
        answers = ask_all(client_of(server.url), [PROMPT] * 300)
        assert server.most_at_once == 300
        assert all(not isinstance(answer, BaseException) for answer in answers)
    with FaultServer(lambda index, request: Reply.chat()) as server:
        client = client_of(server.url)

        async def one_after_another() -> None:
            for _ in range(5):
                await client.complete(PROMPT, {})
            await client.close()

        import asyncio

        asyncio.run(one_after_another())
        assert (server.connections, client.calls) == (1, 5)
