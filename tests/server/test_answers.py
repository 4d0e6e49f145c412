"""A result is answered as what it is: never as a page that a browser would open."""

import json

import pytest

from judgebench.server.answers import answered
from judgebench.show.printed import Printed, table


@pytest.mark.parametrize(("form", "kind"), [("csv", "text/csv"), ("markdown", "text/markdown"), ("html", "text/plain")])
def test_texts_are_files(form: str, kind: str) -> None:
    answer = answered("<script>", form, {"Judgebench-Decision": "worse"})
    assert answer.headers["content-type"].startswith(kind)
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert (answer.headers["judgebench-decision"], answer.body) == ("worse", b"<script>")


def test_all_else_is_json() -> None:
    shown = Printed(("line", table(("a",), [("b",)])))
    assert json.loads(bytes(answered(shown, "table").body)) == json.loads(json.dumps(shown.document()))
    assert json.loads(bytes(answered({"a": 1}, "json").body)) == {"a": 1}
