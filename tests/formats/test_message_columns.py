"""Cells of our own files hold conversations whole, and whatever else stands in one is refused."""

import json
from typing import Any

import pytest

from judgebench.conversations import Blob, Conversation, Media, Message, cut
from judgebench.errors import InputError
from judgebench.formats.message_columns import message_cell, read_conversation, read_trajectory
from judgebench.formats.reading import FileRow, Place
from tests.mixed import agent_conversation

IMAGE = Blob("image/png", b"pixels")
PICTURE = Conversation((Message("user", (Media("image", IMAGE.digest, "image/png"),)),))


def row(cell: Any) -> FileRow:
    return FileRow(Place("a.json", "row", 1), {"messages": cell})


def test_what_is_written_is_read_again() -> None:
    blobs: dict[str, Blob] = {}
    instruction, trajectory = cut(agent_conversation())
    assert read_conversation(row(message_cell(instruction, {})), "messages", blobs) == instruction
    assert read_trajectory(row(message_cell(trajectory, {})), "messages", blobs) == trajectory
    assert blobs == {}
    assert read_conversation(row(message_cell(PICTURE, {IMAGE.digest: IMAGE})), "messages", blobs) == PICTURE
    assert blobs == {IMAGE.digest: IMAGE}


@pytest.mark.parametrize("cell", [None, ""])
def test_an_empty_cell_holds_nothing(cell: Any) -> None:
    assert message_cell(None, {}) is None
    assert read_conversation(row(cell), "messages", {}) is None


@pytest.mark.parametrize(
    "cell",
    [
        5,
        [],
        "text",
        "[]",
        "5",
        '{"messages": 5}',
        '{"messages": [{"role": 5, "parts": []}]}',
        '{"messages": [{"role": "user", "parts": [{"k": "z"}]}]}',
        '{"messages": [{"role": "user", "parts": [{"k": "t", "text": 5}]}]}',
        '{"messages": [{"role": "user", "parts": [], "other": 1}]}',
        '{"messages": [{"role": "user", "parts": [{"k": "m", "kind": "tape"}]}]}',
        '{"messages": [{"role": "user", "parts": [{"k": "m", "kind": "image", "digest": "../x"}]}]}',
        '{"messages": [{"role": "user", "parts": [{"k": "t", "text": "a", "extra": 5}]}]}',
        '{"messages": [{"role": "user", "parts": [{"k": "t", "text": "a", "extra": {"x": NaN}}]}]}',
        '{"messages": [{"role": "user", "parts": [{"k": "t", "text": "a", "extra": {"x": 1e400}}]}]}',
        '{"messages": [{"role": "user", "parts": []}], "files": {"x": {"media_type": 5, "data": ""}}}',
        "[" * 100_000,
        message_cell(PICTURE, {IMAGE.digest: Blob("image/png", b"others")}),
    ],
)
def test_anything_else_is_refused(cell: Any) -> None:
    with pytest.raises(InputError, match=r"a\.json, row 1, field 'messages': holds no messages"):
        read_conversation(row(cell), "messages", {})


@pytest.mark.parametrize("place", ["1", 1.0, True, None])
def test_places_of_a_trajectory_are_numbers(place: Any) -> None:
    with pytest.raises(InputError):
        read_trajectory(row(json.dumps({"segments": [[place, []]]})), "messages", {})
