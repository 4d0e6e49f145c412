"""judgebench agreement."""

from tests.cli.conftest import Invoke


def test_judges_beside_people(judged: Invoke) -> None:
    report = judged("agreement", "--benchmark", "bench", "--resamples", "50", "--format", "json").json
    assert [judge["judge"] for judge in report["judges"]] == ["scripted:always-first", "scripted:coin"]
    assert report["people"]["labels"] == 4
    shown = judged("agreement", "--benchmark", "bench").out.splitlines()
    counted, left_out, *titles = [line for line in shown if not line.startswith(" ")]
    assert counted == "Judged by scripted:always-first (24 verdicts) and scripted:coin (24 verdicts), each by itself."
    assert left_out == "Left out: nothing."
    assert titles[0] == "people: 1 annotator, 4 labels on 4 battles"
    assert titles[1].startswith("scripted:always-first and people (4 battles; ")
    assert titles[-1] == "all judges"
