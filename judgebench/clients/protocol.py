"""What every judge can be asked, whoever answers: a server, a process of ours or a script.

Clients fetch replies and nothing else: rendering and parsing are judging's, storing is the store's.
"""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from judgebench.records import Completion, Prompt


class Client(Protocol):
    """One judge that can be asked, from one event loop."""

    async def complete(self, prompt: Prompt, settings: Mapping[str, Any]) -> Completion:
        """The judge's raw reply to ``prompt`` under its decoding ``settings``.

        Raises JudgeUnreachable (asking again may help), BadReply (it may help once), JudgeRefused (it does not).
        """
        ...

    async def close(self) -> None:
        """Give connections and memory back; asking afterwards is a mistake."""
        ...


@runtime_checkable
class Counted(Protocol):
    """A client that counts what it sends, where one question may take several requests."""

    @property
    def calls(self) -> int:
        """Requests sent so far, each one once, answered or not."""
        ...
