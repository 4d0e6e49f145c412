"""A client that is asked so many times and no more."""

from collections.abc import Mapping
from typing import Any

from judgebench.clients.base import Client, Counted
from judgebench.errors import EnoughCalls
from judgebench.records import Completion, Prompt


class CappedClient:
    """``client``, which sends at most ``most`` requests from its first question on, retries included. What one question
    needs besides, such as asking again without a field, is not cut off."""

    def __init__(self, client: Client, most: int) -> None:
        self._client = client
        self._most = most
        self._asked = 0
        self._before: int | None = None

    @property
    def calls(self) -> int:
        """Requests sent so far, by the client's own count where it has one."""
        return self._client.calls if isinstance(self._client, Counted) else self._asked

    async def complete(self, prompt: Prompt, settings: Mapping[str, Any]) -> Completion:
        """Raises EnoughCalls, and what the client raises."""
        if self._before is None:
            self._before = self.calls
        if self.calls - self._before >= self._most:
            raise EnoughCalls(f"{self._most} calls are made, which is max_calls")
        self._asked += 1
        return await self._client.complete(prompt, settings)

    async def close(self) -> None:
        await self._client.close()
