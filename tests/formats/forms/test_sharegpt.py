"""What speakers of ShareGPT said comes back as it came."""

import pytest

from judgebench.formats.forms.sharegpt import SHAREGPT
from tests.formats.forms.agent import rewritten, same
from tests.formats.forms.rows import IN_SHAREGPT, SPEECHES, Row


@pytest.mark.parametrize("item", SPEECHES, ids=str)
def test_awkward_speeches_come_back_equal(item: Row) -> None:
    row = {"conversations": [{"from": "human", "value": "x"}, item, {"from": "gpt", "value": "y"}]}
    assert SHAREGPT.recognises(row)
    assert same(rewritten(SHAREGPT, row), row)


def test_the_agents_conversation_comes_back_equal() -> None:
    assert same(rewritten(SHAREGPT, IN_SHAREGPT), IN_SHAREGPT)
