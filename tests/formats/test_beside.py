"""What stands beside an output in a row fits the output, or is refused."""

from pathlib import Path

import pytest

from judgebench import services
from judgebench.errors import InputError
from tests.formats.writing import write_rows


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"output_steps": [5, 8]}, "rising to 9"),
        ({"output_steps": "[5"}, "cannot be read as JSON"),
        ({"output_marks": [{"annotator": "a", "spans": [{"start": 0, "stop": 10, "kind": "k"}]}]}, "a place in the 9"),
        ({"output_marks": [{"annotator": "a", "spans": [{"start": 0, "stop": 1}]}]}, "a rating"),
        ({"output_marks": [{"annotator": "a", "spans": [{"start": 0, "stop": 1, "rating": "fine"}]}]}, "a rating"),
        ({"output_marks": [{"spans": []}]}, "objects with annotator"),
    ],
)
def test_what_does_not_fit_the_output_is_refused(tmp_path: Path, values: dict[str, object], why: str) -> None:
    path = write_rows(tmp_path / "a.jsonl", [{"instruction": "Two?", "output": "1. a\n2. b", "model": "m"} | values])
    with pytest.raises(InputError, match=rf"a\.jsonl, line 1, field 'output_.*{why}"):
        services.imports.read(path)
