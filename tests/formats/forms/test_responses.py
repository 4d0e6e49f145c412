"""Items of the Responses API come back as they came."""

import pytest

from judgebench.formats.forms.responses import RESPONSES
from tests.formats.forms.agent import agent_keys, keys, rewritten, same
from tests.formats.forms.rows import IN_RESPONSES, ITEMS, Row


@pytest.mark.parametrize("item", ITEMS, ids=str)
def test_awkward_items_come_back_equal(item: Row) -> None:
    row = {"input": [{"role": "user", "content": "x"}, item, {"role": "assistant", "content": "y"}]}
    assert RESPONSES.recognises(row)
    assert same(rewritten(RESPONSES, row), row)


def test_the_agents_conversation_is_the_one_of_other_forms() -> None:
    assert same(rewritten(RESPONSES, IN_RESPONSES), IN_RESPONSES)
    assert keys(RESPONSES, IN_RESPONSES) == agent_keys()
