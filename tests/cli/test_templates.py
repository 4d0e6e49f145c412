"""judgebench templates."""

from tests.cli.conftest import Invoke


def test_templates_need_no_database(invoke: Invoke) -> None:
    rows = invoke("templates", "--format", "json").json
    assert {row["kind"] for row in rows} == {"pairwise", "pointwise"}
    assert len({row["digest"] for row in rows}) == len(rows)
    assert [line.split() for line in invoke("templates").out.splitlines()[1:]] == [
        [row["template"], row["kind"]] for row in rows
    ]
