"""Tables hold every model and number, and nothing in them is a formula or markup."""

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest

from judgebench.audits.findings import AuditReport, Evidence, Finding, Severity
from judgebench.audits.robustness import invariance, robustness_report, sensitivity
from judgebench.bias.counterfactual import Counterfactuals, WithoutEffect
from judgebench.estimate import Estimate, unidentified
from judgebench.leaderboard import DATA_COLUMNS, Leaderboard
from judgebench.show import tables
from judgebench.show.numbers import Labelled
from judgebench.show.tables import audit_tables, finding_line, report_lines
from judgebench.stats.win_rate import PairRates
from tests.show.factories import board, known, ledger


def marked(flag: str) -> Leaderboard:
    plain = board([0.6, 0.4], 0.1, names=["=HYPERLINK(1)", "[x](javascript:1)|<b>"])
    return replace(plain, rows=tuple(replace(row, flag=flag) for row in plain.rows))


def test_csv_holds_no_formula_and_markdown_no_markup() -> None:
    bad = marked("")
    assert "'=HYPERLINK(1)" in tables.board_csv(bad)
    assert r"\[x\]\(javascript:1\)\|\<b\>" in tables.board_markdown(bad)
    assert json.loads(json.dumps(tables.board_document("b", bad)))["rows"][0]["model"] == "=HYPERLINK(1)"


def test_the_mark_of_an_audit_is_in_every_form() -> None:
    flagged = marked("audit: copied-output")
    assert "copied-output" in tables.board_markdown(flagged)
    assert [row["flag"] for row in csv.DictReader(io.StringIO(tables.board_csv(flagged)))] == [
        "audit: copied-output"
    ] * 2
    assert tables.board_headings(flagged)[-1] == "note"


def test_a_board_says_its_columns_and_what_it_rests_on() -> None:
    plain = board([0.6, 0.4], 0.1)
    cells = tables.board_cells(plain, plain.rows[0])
    assert dict(zip(tables.board_headings(plain), cells, strict=True)) == {
        "rank": "1",
        "range": "1-2",
        "model": "A",
        "win rate": "60.0%",
        "interval": "[40.0%, 80.0%]",
        "battles": "10",
        "ties": "1",
    }
    assert r"- 95% intervals: normal. Rank ranges hold for all models at once." in tables.board_markdown(plain)
    assert tables.board_csv(plain).splitlines()[0] == ",".join(DATA_COLUMNS)
    assert tables.board_document("b", plain)["interval"] == {"level": 0.95, "method": "normal"}


@pytest.mark.parametrize(
    ("method", "scale", "headings"),
    [
        ("length-controlled", "rate", ["length-controlled", "interval", "win rate", "battles", "ties"]),
        ("bradley-terry", "elo", ["elo", "interval", "win rate", "battles", "ties"]),
        ("score", "score", ["score", "interval", "outputs"]),
    ],
)
def test_headings_follow_from_the_method(method: str, scale: str, headings: list[str]) -> None:
    assert tables.board_headings(board([0.5], 0.1, method=method, scale=scale))[3:] == headings


def test_pairs_are_written_once_a_direction() -> None:
    rate = np.array([[np.nan, 0.75, np.nan], [0.25, np.nan, np.nan], [np.nan] * 3])
    battles = np.array([[0, 4, 0], [4, 0, 0], [0, 0, 0]])
    rates = PairRates(("a", "b", "=c"), rate, rate, rate, battles, 0.95, "Wilson")
    rows = list(csv.DictReader(io.StringIO(tables.pairs_csv(rates, ["b", "=c", "a"]))))
    assert [(row["model"], row["opponent"], row["win_rate"]) for row in rows] == [
        ("b", "a", "0.25"),
        ("a", "b", "0.75"),
    ]


def test_moves_hold_what_is_shown_without_the_baseline() -> None:
    rates = {"a": (0.4, 0.7), "base": (0.5, 0.5), "b": (0.6, 0.5)}
    moves = tables.moves(ledger(rates, (("a", "base"), ("a", "b")), {"b": "audit: near-copy"}), "base")
    assert [(move.model, move.passes, move.flag) for move in moves] == [
        ("a", ("base", "b"), ""),
        ("b", (), "audit: near-copy"),
    ]
    assert [move.change.value for move in moves] == pytest.approx([0.3, -0.1])
    assert [(move.win_rate.value, move.without.value) for move in moves] == [(0.4, 0.7), (0.6, 0.5)]


