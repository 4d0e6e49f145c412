"""judgebench card."""

from pathlib import Path

from tests.cli.conftest import Invoke


def test_a_card_as_one_file(judged: Invoke, tmp_path: Path) -> None:
    path = tmp_path / "card.html"
    assert judged("card", "--judge", "scripted:coin", "--html", path).code == 0
    text = path.read_text()
    assert "<script" not in text
    assert "http" not in text.replace("http-equiv", "")
    assert "scripted:coin on bench" in text


def test_files_that_cannot_be_written(judged: Invoke, tmp_path: Path) -> None:
    for path in (tmp_path / "no" / "file", tmp_path):
        for command in (("card", "--html", path), ("labels", "queue", "--benchmark", "bench", "--out", path)):
            done = judged(*command, "--judge", "scripted:coin")
            assert (done.code, done.out) == (2, "")
            assert "cannot be written" in done.err


def test_names_that_are_not_there(judged: Invoke) -> None:
    for command in (("bias", "--benchmark", "b"), ("card", "--judge", "nobody"), ("agreement", "--benchmark", "b")):
        done = judged(*command)
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith("judgebench: unknown")
    assert judged("bias", "--benchmark", "bench", "--judge", "nobody").code == 2
    assert judged("card", "--judge", "scripted:coin", "--benchmark", "other").code == 2
