"""The widgets by which pages are filtered. Each lives in the address bar under its key: every view has a permalink."""

from collections.abc import Collection, Sequence

import streamlit as st

from app import cached, commands
from app.views.elements import line
from judgebench.services.benchmarks import BenchmarkSummary
from judgebench.services.pages import JudgeBenchError
from judgebench.services.scope import Scope
from judgebench.show.text import one_line

WIDTH_PX = 196  # of a filter; as many stand side by side as the window is wide
MOST = 40  # models in a picture at once: more nobody reads, and browsers draw them slowly
_COUNTED = {"all-judges": "All judges", "common": "Common instructions only", "with-flagged": "Flagged models too"}


def source() -> cached.Source:
    """The database, or a greeting that says what to do, and the end of the page."""
    try:
        state = cached.source()
    except JudgeBenchError as error:
        _greet(str(error))
    known = [summary.name for summary in cached.benchmarks(state)]
    if not known:
        _greet("The database holds no benchmark yet.")
    linked = st.query_params.get("benchmark")
    if linked is not None and linked not in (*known, *map(one_line, known)):
        line(f"There is no benchmark {one_line(linked)} here: this is another one.")
    return state


def benchmark(source: cached.Source) -> BenchmarkSummary:
    known = {summary.name: summary for summary in cached.benchmarks(source)}
    chosen = st.selectbox(
        "Benchmark", list(known), key="benchmark", bind="query-params", format_func=one_line, width=WIDTH_PX
    )
    return known[chosen or next(iter(known))]


def judging(source: cached.Source, benchmark: str) -> None:
    """The command that has a judge at hand judge the benchmark, and what else there is where that one reads nothing."""
    judge = cached.judge_at_hand(source, benchmark)
    st.code(commands.judge_all(benchmark, judge), language=None)
    if judge != "embedded":
        line("It draws lots, to try things. A judge that reads conversations is one of a server:")
        st.code(commands.judge_all_by_server(benchmark), language=None)


def by_name(key: str, names: Collection[str], *, many: bool = False) -> None:
    """Let a link name values as the command line does, where the address bar holds the labels that a widget shows."""
    linked = [value for value in st.query_params.get_all(key) if value in names]
    if linked:
        del st.query_params[key]
        st.session_state[key] = linked if many else linked[0]


def one(label: str, options: Sequence[str], *, key: str, none: str) -> str | None:
    """One of ``options``, or None, shown as ``none``."""
    return st.selectbox(
        *(label, options),
        index=None,
        placeholder=none,
        key=key,
        bind="query-params",
        format_func=one_line,
        width=WIDTH_PX,
    )


def some(label: str, options: Sequence[str], *, key: str, none: str, most: int | None = None) -> tuple[str, ...]:
    """Any number of ``options`` up to ``most``; none chosen is shown as ``none``."""
    chosen: list[str] = st.multiselect(
        *(label, options),
        placeholder=none,
        key=key,
        bind="query-params",
        format_func=one_line,
        max_selections=most,
        width=WIDTH_PX,
    )
    return tuple(chosen)


def scope(benchmark: BenchmarkSummary, *, spoken: Sequence[str] | None = None) -> Scope:
    """Which verdicts count; ``spoken``: languages to choose from, None where nothing but judges and category is."""
    judges = some("Judges", benchmark.judges, key="judges", none="Most verdicts")
    category = one("Category", benchmark.categories, key="category", none="All")
    language = one("Language (a guess)", spoken, key="language", none="All") if spoken is not None else None
    names = list(_COUNTED) if spoken is not None else ["all-judges"]
    by_name("counted", names, many=True)
    counted: list[str] = st.pills(
        "Count", names, format_func=_COUNTED.__getitem__, selection_mode="multi", key="counted", bind="query-params"
    )
    every = "all-judges" in counted and not judges  # judges that are named are the ones that are meant
    return Scope(judges, category, language, every, "common" in counted, "with-flagged" in counted)


def places(models: int) -> range:
    """Which places of a board a picture shows, from 0: all where they are few, else a part that the reader chooses."""
    parts = {f"{first + 1} to {min(first + MOST, models)}": first for first in range(0, models, MOST)}
    if len(parts) <= 1:
        return range(models)
    chosen = st.selectbox("Places in the picture", list(parts), key="places", bind="query-params", width=WIDTH_PX)
    first = parts[chosen or next(iter(parts))]
    return range(first, min(first + MOST, models))


def say_part(part: range, models: int) -> None:
    """What a picture leaves out, in words."""
    if len(part) < models:
        line(f"The picture shows places {part.start + 1} to {part.stop} of {models:,}; the table below holds them all.")


def _greet(reason: str) -> None:
    st.subheader("Welcome to JudgeBench")
    st.write("There is nothing to show yet. Three ways to begin, each a command in a terminal:")
    st.text("Try it on a small benchmark that comes with the program, judged by a small model on this machine:")
    st.code("judgebench demo", language=None)
    st.text("Bring verdicts that AlpacaEval has published:")
    st.code("judgebench import alpaca-eval annotations.json", language=None)
    st.text("Submit a model's outputs, here or in a terminal, and have them judged:")
    st.code(
        "judgebench submit outputs.json --model MODEL --benchmark BENCHMARK\n"
        "judgebench run --benchmark BENCHMARK --judge embedded --all-pairs",
        language=None,
    )
    st.page_link("screens/submit.py", label="Submit outputs here", icon=":material/upload_file:")
    line("What the database said:")
    st.code(reason, language=None, wrap_lines=True)
    st.stop()
