"""The HTML report shows everything and lets nothing of a model's text through."""

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from judgebench.audits.findings import AuditReport, Evidence, Finding, Severity
from judgebench.audits.html_report import html_report
from judgebench.estimate import Estimate

HALF = Estimate(0.5, 0.4, 0.6, 0.95, "normal", 10)
ALLOWED = {"html", "meta", "title", "style", "h1", "h2", "p", "pre", "mark"}


class Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        assert {name for name, _ in attrs} <= {"lang", "charset", "http-equiv", "content", "class"}

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def page(text: str) -> Reader:
    finding = Finding(text, Severity.HIGH, text, (Evidence(text, 0, 3, text, text, text),), HALF)
    report = AuditReport(text, (finding,), (text,), (text,), {text: text}, {"details": {text: [text, float("nan")]}})
    reader = Reader()
    reader.feed(html_report(report))
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
    assert "high: m: rule 0.5, interval 0.4 to 0.6" in html_report(
        AuditReport("kind", (Finding("m", Severity.HIGH, "rule", (), HALF),))
    )
    assert "Audit kind: passed" in html_report(AuditReport("kind", ()))
