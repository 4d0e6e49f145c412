"""What the page Vote is made of: outputs to read, the goal, and what is told after a vote."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from app.views import markdown
from app.views.board import framed
from app.views.elements import MAX_CHARS
from judgebench.services.battles import JudgedBattle
from judgebench.services.labels import PairToLabel, Progress
from judgebench.services.pages import Copy
from judgebench.show import conversations
from judgebench.show.conversations import ShownMessage
from judgebench.show.numbers import amount, estimate
from judgebench.show.text import count, escaped_html, name_html, spelt

_MOST_JUDGES = 12  # told of after a vote


@dataclass(frozen=True, slots=True)
class Choice:
    """An answer that a voter gives by a button or its key."""

    label: str
    key: str
    preference: float  # for the output shown first
    both_bad: bool = False


CHOICES = (
    Choice("First is better", "1", 1.0),
    Choice("Second is better", "2", 0.0),
    Choice("Tie", "T", 0.5),
    Choice("Both are bad", "B", 0.5, both_bad=True),
)
ANSWERS = {"First": 1.0, "Tie": 0.5, "Second": 0.0}  # to further questions


@cache
def style() -> str:
    return f"<style>{Path(__file__).with_name('vote.css').read_text(encoding='utf-8')}</style>"


def reading(shown: Sequence[ShownMessage], label: str, *, rendered: bool, images: Mapping[str, Copy]) -> str:
    """What one side says, as HTML in which all of it is escaped, in a box that scrolls; ``label`` is ours, ``images``
    are copies by digest."""
    if not conversations.is_text(shown):
        by_markdown = markdown.rendered if rendered else None
        body = conversations.markup(shown, most=MAX_CHARS, rendered=by_markdown, images=images)
    else:
        text = conversations.transcript(shown)
        letters = f'<div class="jb-letters">{escaped_html(spelt(text[:MAX_CHARS])) or "(empty)"}</div>'
        body = markdown.rendered(text) if rendered and text.strip() else letters
    return f'<div class="jb-read" tabindex="0" role="region" aria-label="{label}">{body}</div>'


def counted(progress: Progress) -> str:
    """How many votes there are."""
    return (
        f"{count(progress.mine, 'vote')} of yours, {progress.all:,} of everybody; judges have judged "
        f"{count(progress.pairs, 'pair')}, all judges counted together."
    )


def goal(progress: Progress) -> str:
    """What the next useful number of votes would tell; empty where no more can be told."""
    ahead, n = progress.goal, progress.agreement.n
    if ahead is None:
        return ""
    known = f"how often you agree with the mean of all judges is known to within {100 * ahead.half_width:.0f} points"
    if ahead.is_all:
        return f"{n:,} of {count(ahead.votes, 'vote')}: with all pairs voted on, {known}."
    between = "" if ahead.fewest == ahead.most else f" ({ahead.fewest:,} to {ahead.most:,})"
    return f"{n:,} of about {count(ahead.votes, 'vote')}: at about {ahead.votes:,}{between}, {known}."


def agreed(progress: Progress) -> str:
    """How often the voter agrees with judges so far."""
    return (
        f"You name the winner by the mean of all judges that compared the pair, pooled, or a tie with it: "
        f"{estimate(progress.agreement, 'share')}, of {count(progress.agreement.n, 'vote')}. "
        "Pairs that judges are least sure of come first, which makes it lower."
    )


@dataclass(frozen=True, slots=True)
class JudgeOpinion:
    """What a judge said about a pair of outputs, as a voter saw them."""

    judge: str
    toward_first: tuple[float, ...]  # preference for the output shown first, of each verdict that has one
    without: int  # trials without a verdict

    @property
    def mean(self) -> float | None:
        return sum(self.toward_first) / len(self.toward_first) if self.toward_first else None


def opinions(battle: JudgedBattle, pair: PairToLabel) -> list[JudgeOpinion]:
    """Of each judge, those with most verdicts first."""
    given: dict[str, list[float]] = {}
    without: dict[str, int] = {}
    shown = {(pair.first.model, pair.first.sample), (pair.second.model, pair.second.sample)}
    for trial in battle.verdicts:
        other = trial.output_b
        if other is None or {(trial.output_a.model, trial.output_a.sample), (other.model, other.sample)} != shown:
            continue
        mine = given.setdefault(trial.judge, [])
        preference = trial.verdict.preference
        if preference is None:
            without[trial.judge] = without.get(trial.judge, 0) + 1
        else:
            mine.append(preference if trial.output_a.model == pair.first.model else 1 - preference)
    rows = [JudgeOpinion(name, tuple(values), without.get(name, 0)) for name, values in given.items()]
    return sorted(rows, key=lambda row: (-len(row.toward_first), row.judge))


def revealed(battle: JudgedBattle, pair: PairToLabel, choice: Choice, voter: str) -> str:
    """Who wrote what, and what judges and other people said, as HTML in which every name is escaped."""
    names = [name_html(output.model, 80) for output in (pair.first, pair.second)]
    rows = opinions(battle, pair)
    body = "".join(_row(row, choice) for row in rows[:_MOST_JUDGES])
    more = f"<p>and {count(len(rows) - _MOST_JUDGES, 'judge')} more.</p>" if len(rows) > _MOST_JUDGES else ""
    heads = [f"<th scope=col>{words}</th>" for words in ("Judge", "Prefers", "How surely", "Beside you")]
    table = framed("What judges said", heads, body)
    return (
        f"<p><strong>First:</strong> {names[0]} &nbsp; <strong>Second:</strong> {names[1]}</p>"
        f"<p>You said: {escaped_html(choice.label.lower())}. {' '.join(_people(battle, pair, voter))}</p>"
        f"{table}{more}<p>How surely is a mean over so few verdicts, and has no interval.</p>"
    )


def _row(row: JudgeOpinion, choice: Choice) -> str:
    cells = (_winner(row.mean), _surely(row), _beside(row.mean, choice.preference))
    name = name_html(row.judge, 80)
    return f'<tr><th scope="row">{name}</th>{"".join(f"<td>{escaped_html(cell)}</td>" for cell in cells)}</tr>'


def _winner(mean: float | None) -> str:
    if mean is None:
        return "no verdict"
    return "neither" if mean == 0.5 else "the first" if mean > 0.5 else "the second"


def _surely(row: JudgeOpinion) -> str:
    if row.mean is None:
        return f"{count(row.without, 'trial')} without a verdict"
    words = f"{amount(max(row.mean, 1 - row.mean), 'share')} in {count(len(row.toward_first), 'verdict')}"
    if len({value > 0.5 for value in row.toward_first if value != 0.5}) > 1:
        words += ", which contradict each other"
    return words + (f"; {row.without:,} without one" if row.without else "")


def _beside(mean: float | None, preference: float) -> str:
    if mean is None:
        return ""
    return "agrees" if (mean > 0.5) - (mean < 0.5) == (preference > 0.5) - (preference < 0.5) else "differs"


def _people(battle: JudgedBattle, pair: PairToLabel, voter: str) -> Iterator[str]:
    """What others said about the same two outputs."""
    samples = {pair.first.model: pair.first.sample, pair.second.model: pair.second.sample}
    others = [
        label.preference if label.model_a == pair.first.model else 1 - label.preference
        for label in battle.labels
        if label.annotator != voter and label.samples == (samples[label.model_a], samples[label.model_b])
    ]
    if others:
        first, second = sum(value > 0.5 for value in others), sum(value < 0.5 for value in others)
        yield f"Of {count(len(others), 'other voter')}, {first} preferred the first, {second} the second."
