"""judgebench models."""

from tests.cli.conftest import Invoke


def test_models_with_their_lineage(submitted: Invoke) -> None:
    assert submitted("lineage", "set", "beta", "--family", "greek", "--parent", "alpha").code == 0
    rows = submitted("models", "--benchmark", "bench", "--format", "json").json
    assert [(row["model"], row["family"], row["parent"], row["generated"]) for row in rows] == [
        ("alpha", None, None, None),
        ("beta", "greek", "alpha", None),
        ("gamma", None, None, None),
    ]
    assert submitted("models", "--benchmark", "bench").out.splitlines()[2].split() == ["beta", "greek", "alpha"]
    assert submitted("models", "--benchmark", "other").code == 2
