"""What the first visitor would otherwise wait for, done while the server starts and a browser loads its scripts.

Modules are imported, what Streamlit, Altair and inspect do once in a process is done, and what the leaderboard shows is
read, as ``cached`` keeps it: while a page needs the same it waits for it and does not read it twice. Everything else is
left to whoever asks for it, since it would take the processor from the first page; so are a database that is missing
or damaged, which pages explain.
"""

from contextlib import suppress
from importlib import import_module
from inspect import stack
from pkgutil import iter_modules

import streamlit as st

import app
from app import cached, views
from judgebench import services
from judgebench.services.benchmarks import BenchmarkSummary
from judgebench.services.leaderboards import may_be_controlled
from judgebench.services.pages import Choices, DatabaseError, JudgeBenchError
from judgebench.services.scope import Scope
from judgebench.show import charts
from judgebench.show.warned import tell_stderr

_STARTERS = ("main", "__main__", "start")  # modules of the app that run when they are imported


def read() -> None:
    """What every visitor needs. Once a server is there: without one Streamlit keeps nothing."""
    for package in (app, views):
        for module in iter_modules(package.__path__):
            if module.name not in _STARTERS and not module.ispkg:
                import_module(f"{package.__name__}.{module.name}")
    stack()  # Streamlit's first element looks at all modules in this way; what it finds is kept
    try:
        _read_from(cached.source())
    except DatabaseError as error:
        tell_stderr(f"{error}; pages say so while that is so")
    except JudgeBenchError:
        pass


@st.cache_resource(max_entries=1, show_spinner=False)  # within a kept function those that it calls show no spinner
def _read_from(source: cached.Source) -> None:
    benchmarks = cached.benchmarks(source)
    if benchmarks:
        _read_benchmark(source, services.benchmarks.usual(benchmarks))


def _read_benchmark(source: cached.Source, benchmark: BenchmarkSummary) -> None:
    """What pages show of the benchmark that they open with."""
    everything = Scope()
    board = cached.leaderboard(source, benchmark.name, everything, choices=Choices())
    charts.intervals(board)
    cached.languages(source, benchmark.name)
    cached.beside(source, benchmark.name, everything, choices=Choices())


def begin() -> None:
    """What no page waits for, once there is time."""
    with suppress(JudgeBenchError):
        source = cached.source()
        benchmarks = cached.benchmarks(source)
        if not benchmarks:
            return
        usual, everything = services.benchmarks.usual(benchmarks).name, Scope()
        if may_be_controlled(cached.leaderboard(source, usual, everything, choices=Choices())):
            cached.with_controlled(source, usual, everything, choices=Choices()).begin()
