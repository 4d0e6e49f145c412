"""Ask a client once, or many times, from a test that is not a coroutine."""

import asyncio
import random
from collections.abc import Mapping
from typing import Any

from judgebench.clients.base import Access, Client
from judgebench.clients.http import Timeouts
from judgebench.clients.openai import OpenAIClient
from judgebench.clients.retry import RetryingClient, RetryPolicy, Throttle
from judgebench.records import ChatPrompt, Completion, Prompt, PromptMessage

KEY = "sk-test-0123456789abcdef/+="
PROMPT = ChatPrompt((PromptMessage("system", "You judge."), PromptMessage("user", "A or B?")))
QUICK = Timeouts(connect_s=2.0, total_s=2.0)
EAGER = RetryPolicy(attempts=4, deadline_s=10.0, first_wait_s=0.01, max_wait_s=0.02, max_retry_after_s=0.05)


def client_of(url: str, *, timeouts: Timeouts = QUICK, key: str | None = KEY) -> OpenAIClient:
    return OpenAIClient(Access("judge", url, key), timeouts)


def persistent(client: Client, policy: RetryPolicy = EAGER, limit: int = 8) -> RetryingClient:
    return RetryingClient(client, policy, throttle=Throttle(limit), rng=random.Random(1))


def ask(client: Client, prompt: Prompt = PROMPT, settings: Mapping[str, Any] | None = None) -> Completion:
    """One reply; the client is closed."""
    (answer,) = ask_all(client, [prompt], settings)
    if isinstance(answer, BaseException):
        raise answer
    return answer


def ask_all(
    client: Client, prompts: list[Prompt], settings: Mapping[str, Any] | None = None
) -> list[Completion | BaseException]:
    """Replies and errors, in the order of the prompts, all asked at once; the client is closed."""

    async def run() -> list[Completion | BaseException]:
        try:
            asked = (client.complete(prompt, settings or {}) for prompt in prompts)
            return await asyncio.gather(*asked, return_exceptions=True)
        finally:
            await client.close()

    return asyncio.run(run())
