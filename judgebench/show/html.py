"""Report cards, audit reports and battles as HTML files that open offline: no script, no link, all text escaped."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from judgebench.audits.findings import AuditReport, Evidence, Finding
from judgebench.bias.card import Card, CardLine
from judgebench.images import Copy
from judgebench.records import Order
from judgebench.show import goals, steps
from judgebench.show.cards import FAILURES, failures, overall, overall_rule, ungraded
from judgebench.show.conversations import figures, markup, passages, samples
from judgebench.show.coverage import sentences
from judgebench.show.numbers import amount, interval, value
from judgebench.show.seen import BesideOutputs
from judgebench.show.text import escaped_html, one_line

if TYPE_CHECKING:
    from judgebench.services.battles import JudgedBattle, JudgedTrial
    from judgebench.services.goals import GoalReading
    from judgebench.services.seen import Seen
    from judgebench.services.steps import StepReport

_NO_IMAGES: Mapping[str, Copy] = {}
_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_CARD_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a}"
    "table{border-collapse:collapse;width:100%}td,th{border-bottom:1px solid #ccc;padding:.4rem .6rem;text-align:left;"
    "vertical-align:top}.grade{font-weight:700;text-align:center}.A{background:#cfe8d4}.B{background:#e4efc9}"
    ".C{background:#fbe8b9}.D{background:#f6cfca}small{color:#555;display:block}"
    "@media (prefers-color-scheme:dark){body{background:#141414;color:#eee}small{color:#aaa}"
    ".A,.B,.C,.D{color:#111}td,th{border-color:#444}}"
)
_BATTLES_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:80rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse}td,th{border:1px solid #999;padding:.2rem .6rem;text-align:left}"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#8882;padding:.5rem}"
    ".sides{display:grid;grid-template-columns:repeat(auto-fit,minmax(20rem,1fr));gap:1rem}"
)
_AUDIT_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse}td,th{border:1px solid #999;padding:.2rem .6rem;text-align:left}"
    "pre{white-space:pre-wrap;overflow-wrap:anywhere;background:#f4f4f4;padding:.5rem}"
    "mark{background:#fd8}.high{color:#a00}.medium{color:#850}"
)


def card_page(*cards: Card) -> str:
    """Report cards of judges one after the other, the whole document."""
    names = [f"{escaped_html(card.judge)} on {escaped_html(card.benchmark)}" for card in cards]
    title = f"Report card: {names[0]}" if len(cards) == 1 else f"Report cards: {', '.join(names)}"
    headings = names if len(cards) > 1 else [""]
    parts = [part for name, card in zip(headings, cards, strict=True) for part in _card(card, name)]
    return _page(title, _CARD_STYLE, *parts)


def _card(card: Card, heading: str) -> Iterator[str]:
    yield f"<h2>{heading}</h2>" if heading else ""
    yield f"<p>LLM {escaped_html(card.model)}, template {escaped_html(card.template)}</p>"
    yield f"<p><strong>{escaped_html(overall(card))}</strong> {escaped_html(overall_rule(card))}</p>"
    yield from (f"<p>{escaped_html(sentence)}</p>" for sentence in sentences(card.coverage))
    yield "<table><thead><tr><th>Question<th>Value<th>Interval<th>Grade<th>Evidence and rule</thead><tbody>"
    yield from (_card_row(line) for line in card.lines)
    yield "</tbody></table>"
    failed = "".join(f"<li>{escaped_html(line)}</li>" for line in failures(card))
    yield f"<h3>{FAILURES}</h3><ul>{failed}</ul>" if failed else ""
    missing = "".join(
        f"<li>{escaped_html(line.name)}: {escaped_html(line.reason)}: <code>{escaped_html(line.command)}</code>"
        for line in ungraded(card)
    )
    yield f"<h3>Too little data, and what would give it</h3><ul>{missing}</ul>" if missing else ""
    yield from (f"<p>{escaped_html(note)}</p>" for note in card.notes)


def audit_page(report: AuditReport, seen: "Seen | None" = None, images: Mapping[str, Copy] = _NO_IMAGES) -> str:
    """An audit's report, the whole document.

    ``seen``: the outputs in which findings show places; ``images``: copies of what they hold, by digest.
    """
    beside = BesideOutputs(seen or {}, images)
    return _page(
        f"Audit {escaped_html(report.audit)}: {'passed' if report.passed else 'failed'}",
        _AUDIT_STYLE,
        *(f"<p class=high>Failed: {escaped_html(failure)}</p>" for failure in report.failures),
        "" if report.findings else "<p>Nothing was found.</p>",
        *(_finding(finding, report.rules.get(finding.rule, ""), beside) for finding in report.findings),
        *(f"<p>Note: {escaped_html(note)}</p>" for note in report.notes),
        _details(report),
    )


def battles_page(battles: Sequence["JudgedBattle"], images: Mapping[str, Copy] = _NO_IMAGES) -> str:
    """Battles one after the other, the whole document: what was asked, both outputs in their places, and verdicts.

    ``images``: copies of what messages hold, by digest; of others it says that they are left out.
    """
    return _page("Battles", _BATTLES_STYLE, *(part for battle in battles for part in _battle(battle, images)))


def _battle(battle: "JudgedBattle", images: Mapping[str, Copy]) -> Iterator[str]:
    yield f"<h2>{escaped_html(battle.model_a)} against {escaped_html(battle.model_b)}</h2>"
    yield from conversation_of(battle, images)
    if battle.instruction.reference:
        yield f"<h3>Reference</h3><pre>{escaped_html(battle.instruction.reference)}</pre>"
    headings = ("Judge", "First", "Samples", "Repeat", "Preference for A", "Label", "Status", "Read from", "Detail")
    yield f"<table><thead><tr>{''.join(f'<th>{heading}' for heading in headings)}</thead><tbody>"
    yield from (_trial(shown) for shown in battle.verdicts)
    yield "</tbody></table>"


def steps_page(
    report: "StepReport",
    lists: "Mapping[str, Sequence[GoalReading]] | None" = None,
    images: Mapping[str, Copy] = _NO_IMAGES,
) -> str:
    """What a judge says of steps, the whole document: the numbers, and every output with its steps or faults.

    ``lists``: of goals, by the key of the instruction; ``images``: copies of what outputs and instructions hold, by
    digest.
    """
    title = f"Steps: {escaped_html(report.judge)} on {escaped_html(report.benchmark)}"
    return _page(title, _BATTLES_STYLE, *_steps(report, lists or {}, images))


def _steps(
    report: "StepReport", lists: "Mapping[str, Sequence[GoalReading]]", images: Mapping[str, Copy]
) -> Iterator[str]:
    yield from (f"<p>{escaped_html(sentence)}</p>" for sentence in steps.sentences(report))
    yield f"<table><thead><tr><th>Measure<th>Value<th>Interval ({report.level:.0%}, by instruction)</thead><tbody>"
    for line in steps.labelled(report.whole):
        known = interval(line.estimate, line.unit) or (line.estimate.reason if line.estimate else "")
        cells = (line.label, value(line.estimate, line.unit), known)
        yield f"<tr>{''.join(f'<td>{escaped_html(cell)}' for cell in cells)}"
    yield f"</tbody></table><p>{escaped_html(steps.logs(report.whole))}</p>"
    for reading in report.readings:
        yield f"<h2>{escaped_html(one_line(reading.instruction.brief, 200))}</h2>"
        yield f"<h3>{escaped_html(one_line(reading.output.model, 200))}: {escaped_html(steps.brief(reading))}</h3>"
        yield figures(reading.instruction, reading.output, images)
        yield steps.markup(reading)
        yield goals.markup(lists.get(reading.instruction.key, ()), reading.instruction, reading.output)


def conversation_of(battle: "JudgedBattle", images: Mapping[str, Copy] = _NO_IMAGES) -> Iterator[str]:
    """What was asked, and both outputs beside each other in their places; a sample after the other."""
    for a, b in battle.outputs:
        if len(battle.outputs) > 1:
            yield f"<h3>Sample {samples(a, b)}</h3>"
        for passage in passages(battle.instruction, (a, b), battle.sizes):
            yield f"<div>{markup(passage.asked, images=images)}</div>" if passage.asked else ""
            if any(passage.replies):
                sides = (
                    f"<div><h4>{side}</h4>{markup(messages, images=images)}</div>"
                    for side, messages in zip("AB", passage.replies, strict=True)
                )
                yield f"<div class=sides>{''.join(sides)}</div>"
        lists = [goals.markup(battle.goals, battle.instruction, output) for output in (a, b)]
        if any(lists):
            yield "<h4>Goals</h4><div class=sides>" + "".join(f"<div>{one}</div>" for one in lists) + "</div>"
        read = [steps.lists(battle.steps, output) for output in (a, b)]
        if any(read):
            yield "<h4>Steps</h4><div class=sides>" + "".join(f"<div>{one}</div>" for one in read) + "</div>"


def _trial(shown: "JudgedTrial") -> str:
    verdict = shown.verdict
    cells = (
        shown.judge,
        {Order.AB: "A", Order.BA: "B", None: "-"}[shown.order],
        samples(shown.output_a, shown.output_b),
        str(shown.repeat + 1),
        amount(verdict.preference, "number"),
        verdict.label or "-",
        str(verdict.status),
        str(verdict.source),
        verdict.detail or "-",
    )
    return f"<tr>{''.join(f'<td>{escaped_html(cell)}' for cell in cells)}"


def _page(title: str, style: str, *body: str) -> str:
    """``title`` and ``body`` are HTML."""
    head = [
        '<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content="width=device-width">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        f"<title>{title}</title><style>{style}</style>",
        f"<h1>{title}</h1>",
    ]
    return "\n".join(part for part in (*head, *body, "</html>") if part) + "\n"


def _card_row(line: CardLine) -> str:
    known = line.figure
    about = line.evidence if known.identified else known.reason
    how = "" if known.lower is None else f"{known.level:.0%}, {known.method}"
    return (
        f"<tr><td>{escaped_html(line.name)}<small>{escaped_html(line.question)}</small>"
        f"<td>{value(known, line.unit)}<td>{interval(known, line.unit)}<small>{escaped_html(how)}</small>"
        f"<td class='grade {line.grade[-1] if line.grade[0] in 'ABCD' else ''}'>{line.grade}"
        f"<td>{escaped_html(about)}<small>{escaped_html(line.rule)}</small>"
    )


def _finding(finding: Finding, words: str, beside: BesideOutputs) -> str:
    number = f"{value(finding.estimate, 'short')} {interval(finding.estimate, 'short')}".rstrip()
    head = f"{escaped_html(finding.model)}: {escaped_html(finding.rule)} {number}"
    spans = "".join(
        _evidence(evidence) + beside.markup(evidence.instruction, finding.model) for evidence in finding.evidence
    )
    severity = str(finding.severity)
    return f"<h2 class={severity}>{severity}: {head}</h2><p>{escaped_html(words)}</p>{spans}"


def _evidence(evidence: Evidence) -> str:
    where = f"instruction {escaped_html(evidence.instruction)}, characters {evidence.start} to {evidence.end}"
    match = f"<mark>{escaped_html(evidence.match)}</mark>"
    return f"<p>{where}</p><pre>{escaped_html(evidence.before)}{match}{escaped_html(evidence.after)}</pre>"


def _details(report: AuditReport) -> str:
    details = {key: item for key, item in report.document().items() if key in report.details}
    if not details:
        return ""
    return (
        f"<h2>Details</h2><pre>{escaped_html(json.dumps(details, ensure_ascii=False, indent=2, sort_keys=True))}</pre>"
    )
