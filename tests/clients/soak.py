"""Many questions to a server that fails in every scripted way, and an account of what became of each of them."""

import asyncio
import random
import resource
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from judgebench.clients.base import Access
from judgebench.clients.http import Timeouts
from judgebench.clients.openai import OpenAIClient
from judgebench.clients.retry import RetryingClient, RetryPolicy, Throttle
from judgebench.errors import JudgeError, JudgeUnreachable
from judgebench.records import ChatPrompt, Completion, Prompt, PromptMessage
from tests.fault_server import FaultServer, Reply, Request, gzip_bomb, gzipped

KEY = "sk-soak-0123456789-abcdef"
LIMIT = 32
POLICY = RetryPolicy(
    attempts=12, bad_replies=4, deadline_s=60, first_wait_s=0.01, max_wait_s=0.1, max_retry_after_s=0.2
)
SETTINGS = {"temperature": 0, "max_tokens": 5}

FINAL: dict[str, Callable[[str], Reply]] = {  # these end their question
    "good": lambda text: Reply.chat(text),
    "gzip": lambda text: gzipped(Reply.chat(text)),
    "dripping": lambda text: Reply.chat(text, drip_s=0.0001),
    "length": lambda text: Reply.chat(text, choice={"finish_reason": "length"}),
    "filter": lambda text: Reply.chat(None, choice={"finish_reason": "content_filter"}),
    "refusal": lambda text: Reply.chat(None, message={"refusal": text}),
    "wrong model": lambda text: Reply.chat(text, model="gpt-other"),
    "redirect": lambda text: Reply(307, headers={"Location": "http://127.0.0.1:9/steal"}),
    "too long": lambda text: Reply.error(400, f"context length exceeded for {KEY}"),
    "moderated": lambda text: Reply.error(403, "Your input was flagged by moderation"),
}
FAULTS: dict[str, Callable[[str], Reply]] = {  # these are asked again
    "429": lambda text: Reply.error(429, f"slow down {KEY}"),
    "429 after": lambda text: Reply.error(429, headers={"Retry-After": "0.02"}),
    "500": lambda text: Reply.error(500),
    "503": lambda text: Reply.error(503, headers={"Retry-After": "0"}),
    "reset": lambda text: Reply.chat(text, reset_after=60),
    "reset at once": lambda text: Reply.chat(text, reset_after=0),
    "closed": lambda text: Reply(raw=b""),
    "stall": lambda text: Reply(stall=True),
    "slow drip": lambda text: Reply.chat(text, drip_s=0.05),
    "html": lambda text: Reply(body=f"<html>{KEY}</html>".encode()),
    "null": lambda text: Reply.chat(None),
    "only reasoning": lambda text: Reply.chat("", message={"reasoning": text}),
    "tool call": lambda text: Reply.chat(None, message={"tool_calls": [{"function": {"name": text}}]}),
    "429 with 200": lambda text: Reply.of({"error": {"message": "slow down", "code": 429}}),
    "403 too many": lambda text: Reply.error(403, f"rate limit reached by {KEY}"),
    "no choices": lambda text: Reply.of({"choices": []}),
    "bomb": lambda text: Reply(stream=gzip_bomb(20), headers={"Content-Encoding": "gzip"}),
    "not http": lambda text: Reply(raw=b"SSH-2.0-OpenSSH\r\n"),
}
UNCOUNTED = ("capability", "429", "429 after", "429 with 200", "403 too many")  # no attempts of the question's
LATE = frozenset({"stall", "slow drip"})  # no reply within the client's time
RARE = frozenset({"dripping", "stall", "slow drip", "bomb"})


@dataclass(frozen=True, slots=True)
class Account:
    questions: int
    requests: int  # that the server saw
    calls: int  # that the client counted
    faults: dict[str, int]  # by the kind of reply that the server gave
    outcomes: dict[str, int]  # by the kind of result
    wrong: tuple[str, ...]  # everything that should not have been; empty when all is well
    most_at_once: int
    peak_mb: int


