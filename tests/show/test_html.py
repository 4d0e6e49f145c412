"""Reports as HTML show everything and let nothing of a model's text through."""

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from judgebench.audits.findings import AuditReport, Evidence, Finding, Severity
from judgebench.bias.card import Card, line, overall
from judgebench.estimate import Estimate
from judgebench.show.html import audit_page, card_page

HALF = Estimate(0.5, 0.4, 0.6, 0.95, "normal", 10)
ALLOWED = {"html", "meta", "title", "style", "h1", "h2", "p", "pre", "mark"}


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert {name for name, _ in attrs} <= {"lang", "charset", "name", "http-equiv", "content", "class"}

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def page(text: str) -> Reader:
    finding = Finding(text, Severity.HIGH, text, (Evidence(text, 0, 3, text, text, text),), HALF)
    report = AuditReport(text, (finding,), (text,), (text,), {text: text}, {"details": {text: [text, float("nan")]}})
    reader = Reader()
    reader.feed(audit_page(report))
    return reader


def test_markup_in_a_models_text_is_shown_and_not_read() -> None:
    hostile = "</pre></title><script>alert(1)</script><img src=x onerror=y>\"'&"
    reader = page(hostile)
    assert reader.tags <= ALLOWED
    assert hostile in "".join(reader.texts)


@given(st.text(max_size=60))
def test_property_no_text_becomes_markup(text: str) -> None:
    assert page(text).tags <= ALLOWED


def test_numbers_and_the_end_are_shown() -> None:
    assert "high: m: rule 0.5 [0.4, 0.6]" in audit_page(
        AuditReport("kind", (Finding("m", Severity.HIGH, "rule", (), HALF),))
    )
    assert "Audit kind: passed" in audit_page(AuditReport("kind", ()))


def test_a_card_is_escaped() -> None:
    evil = "<script>alert(1)</script>\u202e\0"
    lines = (line("people", evil, Estimate(0.5, 0.4, 0.6, 0.95, "made up", 100), "share", evil),)
    text = card_page(Card(evil, evil, evil, evil, lines, (evil,), overall(lines)))
    assert "<script" not in text
    assert "\0" not in text
    assert "\u202e" not in text
    assert "default-src 'none'" in text
