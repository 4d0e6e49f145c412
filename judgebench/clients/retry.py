"""The one retry loop: bounded in attempts and in time, jittered, and counted.

Waits are drawn uniformly from zero to a bound that doubles ("full jitter": Brooker, Exponential Backoff And Jitter, AWS
Architecture Blog 2015). Clients never retry by themselves, so attempts do not multiply. A refusal is never asked again.
"""

import asyncio
import random
from collections.abc import Mapping
from dataclasses import dataclass
from time import monotonic
from typing import Any

from judgebench.clients.protocol import Client, Counted
from judgebench.clients.replies import Overloaded
from judgebench.clients.throttle import Throttle
from judgebench.errors import BadReply, InputError, JudgeError, JudgeUnreachable
from judgebench.records import Completion, Prompt

_TOO_MANY = 429


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long one question is asked again."""

    attempts: int = 6  # at most, the first included
    bad_replies: int = 2  # attempts that may end in a BadReply
    deadline_s: float = 900.0  # from the first attempt's start to the last one's end, waits included
    first_wait_s: float = 0.5  # bound of the first wait; each later one is twice the last
    max_wait_s: float = 30.0  # bound of any wait that we choose
    max_retry_after_s: float = 120.0  # a server that asks for more is asked again after this

    def __post_init__(self) -> None:
        if self.attempts < 1 or self.bad_replies < 1 or not self.deadline_s > 0:
            raise InputError("retries need at least one attempt, one bad reply and a deadline above 0 s")

    def wait_s(self, failures: int, rng: random.Random) -> float:
        """Seconds before the attempt that follows ``failures`` failures, at least one."""
        return rng.uniform(0.0, min(self.max_wait_s, self.first_wait_s * 2.0 ** min(failures - 1, 60)))


@dataclass(frozen=True, slots=True)
class Progress:
    """What was done so far, for a progress line."""

    calls: int  # requests sent
    retries: int  # attempts after a question's first
    waited_s: float  # between attempts, summed over questions
    in_flight: int
    window: int  # how many may be in flight at present


class RetryingClient:
    """A client whose questions are asked again, within bounds, when that may help. Build it with ``retrying``."""

    def __init__(self, client: Client, policy: RetryPolicy, throttle: Throttle, rng: random.Random) -> None:
        self._client = client
        self._policy = policy
        self._throttle = throttle
        self._rng = rng
        self._attempts = 0
        self._retries = 0
        self._waited_s = 0.0

    @property
    def calls(self) -> int:
        """Requests sent so far, by the client's own count where it has one."""
        return self._client.calls if isinstance(self._client, Counted) else self._attempts

    def progress(self) -> Progress:
        return Progress(self.calls, self._retries, self._waited_s, self._throttle.in_flight, self._throttle.window)

    async def complete(self, prompt: Prompt, settings: Mapping[str, Any]) -> Completion:
        """See ``Client.complete``. Raises the last attempt's error, its message saying how often was asked."""
        failures = bad = 0
        deadline: float | None = None
        cause: JudgeUnreachable | BadReply | None = None
        while True:
            async with self._throttle as started:
                deadline = deadline or monotonic() + self._policy.deadline_s
                if cause and monotonic() >= deadline:  # it passed while waiting for a slot
                    raise _final(cause, failures) from cause
                try:
                    return await self._attempt(prompt, settings, started, deadline)
                except (JudgeUnreachable, BadReply) as error:
                    failures, bad, cause = failures + 1, bad + isinstance(error, BadReply), error
            wait_s = self._wait_s(cause, failures)
            if failures >= self._policy.attempts or bad >= self._policy.bad_replies or monotonic() + wait_s >= deadline:
                raise _final(cause, failures) from cause
            self._retries += 1
            self._waited_s += wait_s
            await asyncio.sleep(wait_s)

    async def close(self) -> None:
        await self._client.close()

    async def _attempt(
        self, prompt: Prompt, settings: Mapping[str, Any], started: float, deadline: float
    ) -> Completion:
        self._attempts += 1
        try:
            async with asyncio.timeout(deadline - monotonic()):
                completion = await self._client.complete(prompt, settings)
        except TimeoutError as error:
            self._throttle.struggled()
            raise JudgeUnreachable(f"no reply within {self._policy.deadline_s:g} s, retries included") from error
        except Overloaded as error:
            hold_s = min(error.retry_after_s or 0.0, self._policy.max_retry_after_s)
            if error.status == _TOO_MANY:
                self._throttle.refused(started, hold_s)
            else:
                self._throttle.struggled(hold_s)
            raise
        except JudgeUnreachable:
            self._throttle.struggled()
            raise
        self._throttle.succeeded()
        return completion

    def _wait_s(self, cause: JudgeError, failures: int) -> float:
        """Our own wait on top of the server's, so that those held back together do not return together."""
        asked = cause.retry_after_s if isinstance(cause, Overloaded) else None
        return min(asked or 0.0, self._policy.max_retry_after_s) + self._policy.wait_s(failures, self._rng)


def retrying(
    client: Client,
    policy: RetryPolicy | None = None,
    *,
    throttle: Throttle | None = None,
    rng: random.Random | None = None,
) -> RetryingClient:
    """``client``, asked again within ``policy`` and never more at a time than ``throttle`` allows (64 without one).

    ``rng`` spreads the waits; nothing that is stored depends on it.
    """
    return RetryingClient(client, policy or RetryPolicy(), throttle or Throttle(64), rng or random.Random())  # noqa: S311


def _final(cause: JudgeError, attempts: int) -> JudgeError:
    """The same kind of error, with the count of attempts; a server's status has no meaning any more."""
    kind = BadReply if isinstance(cause, BadReply) else JudgeUnreachable
    return kind(f"{cause} (asked {attempts} times)" if attempts > 1 else str(cause))
