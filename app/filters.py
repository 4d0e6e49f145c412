"""The widgets by which pages are filtered. Each lives in the address bar under its key, see ``address``."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Literal, TypeVar, cast, get_args
from urllib.parse import urlencode

import streamlit as st
from streamlit.elements.lib.mutable_tab_container import TabContainer

from app import address, auth, cached, demonstration
from app.views import importing
from app.views.elements import line, problem
from judgebench import services
from judgebench.services.access import Role
from judgebench.services.benchmarks import BenchmarkSummary
from judgebench.services.pages import METHODS, OVERALL, DatabaseBusy, JudgeBenchError, Method, NoDatabase
from judgebench.services.scope import Scope
from judgebench.show.board import ORDERS
from judgebench.show.glossary import explained
from judgebench.show.text import escaped_html, one_line

_METHODS: dict[Method, str] = {name: METHODS[name].label for name in get_args(Method)}
_BY = {"judges": "Judges' verdicts", "people": "People's votes"}
# In the address: what counts, and how it ranks.
KEYS = ("benchmark", "baseline", "judges", "category", "language", "counted", "by", "question", "method")
WIDTH_PX = 196  # of a filter; as many stand side by side as the window is wide
MOST = 40  # models in a picture at once: more nobody reads, and browsers draw them slowly
Name = TypeVar("Name", bound=str)
_CHARS = 200  # of a search
_LOOK_AGAIN_S = 3.0  # between two looks whether a database is back
_ALIASES: dict[str, Method] = {"lc": "length-controlled", "bt": "bradley-terry", "wr": "win-rate"}
_UNKNOWN = "unknown in the address"  # of the session: the values, until they are said
_SHOWS = {  # by title of a page: what it will show
    "Leaderboard": "The leaderboard shows which model leads and how surely.",
    "Model": "This page shows where one model stands, by category and opponent.",
    "Compare": "This page shows two models beside each other.",
    "Instruction": "This page shows what was asked, what every model answered, and how that was judged.",
    "Vote": "This page shows two outputs, of which you choose the better.",
    "Standing board": "This page shows by which judge, against whom and among whom new models are ranked.",
    "Matrix": "The matrix shows how often each model is preferred to each other one.",
    "People": "This page shows how people who vote agree with each other and with judges.",
}
_COUNTED = {"all-judges": "All judges", "common": "Common instructions only", "with-flagged": "Flagged models too"}


def source(title: str = "") -> cached.Source:
    """The database; without one, or one that can be read, what to do about it and the end of the page.

    ``title``: of the page, where it has not been shown yet.
    """
    try:
        state = cached.source()
    except NoDatabase as error:
        _greet(f"there is no database at {error.name}; if numbers should be here, tell whoever started this app", title)
    except JudgeBenchError as error:
        if title:
            st.title(title, anchor=False)
        unreadable(error)
        st.stop()
    summaries = cached.benchmarks(state)
    if not summaries:
        _greet("the database holds no benchmark yet", title)
    known, usual = [summary.name for summary in summaries], services.benchmarks.usual(summaries).name
    linked = st.query_params.get("benchmark")
    chosen = st.session_state.get("benchmark", usual)
    if linked is not None and chosen == usual and address.understood(linked, _named(known)) is None:
        line(f"There is no benchmark {one_line(linked)} here: this is another one.")
    st.session_state[_UNKNOWN] = []
    return state


def unreadable(error: JudgeBenchError) -> None:
    """That the database cannot be read, and why; where it may be back soon, the page is drawn anew once it is."""
    problem("The database cannot be read.", error)
    if not isinstance(error, DatabaseBusy):
        return
    line("The page comes by itself once the database is back: nothing need be loaded again.")

    @st.fragment(run_every=_LOOK_AGAIN_S)
    def look() -> None:
        with suppress(JudgeBenchError):
            cached.source()
            st.rerun()

    look()


def _named(names: Sequence[str]) -> dict[str, str]:
    """Names that others chose, and how they are shown."""
    return {name: one_line(name) for name in names}


def _check(label: str, key: str, labels: Mapping[Name, str], aliases: Mapping[str, Name] | None = None) -> None:
    """Note what the address names under ``key`` and is none of those."""
    unknown = [value for value in st.query_params.get_all(key) if not address.understood(value, labels, aliases)]
    st.session_state.setdefault(_UNKNOWN, []).extend((label, value) for value in unknown if value)


def say_unknown() -> None:
    """What the address names and is not here; below the filters, as some of them are folded."""
    for label, value in st.session_state.pop(_UNKNOWN, []):
        line(f"The address names {one_line(value)} as {label}, which is not here, so it is left out.")


def benchmark(source: cached.Source, *, labelled: bool = True) -> BenchmarkSummary:
    """``labelled``: whether its label is seen; it is there for those who do not see in any case."""
    known = {summary.name: summary for summary in cached.benchmarks(source)}
    usual = services.benchmarks.usual(known.values()).name
    bound = address.one("benchmark", _named(list(known)), default=usual, lasting=False)
    chosen = st.selectbox(
        *("Benchmark", list(known)),
        key="benchmark",
        help=_help("Benchmark"),
        format_func=one_line,
        width=WIDTH_PX,
        label_visibility="visible" if labelled else "collapsed",
    )
    return known[bound.keep(chosen)]


def link(page: str, **values: str) -> str:
    """The address of a page of this app that counts what this one counts, with further values.

    It names the benchmark that this page shows by itself, too: tomorrow that may be another.
    """
    if "benchmark" in st.session_state:
        values = {"benchmark": st.session_state["benchmark"]} | values
    known = {*st.query_params} - values.keys()
    here = [(key, value) for key in KEYS if key in known for value in st.query_params.get_all(key)]
    here = [pair for pair in here if pair != ("by", "both")]  # which the leaderboard alone shows
    return f"{page}?{urlencode([*here, *values.items()])}"


def afresh(words: str, page: str, **values: str) -> tuple[str, str]:
    """A link to a page with the benchmark that this one shows, and of what is chosen only ``values``."""
    if "benchmark" in st.session_state:
        values = {"benchmark": st.session_state["benchmark"]} | values
    return words, f"{page}?{urlencode(values)}"


def order() -> tuple[str, bool]:
    """By what the leaderboard's lines are put, as a heading was clicked, and whether the most comes first."""
    chosen = st.query_params.get("sort", "rank")
    by, descending = chosen.removeprefix("-"), chosen.startswith("-")
    if by in ORDERS:
        return by, descending
    st.session_state.setdefault(_UNKNOWN, []).append(("order", chosen))
    return "rank", False


