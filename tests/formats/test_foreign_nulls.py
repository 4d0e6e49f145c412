"""Nulls that a columnar file adds to calls and tools are looked for only where such an object may be."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from judgebench.formats.foreign_nulls import may_have_nulls, without_nulls

KEYS = st.sampled_from(("name", "function", "arguments", "input", "input_schema", "content", 'a "arguments": b'))
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | KEYS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_a_row_that_cannot_have_them_has_none(row: dict[str, Any]) -> None:
    if not may_have_nulls(json.dumps(row, ensure_ascii=False).encode()):
        assert without_nulls(row) == (row, 0)
