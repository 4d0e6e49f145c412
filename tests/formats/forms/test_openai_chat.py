"""Chat messages come back as they came, and mean what they mean in other forms."""

import pytest

from judgebench.formats.forms.openai_chat import OPENAI, VLLM
from tests.formats.forms.agent import IN_VLLM, agent_keys, keys, rewritten, same
from tests.formats.forms.rows import CHAT_MESSAGES, IN_OPENAI_CHAT, VLLM_MESSAGES, Row, chat_row


@pytest.mark.parametrize("message", CHAT_MESSAGES, ids=str)
def test_awkward_messages_come_back_equal(message: Row) -> None:
    row = chat_row(message)
    assert OPENAI.recognises(row)
    assert same(rewritten(OPENAI, row), row)


@pytest.mark.parametrize("message", VLLM_MESSAGES, ids=str)
def test_reasoning_comes_back_under_the_names_that_it_had(message: Row) -> None:
    row = chat_row(message)
    assert VLLM.recognises(row)
    assert same(rewritten(VLLM, row), row)


def test_the_agents_conversation_comes_back_equal() -> None:
    assert same(rewritten(VLLM, IN_VLLM), IN_VLLM)
    assert same(rewritten(OPENAI, IN_OPENAI_CHAT), IN_OPENAI_CHAT)
    assert keys(OPENAI, IN_OPENAI_CHAT)[0] == agent_keys()[0]