class _Timed(OpenAIClient):
    """Remembers whose replies did not come within its time, as any of a loaded machine may."""

    def __init__(self, access: Access, timeouts: Timeouts) -> None:
        super().__init__(access, timeouts)
        self.late: Counter[str] = Counter()

    async def complete(self, prompt: Prompt, settings: Mapping[str, Any]) -> Completion:
        try:
            return await super().complete(prompt, settings)
        except JudgeUnreachable as error:
            if isinstance(prompt, ChatPrompt) and "did not answer within" in str(error):
                self.late[prompt.messages[-1].content] += 1
            raise


def soak(questions: int, *, fault_share: float = 0.4, seed: int = 0) -> Account:
    """Ask ``questions`` different questions, ``fault_share`` of the server's replies being faults."""
    rng = random.Random(seed)
    given: list[tuple[str, str]] = []  # (question, kind of reply), as the server gave them

    def script(index: int, request: Request) -> Reply:
        if "temperature" in request.json:
            given.append((request.text, "capability"))
            return Reply.error(400, "Unsupported parameter: 'temperature'", code="unsupported_parameter")
        faulty = rng.random() < fault_share
        kinds = [kind for kind in (FAULTS if faulty else FINAL) if kind not in RARE or rng.random() < 0.05]
        kind = rng.choice(kinds) if faulty else rng.choice(["good"] * 8 + kinds)
        given.append((request.text, kind))
        return (FAULTS | FINAL)[kind](f"answer to {request.text}")

    with FaultServer(script) as server:
        inner = _Timed(Access("judge", server.url, KEY), Timeouts(total_s=0.5))
        client = RetryingClient(inner, POLICY, throttle=Throttle(LIMIT), rng=random.Random(seed))
        results = asyncio.run(_ask(client, questions))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        wrong = [*_unaccounted(results, given, inner.late), *_misanswered(results)]
        if inner.calls != len(server.requests):
            wrong.append(f"{inner.calls} calls counted, {len(server.requests)} requests seen")
        if server.most_at_once > 2 * LIMIT:  # stalled ones linger in the server after the client gave them up
            wrong.append(f"{server.most_at_once} requests at once")
        return Account(
            questions,
            len(server.requests),
            inner.calls,
            dict(Counter(kind for _, kind in given)),
            dict(Counter(_outcome(result) for result in results.values())),
            tuple(wrong),
            server.most_at_once,
            peak,
        )


async def _ask(client: RetryingClient, questions: int) -> dict[str, Completion | JudgeError]:
    """Results by question, asked by more workers than may be in flight."""
    results: dict[str, Completion | JudgeError] = {}
    names = iter([f"question {number}" for number in range(questions)])

    async def worker() -> None:
        for name in names:
            try:
                result = await client.complete(ChatPrompt((PromptMessage("user", name),)), SETTINGS)
            except JudgeError as error:
                result = error
            assert name not in results
            results[name] = result

    await asyncio.gather(*(worker() for _ in range(2 * LIMIT)))
    await client.close()
    return results


def _unaccounted(
    results: dict[str, Completion | JudgeError], given: list[tuple[str, str]], late: Counter[str]
) -> list[str]:
    """Questions without a result, asked again after an answer that came in time, or answered and yet failed."""
    finals = Counter(name for name, kind in given if kind in FINAL)
    unmeant = late - Counter(name for name, kind in given if kind in LATE)  # an answer, or an error
    asked = Counter(name for name, kind in given if kind not in UNCOUNTED)
    wrong = [f"{name}: {count} final replies" for name, count in finals.items() if count > 1 + unmeant[name]]
    wrong += [f"{name}: no result" for name, _ in given if name not in results]
    wrong += [f"{name}: asked {count} times" for name, count in asked.items() if count > POLICY.attempts]
    wrong += [
        f"{name}: a result and no final reply"
        for name, result in results.items()
        if isinstance(result, Completion) and not finals[name]
    ]
    return wrong


def _misanswered(results: dict[str, Completion | JudgeError]) -> list[str]:
    """Questions that got another's answer, and messages that show the key."""
    wrong = []
    for name, result in results.items():
        if isinstance(result, JudgeError):
            if KEY in str(result) + repr(result) + repr(result.__cause__):
                wrong.append(f"{name}: the key is in its message")
        elif result.text not in ("", f"answer to {name}"):
            wrong.append(f"{name}: got {result.text!r}")
    return wrong


def _outcome(result: Completion | JudgeError) -> str:
    return type(result).__name__ if isinstance(result, JudgeError) else str(result.finish_reason)