def order_link(by: str, *, descending: bool) -> str:
    """The address of this leaderboard with its lines put so, and all else as it is."""
    return here("leaderboard", sort="-" * descending + by)


def here(page: str, /, **values: str) -> str:
    """The address of ``page``, which is this one, with further values, and all else as it is."""
    as_is = [(key, value) for key in st.query_params if key not in values for value in st.query_params.get_all(key)]
    return f"{page}?{urlencode([*as_is, *values.items()])}"


def one(label: str, options: Sequence[str], *, key: str, none: str, labelled: bool = True) -> str | None:
    """One of ``options``, or None, shown as ``none``. ``labelled``: as of ``benchmark``."""
    bound = address.one(key, _named(options), default=None)
    chosen: str | None = st.selectbox(
        *(label, options),
        index=None,
        placeholder=none,
        key=key,
        help=_help(label),
        format_func=one_line,
        width=WIDTH_PX,
        label_visibility="visible" if labelled else "collapsed",
    )
    bound.keep(chosen)
    _check(label.lower(), key, _named(options))
    return chosen


def required(label: str, options: Sequence[str], *, key: str) -> str:
    """One of ``options``, as the address names it; where it names none, a question, and the end of the page."""
    chosen = one(label, options, key=key, none=f"Choose: {label.lower()}", labelled=False)
    if chosen is None:
        say_unknown()
        line(f"Choose above which one this page is about: {label.lower()}. Names on the leaderboard lead here, too.")
        st.html(f'<p class=jb-links><a href="{escaped_html(link("leaderboard"))}">The leaderboard</a></p>')
        st.stop()
    return chosen


def some(
    label: str,
    options: Sequence[str],
    *,
    key: str,
    none: str,
    most: int | None = None,
    labelled: bool = True,
    width: int | Literal["stretch"] = WIDTH_PX,
) -> tuple[str, ...]:
    """Any number of ``options`` up to ``most``; none chosen is shown as ``none``. ``labelled``: as of ``benchmark``."""
    bound = address.some(key, _named(options), most=most)
    chosen: list[str] = st.multiselect(
        *(label, options),
        placeholder=none,
        key=key,
        help=_help(label),
        format_func=one_line,
        max_selections=most,
        width=width,
        label_visibility="visible" if labelled else "collapsed",
    )
    bound.keep(chosen)
    _check(label.lower(), key, _named(options))
    return tuple(chosen)


