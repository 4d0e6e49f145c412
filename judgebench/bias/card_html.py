"""A judge's report card as one HTML file that opens offline: no script, no link, and every text escaped."""

from html import escape

from judgebench.bias.card import Card, Line, shown_interval, shown_value

_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a}"
    "table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #ccc;padding:.4rem .6rem;text-align:left;"
    "vertical-align:top}.grade{font-weight:700;text-align:center}.A{background:#cfe8d4}.B{background:#e4efc9}"
    ".C{background:#fbe8b9}.D{background:#f6cfca}small{color:#555;display:block}"
    "@media (prefers-color-scheme:dark){body{background:#141414;color:#eee}small{color:#aaa}"
    ".A,.B,.C,.D{color:#111}td,th{border-color:#444}}"
)
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def html_card(card: Card) -> str:
    """The whole document."""
    head = f"{_text(card.judge)} on {_text(card.benchmark)}"
    return "\n".join(
        [
            '<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content="width=device-width">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            f"<title>Report card: {head}</title><style>{_STYLE}</style>",
            f"<h1>Report card: {head}</h1>",
            f"<p>LLM {_text(card.model)}, template {_text(card.template)}</p>",
            "<table><thead><tr><th>Question<th>Value<th>Interval<th>Grade<th>Evidence and rule</thead><tbody>",
            *(_row(line) for line in card.lines),
            "</tbody></table>",
            *(f"<p>{_text(note)}</p>" for note in card.notes),
            "</html>\n",
        ]
    )


def _row(line: Line) -> str:
    about = line.figure.reason if line.figure.value is None else line.evidence
    level = f"{line.figure.level:.0%}, {line.figure.method}" if line.figure.lower is not None else ""
    return (
        f"<tr><td>{_text(line.name)}<small>{_text(line.question)}</small>"
        f"<td>{_text(shown_value(line))}<td>{_text(shown_interval(line))}<small>{_text(level)}</small>"
        f"<td class='grade {_text(line.grade) if line.grade != '-' else ''}'>{_text(line.grade)}"
        f"<td>{_text(about)}<small>{_text(line.rule)}</small>"
    )


def _text(text: str) -> str:
    visible = "".join(char if char.isprintable() or char in "\n\t" else "\ufffd" for char in text)
    return escape(visible)