def test_nothing_known_moves_nobody() -> None:
    nothing = Counterfactuals(
        (WithoutEffect("x", "", None, None, (), ()),), WithoutEffect("all", "", None, None, (), ()), 5
    )
    assert tables.moves(nothing) == []


def test_a_table_of_estimates_leaves_out_columns_that_hold_nothing() -> None:
    identified, missing = Labelled("known", known(0.6)), Labelled("unknown", unidentified("no trial was repeated"))
    assert set(tables.estimate_columns([identified], "b")) == {"What", "Value", "95% interval", "n", "Method"}
    columns = tables.estimate_columns([missing, Labelled("nobody asked", None)], "b")
    assert columns["Not known because"] == ["no trial was repeated"]
    assert "--repeats" in columns["What would give it"][0]
    assert "Method" not in columns
    assert columns["Interval"] == [""]  # of no level
    sure = Labelled("sure", replace(known(0.6), level=0.99))
    assert tables.estimate_columns([identified, sure, missing], "b")["Interval"] == [
        *("[50.0%, 70.0%] at 95%", "[50.0%, 70.0%] at 99%", "")
    ]


def test_documents_are_plain_json_in_which_nothing_is_infinite() -> None:
    result = {"a": known(0.5), "b": (unidentified("why"),), "c": np.array([1.0, np.inf]), "d": np.float64(0.5)}
    printed = json.loads(json.dumps(tables.document(result), allow_nan=False))
    assert set(printed["a"]) == {"value", "lower", "upper", "level", "method", "n", "identified"}
    assert (printed["b"][0]["reason"], printed["b"][0]["identified"]) == ("why", False)
    assert (printed["c"], printed["d"]) == ([1.0, None], 0.5)


SHARE = Estimate(0.5, 0.4, 0.6123456, 0.95, "exact binomial", 10)


def test_a_finding_is_a_line_with_its_number() -> None:
    assert finding_line(Finding("m", Severity.HIGH, "rule", (), SHARE)) == "high    m  rule 0.5 [0.4, 0.6123]"
    entropy = Estimate(0.25, None, None, 0.95, "none", 9, "it has no sampling error")
    assert finding_line(Finding("m", Severity.LOW, "rule", (), entropy)) == "low     m  rule 0.25"


def test_a_report_ends_with_how_it_ended() -> None:
    evidence = (Evidence("key", 0, 4, "", "text", " and\nmore"), Evidence("key", 9, 10, "", "x", ""))
    report = AuditReport(
        "kind",
        (Finding("m", Severity.HIGH, "rule", evidence, SHARE),),
        ("a gate",),
        ("a note",),
        {"rule": "what it counts"},
    )
    assert list(report_lines(report)) == [
        "high    m  rule 0.5 [0.4, 0.6123]",
        "        instruction key, characters 0 to 4: »text« and more",
        "rule rule: what it counts",
        "note: a note",
        "failed: a gate",
        "audit kind: FAILED",
    ]
    assert list(report_lines(AuditReport("kind", ()))) == ["audit kind: passed"]


def test_tables_are_those_that_the_document_holds() -> None:
    before = {f"i{number}": 1.0 for number in range(4)}
    report = robustness_report("judge", [invariance("style", before, before), sensitivity("truncation", before)], 1.0)
    (table,) = audit_tables(report.document())
    assert table.rows[0] == ("style", "invariance", "0.0%", "[-53.0%, 53.0%]", "100.0%", "4")
    assert table.rows[1] == ("truncation", "sensitivity", "100.0%", "[23.6%, 100.0%]", "-", "4")
    assert table.notes == ("consistency 100.0%, invariance 100.0%, sensitivity 100.0%, score 100.0%",)
    assert not list(audit_tables(AuditReport("kind", ()).document()))
