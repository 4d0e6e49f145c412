"""Judges' leaderboard beside people's, and where the two are apart."""

import json

import streamlit as st

from app import filters
from app.views import elements, voters
from app.views.elements import line
from judgebench.services.pages import UnknownName
from judgebench.services.voters import TwoBoards
from judgebench.show import tables
from judgebench.show import voters as show
from judgebench.show.board import BoardLines, holding
from judgebench.show.text import one_line


def boards(two: TwoBoards, *, search: str = "", further: BoardLines | None = None) -> None:
    """Where they are apart, what each of the two counts, and a row a model whose name holds the ``search``.

    ``further``: the judges' leaderboard with the columns that stand beside the two rankings.
    """
    line(show.apart(two))
    elements.basis(show.basis(two))
    elements.counted_briefly(two.judges.coverage, filters.link("leaderboard"))
    elements.counted_briefly(two.people.coverage, filters.link("leaderboard", by="people"))
    try:
        shown = holding([row.model for row in two.models], search)
    except UnknownName as error:
        line(one_line(f"Search: {error}", 1000))
        return
    elements.table(voters.places(two, lambda model: filters.link("model", model=model), shown, further))


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
