"""A leaderboard as one HTML file that opens offline: the table with its intervals, what it rests on, and battles.

Nothing is loaded, and nothing runs but the script below, which the page's own policy names by its hash: it searches and
sorts.
"""

import base64
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from judgebench.images import Copy
from judgebench.leaderboard import Leaderboard
from judgebench.show import pictures
from judgebench.show.board import BoardLine, BoardLines, Column, board_lines
from judgebench.show.coverage import sentences
from judgebench.show.drawing import Picture, svg
from judgebench.show.heat import heat_map
from judgebench.show.html import conversation_of
from judgebench.show.numbers import amount
from judgebench.show.sentences import basis, summary
from judgebench.show.text import count, escaped_html, name_html, one_line
from judgebench.show.tradeoff import TITLES, tradeoff

if TYPE_CHECKING:
    from judgebench.services.battles import JudgedBattle
    from judgebench.services.leaderboards import Beside
    from judgebench.services.part_rates import CategoryRates

_NO_IMAGES: Mapping[str, Copy] = {}
_STYLE = """
:root{color-scheme:light dark;--line:#8885;--ink:#1a1a1a;--ground:#fff;--soft:#555}
@media (prefers-color-scheme:dark){:root{--ink:#eee;--ground:#141414;--soft:#aaa}}
body{font:16px/1.5 system-ui,sans-serif;max-width:80rem;margin:2rem auto;padding:0 1rem}
body{color:var(--ink);background:var(--ground)}
.wide{overflow-x:auto}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
td,th{padding:.3rem .6rem;border-bottom:1px solid var(--line);text-align:left;white-space:nowrap}
.n{text-align:right}.iv{width:35%;min-width:9rem}.iv svg{display:block;width:100%;height:1rem;overflow:visible}
.iv line{stroke:#3d8fc9;stroke-width:3}.iv circle{fill:#3d8fc9}.iv .half{stroke:#999;stroke-width:1;stroke-dasharray:3}
.flagged{background:#d6272820}.flagged .iv line{stroke:#d62728}.flagged .iv circle{fill:#d62728}
.unaudited .iv line{stroke:#8a8f98}.unaudited .iv circle{fill:#8a8f98}
.baseline .iv line{stroke:#e69f00}.baseline .iv circle{fill:#e69f00}
.chart{overflow-x:auto}.chart svg{display:block;width:100%;min-width:40rem}
.chip{font-size:.8rem;border-radius:.7rem;padding:.05rem .5rem;margin-right:.3rem;background:#8883}
.chip.flagged{background:#b3261e;color:#fff}button{all:unset;cursor:pointer;font-weight:600}
button:focus-visible,summary:focus-visible{outline:2px solid currentColor}input{font:inherit;padding:.3rem .6rem}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#8882;padding:.5rem}small{color:var(--soft)}
.sides{display:grid;grid-template-columns:repeat(auto-fit,minmax(20rem,1fr));gap:1rem}
summary{cursor:pointer;padding:.3rem 0}
"""
_SCRIPT = """
const table=document.querySelector('table.board'),body=table.tBodies[0],found=words=>element=>
element.hidden=!element.textContent.toLowerCase().includes(words);
document.querySelector('#search').addEventListener('input',event=>{const words=event.target.value.toLowerCase();
for(const row of body.rows)row.hidden=!row.cells[1].textContent.toLowerCase().includes(words);
document.querySelectorAll('details.battle').forEach(found(words))});
table.tHead.addEventListener('click',event=>{const head=event.target.closest('button')?.closest('th');if(!head)return;
const at=head.cellIndex,up=head.getAttribute('aria-sort')==='descending';
for(const cell of table.tHead.rows[0].cells)cell.removeAttribute('aria-sort');
head.setAttribute('aria-sort',up?'ascending':'descending');
const key=row=>{const words=row.cells[at].textContent.trim(),number=parseFloat(words.replace(/,/g,''));
return Number.isNaN(number)?(words==='-'||words===''?-Infinity:words.toLowerCase()):number};
[...body.rows].map(row=>[key(row),row]).sort(([x],[y])=>(x>y?1:x<y?-1:0)*(up?1:-1)).forEach(([,row])=>body.append(row))});
"""


