"""Say which of two outputs is better: blind, in random order, once a pair; then be told who wrote what."""

from dataclasses import dataclass, field, replace

import streamlit as st

from app import auth, cached, filters, voting
from app.entered import kept
from app.views import elements, votes, ways
from app.views.elements import block, line, problem, unavailable
from app.views.votes import CHOICES, Choice
from judgebench import services
from judgebench.services.access import Forbidden, Person, Role
from judgebench.services.battles import JudgedBattle
from judgebench.services.labels import Compared, PairToLabel
from judgebench.services.pages import DatabaseError, HumanLabel, JudgeBenchError
from judgebench.show import goals, steps
from judgebench.show.conversations import passages
from judgebench.show.glossary import explained
from judgebench.show.text import one_line

_INSTRUCTION_PX = 160
_HAND, _NOTE, _SKIPPED, _NUMBER = "vote_pair", "vote_note", "vote_skipped", "vote_number"  # in the session


@dataclass(slots=True)
class _Hand:
    """The pair in hand. Its number is in the keys of its buttons, so that a key pressed twice, or before the next pair
    is shown, is about a pair that is gone, and counts for nothing."""

    place: tuple[object, ...]  # where the pair is from, and whom it is for
    pair: PairToLabel | None
    number: int
    choice: Choice | None = None  # once it is voted on
    questions: list[str] = field(default_factory=list)


def _voter(person: Person) -> str:
    """The name that votes are stored under: one's own choice on one's own machine, else the one of the login."""
    if not auth.policy().local:
        return person.name
    given = kept(
        st.text_input, "Your name", key="voter", first=person.name,
        max_chars=100, width=filters.WIDTH_PX, label_visibility="collapsed", help=explained("Your name"),
    )  # fmt: skip
    return given.strip() or person.name


def _in_hand(source: cached.Source, benchmark: str, voter: str) -> _Hand:
    """It stays until it is answered and looked at, or skipped."""
    kept: _Hand | None = st.session_state.get(_HAND)
    place = (benchmark, voter, source.file)
    if kept is None or kept.place != place:
        number = st.session_state[_NUMBER] = st.session_state.get(_NUMBER, 0) + 1
        pair = cached.next_pair(source, benchmark, voter, _skipped(benchmark, voter))
        kept = st.session_state[_HAND] = _Hand(place, pair, number)
    return kept


def _is_in_hand(hand: _Hand) -> bool:
    now: _Hand | None = st.session_state.get(_HAND)
    return now is not None and now.number == hand.number


def _vote(benchmark: str, voter: str, hand: _Hand, choice: Choice, *, reveal: bool) -> None:
    """Store a vote, and the answers to further questions with it; then reveal, or turn to the next pair."""
    if not _is_in_hand(hand) or hand.pair is None or hand.choice is not None:
        return
    try:
        auth.need(Role.VOTER)
        if not auth.policy().local and voter != auth.person().name:
            return  # the page was drawn for another login
        with cached.for_storing() as database:
            services.labels.add_labels(database, benchmark, _labels(voter, hand, hand.pair, choice))
        st.session_state[_NOTE] = None
        hand.choice = choice
    except DatabaseError:  # the same pair is there again once the database is
        st.session_state[_NOTE] = "the database did not answer, so the vote was not stored: vote again"
        return
    except JudgeBenchError as error:  # voted before, in another window, or not allowed
        st.session_state[_NOTE] = str(error)
    if hand.choice is None or not reveal:
        st.session_state.pop(_HAND, None)


def _labels(voter: str, hand: _Hand, pair: PairToLabel, choice: Choice) -> list[HumanLabel]:
    """The overall preference, and an answer to each further question that was answered."""
    overall = HumanLabel.of(
        *(voter, pair.instruction.key),
        first=pair.first.model, second=pair.second.model, preference=choice.preference,
        both_bad=choice.both_bad, samples=(pair.first.sample, pair.second.sample),
    )  # fmt: skip
    labels = [overall]
    for number, question in enumerate(hand.questions):
        answer = votes.ANSWERS.get(st.session_state.get(_key(hand, number)) or "")
        if answer is not None:
            toward_a = answer if overall.model_a == pair.first.model else 1 - answer
            labels.append(replace(overall, question=question, preference=toward_a, both_bad=False))
    return labels


def _key(hand: _Hand, question: int) -> str:
    return f"vote_{hand.number}_question_{question}"


def _skipped(benchmark: str, voter: str) -> list[Compared]:
    """What was skipped in this session, in the order in which it comes back."""
    skipped: list[Compared] = st.session_state.setdefault(_SKIPPED, {}).setdefault((benchmark, voter), [])
    return skipped


def _skip(benchmark: str, voter: str, hand: _Hand) -> None:
    if not _is_in_hand(hand) or hand.pair is None:
        return
    skipped = _skipped(benchmark, voter)
    skipped[:] = [*(earlier for earlier in skipped if earlier != hand.pair.compared), hand.pair.compared]
    st.session_state.pop(_HAND, None)


def _turn(hand: _Hand) -> None:
    if _is_in_hand(hand):
        st.session_state.pop(_HAND, None)


