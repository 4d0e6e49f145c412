"""Ids in rows: what can be one, and the instruction that it names."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.errors import InputError
from judgebench.formats.fields import Columns
from judgebench.formats.known import NOTHING, AmbiguousId, id_in, ids_beside, joined
from judgebench.formats.reading import FileRow, Place
from judgebench.records import Instruction, Output, is_id

ASKED = {id: Instruction((f"asked as {id}",)) for id in ("81", "82")}


class Two:
    """A benchmark of two instructions, and an id that both have."""

    def instruction(self, id: str) -> Instruction | None:
        if id == "both":
            raise AmbiguousId(id)
        return ASKED.get(id)

    def outputs(self, key: str, model: str) -> tuple[Output, ...]:
        return (Output(key, model, "said"),) if model == "m" else ()


def row(**values: Any) -> FileRow:
    return FileRow(Place("f.jsonl", "row", 3), values)


@pytest.mark.parametrize(
    ("value", "id"),
    [(81, "81"), ("81", "81"), (" a b ", "a b"), (81.0, "81"), (None, None), ("", None), (float("nan"), None)],
)
def test_an_id_is_a_text_or_a_whole_number(value: Any, id: str | None) -> None:
    assert id_in(row(uid=value), "uid") == id


@pytest.mark.parametrize("value", [True, [1], {"a": 1}, "x" * 513, "a\nb", "a\u202eb", 1.5, float("inf"), 10**600])
def test_what_can_be_no_id_is_refused(value: Any) -> None:
    with pytest.raises(InputError, match=r"f\.jsonl, row 3, field 'uid': "):
        id_in(row(uid=value), "uid")


@given(st.text())
def test_every_text_is_an_id_or_is_refused(text: str) -> None:
    try:
        id = id_in(row(uid=text), "uid")
    except InputError:
        return
    assert id is None or is_id(id)


def test_an_id_names_its_own_instruction_and_no_other() -> None:
    for id, instruction in ASKED.items():
        assert joined(Two(), row(uid=id), "uid") is instruction
        assert joined(Two(), row(question_id="7", uid=id), "question_id", "uid") is instruction


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"uid": "80"}, "field 'uid': no instruction of the benchmark has the id '80': import the instructions first"),
        ({"uid": "both"}, "field 'uid': 'both' is the id of several instructions"),
        ({"uid": None}, "field 'uid': is empty"),
        ({"uid": "81", "id": "82"}, "field 'uid': names another instruction of the benchmark than 'id' does"),
    ],
)
def test_what_joins_nothing_says_why(values: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        joined(Two(), row(**values), *values)


def test_nothing_knows_nothing() -> None:
    assert NOTHING.instruction("81") is None
    assert NOTHING.outputs("k", "m") == ()


def test_all_ids_of_a_row_are_kept() -> None:
    told = row(question_id=81, uid="u", session_id=None, other="x", ids=["b", "a"], id={"$oid": 1})
    assert ids_beside(told, Columns({})) == ("81", "a", "b", "u")
    assert ids_beside(told, Columns({"id": "other"})) == ("a", "b", "x")


@pytest.mark.parametrize("name", ["object", "choices", "role"])
def test_the_id_of_a_reply_is_none_of_the_instruction(name: str) -> None:
    assert ids_beside(row(id="chatcmpl-1", question_id=81, **{name: "x"}), Columns({})) == ("81",)
