"""A client in front of another that rewrites prompts by a defence before they are sent."""

from collections.abc import Mapping
from typing import Any

from judgebench.audits.defences import SETTING, check_defence, defended
from judgebench.clients.protocol import Client, Counted
from judgebench.errors import InputError
from judgebench.records import ChatPrompt, Completion, Prompt


class DefendedClient:
    """Asks ``client`` under the defence ``name``. Raises UnknownName for an unknown one."""

    def __init__(self, client: Client, name: str) -> None:
        check_defence(name)
        self._client = client
        self._name = name

    @property
    def calls(self) -> int:
        return self._client.calls if isinstance(self._client, Counted) else 0

    async def complete(self, prompt: Prompt, settings: Mapping[str, Any]) -> Completion:
        """Raises what the client raises, and InputError where the prompt has nothing to defend."""
        if not isinstance(prompt, ChatPrompt):
            raise InputError(
                f"defence {self._name!r} is for judges that read a prompt, and this one weighs likelihoods"
            )
        shown = defended(prompt, self._name)
        return await self._client.complete(shown, {key: value for key, value in settings.items() if key != SETTING})

    async def close(self) -> None:
        await self._client.close()
