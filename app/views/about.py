"""A model beside the field, as tables in HTML of ours: its style, findings, relatives, and outputs."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from app.views.board import cell, framed, head
from app.views.diff import highlighted
from judgebench.services.lineage import Relatives
from judgebench.services.pages import Leaderboard, Output, Row
from judgebench.services.profiles import OnInstruction
from judgebench.services.styles import StyleLine
from judgebench.show.numbers import MISSING, amount, estimate
from judgebench.show.profiles import style_cells
from judgebench.show.text import count, escaped_html, listing, name_html, one_line

Link = Callable[[str], str]
_EXCERPT_CHARS, _BRIEF_CHARS = 400, 120
_ORDER = {"high": 0, "medium": 1, "low": 2}


def is_fixed(board: Leaderboard, row: Row) -> bool:
    """Whether the model's value is no estimate: the baseline's win rate against itself."""
    return board.scale == "rate" and row.model == board.baseline


def rating(board: Leaderboard, row: Row) -> str:
    """The model's value with its interval, in so few words that a phone shows them whole."""
    return "50 by definition" if is_fixed(board, row) else estimate(row.estimate, board.scale)


def length(characters: float | None) -> str:
    """How long its outputs are on average, in words."""
    return (
        "Nobody knows how long its outputs are"
        if characters is None
        else f"{count(round(characters), 'character')} an output"
    )


def styles(lines: Sequence[StyleLine]) -> str:
    """What an output of the model has on average, beside all models with outputs there."""
    heads = [
        "<th scope=col>An output has</th>",
        head(f"Mean, {lines[0].mean.level:.0%} interval", "By t, over the model's outputs.", "n"),
    ]
    heads += [head("Median of all", "The median of all models' means.", "n"), head("Place", "1 has most.", "n")]
    body = "".join(
        f'<tr><th scope="row">{what.capitalize()}</th>'
        # A reason is a sentence, and may be broken into lines.
        + cell(escaped_html(mean), label="", kind="" if line.mean.lower is None else "n")
        + "".join(cell(escaped_html(other), label="", kind="n") for other in others)
        + "</tr>"
        for line, (what, mean, *others) in zip(lines, style_cells(lines), strict=True)
    )
    return framed("Length and style", heads, body)


def outputs(
    rows: Sequence[OnInstruction], written: Mapping[str, Sequence[Output]], link: Link, *, is_score: bool
) -> str:
    """``written``: the model's outputs by the keys of ``rows``; every row opens its instruction."""
    value = "Score" if is_score else "Preferred, %"
    heads = ["<th scope=col>Instruction</th>", head(value, "", "n")]
    heads += [head("Characters", "", "n"), "<th scope=col>Output</th>"]
    body = "".join(
        f'<tr><th scope="row" class="text"><a href="{escaped_html(link(row.key))}">'
        f"{escaped_html(one_line(row.text, _BRIEF_CHARS))}</a></th>"
        + cell(f"{row.value if is_score else 100 * row.value:.1f}", label=value, kind="n")
        + f"{_written(written.get(row.key, ()))}</tr>"
        for row in rows
    )
    return framed("Outputs", heads, body, kind="jb-stack")


def _written(samples: Sequence[Output]) -> str:
    if not samples:
        return cell(MISSING, label="Characters", kind="n") + "<td></td>"
    first, more = samples[0].whole, f" (and {count(len(samples) - 1, 'further sample')})" if samples[1:] else ""
    excerpt = escaped_html(one_line(first, _EXCERPT_CHARS) + more)
    return cell(f"{len(first):,}", label="Characters", kind="n") + cell(excerpt, label="Output", kind="long")


def findings(documents: Sequence[Mapping[str, Any]], model: str, link: Link, beside: Callable[[str], str]) -> str:
    """What submission audits found in the model's outputs, the worst first, each with its spans in their places.

    ``beside``: HTML of what stands beside the model's outputs to the instruction with a key.
    """
    pairs = [(document, row) for document in documents for row in document["findings"] if row["model"] == model]
    pairs.sort(key=lambda pair: _ORDER.get(str(pair[1]["severity"]), len(_ORDER)))
    return "".join(_finding(row, document.get("rules", {}), link, beside) for document, row in pairs)


def _finding(row: Mapping[str, Any], rules: Mapping[str, str], link: Link, beside: Callable[[str], str]) -> str:
    severity = str(row["severity"])
    tone = "flagged" if severity == "high" else "model"
    ends = (amount(row.get(name), "short") for name in ("value", "lower", "upper"))
    number = "{} [{}, {}]".format(*ends)
    words = escaped_html(one_line(str(rules.get(row["rule"], "")), 400))
    spans = "".join(_span(evidence, link, beside) for evidence in row.get("evidence", ()))
    rule = escaped_html(one_line(str(row["rule"])).replace("-", " "))
    chip = f'<span class="chip {tone}">{escaped_html(severity)}</span>'
    return f'<h3 class="jb-name">{chip}{rule} {number}</h3><p>{words}</p>{spans}'


def _span(evidence: Mapping[str, Any], link: Link, beside: Callable[[str], str]) -> str:
    key = str(evidence["instruction"])
    way = f'<p class="jb-links"><a href="{escaped_html(link(key))}">Read the output in its battles</a></p>'
    return highlighted(evidence) + beside(key) + way


def relatives(of: Relatives, board: Leaderboard, link: Link) -> str:
    """Other models of the leaderboard that are related, with their ratings."""
    rows = {row.model: row for row in board.rows}
    heads = ["<th scope=col>Model</th>", "<th scope=col>Relation</th>", head("Rating", "As on the leaderboard.", "n")]
    body = "".join(
        f'<tr><th scope="row"><a href="{escaped_html(link(other.model))}">'
        f"{name_html(other.model)}</a></th>"
        f"<td>{other.relation}{'' if other.declared else ', by its name'}</td>"
        f'<td class="n">{escaped_html(estimate(rows[other.model].estimate, board.scale))}</td></tr>'
        for other in of.others
        if other.model in rows
    )
    return framed("Relatives", heads, body) if body else ""


def origin(of: Relatives) -> str:
    """The lineage in a sentence."""
    parts = [f"family {one_line(of.lineage.family)}"] if of.lineage.family else []
    parts += [f"tuned from {one_line(of.lineage.parent)}"] if of.lineage.parent else []
    parts += [f"trained on outputs of {listing(of.lineage.trained_on)}"] if of.lineage.trained_on else []
    if not parts:
        return "Nothing is declared about where it comes from, and its name suggests nothing."
    how = "Declared" if of.declared else "Not declared; its name suggests"
    return f"{how}: {', '.join(parts)}."
