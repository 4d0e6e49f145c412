"""An image without a byte is refused by name, however a chat has it; one as another API has it is an image."""

from pathlib import Path
from typing import Any

import pytest

from judgebench.conversations import Media
from judgebench.errors import InputError
from judgebench.formats.outputs import read_outputs
from tests.formats.writing import write_rows
from tests.pictures import data_url, png

EMPTY: list[dict[str, Any]] = [
    {"type": "input_image", "image_url": ""},
    {"type": "input_image", "image_url": None},
    {"type": "input_image"},
    {"type": "image_url", "image_url": {"url": ""}},
    {"type": "image_url", "image_url": ""},
    {"type": "image", "image": ""},
]


def chat(folder: Path, part: dict[str, Any]) -> Path:
    asked = {"role": "user", "content": [{"type": "text", "text": "What is it?"}, part]}
    return write_rows(folder / "chat.jsonl", [{"messages": [asked, {"role": "assistant", "content": "A cat."}]}])


@pytest.mark.parametrize("part", EMPTY)
def test_an_image_without_a_byte_is_refused_by_name(tmp_path: Path, part: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"line 1.*content\[1\]\.image.*an image without a byte"):
        read_outputs(chat(tmp_path, part))


def test_an_image_as_the_responses_api_has_it_is_held(tmp_path: Path) -> None:
    part = {"type": "input_image", "detail": "low", "image_url": data_url(png())}
    file = read_outputs(chat(tmp_path, part))
    media = file.outputs[0].instruction.conversation.messages[0].parts[1]
    assert isinstance(media, Media)
    assert (media.kind, media.digest in file.blobs) == ("image", True)
