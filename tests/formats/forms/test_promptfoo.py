"""Prompts and outputs of promptfoo come back as they came."""

from typing import Any

import pytest

from judgebench.formats.forms.promptfoo import PROMPTFOO
from tests.formats.forms.agent import same
from tests.formats.forms.rows import OUTPUTS


@pytest.mark.parametrize("output", OUTPUTS, ids=str)
def test_outputs_come_back_equal(output: Any) -> None:
    row = {"prompt": {"raw": "Hm?"}, "response": {"output": output}}
    assert PROMPTFOO.recognises(row)
    assert same(PROMPTFOO.write(PROMPTFOO.read(row, {}).whole, {}), row)
