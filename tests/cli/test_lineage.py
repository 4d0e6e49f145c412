"""judgebench lineage."""

from pathlib import Path

from tests.cli.conftest import Invoke


def test_lineage(judged: Invoke, tmp_path: Path) -> None:
    assert judged("lineage", "set", "alpha", "--family", "greek").code == 0
    assert judged("lineage", "set", "alpha", "--family", "latin").code == 2
    assert judged("lineage", "set", "beta").code == 2
    path = tmp_path / "lineage.jsonl"
    path.write_text('{"model": "beta", "family": "greek", "parent": "alpha"}')
    assert judged("lineage", "import", path, "--format", "json").json["new"] == 1
    assert [row["model"] for row in judged("lineage", "list", "--format", "json").json] == ["alpha", "beta"]
    assert judged("lineage", "accept").code == 2
    proposed = judged("lineage", "propose", "--format", "json").json
    assert [each["name"] for each in proposed] == ["gamma"]
