"""Report cards beside each other as HTML of ours: a column a judge, a row a question; on phones they stand stacked.

All text that others wrote is escaped. A grade is a letter on a ground of its own, so that nobody needs the colour.
"""

from collections.abc import Sequence

from app.views import ways
from app.views.board import cell, framed, head, shown, unbroken
from judgebench.services.pages import Card, CardLine
from judgebench.show import cards as words
from judgebench.show.numbers import interval, value
from judgebench.show.text import escaped_html, name_html, one_line

_LETTERS = "ABCD"


def table(cards: Sequence[Card]) -> str:
    """Every question with its rule, and what each judge's card says of it."""
    heads = (
        f'<th scope="col">{name_html(card.judge)}<small>{name_html(card.model, 60)} with '
        f"{name_html(card.template, 60)}</small></th>"
        for card in cards
    )
    lines = [{line.name: line for line in card.lines} for card in cards]
    order = dict.fromkeys(name for card in cards for name in (line.name for line in card.lines))
    several = len(cards) > 1
    labels = [one_line(card.judge, 200) if several else "" for card in cards]
    rows = (_row(name, labels, [own.get(name) for own in lines]) for name in order)
    body = _overall(labels, cards) + "".join(rows)
    return framed("Report cards", [head("Question"), *heads], body, kind=f"jb-cards{' several' * several}")


def missing(card: Card) -> str:
    """What has too little data, why, and the page and the command that would give it; empty where nothing has."""
    items = "".join(_item(line) for line in words.ungraded(card))
    return f'<ul class="jb-missing">{items}</ul>' if items else ""


def chip(grade: str) -> str:
    """The worse letter of two gives the colour."""
    kind = grade[-1] if grade[0] in _LETTERS else "none"
    return f'<span class="grade {kind}">{escaped_html(grade)}</span>'


def _overall(labels: Sequence[str], cards: Sequence[Card]) -> str:
    rule = escaped_html(words.overall_rule(cards[0]))
    cells = (
        cell(f"{chip(card.overall.grade)}<small>{escaped_html(words.overall(card))}</small>", label=label)
        for label, card in zip(labels, cards, strict=True)
    )
    return f'<tr class="overall"><th scope="row">Overall<small>{rule}</small></th>{"".join(cells)}</tr>'


def _row(name: str, labels: Sequence[str], lines: Sequence[CardLine | None]) -> str:
    known = next(line for line in lines if line is not None)
    about = f"<small>{escaped_html(known.question)}</small>"
    about += f"<small>{escaped_html(known.rule)}</small>" if known.rule else "<small>not graded</small>"
    cells = (
        cell("-" if line is None else _graded(line), label=label) for label, line in zip(labels, lines, strict=True)
    )
    return f'<tr><th scope="row">{escaped_html(name)}{about}</th>{"".join(cells)}</tr>'


def _graded(line: CardLine) -> str:
    """Grade, value, interval with what it is of, and what it rests on."""
    figure = line.figure
    grade = chip(line.grade) if line.rule else ""
    if not figure.identified:
        return f"{grade}<small>{escaped_html(one_line(figure.reason, 300))}</small>"
    between = interval(figure, line.unit) or "no interval"
    evidence = escaped_html(one_line(line.evidence, 300))
    number = unbroken(f"{value(figure, line.unit)} {between}")
    return f"{grade}{number}<small>{figure.level:.0%}, n = {figure.n:,}; {evidence}</small>"


def _item(line: words.Ungraded) -> str:
    """A command that is to be filled in stands only where no page does it."""
    page = ways.way(line.command)
    does = [shown(page)] if page is not None else []
    if page is None or ways.is_whole(line.command):
        does.append(f"<code>{escaped_html(line.command)}</code>")
    reason = escaped_html(line.reason)
    return f"<li><strong>{escaped_html(line.name)}</strong>: {reason}. {', or '.join(does)}</li>"
