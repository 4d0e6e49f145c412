"""Wherever an output is shown, its images, its steps and its goals are shown beside it."""

import csv
import json
import re
from contextlib import closing
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

import judgebench
from judgebench import services
from judgebench.cli.main import app
from judgebench.store.database import Database
from tests.app.visit import Visit
from tests.pictures import data_url, png

# What writes the text of outputs, and what of this file looks at it: a new place needs an entry, and an image there.
_WRITES = re.compile(
    r"\bpassages\(|\bhighlighted\(|\.evidence\b|\.whole\b(?=,|\[|\))|\boutput\.text\b|\boutput_text\("
    r"|\bBesideOutputs\(|\bfigures\("
)
_LOOKED_AT = {
    "app/screens/audits.py": "/audits",
    "app/screens/battles.py": "/battles",
    "app/screens/instruction.py": "/instruction",
    "app/screens/model.py": "/model",
    "app/screens/steps.py": "/steps",
    "app/screens/vote.py": "/vote",
    "app/views/about.py": "/model",
    "app/views/diff.py": "/audits",
    "app/views/findings.py": "/audits",
    "app/views/submission.py": "/submit",
    "judgebench/show/conversations.py": "everywhere",
    "judgebench/show/html.py": "HTML files",
    "judgebench/show/seen.py": "everywhere",
    "judgebench/show/steps.py": "everywhere",
}
_NO_OUTPUTS = {  # they name what the pattern finds, and write no output
    "app/views/cards.py": "the evidence of a card's line, a sentence",
    "judgebench/show/goals.py": "the rate of the whole",
    "judgebench/show/results.py": "the evidence of a card's line, a sentence",
    "judgebench/show/tables.py": "a terminal's first place of a finding",
    "judgebench/show/versions.py": "a change's whole",
}
_INSTRUCTIONS = 12
_TEXT = "A fine answer.\n\nIt is here."


def rows(colour: str, text: str) -> list[dict[str, Any]]:
    """Outputs with an image each, to instructions of their own."""
    return [
        {
            "messages": [
                {"role": "user", "content": f"Draw card {number}."},
                {
                    "role": "assistant",
                    "content": [
                        {"type": "text", "text": text.format(number=number)},
                        {"type": "image_url", "image_url": {"url": data_url(png(colour, (200, 120)))}},
                    ],
                },
            ]
        }
        for number in range(_INSTRUCTIONS)
    ]


def filled(path: Path) -> str:
    """Two models with images, of which one says the same each time; judged, in steps, by goals, and audited. Returns
    the key of an instruction."""
    with closing(Database(str(path), create=True)) as database:
        for model, colour, text in (("constant", "red", _TEXT), ("other", "blue", "Card {number}.\n\nIn blue.")):
            judgebench.submit(
                *(database, pd.DataFrame(rows(colour, text))),
                **{"model": model, "benchmark": "cards", "new_benchmark": model == "constant", "audit": False},
            )
        judgebench.run(database, benchmark="cards", judge="scripted:coin", all_pairs=True)
        for judge, template in (("scripted:all-good", "pointwise/steps"), ("scripted:goals", "pointwise/goals")):
            judgebench.run(database, benchmark="cards", judge=judge, template=template)
        services.audits.submissions.audit_stored(database, "cards", ["constant", "other"])
        [audit] = [one for one in services.audits.results.audits(database, "cards") if one.model == "constant"]
        spans = [span for finding in audit.document["findings"] for span in finding.get("evidence", ())]
    return str(spans[0]["instruction"])


def is_beside(html: str) -> bool:
    """Whether an image, a list of steps and a list of goals are in it."""
    return all(
        re.search(words, html) for words in ('src="data:image/', r"no error in 2 steps", r"\d of \d goals? reached")
    )


def test_every_place_that_writes_outputs_is_looked_at_here() -> None:
    root = Path(judgebench.__file__).parent.parent
    files = [*(root / "app").rglob("*.py"), *(root / "judgebench" / "show").glob("*.py")]
    writing = {str(path.relative_to(root)) for path in files if _WRITES.search(path.read_text())}
    assert writing == {*_LOOKED_AT, *_NO_OUTPUTS}


