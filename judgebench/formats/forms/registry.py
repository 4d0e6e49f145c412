"""The table of forms: how rows that hold conversations are recognised, read and written.

A further form is a module of its own and one entry here. The more a form demands of a row, the earlier it stands: the
first that recognises a row is its form.
"""

from collections.abc import Mapping
from typing import Any

from judgebench.errors import UnknownName
from judgebench.formats.forms import Form
from judgebench.formats.forms.anthropic import ANTHROPIC
from judgebench.formats.forms.gemini import GEMINI
from judgebench.formats.forms.inspect import INSPECT
from judgebench.formats.forms.openai_chat import OPENAI, VLLM
from judgebench.formats.forms.promptfoo import PROMPTFOO
from judgebench.formats.forms.responses import RESPONSES
from judgebench.formats.forms.sharegpt import SHAREGPT

FORMS: tuple[Form, ...] = (INSPECT, PROMPTFOO, SHAREGPT, GEMINI, ANTHROPIC, RESPONSES, VLLM, OPENAI)


def recognise(values: Mapping[str, Any]) -> Form | None:
    """The form of a row; None where it holds no conversation."""
    if all(_is_text(value) for value in values.values()):
        return None
    return next((form for form in FORMS if form.recognises(values)), None)


def _is_text(value: Any) -> bool:
    """Whether it is certainly no message, nor a list of some: a text, a number or null, or texts."""
    if isinstance(value, list):
        return bool(value) and all(isinstance(item, str) for item in value)
    return not isinstance(value, Mapping)


def named(name: str) -> Form:
    """Raises UnknownName."""
    forms = {form.name: form for form in FORMS}
    if name not in forms:
        raise UnknownName("form", name, forms)
    return forms[name]
