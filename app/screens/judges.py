"""Report cards: how far a judge is to be trusted, one or two side by side; and whether it answers now."""

import os

import streamlit as st

from app import charts, choosing, data, who
from app.access import Role
from app.figures import Shown, columns, widths
from app.text import line, name, problem
from judgebench import services
from judgebench.bias.card import Card
from judgebench.errors import JudgeBenchError
from judgebench.services.bias import Scope


def _listing(source: data.Source) -> None:
    known = data.judges(source)
    st.dataframe(
        {
            "Judge": [name(judge.name, 200) for judge in known],
            "LLM": [name(judge.model, 200) for judge in known],
            "Template": [name(judge.template, 200) for judge in known],
        },
        hide_index=True,
        alt="All judges",
        height="content" if len(known) < 8 else 300,
    )


def _card(card: Card, benchmark: str) -> None:
    st.subheader("Report card", anchor=False)
    line(f"{name(card.judge, 200)}: {name(card.model)} with {name(card.template)}, on {name(card.benchmark)}")
    shown = [Shown(each.question, each.figure, charts.card_unit(each.unit)) for each in card.lines]
    table = columns(shown, benchmark)
    remedies = {key: table[key] for key in ("What would give it",) if key in table}
    st.dataframe(
        {
            "Grade": [each.grade for each in card.lines],
            "Question": table["What"],
            "Value": table["Value"],
            "Interval": table["Interval"],
            "n": table["n"],
            **remedies,
            "Rule": [name(each.rule, 200) for each in card.lines],
            "Evidence": [name(each.evidence, 200) for each in card.lines],
        },
        hide_index=True,
        alt=f"Report card of {name(card.judge)}",
        column_config=widths(),
        height="content",
    )
    for note in card.notes:
        line(name(note, 400))


def _test(judge: str) -> None:
    """Ask the judge's server four short questions, once the button is pressed."""
    if not st.button("Test now", key=f"test_{judge}", icon=":material/network_check:", help="Four short questions"):
        return
    try:
        who.need(Role.ADMIN)
        with data.for_storing() as database, st.spinner("Asking"):
            spec = services.judges.known_judge(database, judge).spec
            if spec is not None:
                who.policy().check_judge(spec.url, spec.key_env)
            found = services.judges.try_judge(database, judge, os.environ)
    except JudgeBenchError as error:
        problem("It could not be tested.", error)
        return
    if found is None:
        line("It runs in this process: there is no server to ask.")
        return
    latency = "unknown" if found.latency_s is None else f"{found.latency_s:.2f} s"
    line(f"It answers as {name(found.model or 'no name')} in {latency}.")
    able = {"log-probabilities": found.logprobs, "JSON schemas": found.json_schema, "choices": found.choice}
    line(f"It gives {', '.join(what for what, gives in able.items() if gives) or 'plain replies only'}.")


def _compare(source: data.Source, benchmark: str, judges: tuple[str, ...]) -> None:
    st.subheader("Beside each other", anchor=False)
    found = data.agreement(source, benchmark, Scope(judges))
    for pair in found.pairs:
        line(f"{name(pair.one)} and {name(pair.other)}: {pair.items:,} battles that both judged")
        rows = [
            Shown("Agree", pair.agreement.raw),
            Shown("Cohen's kappa", pair.agreement.cohen, "plain"),
            Shown("Rank correlation of models, Kendall", pair.rankings.kendall, "plain"),
        ]
        st.dataframe(columns(rows, benchmark), hide_index=True, alt="Agreement of two judges", column_config=widths())


def _judges(source: data.Source) -> None:
    with st.container(horizontal=True):
        benchmark = choosing.benchmark(source)
        chosen = choosing.some("Judges, one or two", benchmark.judges, key="judges", none="The first", most=2)
    if not benchmark.judges:
        line("No judge has judged this benchmark yet. This asks a small model on this machine:")
        st.code(f"judgebench run --benchmark {name(benchmark.name)} --judge embedded --all-pairs", language=None)
        return
    judges = chosen or benchmark.judges[:1]
    for judge in judges:
        try:
            _card(data.card(source, judge, benchmark.name), benchmark.name)
        except JudgeBenchError as error:
            problem("This judge has no card here.", error)
        _test(judge)
    if len(judges) == 2:
        _compare(source, benchmark.name, judges)


st.title("Judges", anchor=False)
try:
    source = choosing.source()
    _listing(source)
    _judges(source)
except JudgeBenchError as error:
    problem("Judges cannot be shown.", error)
