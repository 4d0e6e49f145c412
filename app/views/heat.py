"""Models and categories as a table in HTML of ours: a number in every cell, its colour, and a link to the model."""

from collections.abc import Callable

from app.views.board import framed, head
from judgebench.show.heat import HeatCell, HeatMap
from judgebench.show.text import escaped_html, name_html, one_line

Link = Callable[[str, str], str]  # the address of a model's page, of one category or, where that is empty, of all
_NAME_CHARS, _HEAD_CHARS = 200, 24
_ACROSS = 8  # at most so many columns have room for names that are not turned


def heat_map(of: HeatMap, link: Link) -> str:
    """Every cell leads to the model on that category."""
    turned = "upright" if len(of.columns) > _ACROSS else "n"
    heads = "".join(
        f'<th scope="col" class="{turned}"><span title="{escaped_html(one_line(name, _NAME_CHARS))}">'
        f"{name_html(name, _HEAD_CHARS)}</span></th>"
        for name in of.columns
    )
    body = "".join(
        f'<tr><th scope="row"><a href="{escaped_html(link(row.model, ""))}">{name_html(row.model)}</a></th>'
        + "".join(_cell(cell, link(row.model, cell.category)) for cell in row.cells)
        + "</tr>"
        for row in of.rows
    )
    return framed("Models by category", [head("Model"), heads], body, kind="jb-pairs jb-heat")


def _cell(cell: HeatCell, address: str) -> str:
    if not cell.text:
        return "<td></td>"
    words = escaped_html(cell.words)
    look = "" if cell.colours is None else f' style="background:{cell.colours[0]};color:{cell.colours[1]}"'
    return (
        f'<td{look}><a href="{escaped_html(address)}" aria-label="{words}" title="{words}">'
        f"{escaped_html(cell.text)}</a></td>"
    )
