"""judgebench glossary: all terms, or one by its name."""

import pytest

from judgebench.show.glossary import TERMS
from tests.cli.conftest import Invoke


@pytest.mark.slow
def test_it_prints_one_term_or_all(invoke: Invoke) -> None:
    assert invoke("glossary", "Position Bias").out == "position bias: preference for a place\n"
    assert [row["term"] for row in invoke("glossary", "--format", "json").json] == [term.name for term in TERMS]
    assert all(term.name in invoke("glossary").out for term in TERMS)


def test_an_unknown_term_is_told_from_a_known_one(invoke: Invoke) -> None:
    refused = invoke("glossary", "position bia")
    assert refused.code == 2
    assert "position bias" in refused.err