def _show(source: cached.Source, pair: PairToLabel, *, rendered: bool) -> None:
    images = cached.images(source, pair.instruction, (pair.first, pair.second))
    for number, passage in enumerate(passages(pair.instruction, (pair.first, pair.second), pair.sizes, blind=True)):
        if passage.asked:
            with st.container(key="vote_asked" if number == 0 else f"vote_asked_{number}"):
                st.html(votes.reading(passage.asked, "Instruction", rendered=rendered, images=images), width="stretch")
        if number == 0 and pair.instruction.reference:
            with st.expander("Reference"):
                block(pair.instruction.reference, height=_INSTRUCTION_PX, key="reference")
        if any(passage.replies):
            with st.container(key="vote_outputs" if number == 0 else f"vote_outputs_{number}"):
                for title, place, messages in zip(("First", "Second"), st.columns(2), passage.replies, strict=True):
                    with place:
                        body = votes.reading(messages, title, rendered=rendered, images=images)
                        st.html(f'<h2 class="jb-side">{title}</h2>{body}')


def _ask(hand: _Hand) -> None:
    """Further questions about the pair; they may be left open."""
    if not hand.questions:
        return
    box = st.container(key="vote_questions", gap="xsmall")
    for number, question in enumerate(hand.questions):
        with box, st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.text(f"Better on {one_line(question)}:", width="content")
            st.segmented_control(
                *(f"Answer to question {number + 1}", list(votes.ANSWERS)),
                key=_key(hand, number), label_visibility="collapsed",
            )  # fmt: skip


def _bar(benchmark: str, voter: str, hand: _Hand, *, reveal: bool) -> None:
    """The buttons, which stay in sight."""
    with st.container(horizontal=True, key="vote_bar"):
        if hand.choice is not None:
            st.button(
                "Next pair", shortcut="N", key=f"next_{hand.number}", type="primary", on_click=_turn, args=(hand,)
            )
            return
        for choice in CHOICES:
            st.button(
                choice.label,
                shortcut=choice.key, key=f"{choice.key}_{hand.number}",
                on_click=_vote, args=(benchmark, voter, hand, choice), kwargs={"reveal": reveal},
            )  # fmt: skip
        skip = f"skip_{hand.number}"
        st.button("Skip", shortcut="S", key=skip, on_click=_skip, args=(benchmark, voter, hand))


def _reveal(source: cached.Source, benchmark: str, voter: str, hand: _Hand) -> None:
    pair, choice = hand.pair, hand.choice
    if pair is None or choice is None:
        return
    models = (pair.first.model, pair.second.model)
    battle = cached.battle(source, benchmark, pair.instruction.key, *models)
    with st.container(border=True):
        elements.table(votes.revealed(battle, pair, choice, voter))
    _lists(battle, pair)
    address = filters.link("battles", instruction=pair.instruction.key, a=battle.model_a, b=battle.model_b)
    elements.links(("Everything that was said about it", address))


def _lists(battle: JudgedBattle, pair: PairToLabel) -> None:
    """What judges say of the steps and the goals of both outputs; before the vote it would sway it."""
    sides = [
        steps.lists(battle.steps, output) + goals.markup(battle.goals, battle.instruction, output)
        for output in (pair.first, pair.second)
    ]
    if any(sides):
        for title, place, html in zip(("First", "Second"), st.columns(2), sides, strict=True):
            with place:
                line(f"{title}, as judges read it:")
                elements.table(html or "<p>No list of steps or goals.</p>")


def _progress(source: cached.Source, benchmark: str, voter: str) -> None:
    progress = cached.voting_progress(source, benchmark, voter)
    line(votes.counted(progress))
    if progress.goal is not None:
        st.progress(min(progress.agreement.n / progress.goal.votes, 1.0))
        line(votes.goal(progress))
    if progress.mine:
        line(votes.agreed(progress))


st.html(votes.style())
try:
    source = filters.source("Vote")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title("Vote", anchor=False, width="content")
        person = auth.need(Role.VOTER)
        benchmark = filters.benchmark(source, labelled=False).name
        voter = _voter(person)
        plain = filters.toggle("As text", key="plain")
        reveal = voting.reveals() and not filters.toggle("Stay blind", key="blind")
    if st.session_state.get(_NOTE):
        problem("That vote was not stored.", st.session_state[_NOTE])
    hand = _in_hand(source, benchmark, voter)
    hand.questions = voting.questions(source, benchmark)
    if hand.pair is None:
        line("There is no pair left for you here. Pairs come from battles that a judge has judged:")
        ways.to_judge(source, benchmark)
    else:
        with st.container():  # whatever a pair has, its buttons take the place of the last pair's
            if hand.choice is not None:
                _reveal(source, benchmark, voter, hand)
            _show(source, hand.pair, rendered=not plain)
            if hand.choice is None:
                _ask(hand)
        _bar(benchmark, voter, hand, reveal=reveal)
    _progress(source, benchmark, voter)
    if hand.pair is not None and hand.choice is None:
        line("Which model wrote which is told after the vote at the earliest; their order is drawn anew for each pair.")
except Forbidden as error:
    unavailable(
        "Voting is for voters: an admin of this app gives roles.",
        error,
        ("Read what others said", filters.link("people")),
    )
except JudgeBenchError as error:
    unavailable("There is nothing to vote on yet.", error, ("Have models judged", filters.link("runs")))
