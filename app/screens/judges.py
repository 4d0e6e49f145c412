"""Report cards: how far a judge is to be trusted, one or two side by side; and whether it answers now."""

import os

import streamlit as st

from app import auth, cached, filters
from app.auth import Role
from app.views.elements import WIDTHS, counted, estimates, line, problem
from judgebench import services
from judgebench.services.pages import Card, JudgeBenchError
from judgebench.services.scope import Scope
from judgebench.show.numbers import Labelled
from judgebench.show.tables import estimate_columns
from judgebench.show.text import one_line


def _listing(source: cached.Source) -> None:
    known = cached.judges(source)
    st.dataframe(
        {
            "Judge": [one_line(judge.name, 200) for judge in known],
            "LLM": [one_line(judge.model, 200) for judge in known],
            "Template": [one_line(judge.template, 200) for judge in known],
        },
        hide_index=True,
        alt="All judges",
        height="content" if len(known) < 8 else 300,
    )


def _card(card: Card, benchmark: str) -> None:
    st.subheader("Report card", anchor=False)
    made_of = f"{one_line(card.model)} with {one_line(card.template)}"
    line(f"{one_line(card.judge, 200)}: {made_of}, on {one_line(card.benchmark)}")
    counted(card.coverage)
    rows = [Labelled(answer.question, answer.figure, answer.unit) for answer in card.lines]
    table = estimate_columns(rows, benchmark)
    st.dataframe(
        {
            "Grade": [answer.grade for answer in card.lines],
            "Question": table["What"],
            "Value": table["Value"],
            "Interval": table["Interval"],
            "n": table["n"],
            "Rule": [one_line(answer.rule, 200) for answer in card.lines],
            "Evidence": [one_line(answer.evidence, 200) for answer in card.lines],
        },
        hide_index=True,
        alt=f"Report card of {one_line(card.judge)}",
        column_config=WIDTHS,
        height="content",
    )
    remedies = zip(table.get("What would give it", ()), table["What"], strict=False)
    if missing := [f"{command}  # {question}" for command, question in remedies if command]:
        line("What would give what is missing:")
        st.code("\n".join(missing), language=None, wrap_lines=True)
    for note in card.notes:
        line(one_line(note, 400))


def _test(judge: str) -> None:
    """Ask the judge's server four short questions, once the button is pressed."""
    if not st.button("Test now", key=f"test_{judge}", icon=":material/network_check:", help="Four short questions"):
        return
    try:
        auth.need(Role.ADMIN)
        with cached.for_storing() as database, st.spinner("Asking"):
            spec = services.judges.known_judge(database, judge).spec
            if spec is not None:
                auth.policy().check_judge(spec.url, spec.key_env)
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


def _compare(source: cached.Source, benchmark: str, judges: tuple[str, ...]) -> None:
    st.subheader("Beside each other", anchor=False)
    for pair in cached.agreement(source, benchmark, Scope(judges)).pairs:
        line(f"{one_line(pair.one)} and {one_line(pair.other)}: {pair.items:,} battles that both judged")
        rows = [
            Labelled("Agree", pair.agreement.raw),
            Labelled("Cohen's kappa", pair.agreement.cohen, "number"),
            Labelled("Rank correlation of models, Kendall", pair.rankings.kendall, "number"),
        ]
        estimates(rows, benchmark, alt="Agreement of two judges")


def _judges(source: cached.Source) -> None:
    with st.container(horizontal=True):
        benchmark = filters.benchmark(source)
        chosen = filters.some("Judges, one or two", benchmark.judges, key="judges", none="The first", most=2)
    if not benchmark.judges:
        line("No judge has judged this benchmark yet. This asks one that comes with the program:")
        filters.judging(source, benchmark.name)
        return
    judges = chosen or benchmark.judges[:1]
    for judge in judges:
        try:
            _card(cached.card(source, judge, benchmark.name), benchmark.name)
        except JudgeBenchError as error:
            problem("This judge has no card here.", error)
        _test(judge)
    if len(judges) == 2:
        _compare(source, benchmark.name, judges)


st.title("Judges", anchor=False)
try:
    source = filters.source()
    _listing(source)
    _judges(source)
except JudgeBenchError as error:
    problem("Judges cannot be shown.", error)
