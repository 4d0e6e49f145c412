"""Say which of two outputs is better: blind, in random order, once a pair."""

from collections.abc import Mapping
from dataclasses import dataclass

import streamlit as st

from app import auth, cached, filters
from app.auth import Person, Role
from app.views import conversation
from app.views.elements import block, line, problem
from judgebench import services
from judgebench.services.labels import Compared, PairToLabel
from judgebench.services.pages import HumanLabel, JudgeBenchError
from judgebench.show.conversations import passages
from judgebench.show.numbers import estimate

_INSTRUCTION_PX, _OUTPUT_PX = 160, 400
_PAIR, _NOTE, _SKIPPED = "vote_pair", "vote_note", "vote_skipped"  # in the session


@dataclass(frozen=True, slots=True)
class _Answer:
    label: str
    key: str
    preference: float  # for the output shown first
    both_bad: bool = False


_ANSWERS = (
    _Answer("First is better", "1", 1.0),
    _Answer("Second is better", "2", 0.0),
    _Answer("Tie", "T", 0.5),
    _Answer("Both are bad", "B", 0.5, both_bad=True),
)


def _voter(person: Person) -> str:
    """The name that votes are stored under: one's own choice on one's own machine, else the one of the login."""
    if not auth.policy().local:
        return person.name
    given = st.text_input("Your name", value=person.name, key="voter", max_chars=100, width=filters.WIDTH_PX)
    return given.strip() or person.name


def _pair(source: cached.Source, benchmark: str, voter: str) -> PairToLabel | None:
    """The pair in hand, which stays until it is answered or skipped."""
    kept: Mapping[str, object] = st.session_state.get(_PAIR, {})
    place = {"benchmark": benchmark, "voter": voter, "file": source.file}
    if any(kept.get(key) != value for key, value in place.items()):
        drawn = cached.next_pair(source, benchmark, voter, _skipped(benchmark, voter))
        st.session_state[_PAIR] = {**place, "pair": drawn}
    pair: PairToLabel | None = st.session_state[_PAIR]["pair"]
    return pair


def _answer(benchmark: str, voter: str, pair: PairToLabel, answer: _Answer) -> None:
    """Store a vote and turn to the next pair."""
    try:
        auth.need(Role.VOTER)
        if not auth.policy().local and voter != auth.person().name:
            return  # the page was drawn for another login
        label = HumanLabel.of(
            voter,
            pair.instruction.key,
            first=pair.first.model,
            second=pair.second.model,
            preference=answer.preference,
            both_bad=answer.both_bad,
            samples=(pair.first.sample, pair.second.sample),
        )
        with cached.for_storing() as database:
            services.labels.vote(database, benchmark, label)
        st.session_state[_NOTE] = None
    except JudgeBenchError as error:  # voted before, in another window, or not allowed
        st.session_state[_NOTE] = str(error)
    st.session_state.pop(_PAIR, None)


def _skipped(benchmark: str, voter: str) -> list[Compared]:
    """What was skipped in this session, in the order in which it comes back."""
    skipped: list[Compared] = st.session_state.setdefault(_SKIPPED, {}).setdefault((benchmark, voter), [])
    return skipped


def _skip(benchmark: str, voter: str, pair: PairToLabel) -> None:
    skipped = _skipped(benchmark, voter)
    skipped[:] = [*(earlier for earlier in skipped if earlier != pair.compared), pair.compared]
    st.session_state.pop(_PAIR, None)


def _show(pair: PairToLabel) -> None:
    st.subheader("Instruction", anchor=False)
    for number, passage in enumerate(passages(pair.instruction, (pair.first, pair.second), pair.sizes)):
        if passage.asked:
            conversation.messages(passage.asked, height=_INSTRUCTION_PX, key=f"asked_{number}")
        if number == 0 and pair.instruction.reference:
            with st.expander("Reference"):
                block(pair.instruction.reference, height=_INSTRUCTION_PX, key="reference")
        if any(passage.replies):
            for title, place, messages in zip(("First", "Second"), st.columns(2), passage.replies, strict=True):
                with place:
                    st.subheader(title, anchor=False)
                    conversation.messages(messages, height=_OUTPUT_PX, key=f"{title.lower()}_{number}")


def _progress(source: cached.Source, benchmark: str, voter: str) -> None:
    progress = cached.voting_progress(source, benchmark, voter)
    line(
        f"{progress.mine:,} votes of yours, {progress.all:,} of everybody; judges have judged {progress.pairs:,} pairs."
    )
    st.progress(min(progress.mine / max(progress.pairs, 1), 1.0))
    if not progress.mine:
        return
    agreed = estimate(progress.agreement, "share")
    line(f"You name the judges' winner, or a tie with them: {agreed}, of {progress.agreement.n:,} votes.")
    line("Pairs that judges are least sure of come first, so this is lower than over all battles.")


st.title("Vote", anchor=False)
try:
    source = filters.source()
    person = auth.need(Role.VOTER)
    with st.container(horizontal=True):
        benchmark = filters.benchmark(source).name
        voter = _voter(person)
    if st.session_state.get(_NOTE):
        problem("That vote was not stored.", st.session_state[_NOTE])
    pair = _pair(source, benchmark, voter)
    if pair is None:
        line("There is no pair left for you here. Pairs come from battles that a judge has judged:")
        filters.judging(source, benchmark)
    else:
        _show(pair)
        with st.container(horizontal=True):
            for answer in _ANSWERS:
                st.button(answer.label, shortcut=answer.key, on_click=_answer, args=(benchmark, voter, pair, answer))
            st.button("Skip", shortcut="S", on_click=_skip, args=(benchmark, voter, pair))
        line("Which model wrote which is not told, and their order is drawn anew for each pair.")
    _progress(source, benchmark, voter)
except JudgeBenchError as error:
    problem("There is nothing to vote on.", error)
