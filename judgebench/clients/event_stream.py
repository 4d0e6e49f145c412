"""Replies that come as a stream although none was asked for: their pieces put together, as one reply says the same."""

import json
from collections.abc import Iterator
from typing import Any

_TEXTS = ("content", "reasoning", "reasoning_content", "refusal")


def reply_of_stream(text: str) -> dict[str, Any] | None:
    """A chat completion of the events or JSON lines in ``text``; None where it holds none, or breaks off.

    An error among them is the reply.
    """
    chunks = list(_chunks(text))
    if not chunks:
        return None
    error = next((chunk for chunk in chunks if chunk.get("error")), None)
    if error is not None:
        return error
    message: dict[str, Any] = {"role": "assistant", "content": None}
    choice: dict[str, Any] = {"message": message, "finish_reason": None}
    tokens: list[Any] = []
    for chunk in chunks:
        for piece in _firsts(chunk):
            _add(message, piece.get("delta") or piece.get("message"))
            choice["finish_reason"] = piece.get("finish_reason") or choice["finish_reason"]
            logprobs = piece.get("logprobs")
            more = logprobs.get("content") if isinstance(logprobs, dict) else None
            tokens += more if isinstance(more, list) else []
    if choice["finish_reason"] is None and "[DONE]" not in text:
        return None
    fields = {name: chunk[name] for chunk in chunks for name in ("model", "usage") if chunk.get(name)}
    return {**fields, "choices": [{**choice, "logprobs": {"content": tokens} if tokens else None}]}


def _chunks(text: str) -> Iterator[dict[str, Any]]:
    for line in text.split("\n"):
        try:
            chunk = json.loads(line.removeprefix("data:"))
        except (ValueError, RecursionError):
            continue
        if isinstance(chunk, dict):
            yield chunk


def _firsts(chunk: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The pieces of the first choice."""
    choices = chunk.get("choices")
    for piece in choices if isinstance(choices, list) else ():
        if isinstance(piece, dict) and not piece.get("index"):
            yield piece


def _add(message: dict[str, Any], delta: Any) -> None:
    if not isinstance(delta, dict):
        return
    for name in _TEXTS:
        if isinstance(delta.get(name), str):
            message[name] = (message.get(name) or "") + delta[name]
    if delta.get("tool_calls"):
        message["tool_calls"] = delta["tool_calls"]
