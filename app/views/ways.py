"""The pages that do what a command of the terminal does, and for whom; the command where no page does it."""

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import streamlit as st

from app import auth, cached, commands, filters
from app.views import elements
from app.views.board import Linked
from judgebench.services.access import Role
from judgebench.services.benchmarks import BenchmarkSummary
from judgebench.show.numbers import Labelled
from judgebench.show.tables import REMEDIES, estimate_columns
from judgebench.show.text import count, one_line

_BLANKS = frozenset({"ANOTHER", "FILE", "JUDGE", "MODEL", "NAME", "OPPONENT", "URL"})  # for somebody to fill in

_SCORES = "pointwise/mt-bench"  # the template that scores what has no reference


@dataclass(frozen=True, slots=True)
class _Way:
    command: str  # how it begins
    page: str
    words: str
    role: Role
    values: dict[str, str] = field(default_factory=dict)  # of the address


_WAYS = (  # the first that fits
    _Way("judgebench labels import", "vote", "Vote", Role.VOTER),
    _Way("judgebench audit null-models", "audits", "Audit by null models", Role.ADMIN, {"start": "null-models"}),
    _Way("judgebench audit robustness", "audits", "Audit for robustness", Role.ADMIN, {"start": "robustness"}),
    _Way("judgebench audit submissions", "audits", "Audit submissions", Role.SUBMITTER, {"start": "submissions"}),
    _Way("judgebench audit integrity", "audits", "Audit the verdicts", Role.SUBMITTER, {"start": "integrity"}),
    _Way("judgebench lineage", "bias", "Declare where models come from", Role.ADMIN, {"part": "Kinship"}),
    _Way("judgebench run", "runs", "Have it judged", Role.ADMIN),
)


def is_whole(command: str) -> bool:
    """Whether nothing is left to be filled in."""
    return _BLANKS.isdisjoint(command.split())


def way(command: str) -> Linked | None:
    """The page that does the same, with who may where that is not whoever looks; None: no page does it."""
    known = next((known for known in _WAYS if command.startswith(known.command)), None)
    if known is None:
        return None
    model = _named(command, "--model")
    if model and known.values.get("start") == "submissions":  # what an audit found in it
        return Linked(f"What was found in {model}", filters.link("model", model=model, show="findings"))
    judge = _named(command, "--judge")
    whose = f", judge {judge}" if judge and known.values else ""
    values = known.values | ({"judge": judge} if whose else {})
    lacks = f" (for {known.role.name.lower()}s)" if auth.person().role < known.role else ""
    return Linked(f"{known.words}{whose}{lacks}", filters.link(known.page, **values))


def instead(command: str) -> Linked | str:
    """What a table shows in place of a command: the page, or the command itself."""
    return way(command) or command


def ways(commands: Iterable[str]) -> list[tuple[str, str]]:
    """The pages that do what these do, each once, as links of ``elements.links``."""
    known = (way(command) for command in dict.fromkeys(commands))
    return list(dict.fromkeys((linked.words, linked.address) for linked in known if linked is not None))


def estimates(rows: Sequence[Labelled], benchmark: str, *, alt: str) -> None:
    """Estimates with their intervals, and for each that is missing the page, or the command, that would give it."""
    columns: dict[str, Sequence[object]] = dict(estimate_columns(rows, benchmark))
    if REMEDIES in columns:
        columns[REMEDIES] = [instead(str(command)) for command in columns[REMEDIES]]
    elements.values(columns, alt=alt)


def need_verdicts(source: cached.Source, benchmark: BenchmarkSummary) -> None:
    """Ends a page about verdicts where the benchmark has none, nor votes: says what it holds, and what to do next."""
    if benchmark.verdicts or cached.questions(source, benchmark.name):
        return
    name, models = one_line(benchmark.name), len(benchmark.models)
    outputs = f"outputs of {count(models, 'model')} to them" if models else "no outputs"
    with st.container(border=True):
        elements.line(
            f"Nothing on {name} was judged yet. It holds {count(benchmark.instructions, 'instruction')} and {outputs}."
        )
        command = commands.judge_all(benchmark.name, cached.judge_at_hand(source, benchmark.name))
        judging = ways([command]) if models > 1 else []
        if models == 1:
            elements.line("A judge compares two models; one alone is scored.")
            judging = [("Have it scored", filters.link("runs", template=_SCORES))]
        elements.links(*judging, ("Submit outputs", filters.link("submit")))
        if models > 1:
            st.code(command, language=None, wrap_lines=True)
    st.stop()


def to_judge(source: cached.Source, benchmark: str) -> None:
    """The page that has a benchmark judged, and the command that has a judge at hand do it."""
    command = commands.judge_all(benchmark, cached.judge_at_hand(source, benchmark))
    elements.links(*ways([command]))
    st.code(command, language=None, wrap_lines=True)


def _named(command: str, option: str) -> str:
    """What follows an option; empty where that is to be filled in."""
    try:
        words = shlex.split(command)
    except ValueError:  # a sentence, not a command
        return ""
    places = [at for at, word in enumerate(words[:-1]) if word == option]
    value = words[places[0] + 1] if places else ""
    return "" if value in _BLANKS else value
