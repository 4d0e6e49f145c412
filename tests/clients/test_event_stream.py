"""Replies that come as streams."""

import json
from collections.abc import Mapping
from typing import Any

from tests.clients.asking import ask, client_of, persistent
from tests.fault_server import FaultServer, Reply


def stream(*deltas: Mapping[str, Any], done: bool = True) -> Reply:
    events = [{"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas]
    lines = [f"data: {json.dumps(event)}\n\n" for event in events] + ["data: [DONE]\n\n"] * done
    return Reply(body="".join([": waiting\n\n", *lines]).encode(), headers={"Content-Type": "text/event-stream"})


def test_a_stream_is_read_as_what_it_says() -> None:
    whole = stream({"role": "assistant"}, {"reasoning_content": "B?"}, {"content": "[[A"}, {"content": "]]"})
    with FaultServer(lambda index, request: whole) as server:
        completion = ask(client_of(server.url))
    assert (completion.text, completion.reasoning) == ("[[A]]", "B?")
    cut = stream({"content": "[[A"}, done=False)
    with FaultServer(lambda index, request: whole if index else cut) as server:
        assert ask(persistent(client_of(server.url))).text == "[[A]]"
        assert len(server.requests) == 2
