"""Report cards beside each other, drawn by us."""

from app.views import cards
from judgebench.bias.card import Card, line, overall
from judgebench.estimate import Estimate, unidentified

EVIL = "<script>alert(1)</script>"


def card(judge: str) -> Card:
    known = Estimate(0.7, 0.69, 0.8, 0.95, "made up", 400)
    lines = (
        line("people", "names the winner", known, "share", EVIL),
        line("null models", EVIL, unidentified("not audited"), "share", ""),
        line("cost", "USD a trial", known, "USD", ""),
    )
    return Card(judge, EVIL, EVIL, EVIL, lines, (EVIL,), overall(lines))


def test_each_judge_has_its_column_and_each_number_its_interval() -> None:
    html = cards.table([card("one"), card("two")])
    assert html.count('data-label="one"') == html.count('data-label="two"') == 4  # overall and three lines
    assert html.count('70.0% <span class="whole">[69.0%, 80.0%]</span>') == 2
    assert html.count('<span class="grade C">B-C</span>') == 2  # the letters, not the colour alone
    assert html.count("too little data</span>") == 4
    assert "jb-cards several" in html


def test_nothing_that_others_wrote_becomes_an_element() -> None:
    assert "<script" not in cards.table([card(EVIL)]) + cards.missing(card(EVIL))


def test_what_is_missing_leads_to_the_page_that_gives_it() -> None:
    html = cards.missing(card("one"))
    assert 'href="audits?start=null-models&amp;judge=one"' in html
    assert "judgebench audit null-models" in html
