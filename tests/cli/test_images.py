"""Images at the command line: from a file to a leaderboard, and refused in one line with exit code 2."""

import base64
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Invoke
from tests.clients.test_image_probe import NO, refusing
from tests.engine.test_vision import pairs
from tests.fault_server import FaultServer
from tests.formats.test_local_images import BAD, asked
from tests.formats.writing import write_rows
from tests.pictures import data_url, png
from tests.vision import seeing


def judged_by(url: str) -> tuple[str, ...]:
    judge = ("--judge", "judge", "--judge-url", url, "--template", "pairwise/vision")
    return ("run", "--benchmark", "mj-bench", "--all-pairs", *judge, "--format", "json")


def test_pairs_of_images_go_from_a_file_to_a_leaderboard_and_a_page(invoke: Invoke, tmp_path: Path) -> None:
    done = invoke("import", str(pairs(tmp_path, 6)))
    assert done.code == 0, done.err
    with seeing() as server:
        plan = invoke(*judged_by(server.url), "--dry-run").json
        assert (plan["calls"], plan["images"], plan["image_tokens_estimate"]) == (12, 24, 24 * 3)
        words = invoke(*judged_by(server.url)[:-2], "--dry-run").out
        assert "24 images to show, about 72 tokens of the prompts (pixels / 750" in words
        report = invoke(*judged_by(server.url))
    assert (report.code, report.json["ok"], report.json["not_shown"]) == (0, 12, {}), report.err
    board = invoke("leaderboard", "--benchmark", "mj-bench", "--format", "json").json
    assert [(row["model"], row["win_rate"]) for row in board["rows"]] == [("image0", 1.0), ("image1", 0.0)]
    page = tmp_path / "battles.html"
    assert invoke("battles", "--benchmark", "mj-bench", "--html", str(page)).code == 0
    assert page.read_text().count('<img src="data:image/png;base64,') == 12


@pytest.mark.parametrize("name", ["vllm", "llama.cpp", "openrouter"])
def test_a_judge_that_reads_is_refused_in_one_line(invoke: Invoke, tmp_path: Path, name: str) -> None:
    invoke("import", str(pairs(tmp_path, 2)))
    with FaultServer(refusing(NO[name])) as server:
        done = invoke(*judged_by(server.url))
        asked_of_it = [request for request in server.requests if request.method == "POST"]
    assert (done.code, done.out) == (2, "")
    assert "sees no images" in done.err
    assert len(done.err.strip().splitlines()) == 1
    assert len(asked_of_it) == 1


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_image_is_refused_in_one_line(invoke: Invoke, tmp_path: Path, name: str) -> None:
    data, why = BAD[name]
    rows = [asked(data_url(png())), asked(f"data:image/png;base64,{base64.b64encode(data).decode()}")]
    path = write_rows(tmp_path / "o.jsonl", rows)
    done = invoke("import", str(path), "--benchmark", "cards")
    assert done.code == 2
    assert f"o.jsonl, line 2, field 'messages': holds {why}" in done.err
    assert "cards" not in invoke("benchmarks").out  # nothing is stored


def test_a_test_of_a_judge_says_whether_it_sees(invoke: Invoke) -> None:
    reading = FaultServer(refusing(NO["ollama"]))
    for server, words in ((seeing(), "images              yes"), (reading, "images              no: this")):
        with server:
            add = ("judges", "add", f"eye-{server.port}", "--model", "judge", "--url", server.url)
            assert invoke(*add, "--template", "pairwise/vision").code == 0
            assert words in invoke("judges", "test", f"eye-{server.port}").out


def drawn(model: str, colour: str, number: int) -> dict[str, Any]:
    row = asked(data_url(png("green", (8, 8 + number))))
    row["messages"][1]["content"] = [{"type": "image_url", "image_url": {"url": data_url(png(colour))}}]
    return row | {"model": model}


def test_findings_of_audits_name_images_and_not_empty_texts(invoke: Invoke, tmp_path: Path) -> None:
    """One image, whatever was asked."""
    colours = (("one", "red"), ("other", "blue"))
    rows = [drawn(model, colour, number) for model, colour in colours for number in range(30)]
    done = invoke("import", str(write_rows(tmp_path / "o.jsonl", rows)), "--benchmark", "b")
    assert done.code == 0, done.err
    report = invoke("audit", "submissions", "--benchmark", "b", "--format", "json")
    spans = [span["match"] for finding in report.json["findings"] for span in finding["evidence"]]
    assert spans
    assert all(span.startswith("image ") for span in spans)
