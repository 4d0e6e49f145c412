"""Differences to a source, files in base64, and objects in texts."""

import base64
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.conversations import Blob
from judgebench.formats.forms import Blobs
from judgebench.formats.forms.sources import (
    data_url,
    difference,
    held,
    in_base64,
    kept,
    kind_of,
    object_in,
    parsed_data_url,
    restored,
    text_in,
)
from tests.formats.forms.agent import ANYTHING, same

KEYS = st.sampled_from(["a", "b", "c"]) | st.text(max_size=3).filter(lambda key: key not in ("-", "="))
OBJECTS = st.dictionaries(KEYS, st.dictionaries(KEYS, ANYTHING, max_size=3) | ANYTHING, max_size=4)


def without_marks(value: Any) -> Any:
    """Keys of a difference's own are none of a source's, at any depth: readers keep such a source whole."""
    if isinstance(value, list):
        return [without_marks(item) for item in value]
    if isinstance(value, dict):
        return {key: without_marks(item) for key, item in value.items() if key not in ("-", "=")}
    return value


@pytest.mark.slow
@given(OBJECTS.map(without_marks), OBJECTS.map(without_marks))
def test_a_difference_makes_the_source_again(source: dict[str, Any], written: dict[str, Any]) -> None:
    change = json.loads(json.dumps(difference(source, written)))
    assert same(restored(written, change), source)


def test_equal_values_have_no_difference_and_others_only_theirs() -> None:
    assert difference({"a": {"b": [1]}}, {"a": {"b": [1]}}) == {}
    assert difference({"a": {"b": 1, "c": 2}, "d": None}, {"a": {"b": 1}, "e": 3}) == {
        "a": {"c": 2},
        "d": None,
        "-": ["e"],
    }
    assert difference({"a": 1}, {"a": 1.0}) == {"a": 1}
    assert difference({"a": True}, {"a": 1}) == {"a": True}


@given(st.binary(min_size=1, max_size=40), st.text(max_size=9))
def test_a_file_in_base64_is_held_and_written_again(data: bytes, media_type: str) -> None:
    blobs: Blobs = {}
    text = base64.b64encode(data).decode()
    digest = held(text, media_type, blobs)
    assert blobs == {digest: Blob(media_type, data)}
    assert in_base64(digest, blobs) == text


def test_no_byte_is_held_as_an_image_alone_so_that_it_is_refused_by_name() -> None:
    blobs: Blobs = {}
    assert held("", "application/pdf", blobs) is held("", "", blobs) is None
    digest = held("", "image/png", blobs)
    assert {key: blob.data for key, blob in blobs.items()} == {digest: b""}


@pytest.mark.parametrize("text", ["@@@", "QUI", "QUJ=", "QUJD\n", "QUJD QUJD", "\ud800", "é", None, 3, ["QUJD"]])
def test_what_would_not_come_back_equal_is_not_held(text: Any) -> None:
    blobs: Blobs = {}
    assert held(text, "image/png", blobs) is None
    assert blobs == {}
    assert in_base64("0" * 64, blobs) is None


def test_data_urls() -> None:
    assert parsed_data_url(data_url("image/png", "QUJD")) == ("image/png", "QUJD")
    assert parsed_data_url(data_url(None, "QUJD")) == ("", "QUJD")
    for url in ("https://example.org", "data:text/plain,QUJD", "data:image/png;base64", "DATA:image/png;base64,QUJD"):
        assert parsed_data_url(url) is None


@pytest.mark.parametrize("text", ['{"a": 1.0}', '{"a": [1, null, "é", {"b": 2}]}', "{}"])
def test_an_object_that_comes_back_equal_is_one(text: str) -> None:
    value = object_in(text)
    assert value is not None
    assert same(json.loads(kept(value)), json.loads(text))


@pytest.mark.parametrize(
    "text", ["", "[]", "3", "{", '{"a": 1, "a": 2}', '{"a": 1e400}', '{"a": NaN}', '{"a": 1.10}', "[" * 100_000]
)
def test_others_stay_texts(text: str) -> None:
    assert object_in(text) is None


def test_kinds_have_the_words_of_json() -> None:
    values = (None, True, "", 1, 1.5, [], {}, b"")
    assert [kind_of(value) for value in values] == [
        "null",
        "true or false",
        "a text",
        "a number",
        "a number",
        "a list",
        "an object",
        "an object",
    ]
    with pytest.raises(ValueError, match=r"^\.a: must be a text, is null$"):
        text_in({}, "a")
