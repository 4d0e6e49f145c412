"""What audits say about a leaderboard's judges and models, as chips above it: HTML of ours, names of others escaped."""

from collections import Counter
from collections.abc import Sequence

from app.views.findings import Link
from judgebench.services.pages import BoardGate, JudgeGate
from judgebench.show.gates import null_models
from judgebench.show.text import count, escaped_html, name_html, one_line

_MODELS = 2  # flagged ones that the chip names
_NAMED = 3  # judges with a chip each; of more, those that passed and those that nobody audited are counted
_TONES = {"passed": "good", "failed": "flagged"}


def badges(gate: BoardGate, link: Link, *, ranked: bool) -> str:
    """Each judge's null-model audit with the bound and who came nearest it, severe findings, and where to read on.

    ``ranked``: whether flagged models count here, as somebody wished or as too few others are left.
    """
    named = [judge for judge in gate.judges if len(gate.judges) <= _NAMED or judge.state in ("failed", "stale")]
    rest = Counter(judge.state for judge in gate.judges if judge not in named)
    chips = [_judge(judge) for judge in named[: 2 * _NAMED]]
    chips += [
        _chip(_TONES.get(state, ""), f"Null models: {count(number, 'judge')} {state}") for state, number in rest.items()
    ]
    if len(named) > 2 * _NAMED:
        chips.append(_chip("flagged", f"Null models: {count(len(named) - 2 * _NAMED, 'more judge')} failed or stale"))
    flagged = gate.models_that_are("flagged")
    if flagged:
        rank = "counted all the same" if ranked else "without a rank"
        chips.append(_flagged([model.model for model in flagged], link, rank=rank))
    links = ((link("audits"), "Audits"), (link("judges"), "Grades of judges"))
    parts = " ".join(f'<a href="{escaped_html(address)}">{words}</a>' for address, words in links)
    return f'<div class="jb-gate">{"".join(chips)}<span class="jb-links">{parts}</span></div>'


def _judge(judge: JudgeGate) -> str:
    return _chip(_TONES.get(judge.state, ""), one_line(f"Null models: {null_models(judge)}", 200))


def _flagged(models: Sequence[str], link: Link, *, rank: str) -> str:
    """The first ones by name, each leading to its page."""
    names = [
        f'<a href="{escaped_html(link("model", model=name))}">{name_html(name, 60)}</a>' for name in models[:_MODELS]
    ]
    rest = len(models) - len(names)
    words = f"{', '.join(names)} and {rest} more" if rest else " and ".join(names)
    return f'<span class="chip flagged">High findings on {words}: red, {rank}</span>'


def _chip(tone: str, words: str) -> str:
    return f'<span class="chip {tone}">{escaped_html(words)}</span>'
