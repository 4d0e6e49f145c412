"""Report cards: how far judges are to be trusted, any number beside each other; and whether they answer now."""

import os
from collections.abc import Sequence

import streamlit as st

from app import auth, cached, commands, filters
from app.views import cards, elements, ways
from app.views.elements import counted, line, problem, unavailable
from judgebench import services
from judgebench.services.access import Role
from judgebench.services.pages import Card, JudgeBenchError
from judgebench.services.scope import Scope
from judgebench.show import cards as words
from judgebench.show import judge_board
from judgebench.show.numbers import Labelled
from judgebench.show.text import count, one_line


def _listing(source: cached.Source) -> None:
    known = cached.judges(source)
    elements.values(
        {
            "Judge": [one_line(judge.name, 200) for judge in known],
            "LLM": [one_line(judge.model, 200) for judge in known],
            "Template": [one_line(judge.template, 200) for judge in known],
        },
        alt="All judges",
    )


def _cards(source: cached.Source, judges: Sequence[str], benchmark: str) -> None:
    """The cards beside each other, and below them what has too little data."""
    known: list[Card] = []
    for judge in judges:
        try:
            known.append(cached.card(source, judge, benchmark))
        except JudgeBenchError as error:
            line(one_line(judge, 200))
            unavailable("This judge has no card here yet.", error)
            elements.links(("Have it judge this benchmark", filters.link("runs")))
    if not known:
        return
    st.subheader("Report card" if len(known) == 1 else "Report cards", anchor=False)
    elements.table(cards.table(known))
    for card in known:
        line(one_line(card.judge, 200))  # the label of what folds is read as Markdown
        with st.expander("What counts, and what would give what is missing"):
            _about(card)


def _about(card: Card) -> None:
    counted(card.coverage, "app: nothing")
    if failures := words.failures(card):
        line(f"{words.FAILURES}:")
        elements.lines(failures)
    missing = cards.missing(card)
    if missing:
        line("Too little data for a grade, and what would give it:")
        elements.table(missing)
    elements.notes(card.notes)


def _tests(judges: Sequence[str]) -> None:
    st.subheader("Does it answer?", anchor=False)
    if auth.person().role < Role.ADMIN:
        line("Testing a judge's server needs the role admin, which you do not have. In a terminal:")
        st.code("\n".join(commands.test_judge(judge) for judge in judges), language=None, wrap_lines=True)
        return
    for judge in judges:
        _test(judge)


def _test(judge: str) -> None:
    """Ask the judge's server four short questions, once the button is pressed."""
    with st.container(horizontal=True, vertical_alignment="center"):
        line(one_line(judge, 200))
        pressed = st.button(
            "Test now", key=f"test_{judge}", icon=":material/network_check:", help="Four short questions"
        )
    if not pressed:
        return
    try:
        auth.need(Role.ADMIN)
        with cached.for_storing() as database, st.spinner("Asking"):
            spec = services.judges.known_judge(database, judge).spec
            if spec is not None:
                auth.policy().check_asked(spec)
            answer = services.judges.try_judge(database, judge, os.environ)
    except JudgeBenchError as error:
        problem("It could not be tested.", error)
        return
    if answer is None:
        line("It runs in this process, or is asked by another package: there is no server to ask.")
        return
    latency = "unknown" if answer.latency_s is None else f"{answer.latency_s:.2f} s"
    line(f"It answers as {one_line(answer.model or 'no name')} in {latency}.")
    able = {"log-probabilities": answer.logprobs, "JSON schemas": answer.json_schema, "choices": answer.choice}
    line(f"It gives {', '.join(what for what, gives in able.items() if gives) or 'plain replies only'}.")


def _evaluated(source: cached.Source, benchmark: str) -> None:
    """How often judges are right, where the benchmark is one of judges."""
    try:
        board = cached.judge_board(source, benchmark)
    except JudgeBenchError as error:
        problem("It is not known how often judges are right.", error)
        return
    if board is None:
        return
    st.subheader("How often they are right", anchor=False)
    part, judge, share, n = zip(*judge_board.part_cells(board, first=True), strict=True)
    parts = {"Part": part, "Judge": judge, "Share right": share, "n": n}
    elements.values(parts, alt="Judges by section")
    beside = [judge_board.about_cells(row) for row in board.rows]
    names = {"Judge": [one_line(row.judge, 200) for row in board.rows]}
    columns = zip(("Labelled pairs", "Failures", "Cost", "Latency"), zip(*beside, strict=True), strict=True)
    elements.values(names | dict(columns), alt="What judges took")
    with st.expander("What counts, and how"):
        for sentence in judge_board.sentences(board):
            line(sentence)


def _compare(source: cached.Source, benchmark: str, judges: tuple[str, ...]) -> None:
    st.subheader("How far they agree", anchor=False)
    for pair in cached.agreement(source, benchmark, Scope(judges)).pairs:
        line(f"{one_line(pair.one)} and {one_line(pair.other)}: {count(pair.items, 'battle')} that both judged")
        rows = [
            Labelled("Agree", pair.agreement.raw),
            Labelled("Cohen's kappa", pair.agreement.cohen, "number"),
            Labelled("Rank correlation of models, Kendall", pair.rankings.kendall, "number"),
        ]
        ways.estimates(rows, benchmark, alt="Agreement of two judges")


def _judges(source: cached.Source) -> None:
    with st.container(horizontal=True):
        benchmark = filters.benchmark(source)
        chosen = filters.some("Judges", benchmark.judges, key="judges", none="The first")
    ways.need_verdicts(source, benchmark)
    if not benchmark.judges:
        line("People voted here, and no judge has judged this benchmark yet.")
        ways.to_judge(source, benchmark.name)
        return
    judges = chosen or benchmark.judges[:1]
    _cards(source, judges, benchmark.name)
    if len(judges) > 1:
        _compare(source, benchmark.name, judges)
    _evaluated(source, benchmark.name)
    _tests(judges)
    st.subheader("All judges", anchor=False)
    _listing(source)


st.title("Judges", anchor=False)
try:
    _judges(filters.source())
except JudgeBenchError as error:
    unavailable("There are no judges to show here.", error, filters.afresh("Judges of this benchmark", "judges"))
