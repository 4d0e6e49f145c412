"""What speakers of ShareGPT said comes back as it came."""

from typing import Any

import pytest

from judgebench.conversations import Blob, Media, Text
from judgebench.formats.forms.sharegpt import SHAREGPT
from tests.formats.forms.agent import PICTURE, rewritten, same
from tests.formats.forms.rows import IN_SHAREGPT, PICTURE_URL, SPEECHES, Row


@pytest.mark.parametrize("item", SPEECHES, ids=str)
def test_awkward_speeches_come_back_equal(item: Row) -> None:
    row = {"conversations": [{"from": "human", "value": "x"}, item, {"from": "gpt", "value": "y"}]}
    assert SHAREGPT.recognises(row)
    assert same(rewritten(SHAREGPT, row), row)


def test_the_agents_conversation_comes_back_equal() -> None:
    assert same(rewritten(SHAREGPT, IN_SHAREGPT), IN_SHAREGPT)


def row_with(value: str, **beside: Any) -> Row:
    return {"conversations": [{"from": "human", "value": value}, {"from": "gpt", "value": "A cat."}]} | beside


@pytest.mark.parametrize(
    "row",
    [
        row_with("<image>What is it?", images=["cat.jpg"]),
        row_with("Is <image> or <image> older?\n", images=[PICTURE_URL, "https://example.org/cat.jpg"]),
        row_with("<image>", image="cat.jpg"),
        row_with("<video> and <audio>, <image>", videos=["v.mp4"], audios=["a.wav"]),
        row_with("Hello.", images=[]),
        row_with("Hello.", images=None, system=""),
    ],
    ids=str,
)
def test_files_come_back_in_their_columns(row: Row) -> None:
    again = rewritten(SHAREGPT, row)
    assert same(again, {key: value for key, value in row.items() if value not in (None, []) or key == "conversations"})


def test_files_stand_in_the_places_of_their_tokens() -> None:
    blobs: dict[str, Blob] = {}
    row = row_with("Is <image> older than <image>?", images=[PICTURE_URL, {"bytes": b"jpeg", "path": "cat.jpg"}])
    first, _ = SHAREGPT.read(row, blobs).conversation.messages
    pictures = [part for part in first.parts if isinstance(part, Media)]
    assert [part for part in first.parts if isinstance(part, Text)] == [Text("Is "), Text(" older than "), Text("?")]
    assert [blobs[part.digest or ""].data for part in pictures] == [PICTURE, b"jpeg"]
    assert SHAREGPT.write(SHAREGPT.read(row, blobs).conversation, blobs)["images"][1].endswith("anBlZw==")


@pytest.mark.parametrize(
    ("row", "field"),
    [
        (row_with("<image><image>", images=["a"]), r"conversations\[0\].value: holds a <image> for which"),
        (row_with("<image>", images=["a", "b"]), "images: 1 more than there are <image>"),
        (row_with("<image>", images=[3]), r"images\[0\]: must be a path"),
        (row_with("Hm?", system=3), ".system: must be a text"),
        ({"conversations": [{"from": 3, "value": "x"}]}, r"conversations\[0\].from: must be a text"),
        ({"conversations": [{"from": "human", "value": 3}]}, r"conversations\[0\].value: must be a text"),
        ({"conversations": ["x"]}, r"conversations\[0\]: must be an object"),
        ({"conversations": []}, "conversations: must be a list"),
    ],
    ids=str,
)
def test_what_is_of_another_kind_is_refused_by_the_name_of_its_field(row: Row, field: str) -> None:
    with pytest.raises(ValueError, match=field):
        SHAREGPT.read(row, {})


def test_speakers_that_nobody_knows_are_not_the_user() -> None:
    items = [{"from": "narrator", "value": "Night fell."}, {"from": "HUMAN", "value": "Hm?"}]
    messages = SHAREGPT.read({"conversations": items}, {}).conversation.messages
    assert [message.role for message in messages] == ["narrator", "user"]


def test_texts_alone_are_plain() -> None:
    conversation = SHAREGPT.read({"conversations": [{"from": "human", "value": "Hm?"}], "system": ""}, {}).conversation
    assert conversation.plain
    assert SHAREGPT.read(row_with("Hm?"), {}).prompt == 0
