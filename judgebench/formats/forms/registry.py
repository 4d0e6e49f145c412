"""The table of forms: how rows that hold conversations are recognised, read and written.

A further form is a module of its own and one entry here, in both tables. The more a form demands of a row, the earlier
it stands: the first that recognises a row is its form.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from judgebench.errors import UnknownName
from judgebench.formats.forms import Form

HELP: Mapping[str, str] = {  # by the form's name, one sentence
    "inspect": "A sample of an Inspect log: input, messages, output and attachments.",
    "promptfoo": "Results of promptfoo: prompt.raw, a text or a list of chat messages, and response.output.",
    "sharegpt": "Conversations of ShareGPT: a list of from and value, with system and tools beside it.",
    "gemini": "Google's Gemini: contents with parts, systemInstruction, tools and candidates.",
    "anthropic": "Anthropic Messages: messages with blocks, system and tools beside them.",
    "responses": "Items of OpenAI's Responses API: input, instructions and output.",
    "vllm": "As openai-chat, with the model's reasoning apart: reasoning, reasoning_content or thinking.",
    "openai-chat": "Messages of OpenAI's chat API: messages with role, content and tool_calls.",
}


@cache
def all_forms() -> tuple[Form, ...]:
    """In the order of HELP. They are loaded when a row needs one: most files hold texts."""
    from judgebench.formats.forms.anthropic import ANTHROPIC
    from judgebench.formats.forms.gemini import GEMINI
    from judgebench.formats.forms.inspect import INSPECT
    from judgebench.formats.forms.openai_chat import OPENAI, VLLM
    from judgebench.formats.forms.promptfoo import PROMPTFOO
    from judgebench.formats.forms.responses import RESPONSES
    from judgebench.formats.forms.sharegpt import SHAREGPT

    return INSPECT, PROMPTFOO, SHAREGPT, GEMINI, ANTHROPIC, RESPONSES, VLLM, OPENAI


def recognise(values: Mapping[str, Any]) -> Form | None:
    """The form of a row; None where it holds no conversation."""
    if all(_is_text(value) for value in values.values()):
        return None
    return next((form for form in all_forms() if form.recognises(values)), None)


def _is_text(value: Any) -> bool:
    """Whether it is certainly no message, nor a list of some: a text, a number or null, or texts."""
    if isinstance(value, list):
        return bool(value) and all(isinstance(item, str) for item in value)
    return not isinstance(value, Mapping)


def named(name: str) -> Form:
    """Raises UnknownName."""
    form = next((form for form in all_forms() if form.name == name), None)
    if form is None:
        raise UnknownName("form", name, HELP)
    return form
