"""judgebench compare."""

from tests.cli.conftest import Invoke


def test_two_models_beside_each_other(judged: Invoke) -> None:
    where = ("--benchmark", "bench", "--judge", "scripted:coin")
    between = judged("compare", "alpha", "beta", *where, "--format", "json").json
    pairs = judged("matrix", *where, "--format", "json").json["pairs"]
    [pair] = [pair for pair in pairs if (pair["model"], pair["opponent"]) == ("alpha", "beta")]
    assert between["whole"]["estimate"]["value"] == pair["win_rate"]
    assert len(between["battles"]) == pair["battles"]
    shown = judged("compare", "alpha", "beta", *where)
    assert "alpha against beta" in shown.out
    assert judged("compare", "alpha", "alpha", *where).code == 2
    assert judged("compare", "alpha", "nobody", *where).code == 2
