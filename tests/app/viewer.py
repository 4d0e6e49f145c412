"""What a browser is to the app's server, without the browser: for tests and measurements of many viewers at once."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Self

import aiohttp
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ClientState_pb2 import ClientState
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg


class Viewer:
    """A connection to the server and the page that it shows."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self.session = ""  # its name at the server, once a page was opened
        self.said: list[str] = []  # buttons and messages of the pages so far
        self._hashes: dict[str, str] = {}  # of pages, by title
        self._repeats: dict[str, float] = {}  # parts of the page, and after how many seconds each asks again
        self._shown = ""  # the hash of the page
        self.errors = 0  # pages that ended in one

    @classmethod
    @asynccontextmanager
    async def visiting(
        cls, address: str, headers: Mapping[str, str] | None = None, protocols: Sequence[str] = ("streamlit",)
    ) -> AsyncIterator[Self]:
        """``headers`` and ``protocols`` of the handshake, by which who has logged in is known."""
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.ws_connect(f"{address}/_stcore/stream", protocols=protocols, max_msg_size=0) as socket,
        ):
            yield cls(socket)

    @property
    def titles(self) -> list[str]:
        """Of the pages in the navigation, as the page that was shown first named them."""
        return list(self._hashes)

    async def open(self) -> float:
        """Ask for the page at ``/``; returns the seconds until all of it is here."""
        return await self._ask(ClientState())

    async def turn_to(self, title: str) -> float:
        """Ask for a page; returns as ``open``."""
        self._repeats.clear()
        self._shown = self._hashes[title]
        return await self._ask(ClientState(page_script_hash=self._shown))

    async def read(self, seconds: float) -> list[float]:
        """Let the page lie open; returns the seconds of each time that a part of it was asked for again."""
        end, taken = time.perf_counter() + seconds, []
        for part, interval in self._repeats.items():
            while time.perf_counter() + interval < end:
                await asyncio.sleep(interval)
                taken.append(await self._ask(ClientState(page_script_hash=self._shown, fragment_id=part)))
        await asyncio.sleep(max(0.0, end - time.perf_counter()))
        return taken

    async def _ask(self, state: ClientState) -> float:
        begun = time.perf_counter()
        await self._socket.send_bytes(BackMsg(rerun_script=state).SerializeToString())
        while not self._is_last(ForwardMsg.FromString(await self._socket.receive_bytes())):
            pass
        return time.perf_counter() - begun

    def _is_last(self, message: ForwardMsg) -> bool:
        """Take in a message; True for the one after the last part of a page."""
        kind = message.WhichOneof("type")
        self.session = message.new_session.initialize.session_id or self.session
        if kind == "navigation":
            pages = message.navigation.app_pages
            self._hashes = {page.page_name: page.page_script_hash for page in pages if not page.is_hidden}
        elif kind == "auto_rerun":
            self._repeats.setdefault(message.auto_rerun.fragment_id, message.auto_rerun.interval)
        elif kind == "delta":
            element = message.delta.new_element
            self.said += filter(None, (element.button.label, element.alert.body))
            self.errors += element.WhichOneof("type") == "exception"
        return kind == "script_finished"
