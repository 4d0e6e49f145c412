"""A judge on a vLLM server that is started when the judge is first asked, and stopped when nobody asks any more."""

import asyncio
import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from judgebench.clients.base import Access, Client, Counted, Server
from judgebench.clients.likelihood import LikelihoodClient, RewardClient
from judgebench.clients.vllm_server import SERVERS, VllmServer
from judgebench.errors import InputError, JudgeError, JudgeGone, JudgeUnreachable
from judgebench.records import Completion, Prompt
from judgebench.spec.serving import VllmServing

_OWN_KEY = secrets.token_urlsafe(24)  # other people of this machine can reach loopback too
_POOLING = "--runner=pooling"


def open_served(access: Access) -> "ServedClient":
    """A judge that writes, or whose likelihoods are asked. Raises InputError."""
    return ServedClient(access, _serving(access), LikelihoodClient)


def open_served_reward(access: Access) -> "ServedClient":
    """A judge that gives rewards: its server is one that pools. Raises InputError."""
    return ServedClient(access, _serving(access).with_default(_POOLING), RewardClient)


def _serving(access: Access) -> VllmServing:
    try:
        return VllmServing.parse(access.model, access.vllm)
    except ValueError as error:
        raise InputError(f"vllm: {error}") from error


class ServedClient:
    """``opener``'s client of a server that this one starts."""

    def __init__(self, access: Access, serving: VllmServing, opener: Callable[[Access], Client]) -> None:
        self.model = serving.name_of(access.model)
        self._access = access
        self._serving = serving
        self._opener = opener
        self._server: VllmServer | None = None
        self._client: Client | None = None
        self._failure: JudgeError | None = None  # why the server does not answer: starting it again would not help
        self._lock = asyncio.Lock()

    @property
    def calls(self) -> int:
        """Requests sent so far."""
        return self._client.calls if isinstance(self._client, Counted) else 0

    @property
    def has_failed(self) -> bool:
        """Whether its server does not start or has ended, so that nothing will be answered."""
        return self._failure is not None

    def left_out(self, settings: Mapping[str, Any]) -> tuple[str, ...]:
        """Those of ``settings`` that the server was found not to take, sorted."""
        return self._client.left_out(settings) if isinstance(self._client, Server) else ()

    def changed(self, settings: Mapping[str, Any]) -> tuple[str, ...]:
        """What else the server was found to need otherwise, in words."""
        return self._client.changed(settings) if isinstance(self._client, Server) else ()

    async def check(self) -> Any:
        """Start the server and wait until it answers. Raises InputError, and JudgeUnreachable where it does not."""
        client = await self._started()
        return await client.check() if isinstance(client, Server) else None

    async def complete(self, prompt: Prompt, settings: Mapping[str, Any]) -> Completion:
        """As ``Client.complete``, from a server that is started if need be. Raises JudgeGone once it has ended."""
        client = await self._started()
        try:
            return await client.complete(prompt, settings)
        except JudgeUnreachable as error:
            why = None if self._server is None else self._server.ended()
            if why is None:
                raise
            self._failure = JudgeGone(why)
            raise self._failure from error

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()
        if self._server is not None:
            server, self._server = self._server, None
            await SERVERS.give_back(server)

    async def _started(self) -> Client:
        async with self._lock:
            if self._failure is not None:
                raise self._failure
            if self._client is None:
                access = self._access
                self._server = self._server or SERVERS.borrow(self._serving, access.api_key, _OWN_KEY)
                try:
                    await self._server.wait_ready()
                except JudgeError as error:
                    self._failure = error
                    raise
                self._client = self._opener(
                    replace(access, model=self.model, url=self._server.url, api_key=self._server.key)
                )
            return self._client