@pytest.mark.browser
@pytest.mark.slow
def test_every_page_shows_images_steps_and_goals_beside_outputs(visit: Visit, no_data: Path, tmp_path: Path) -> None:
    key = filled(no_data)
    for address in (
        f"/instruction?instruction={key}",
        f"/battles?instruction={key}&a=constant&b=other",
        "/model?model=constant&show=outputs",
        "/model?model=constant&show=findings",
        "/audits",
        "/steps",
    ):
        page = visit.open(address)
        page.locator("figure img").first.wait_for(state="attached")
        html = page.locator("[data-testid=stMain]").inner_html()
        assert is_beside(html), address
        wide = page.locator("figure img").evaluate_all("all => all.map(image => image.naturalWidth)")
        assert set(wide) == {200}, address
    page = visit.open("/vote")
    page.locator("figure img").first.wait_for()
    assert "no error in" not in page.locator("[data-testid=stMain]").inner_html()  # it would sway the vote
    page.get_by_role("button", name="First is better").click()
    page.get_by_text("no error in 2 steps").first.wait_for()
    assert is_beside(page.locator("[data-testid=stMain]").inner_html())
    page = visit.open("/submit")
    file = tmp_path / "again.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows("red", _TEXT)))
    page.set_input_files("input[type=file]", str(file))
    page.get_by_text("repeated-output").first.wait_for()
    page.get_by_text("Where", exact=True).click()
    page.locator("[data-testid=stExpander] figure img").first.wait_for()
    visit.nothing_happened()


@pytest.mark.slow
def test_files_hold_images_steps_and_goals_beside_outputs(tmp_path: Path) -> None:
    path = tmp_path / "cards.db"
    filled(path)
    run, at = CliRunner(), ("--db", str(path))
    for command in (
        ("battles", "--benchmark", "cards"),
        ("leaderboard", "--benchmark", "cards", "--judge", "scripted:coin"),
        ("audit", "submissions", "--benchmark", "cards"),
        ("steps", "--benchmark", "cards"),
    ):
        page = tmp_path / f"{command[0]}.html"
        assert run.invoke(app, [*at, *command, "--html", str(page)]).exit_code in (0, 1), command
        assert is_beside(page.read_text()), command
    full = run.invoke(app, [*at, "battles", "--benchmark", "cards", "--limit", "1", "--full"]).output
    assert all(words in full for words in ("SHA-256", "no error in 2 steps", "reached", "In blue."))
    printed = run.invoke(app, [*at, "battles", "--benchmark", "cards", "--limit", "1", "--full", "--format", "json"])
    [battle] = json.loads(printed.stdout)["battles"]
    assert battle["goals"]
    assert battle["steps"]


@pytest.mark.slow
@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_exports_hold_images_steps_and_goals(tmp_path: Path, ending: str) -> None:
    path = tmp_path / "cards.db"
    filled(path)
    with closing(Database(str(path))) as database:
        read = {}
        for kind in ("outputs", "verdicts"):
            file = tmp_path / f"{kind}.{ending}"
            judgebench.export(database, kind, file, benchmark="cards")
            read[kind] = _rows(file)
    assert sum("iVBOR" in str(row["output_messages"]) for row in read["outputs"]) >= 2  # each of two images once
    assert sum(bool(row["verdict_spans"]) for row in read["verdicts"]) == 2 * _INSTRUCTIONS
    assert sum(bool(row["verdict_goals"]) for row in read["verdicts"]) == 2 * _INSTRUCTIONS


def _rows(file: Path) -> list[dict[str, Any]]:
    if file.suffix == ".csv":
        with file.open(newline="") as opened:
            csv.field_size_limit(1 << 24)
            return list(csv.DictReader(opened))
    if file.suffix == ".jsonl":
        return [json.loads(line) for line in file.read_text().splitlines()]
    table: list[dict[str, Any]] = pq.read_table(file).to_pylist()
    return table
