"""Texts as sets of word sequences, and submissions beside each other."""

import json
import re

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from judgebench.audits.submission_set import SubmissionSet, _unescaped, outside_instruction, shingles
from judgebench.conversations import Call, Message, Segment, Trajectory
from judgebench.records import Instruction, Output
from tests.growth import grows_in_proportion

WORDS = [f"word{number}" for number in range(400)]


@given(st.text(max_size=200))
def test_property_sequences_are_distinct_and_sorted(text: str) -> None:
    hashes = shingles(text)
    assert (np.diff(hashes.astype(object)) > 0).all()


def test_one_changed_word_changes_five_sequences_and_no_other() -> None:
    text, changed = " ".join(WORDS[:100]), " ".join([*WORDS[:50], "another", *WORDS[51:100]])
    assert len(shingles(text)) == 96
    assert len(np.setdiff1d(shingles(text), shingles(changed))) == 5
    assert len(shingles("")) == 0
    assert len(shingles("two words")) == len(np.intersect1d(shingles("two words"), shingles("Two WORDS"))) == 1
    assert len(shingles("\u6c34\u57ce\u97f3\u4e50\u5386\u53f2")) == 2  # a script without blanks, by character


def test_a_set_leaves_out_what_was_not_asked_and_names_the_others() -> None:
    submissions = SubmissionSet.of(
        {"i0": "A question", "i1": "Another"}, {"b": {"i0": "B", "zz": "?"}, "a": {}, "c": {}}
    )
    assert submissions.by_model["b"].texts == {"i0": "B"}
    assert [other.model for other in submissions.others("b")] == ["a", "c"]
    assert [evidence.match for evidence in submissions.by_model["b"].first] == ["B"]
    assert submissions.by_model["a"].first == ()


def test_what_the_instruction_holds_does_not_count() -> None:
    pattern = re.compile("[a-z]+!")
    assert outside_instruction(pattern, "say hello! or bye!", "say hello!") is not None
    assert outside_instruction(pattern, "say hello!", "say hello! please") is None


def test_text_in_arguments_of_calls_is_read_without_its_escapes() -> None:
    said = 'First line.\n"Quoted", and \\ more\u00e9.'
    call = Message("assistant", (Call("note", json.dumps({"text": said})),))
    trajectory = Trajectory((Segment(1, (call,)),))
    output = Output("i", "m", "", trajectory=trajectory)
    mine = SubmissionSet.of_outputs({"i": Instruction(("Do it.",))}, {"m": {"i": output}}).by_model["m"]
    assert said in mine.texts["i"]
    assert said in mine.shown["i"]


def test_quotation_marks_without_an_end_are_read_once() -> None:
    def read(size: int) -> None:
        for text in ('\\"' * size, '"' + "\\" * (size + 1), '"' * (size + 1)):
            assert all(isinstance(string, str) for string in _unescaped(text))

    assert grows_in_proportion(read, 400_000)
