"""What audits say about a leaderboard's judges and models, as chips above it: HTML of ours, names of others escaped."""

from collections import Counter
from collections.abc import Callable

from judgebench.services.pages import BoardGate, JudgeGate
from judgebench.show.gates import null_models
from judgebench.show.text import count, escaped_html, one_line

Link = Callable[[str], str]  # the address of a page of the app
_NAMED = 3  # judges with a chip each; of more, those that passed and those that nobody audited are counted
_TONES = {"passed": "good", "failed": "flagged"}


def badges(gate: BoardGate, link: Link) -> str:
    """Each judge's null-model audit with the bound and who came nearest it, severe findings, and where to read on."""
    named = [judge for judge in gate.judges if len(gate.judges) <= _NAMED or judge.state in ("failed", "stale")]
    rest = Counter(judge.state for judge in gate.judges if judge not in named)
    chips = [_judge(judge) for judge in named[: 2 * _NAMED]]
    chips += [_chip(_TONES.get(state, ""), f"Null models: {number} judges {state}") for state, number in rest.items()]
    if len(named) > 2 * _NAMED:
        chips.append(_chip("flagged", f"Null models: {len(named) - 2 * _NAMED} more judges failed or stale"))
    flagged = gate.models_that_are("flagged")
    if flagged:
        chips.append(_chip("flagged", f"High findings on {count(len(flagged), 'model')}: red, without a rank"))
    links = ((link("audits"), "Audits"), (link("judges"), "Grades of judges"))
    parts = " ".join(f'<a href="{escaped_html(address)}">{words}</a>' for address, words in links)
    return f'<div class="jb-gate">{"".join(chips)}<span class="jb-links">{parts}</span></div>'


def _judge(judge: JudgeGate) -> str:
    return _chip(_TONES.get(judge.state, ""), one_line(f"Null models: {null_models(judge)}", 200))


def _chip(tone: str, words: str) -> str:
    return f'<span class="chip {tone}">{escaped_html(words)}</span>'