def listed(
    label: str,
    labels: Mapping[Name, str],
    *,
    key: str,
    aliases: Mapping[str, Name] | None = None,
    labelled: bool = True,
) -> Name:
    """One of the names of ``labels`` from a list, the first unless chosen otherwise. ``labelled``: as of
    ``benchmark``."""
    bound = address.one(key, labels, default=next(iter(labels)), aliases=aliases)
    chosen: Name = st.selectbox(
        *(label, list(labels)),
        format_func=labels.__getitem__,
        key=key,
        help=_help(label),
        width=WIDTH_PX,
        label_visibility="visible" if labelled else "collapsed",
    )
    bound.keep(chosen)
    _check(label.lower(), key, labels, aliases)
    return chosen


def either(label: str, labels: Mapping[Name, str], *, key: str, help: str | None = None) -> Name:
    """One of the names of ``labels``, beside each other; the first unless chosen otherwise."""
    bound = address.one(key, labels, default=next(iter(labels)))
    chosen = st.segmented_control(
        *(label, list(labels)), format_func=labels.__getitem__, required=True, key=key, help=help or _help(label)
    )
    bound.keep(chosen)
    _check(label.lower(), key, labels)
    return cast(Name, chosen)  # required: never None


def several(label: str, labels: Mapping[Name, str], *, key: str, default: Sequence[Name] = ()) -> list[Name]:
    """Any of the names of ``labels``, beside each other; ``default`` unless chosen otherwise."""
    bound = address.some(key, labels, default=default)
    chosen: list[Name] = st.pills(
        *(label, list(labels)), format_func=labels.__getitem__, selection_mode="multi", key=key, help=_help(label)
    )
    bound.keep(chosen)
    _check(label.lower(), key, labels)
    return chosen


def words(label: str, *, key: str, hint: str | None = None, labelled: bool = True) -> str:
    """A line of text, of at most ``_CHARS`` characters. ``labelled``: as of ``benchmark``."""
    bound = address.text(key, _CHARS)
    given = st.text_input(
        label,
        key=key,
        placeholder=hint,
        help=_help(label),
        max_chars=_CHARS,
        width=WIDTH_PX,
        label_visibility="visible" if labelled else "collapsed",
    )
    return bound.keep(given or "")


def _help(label: str) -> str | None:
    """What stands under the pointer."""
    return explained(label) or None


def tabs(labels: Sequence[str], *, key: str) -> Sequence[TabContainer]:
    """Parts of a page, of which the open one alone is made."""
    bound = address.one(key, _named(labels), default=labels[0])
    parts = st.tabs(labels, key=key, on_change="rerun")
    bound.keep(st.session_state[key])
    _check(key, key, _named(labels))
    return parts


def toggle(label: str, *, key: str) -> bool:
    bound = address.flag(key)
    return bound.keep(st.toggle(label, key=key, help=_help(label)))


def page(pages: int, *, key: str = "page") -> int:
    """Which of ``pages``, from 1."""
    bound = address.number(key, pages)
    return bound.keep(st.pagination(pages, key=key))


def scope(benchmark: BenchmarkSummary, *, spoken: Sequence[str] | None = None) -> Scope:
    """Which verdicts count; ``spoken``: languages to choose from, None where nothing but judges and category is."""
    judges = some("Judges", benchmark.judges, key="judges", none="Most verdicts")
    category = one("Category", benchmark.categories, key="category", none="All")
    language = one("Language (a guess)", spoken, key="language", none="All") if spoken is not None else None
    names = list(_COUNTED) if spoken is not None else ["all-judges"]
    counted = several("Count", {name: _COUNTED[name] for name in names}, key="counted")
    every = "all-judges" in counted and not judges  # judges that are named are the ones that are meant
    return Scope(judges, category, language, every, "common" in counted, "with-flagged" in counted)


@dataclass(frozen=True, slots=True)
class Judged:
    """Which of one judge's readings of outputs count."""

    benchmark: BenchmarkSummary
    judge: str | None  # None: nobody has read any
    category: str | None
    models: tuple[str, ...]  # none: all


def judged(source: cached.Source, title: str, judges: Callable[[cached.Source, str], Sequence[str]]) -> Judged:
    """The page's title with these choices beside it. Ends the page where several judges are there and none is chosen.

    ``judges``: by whom outputs of a benchmark were read.
    """
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title(title, anchor=False, width="content")
        chosen = benchmark(source, labelled=False)
        known = judges(source, chosen.name)
        judge = one("Judge", known, key="judge", none="Choose one") if len(known) > 1 else next(iter(known), None)
        category = one("Category", chosen.categories, key="category", none="All")
        models = some("Models", chosen.models, key="models", none="All models")
    if known and judge is None:
        say_unknown()
        line("Several judges have read these outputs: choose one.")
        st.stop()
    return Judged(chosen, judge, category, models)


