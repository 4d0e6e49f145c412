"""The glossary: its page in docs/, and words that are there once."""

from pathlib import Path

import pytest

from judgebench.errors import UnknownName
from judgebench.leaderboard import METHODS
from judgebench.show.board import COLUMNS
from judgebench.show.glossary import LABELS, TERMS, explained, meaning

PAGE = Path(__file__).parents[2] / "docs" / "glossary.md"


def test_the_page_in_docs_has_its_rows() -> None:
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    terms = [f"| {term.name} | {term.meaning} | {term.elsewhere or '-'} |" for term in TERMS]
    labels = [f"| {label} | {help} |" for label, help in LABELS.items()]
    assert rows == ["| term | meaning | elsewhere called |", *terms, "| label | meaning |", *labels]


def test_terms_and_their_anchors_are_there_once() -> None:
    names = [term.name.casefold() for term in TERMS]
    anchors = [term.anchor for term in TERMS]
    assert len({*names}) == len(names)
    assert len({*anchors}) == len(anchors)
    assert all(anchors)


def test_columns_and_methods_are_explained_in_their_own_words() -> None:
    columns = {column.heading: column.help for column in COLUMNS}
    assert columns.items() <= LABELS.items()
    assert all(LABELS[method.label] in (method.help, columns.get(method.label)) for method in METHODS.values())
    assert explained("95% low") == explained("low") != ""
    assert explained("no such heading") == ""


def test_explanations_are_plain_sentences_without_markup() -> None:
    for label, help in LABELS.items():
        assert help.endswith("."), label
        assert not set("*_`$[]<>|") & set(help), label


def test_a_word_is_found_whatever_its_case_and_an_unknown_one_is_said() -> None:
    assert [term.meaning for term in meaning("Position Bias")] == ["preference for a place"]
    assert meaning("position-bias") == meaning("position bias")  # as an address names it
    with pytest.raises(UnknownName, match="position bias"):
        meaning("position bia")
