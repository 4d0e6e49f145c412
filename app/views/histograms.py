"""How preferences or scores spread, as a table in HTML of ours: a row of bars for every model, all on one scale."""

from collections.abc import Callable

from app.views.board import framed, head
from judgebench.show.spread import Bar, Histograms
from judgebench.show.text import escaped_html, one_line

Link = Callable[[str], str]  # the address of a model's page


def histograms(of: Histograms, link: Link) -> str:
    """What every bar counts stands in its words."""
    ends = f"{of.labels[0]} to {of.labels[-1]}" if of.labels else ""
    body = "".join(
        f'<tr><th scope="row"><a href="{escaped_html(link(row.model))}">{escaped_html(one_line(row.model, 200))}</a>'
        f'</th><td><div class="bars">{"".join(_bar(bar, of.highest) for bar in row.bars)}</div></td>'
        f'<td class="n">{row.number:,}</td></tr>'
        for row in of.rows
    )
    scale = "".join(f"<span>{escaped_html(label)}</span>" for label in of.labels)
    heads = ('<th scope="col">Model</th>', f'<th scope="col">{escaped_html(ends)}</th>', head("Counted", kind="n"))
    foot = f'<tfoot><tr><td></td><td><div class="scale">{scale}</div></td><td></td></tr></tfoot>'
    return framed("How values spread", heads, body, kind="jb-bars", foot=foot)


def _bar(bar: Bar, highest: float) -> str:
    words = escaped_html(bar.words)
    high = 100 * bar.share / (highest or 1.0)
    return f'<span role="img" aria-label="{words}" title="{words}"><span style="height:{high:.1f}%"></span></span>'