def board_page(
    benchmark: str,
    board: Leaderboard,
    beside: "Beside",
    rates: "CategoryRates",
    battles: Sequence["JudgedBattle"] = (),
    images: Mapping[str, Copy] = _NO_IMAGES,
) -> str:
    """The whole document. ``battles``: that are in it, with everything that was said about each. ``images``: copies of
    what they hold, by digest; of others it says that they are left out."""
    lines = board_lines(board, beside)
    title = escaped_html(f"Leaderboard of {one_line(benchmark, 200)}")
    parts = [
        '<!doctype html><html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width">',
        f'<meta http-equiv="Content-Security-Policy" content="{_policy()}">',
        f"<title>{title}</title><style>{_STYLE}</style></head><body><main><h1>{title}</h1>",
        *(f"<p>{escaped_html(sentence)}</p>" for sentence in (*sentences(board.coverage), summary(board))),
        '<p><label>Search <input id="search" type="search"></label></p>',
        *_table(lines),
        *(f"<p><small>{escaped_html(sentence)}</small></p>" for sentence in basis(board)),
        *_charts(board, beside, rates),
        *_battles(battles, images),
        f"</main><script>{_SCRIPT}</script></body></html>",
    ]
    return "\n".join(parts) + "\n"


def _policy() -> str:
    digest = base64.b64encode(hashlib.sha256(_SCRIPT.encode()).digest()).decode()
    sources = f"img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'"
    return f"default-src 'none'; {sources}; base-uri 'none'; form-action 'none'"


def _table(lines: BoardLines) -> Iterator[str]:
    yield '<div class="wide" tabindex="0" role="region" aria-label="Leaderboard"><table class="board"><thead><tr>'
    yield _head("Rank", "") + _head("Model", "") + _head(lines.heading, lines.help, "n")
    yield f'<th scope="col" class="iv">{lines.level} interval</th>'
    yield from (_head(column.heading, column.help, "n") for column in lines.columns)
    yield "<th scope=col>Marks</th></tr></thead><tbody>"
    yield from (_row(line, lines.columns, lines.half) for line in lines.lines)
    yield "</tbody></table></div>"


def _head(words: str, help: str, kind: str = "") -> str:
    return f'<th scope="col" class="{kind}"><button title="{escaped_html(help)}">{escaped_html(words)}</button></th>'


def _row(line: BoardLine, columns: Sequence[Column], half: float | None) -> str:
    chips = (f'<span class="chip {chip.tone}">{escaped_html(one_line(chip.text, 60))}</span>' for chip in line.chips)
    return (
        f'<tr class="{line.tone}"><td>{line.ranks}</td><th scope="row">{name_html(line.model)}</th>'
        f'<td class="n">{line.rating}</td><td class="iv">{_interval(line, half)}</td>'
        + "".join(f'<td class="n">{escaped_html(cell)}</td>' for cell in line.cells[: len(columns)])
        + f"<td>{''.join(chips)}</td></tr>"
    )


def _interval(line: BoardLine, half: float | None) -> str:
    drawn = [f'<line class="half" x1="{half:.2f}%" x2="{half:.2f}%" y1="0" y2="100%"/>' if half is not None else ""]
    if line.lower is not None and line.upper is not None:
        drawn.append(f'<line x1="{line.lower:.2f}%" x2="{line.upper:.2f}%" y1="50%" y2="50%"/>')
    if line.dot is not None:
        drawn.append(f'<circle cx="{line.dot:.2f}%" cy="50%" r="4"/>')
    words = escaped_html(line.interval)
    return f'<svg role="img" aria-label="{words}"><title>{words}</title>{"".join(drawn)}</svg>'


def _charts(board: Leaderboard, beside: "Beside", rates: "CategoryRates") -> Iterator[str]:
    """Ratings beside length and cost, and what every model did by category, as far as that is known."""
    for measure in TITLES:
        of = tradeoff(board, beside, measure)
        if of.points:
            yield from _chart(of.title, of.notes, partial(pictures.tradeoff, of))
    if rates.categories:
        by_category = heat_map(rates)
        yield from _chart("Models by category", by_category.notes, partial(pictures.heat_map, by_category))


def _chart(title: str, notes: Sequence[str], drawn: Callable[[pictures.Caption], Picture]) -> Iterator[str]:
    """What it counts and leaves out stands above the table, and is not said again."""
    yield f"<h2>{escaped_html(title)}</h2>"
    yield from (f"<p><small>{escaped_html(note)}</small></p>" for note in notes)
    yield f'<div class="chart">{svg(drawn(pictures.Caption(title, "", ())), inline=True)}</div>'


def _battles(battles: Sequence["JudgedBattle"], images: Mapping[str, Copy]) -> Iterator[str]:
    if battles:
        yield f"<h2>{count(len(battles), 'battle')}</h2>"
    for battle in battles:
        sides = escaped_html(f"{one_line(battle.model_a, 80)} against {one_line(battle.model_b, 80)}")
        question = escaped_html(one_line(battle.instruction.brief, 120))
        yield f'<details class="battle"><summary>{sides}: {question}</summary>'
        yield from conversation_of(battle, images)
        yield from (
            f"<p>{escaped_html(one_line(shown.judge))}: {amount(shown.verdict.preference, 'number')} for A"
            f" ({shown.verdict.status})</p>"
            for shown in battle.verdicts
        )
        yield "</details>"
