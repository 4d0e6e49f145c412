"""Who beats whom, as a table in HTML of ours: a number in every cell, its colour, and a link to the two models."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from app.views.board import framed, head
from judgebench.services.pages import PairRates
from judgebench.show.colours import ground
from judgebench.show.numbers import span
from judgebench.show.text import count, escaped_html, name_html, one_line

Link = Callable[[str], str]  # the address of a model's page
PairLink = Callable[[str, str], str]  # the address of the page of two models
_NAME_CHARS, _HEAD_CHARS = 200, 24


def matrix(rates: PairRates, models: Sequence[str], model_link: Link, pair_link: PairLink) -> str:
    """Percent of its battles that the row's model won against the column's, for ``models`` in their order."""
    met = {(pair["model"], pair["opponent"]): pair for pair in rates.pairs(models)}
    heads = "".join(_column(model, model_link(model)) for model in models)
    body = "".join(
        f'<tr><th scope="row"><a href="{escaped_html(model_link(model))}">{name_html(model)}</a></th>'
        + "".join(_cells(model, models, met, pair_link))
        + "</tr>"
        for model in models
    )
    return framed("Pairwise win rates", [head("Win rate, %"), heads], body, kind="jb-pairs")


def _name(model: str) -> str:
    return escaped_html(one_line(model, _NAME_CHARS))


def _column(model: str, address: str) -> str:
    return (
        f'<th scope="col" class="upright"><a href="{escaped_html(address)}" title="{_name(model)}">'
        f"{name_html(model, _HEAD_CHARS)}</a></th>"
    )


def _cells(
    model: str, models: Sequence[str], met: Mapping[tuple[str, str], Mapping[str, Any]], link: PairLink
) -> Iterator[str]:
    for opponent in models:
        pair = met.get((model, opponent))
        yield "<td></td>" if pair is None else _cell(pair, link(model, opponent))


def _cell(pair: Mapping[str, Any], address: str) -> str:
    percent, (colour, ink) = 100 * pair["win_rate"], ground(pair["win_rate"])
    names = f"{_name(pair['model'])} against {_name(pair['opponent'])}"
    words = f"{names}: {percent:.1f} percent of {count(pair['battles'], 'battle')}"
    interval = span(pair["lower"], pair["upper"], "rate")
    return (
        f'<td style="background:{colour};color:{ink}"><a href="{escaped_html(address)}" aria-label="{words}" '
        f'title="{words}, {interval}">{percent:.0f}</a></td>'
    )
