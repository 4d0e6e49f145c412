"""One conversation of an agent, written by hand in several forms, and what tests of forms do with it."""

import base64
import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from judgebench.conversations import Blob, cut
from judgebench.formats.forms import Dialogue, Form, losses
from judgebench.formats.forms.openai_chat import VLLM
from judgebench.records import Instruction, Output

PICTURE = b"\x89PNG\r\n\x1a\n not really a picture"
PICTURE_TEXT = base64.b64encode(PICTURE).decode()
SCHEMA = {"type": "object", "properties": {"days": {"type": "integer"}}, "required": ["days"]}
IN_VLLM = {
    "messages": [
        {"role": "system", "content": "You serve the staff."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Book leave as in the picture."},
                {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PICTURE_TEXT}"}},
                {"type": "text", "text": "Three days."},
            ],
        },
        {
            "role": "assistant",
            "reasoning": "The tool books.",
            "content": "Let me try.",
            "tool_calls": [{"id": "c9", "type": "function", "function": {"name": "book", "arguments": '{"days":3}'}}],
        },
        {"role": "tool", "tool_call_id": "c9", "content": "error 500"},
        {"role": "assistant", "content": "It failed."},
        {"role": "user", "content": "And my payslip?"},
        {"role": "assistant", "content": "Here it is."},
    ],
    "tools": [{"type": "function", "function": {"name": "book", "description": "Books leave.", "parameters": SCHEMA}}],
}


def keys(form: Form, row: Mapping[str, Any]) -> tuple[str, str]:
    """The instruction's key and the output's digest."""
    return keys_of(form.read(row, {}))


def keys_of(dialogue: Dialogue) -> tuple[str, str]:
    asked, trajectory = cut(dialogue.conversation, prompt=dialogue.prompt)
    instruction = Instruction(asked.turns, full=asked)
    return instruction.key, Output(instruction.key, "m", "", trajectory=trajectory).digest


def rewritten(form: Form, row: Mapping[str, Any]) -> dict[str, Any]:
    """The row, read and written again in its form."""
    blobs: dict[str, Blob] = {}
    return form.write(form.read(row, blobs).conversation, blobs)


def agent_keys() -> tuple[str, str]:
    return keys(VLLM, IN_VLLM)


def carried(source: Form, row: Mapping[str, Any], target: Form) -> dict[str, Any]:
    """The row in another form."""
    blobs: dict[str, Blob] = {}
    return target.write(source.read(row, blobs).conversation, blobs)


def refusal(form: Form, row: Mapping[str, Any]) -> str:
    """Why the form does not read the row; empty where it does, and writes it again."""
    try:
        rewritten(form, row)
    except ValueError as error:
        return str(error)
    return ""


def lost(source: Form, row: Mapping[str, Any], target: Form) -> Counter[str]:
    """What the other form cannot say of the row."""
    blobs: dict[str, Blob] = {}
    return losses(target, source.read(row, blobs).whole, blobs)


def same(one: Any, other: Any) -> bool:
    """Whether two values are equal as JSON, where 1, 1.0 and true differ."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-9, 9)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=6)
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


def objects(required: Mapping[str, Any], *keys: str) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with these keys, any of ``keys`` with any value, and perhaps keys that nobody knows."""
    known = st.fixed_dictionaries(dict(required), optional=dict.fromkeys(keys, ANYTHING))
    return st.builds(lambda odd, even: odd | even, st.dictionaries(st.text(max_size=6), ANYTHING, max_size=2), known)