def ranking(source: cached.Source, benchmark: BenchmarkSummary) -> Scope:
    """Which verdicts count, or people's votes in place of them, and then those on which question."""
    return _ranking(source, benchmark, _BY)[0]


def rankings(source: cached.Source, benchmark: BenchmarkSummary) -> tuple[Scope, str | None]:
    """As ``ranking``; and, where people's leaderboard is to stand beside judges', on which question they voted."""
    return _ranking(source, benchmark, {**_BY, "both": "Both, side by side"})


def _ranking(source: cached.Source, benchmark: BenchmarkSummary, by: Mapping[str, str]) -> tuple[Scope, str | None]:
    of_judges = scope(benchmark, spoken=cached.languages(source, benchmark.name))
    chosen = either("Rank by", by, key="by")
    if chosen not in ("people", "both"):
        return of_judges, None
    on = question(source, benchmark.name)
    if chosen == "both":
        return of_judges, on
    return replace(of_judges, judges=(), all_judges=False, people=True, question=on), None


def question(source: cached.Source, benchmark: str, *, labelled: bool = True) -> str:
    """What people were asked, where they were asked several things. ``labelled``: as of ``benchmark``."""
    labels = {known: one_line(known) or "Which is better" for known in cached.questions(source, benchmark)}
    if len(labels) > 1:
        return listed("Question", labels, key="question", labelled=labelled)
    return next(iter(labels), OVERALL)


def method() -> Method:
    """How models are ranked."""
    return listed("Method", _METHODS, key="method", aliases=_ALIASES, labelled=False)


def places(models: int) -> range:
    """Which places of a board a picture shows, from 0: all where they are few, else a part that the reader chooses."""
    parts = {f"{first + 1} to {min(first + MOST, models)}": first for first in range(0, models, MOST)}
    if len(parts) <= 1:
        return range(models)
    first = parts[listed("Places in the picture", {part: part for part in parts}, key="places")]
    return range(first, min(first + MOST, models))


def say_part(part: range, models: int) -> None:
    """What a picture leaves out, in words."""
    if len(part) < models:
        line(f"The picture shows places {part.start + 1} to {part.stop} of {models:,}; the table below holds them all.")


def _greet(reason: str, title: str) -> None:
    if title:
        st.title(title, anchor=False)
    st.subheader("Welcome to JudgeBench")
    if title in _SHOWS:
        line(_SHOWS[title])
    line(f"There is nothing to show yet: {one_line(reason, 1000)}.")
    line("Three ways to begin, here or by a command in a terminal:")
    st.text("Try it on a small benchmark that comes with the program, judged by a small model on this machine:")
    _offer_demo()
    st.code("judgebench demo", language=None, wrap_lines=True)
    st.text("Bring what you have: outputs, verdicts, votes, as any known tool writes them:")
    _offer_import()
    st.code("judgebench import alpaca-eval annotations.json", language=None, wrap_lines=True)
    st.text("Submit a model's outputs and have them judged:")
    if auth.person().role >= Role.SUBMITTER:
        st.page_link("screens/submit.py", label="Submit outputs here", icon=":material/upload_file:")
    else:
        line("Submitting is for submitters: an admin of this app gives roles.")
    st.code(
        "judgebench submit outputs.json --model MODEL --benchmark BENCHMARK\n"
        "judgebench run --benchmark BENCHMARK --judge embedded --all-pairs",
        language=None,
        wrap_lines=True,
    )
    st.stop()


def _offer_import() -> None:
    """The same by a button, for admins."""
    if auth.person().role < Role.ADMIN:
        line("Importing from here is for admins of this app.")
        return
    with st.expander("Import files here", icon=":material/database_upload:"):
        if importing.files():
            st.button("Show it", key="anew_imported")  # to press it is to run the page again, which finds it


def _offer_demo() -> None:
    """The same by a button, for whoever may have judges asked."""
    if auth.person().role < Role.ADMIN:
        line("Setting it up from here is for admins of this app.")
        return
    if st.button("Set up the demo here", icon=":material/play_arrow:", key="anew_demo"):
        auth.need(Role.ADMIN)
        with st.spinner("Judging the demo on this machine; it may take some minutes"):
            failure = demonstration.set_up(cached.address())
        if not failure:
            st.rerun()
        problem("The demo could not be set up.", failure)
