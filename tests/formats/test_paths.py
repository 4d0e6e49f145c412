"""A path reads the value that stands there, and says how far it led where none does."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.errors import InputError
from judgebench.formats.paths import is_path, parts, reached
from judgebench.formats.reading import FileRow, Place

KEYS = st.text(max_size=6)
VALUES = st.recursive(
    st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, min_size=1, max_size=3) | st.dictionaries(KEYS, inner, min_size=1, max_size=3),
    max_leaves=8,
)


def row(*, texts_only: bool = False, **values: Any) -> FileRow:
    return FileRow(Place("a.json", "row", 3), values, texts_only=texts_only)


@given(held=st.dictionaries(KEYS, VALUES, min_size=1, max_size=3), data=st.data())
def test_property_the_path_of_a_value_reads_it(held: dict[str, Any], data: st.DataObject) -> None:
    path, value = "", held
    while isinstance(value, list | dict) and (not path or data.draw(st.booleans())):
        if isinstance(value, dict):
            key = data.draw(st.sampled_from(sorted(value)))
            plain = key and not set(key) & set(".[]")
            dotted = f"{'.' if path else ''}{key}"
            path += data.draw(st.sampled_from([f"[{json.dumps(key)}]", *([dotted] if plain else [])]))
            value = value[key]
        else:
            place = data.draw(st.integers(-len(value), len(value) - 1))
            path += data.draw(st.sampled_from([f"[{place}]", f".{place}"]))
            value = value[place]
    assert reached(row(**{}) if not held else FileRow(Place("a", "row", 1), held), path) == value


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("choices.0.turns", ("choices", "0", "turns")),
        ("messages[-1].content", ("messages", -1, "content")),
        ('metadata["gold answer"]', ("metadata", "gold answer")),
        ("metadata['a \"b\".c'][0]", ("metadata", 'a "b".c', 0)),
        ('["a.b"].c', ("a.b", "c")),
    ],
)
def test_how_paths_are_written(path: str, expected: tuple[Any, ...]) -> None:
    assert parts(path) == expected
    assert is_path(path)


@pytest.mark.parametrize("path", [".a", "a..b", "a.", "a[", "a[x]", 'a["x]', "a]b", "a[1"])
def test_what_is_no_path(path: str) -> None:
    with pytest.raises(InputError, match="is no path"):
        parts(path)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("chioces.0", "the path leads nowhere, and there is no 'chioces' there .keys: choices, text"),
        ("choices.1.turns", r"the path leads to choices, and the list there has 1 items and no '1'"),
        ("choices[0].turn", r"the path leads to choices\[0\], and there is no 'turn' there .keys: turns"),
        ("choices.first", "the list there has 1 items and no 'first'"),
        ("text.a", "there is text there, which has no 'a'"),
    ],
)
def test_a_path_that_leads_nowhere_says_how_far_it_led(path: str, words: str) -> None:
    with pytest.raises(InputError, match=rf"a\.json, row 3, field '.*': .*{words}"):
        reached(row(choices=[{"turns": ["x"]}], text="t"), path)


def test_json_in_a_cell_is_entered_where_a_file_holds_texts_alone() -> None:
    cell = '[{"turns": ["x"]}]'
    assert reached(row(choices=cell, texts_only=True), "choices.0.turns") == ["x"]
    with pytest.raises(InputError, match="there is text there"):
        reached(row(choices=cell), "choices.0.turns")
    with pytest.raises(InputError, match="expected JSON in this text"):
        reached(row(choices=cell[:-1], texts_only=True), "choices.0.turns")
