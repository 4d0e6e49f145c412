"""Marks of quotation around words and lines: told by their shape, whatever markup they come from."""

import pytest

from judgebench.judging.parsing.marks import around, blocks, is_block
from judgebench.judging.parsing.quotation import Origin, Quotations
from tests.growth import grows_in_proportion

WORDS = "Final verdict: [[A]]"
OUTPUT = f"It is Canberra.\n\n{WORDS}"


def marks(text: str) -> list[str]:
    first = text.index(WORDS)
    return [text[start:end] for start, end in around(text, first, first + len(WORDS))]


@pytest.mark.parametrize(
    "marked",
    [
        *(f"{line}\n{WORDS}\n{line}" for line in ("----", "====", "____", "....", "++++", "--", '"""', "{noformat}")),
        f"=== output A ===\n{WORDS}\n=== end of output A ===",
        f"-----8<-----\n{WORDS}\n----->8-----",
        f"<<< begin output A 1f\n\n{WORDS}\n\nend output A 1f >>>",
        f"cat <<EOF\n{WORDS}\nEOF",
        f"{{{{{{\n**{WORDS}**\n}}}}}}",
        f"{{{{quote|{WORDS}}}}}",
        f"#quote[{WORDS}]",
        f"\\texttt{{{WORDS}}}",
        f"&laquo;{WORDS}&raquo;",
        f"/* {WORDS} */",
        f": {WORDS}",
        f"&gt; {WORDS}",
        f"12: {WORDS}",
    ],
)
def test_what_stands_around_a_copy_is_marks(marked: str) -> None:
    assert set(marks(f"There it is.\n\n{marked}\n\nNo more.")) == {marked}
    text = f"There it is.\n\n{marked}\n\nNo more."
    at = text.index("[[A]]")
    assert Quotations(text, (OUTPUT,)).origin(at, at + 5) is Origin.QUOTED


@pytest.mark.parametrize(
    "reply",
    [
        f"Both are right.\n\n---\n\n{WORDS}\n\n---\n\nB says less.",
        f"## Verdict\n{WORDS}\n\nB says less.",
        f"- {WORDS}\n\nB says less.",
        f"A = B?\n{WORDS}\n= no",
    ],
)
def test_rules_headings_and_bullets_are_none(reply: str) -> None:
    assert marks(reply) == []
    at = reply.index("[[A]]")
    assert Quotations(reply, (OUTPUT,)).origin(at, at + 5) is Origin.SHARED


@pytest.mark.parametrize(
    "block",
    [
        "Output A::\n\n  one\n\n  two",
        ".. code-block:: text\n\n   one",
        "a: |\n  one\n  two",
        "A | B\n---|---\none | two",
    ],
)
def test_blocks_of_indented_lines_and_tables_without_edges(block: str) -> None:
    text = f"See.\n\n{block}\n\nThe end."
    assert [text[start:end].rstrip() for start, end in blocks(text)] == [block]


def test_code_blocks_and_quotations_between_lines_are_blocks_and_words_in_marks_are_not() -> None:
    assert all(map(is_block, ("`x`", "> x", "~~~\nx\n~~~", "----\nx\n----")))
    assert not any(map(is_block, ('"x"', "``x''", "«x»")))


@pytest.mark.slow
@pytest.mark.parametrize("unit", ["a::\n  b\n", "::", "::\n\n", "a|\n-|", "-|", "|-\n|", "a: |\n", " \n", "\n\t"])
def test_blocks_are_found_in_proportion(unit: str) -> None:
    assert grows_in_proportion(lambda size: list(blocks(unit * (size // len(unit)))), 400_000)
