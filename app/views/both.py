"""Judges' leaderboard beside people's, and where the two are apart."""

import json

import streamlit as st

from app import filters
from app.views import elements, voters
from app.views.elements import line
from judgebench.services.voters import TwoBoards
from judgebench.show import tables
from judgebench.show import voters as show


def boards(two: TwoBoards) -> None:
    """Where they are apart, what each of the two counts, and a row a model."""
    line(show.apart(two))
    for sentence in show.basis(two):
        line(sentence)
    elements.counted_briefly(two.judges.coverage, filters.link("leaderboard"))
    elements.counted_briefly(two.people.coverage, filters.link("leaderboard", by="people"))
    elements.table(voters.places(two, lambda model: filters.link("model", model=model)))


def downloads(benchmark: str, two: TwoBoards) -> None:
    """The same as files."""
    with st.container(horizontal=True):
        for label, content, ending, mime in (
            ("CSV", lambda: tables.csv_text(show.two_rows(two), show.TWO_COLUMNS), "csv", "text/csv"),
            ("JSON", lambda: _json(benchmark, two), "json", "application/json"),
            ("Markdown", lambda: show.two_markdown(two), "md", "text/markdown"),
        ):
            name = f"leaderboards.{ending}"
            st.download_button(label, content, name, mime, icon=":material/download:", on_click="ignore")


def _json(benchmark: str, two: TwoBoards) -> str:
    return json.dumps(show.two_document(benchmark, two), ensure_ascii=False, indent=2)
