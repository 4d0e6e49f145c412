"""Steps beside the text that they are about: every rating by a sign and a word, and all that others wrote escaped."""

from judgebench.records import Instruction, Output, Rating
from judgebench.services.steps import JudgedStep, StepReading
from judgebench.show import steps

ASKED = Instruction(("Two?",))
TEXT = "1 < 2\n<b>3</b>"


def reading(*judged: JudgedStep) -> StepReading:
    protocol = "steps" if all(step.rating for step in judged) and judged else "spans"
    return StepReading(1, "j", ASKED, Output(ASKED.key, "m", TEXT), 0, 0.0, protocol, judged, ())


def step(start: int, stop: int, rating: Rating | None, kind: str | None = None) -> JudgedStep:
    return JudgedStep(start, stop, TEXT[start:stop], rating, kind, "<i>", {"ann": "bad"} if rating else {})


def test_steps_are_told_by_sign_and_word() -> None:
    known = reading(step(0, 6, "good"), step(6, len(TEXT), "bad"))
    assert steps.brief(known) == "j: first error in step 2 of 2 steps"
    html = steps.markup(known)
    assert "✓ 1. good" in html
    assert "✗ 2. bad" in html
    assert "&lt;b&gt;3&lt;/b&gt;" in html
    assert "&lt;i&gt;; ann says bad" in html
    assert [row["labels"] for row in steps.rows([known])] == ["ann: bad"] * 2


def test_faults_are_marked_in_the_text() -> None:
    known = reading(step(0, 3, None, "<k>"), step(2, 5, None, "k"))
    assert steps.brief(known) == "j: 2 faults"
    html = steps.markup(known)
    assert html.count("<mark") == 3  # two places that overlap
    assert "✗ &lt;k&gt;: &lt;i&gt;" in html
    assert "<b>" not in html
    assert steps.brief(reading()) == "j: no fault"
