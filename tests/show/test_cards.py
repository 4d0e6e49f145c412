"""What report cards say in words."""

from judgebench.bias.card import Card, CardLine, line, overall
from judgebench.estimate import Estimate, unidentified
from judgebench.show import cards


def card(*lines: CardLine) -> Card:
    return Card("my judge", "llm", "template", "my bench", lines, (), overall(lines))


def test_what_is_lacking_is_said_with_the_number_that_would_do_and_the_command() -> None:
    wide = Estimate(0.8, 0.6, 0.95, 0.95, "made up", 40)
    few = Estimate(0.0, 0.0, 0.01, 0.95, "made up", 3)
    lines = (
        line("people", "?", wide, "share", ""),
        line("consistency", "?", few, "share", ""),
        line("null models", "?", unidentified("not audited"), "share", ""),
        line("cost", "?", unidentified("no prices are known"), "USD", ""),
    )
    people, consistency, nulls = cards.ungraded(card(*lines))
    assert people.reason.startswith("the interval leaves A to D open; about ")
    assert people.reason.endswith(" in place of 40 would do")
    assert people.command.startswith("judgebench labels import FILE --benchmark 'my bench'")
    assert consistency.reason == "fewer than 10 observations; about 10 in place of 3 would do"
    assert "--judge 'my judge'" in consistency.command
    assert nulls.command == "judgebench audit null-models --benchmark 'my bench' --judge 'my judge'"


def test_the_overall_grade_names_what_decides() -> None:
    bad = line("position", "?", Estimate(0.3, 0.2, 0.4, 0.95, "made up", 400), "points", "")
    assert cards.overall(card(bad)) == "Overall D, by position."
    good = line("people", "?", Estimate(0.9, 0.86, 0.95, 0.95, "made up", 400), "share", "")
    assert "no grade for parsed, consistency and null models" in cards.overall(card(good))
