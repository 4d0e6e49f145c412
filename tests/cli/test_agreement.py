"""judgebench agreement."""

from tests.cli.conftest import Invoke


def test_judges_beside_people(judged: Invoke) -> None:
    report = judged("agreement", "--benchmark", "bench", "--resamples", "50", "--format", "json").json
    assert [judge["judge"] for judge in report["judges"]] == ["scripted:always-first", "scripted:coin"]
    assert report["people"]["labels"] == 4
    titles = [line for line in judged("agreement", "--benchmark", "bench").out.splitlines() if not line.startswith(" ")]
    assert titles[0] == "people: 1 annotator, 4 labels on 4 battles"
    assert titles[1].startswith("scripted:always-first and people (4 battles; ")
    assert titles[-1] == "all judges"
