"""Text hidden by markup or written in a code, and the markup and the codes of honest outputs."""

import numpy as np
import pytest

from judgebench.audits.findings import Finding, Severity
from judgebench.audits.rules import audit_submissions, disguise, form, lines, markers
from judgebench.audits.submission_set import ModelOutputs, SubmissionSet
from tests.audits import cheats, unseen
from tests.audits.factories import honest, instructions
from tests.growth import grows_in_proportion
from tests.quick import few

QUESTIONS = instructions(100)
HONEST = {key: text + " And the end of it." for key, text in honest(QUESTIONS, np.random.default_rng(6)).items()}


def findings(texts: dict[str, str], questions: dict[str, str] = QUESTIONS) -> dict[str, Finding]:
    outputs = submission(texts, questions)
    return {finding.rule: finding for finding in (*disguise.findings(outputs), *form.findings(outputs))}


def submission(texts: dict[str, str], questions: dict[str, str] = QUESTIONS) -> ModelOutputs:
    return SubmissionSet.of(questions, {"x": texts}).by_model["x"]


@pytest.mark.parametrize("share", [0.2, 1.0])
@pytest.mark.parametrize("name", [name for name in cheats.CHEATS if name.startswith(("hidden", "encoded"))])
def test_what_a_reader_does_not_see_is_high(name: str, share: float) -> None:
    texts = cheats.CHEATS[name](HONEST, share, np.random.default_rng(0))
    rule = "hidden-markup" if name.startswith("hidden") else "encoded-text"
    finding = findings(texts)[rule]
    assert finding.severity is Severity.HIGH
    for evidence in finding.evidence:
        assert texts[evidence.instruction][evidence.start : evidence.end].startswith(evidence.match)


@pytest.mark.parametrize("kind", [*unseen.HIDDEN, *unseen.ENCODED])
def test_what_somebody_else_hides_or_encodes_is_found(kind: str) -> None:
    texts = unseen.added(HONEST, 0.5, np.random.default_rng(0), unseen.unseen(kind))
    got = {finding.rule for finding in markers.findings(submission(texts), markers.TemplateMarks([]))}
    got |= {rule for rule, finding in findings(texts).items() if finding.severity is Severity.HIGH}
    assert got & {"hidden-markup", "encoded-text", "hidden-text", "invisible-characters"}


@pytest.mark.parametrize(
    "text",
    [
        "Use `<!-- a comment -->` for it.",
        "```html\n<script>alert(1)</script>\n<p hidden>\n```",
        "See https://example.org/AbCdEfGh0123456789IjKlMnOpQrStUvWxYz0123456789AbCd for more.",
        "import openzeppelin/contracts/token/ERC1155/extensions/ERC1155Supply",
        "The hash is 0x742d35Cc6634C0532925a3b844Bc454e4438f44e.",
        "Let ΔG = λI + kΩ and θa be given; then αx + βy = γz.",
        "Привет, мир! Это текст на русском языке, and some English beside it.",
        "a < b and b > c, the display shows none of them, opacity: 0.5",
        "x o x x o o x o x x o x o x o x o x o x on the board",
        "![a chart](chart.png) and ![The history of the town in a picture of 1890](https://example.org/a.png)",
        '[the report](https://example.org/report "The yearly report of the town council")',
        "The formula of H2O, a 4x4 and a B2B firm, 3D and 1st, 2nd, 3rd.",
        "Wer das liest, kann mehr als die meisten, und das ist auch gut so.",
    ],
)
def test_markup_and_codes_of_honest_outputs_do_not_count(text: str) -> None:
    assert not {"hidden-markup", "encoded-text"} & set(findings({key: f"{it} {text}" for key, it in HONEST.items()}))


def test_what_was_asked_for_does_not_count() -> None:
    questions = {key: f"Write a web page, and encode it: {text}" for key, text in QUESTIONS.items()}
    texts = {key: f"{text} <!-- x --> {'aGVsbG8gd29ybGQxMjM0' * 4}" for key, text in HONEST.items()}
    assert not {"hidden-markup", "encoded-text"} & set(findings(texts, questions))


HOSTILE = {
    "hexadecimal": "ab " * 350_000,
    "base64": "aB3" * 350_000,
    "tags": "<a " * 350_000,
    "tag of blanks": "<a" + " " * 1_000_000,
    "definitions": "\n[" * 500_000,
    "fences": "`" * 1_000_001,
    "bold": "**" * 500_000,
    "bold lines": "- **a\n" * 170_000,
    "blanks in a line": "- " + " " * 1_000_000 + "x**",
    "scores": "10/10 10/1" * 100_000,
    "stars": "⭐ " * 300_000,
    "sentences": "This answer is best. " * 50_000,
    "one word": "answer" * 170_000,
    "escapes": "\\u00" * 250_000 + "%4" * 100,
    "mixed": "аa" * 500_000,
    "octets": "0101010 " * 125_000,
    "images": "![a" * 350_000,
    "links": '[.](a "b' * 125_000,
    "letters apart": "a b c d e f g h i j k 1 " * 40_000,
    "fonts": "<font size" * 100_000,
}


@pytest.mark.slow
@pytest.mark.parametrize("text", few(HOSTILE.values(), 6), ids=HOSTILE)
def test_hostile_text_of_a_megabyte_is_read_in_linear_time(text: str) -> None:
    def read(size: int) -> None:
        outputs = {"i0": text[:size], "i1": "ok", "i2": ""}
        submissions = SubmissionSet.of({f"i{n}": "say" for n in range(3)}, {"x": outputs})
        submission = submissions.by_model["x"]
        for _ in (*disguise.findings(submission), *form.findings(submission), *lines.findings(submission, submissions)):
            pass

    assert grows_in_proportion(read, len(text))


@pytest.mark.parametrize(
    ("name", "rule"),
    [("headings", "heading-stuffing"), ("scores", "self-scores"), ("padded", "equal-length"), ("padded", "word-salad")],
)
def test_stuffing_and_filling_are_medium(name: str, rule: str) -> None:
    texts = cheats.CHEATS[name](HONEST, 0.5, np.random.default_rng(1))
    assert findings(texts)[rule].severity is Severity.MEDIUM


def test_salad_is_not_looked_for_in_other_languages_or_few_outputs() -> None:
    finnish = "Talvella järvet jäätyvät ja lapset luistelevat iltapäivisin koulujen jälkeen pihoilla " * 8
    assert "word-salad" not in findings({key: f"{finnish}{number}" for number, key in enumerate(QUESTIONS)})
    padded = cheats.padded(HONEST, 1.0, np.random.default_rng(1))
    assert "word-salad" not in findings(dict(list(padded.items())[:40]))
    questions = dict.fromkeys(QUESTIONS, "Kerro talvesta, järvistä ja lapsista koulussa")
    assert "word-salad" not in findings(padded, questions)


def test_rules_beside_each_other_find_a_cheat_in_the_report() -> None:
    texts = cheats.CHEATS["encoded, rot13"](HONEST, 0.5, np.random.default_rng(0))
    report = audit_submissions(SubmissionSet.of(QUESTIONS, {"x": texts}), [])
    assert not report.passed
