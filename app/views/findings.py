"""Findings of audits as HTML of ours: the worst first, evidence marked, and what each does to the leaderboard.

All text that others wrote is escaped. The first ones are open; all others unfold.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from app.views import diff
from app.views.board import framed, head
from judgebench.show.findings import SEVERITIES, FoundBy, effect, number
from judgebench.show.text import count, escaped_html, name_html, one_line

_OPEN, _LISTED = 3, 8  # findings that are read without unfolding, and that are named without it
MOST = 60  # findings on a page
_WORDS = 1000  # characters of a rule's words


class Link(Protocol):
    """The address of a page of the app."""

    def __call__(self, page: str, **values: str) -> str: ...


# What stands beside the outputs to the instruction with a key of a model, as HTML of ours.
Beside = Callable[[str, str], str]


@dataclass(frozen=True, slots=True)
class Told:
    """A finding with the audit that has it and what its rule counts."""

    audit: FoundBy
    finding: Mapping[str, Any]  # of an audit's document
    words: str

    @property
    def severity(self) -> str:
        return str(self.finding["severity"])

    @property
    def about(self) -> str:
        return str(self.finding["model"])


def by_severity(told: Sequence[Told]) -> list[Told]:
    """The worst first; of one severity those of submissions, which lead to outputs, before those of judges."""
    return sorted(
        told,
        key=lambda one: (
            SEVERITIES.index(one.severity),
            one.audit != "submissions",
            one.about,
            str(one.finding["rule"]),
        ),
    )


def counts(told: Sequence[Told], link: Link) -> str:
    """A row a model: how many findings of each severity; only what submission audits found."""
    models: dict[str, list[str]] = {}
    for one in told:
        if one.audit == "submissions":
            models.setdefault(one.about, []).append(one.severity)
    if not models:
        return ""
    order = sorted(models, key=lambda model: ([-models[model].count(severity) for severity in SEVERITIES], model))
    severities = "".join(head(severity.capitalize(), kind="n") for severity in SEVERITIES)
    rows = "".join(_counted(model, models[model], link) for model in order)
    return framed("Findings by model", [head("Model"), severities, head("On the leaderboard")], rows)


def _counted(model: str, severities: Sequence[str], link: Link) -> str:
    numbers = "".join(f'<td class="n">{severities.count(severity) or "-"}</td>' for severity in SEVERITIES)
    is_bad = "high" in severities
    tone, words = (' class="flagged"', "red; no rank unless flagged models count") if is_bad else ("", "keeps its rank")
    address = escaped_html(link("model", model=model))
    name = f'<a href="{address}">{name_html(model)}</a>'
    return f'<tr{tone}><th scope="row">{name}</th>{numbers}<td>{words}</td></tr>'


def places(rows: Iterable[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Of the outputs in which findings show places: the instruction's key, and the model."""
    return [(str(span["instruction"]), str(row["model"])) for row in rows for span in row.get("evidence") or ()]


def shown(told: Sequence[Told]) -> list[Told]:
    """Those for which a page has room, the worst first."""
    return by_severity(told)[:MOST]


def findings(told: Sequence[Told], link: Link, beside: Beside) -> str:
    """Each with its number, its evidence and where to read on; the first ones open."""
    drawn = [_finding(one, link, beside, is_open=place < _OPEN) for place, one in enumerate(shown(told))]
    rest = len(told) - MOST
    more = f"<p>{count(rest, 'further finding')}: the commands below print them all.</p>" if rest > 0 else ""
    hidden = "".join((*drawn[_LISTED:], more))
    if hidden:
        words = count(len(told) - _LISTED, "more finding")
        hidden = f"<details class='more'><summary>{words}</summary>{hidden}</details>"
    return f'<div class="jb-findings">{"".join(drawn[:_LISTED])}{hidden}</div>'


def _finding(one: Told, link: Link, beside: Beside, *, is_open: bool) -> str:
    finding = one.finding
    name, rule = name_html(one.about), name_html(str(finding["rule"]))
    evidence = "".join(
        diff.highlighted(span) + beside(str(span["instruction"]), str(finding["model"]))
        for span in finding.get("evidence") or ()
    )
    return (
        f"<details{' open' if is_open else ''}><summary>{chip(one.severity)} <strong>{name}</strong>: {rule} "
        f"{escaped_html(number(finding))}</summary>"
        f"<p>{escaped_html(one_line(one.words, _WORDS))}</p><p>{escaped_html(effect(one.audit, finding))}</p>"
        f"{evidence}{_links(one, link)}</details>"
    )


def _links(one: Told, link: Link) -> str:
    """To the model's page, and to battles of the outputs with spans."""
    if one.audit != "submissions":
        return ""
    pages = [(link("model", model=one.about), "Model")]
    pages += [
        (link("battles", models=one.about, instruction=str(span["instruction"])), f"Read output {place}")
        for place, span in enumerate(one.finding.get("evidence") or (), start=1)
    ]
    parts = " ".join(f'<a href="{escaped_html(address)}">{words}</a>' for address, words in pages)
    return f'<p class="jb-links">{parts}</p>'


def chip(severity: str) -> str:
    """The word says it, whatever its colour."""
    kind = severity if severity in SEVERITIES else "low"
    return f'<span class="sev {kind}">{escaped_html(severity)}</span>'
