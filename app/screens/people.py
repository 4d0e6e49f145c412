"""People who vote: how they agree with each other and with judges, and where their ranking is apart from judges'."""

import streamlit as st

from app import auth, cached, filters
from app.views import both, elements, voters
from app.views.elements import line, unavailable
from judgebench.services.access import Role
from judgebench.services.pages import Choices, JudgeBenchError, Method
from judgebench.services.scope import Scope
from judgebench.show import voters as show


def _voters(source: cached.Source, benchmark: str, question: str) -> None:
    report = cached.voters(source, benchmark, question)
    person = auth.person()
    if not auth.policy().local and person.role < Role.ADMIN:
        line("Voters are numbered: their names are addresses of logins, which admins see.")
        report = voters.numbered(report, person.name)
    elements.lines(show.sentences(report))
    elements.table(voters.table(report))


def _boards(source: cached.Source, benchmark: str, question: str, method: Method) -> None:
    st.subheader("Judges' ranking beside people's", anchor=False)
    try:
        two = cached.two_boards(source, benchmark, Scope(), question, choices=Choices(method=method))
    except JudgeBenchError as error:
        ways = filters.afresh("Have models judged", "runs"), filters.afresh("Vote", "vote")
        unavailable("There are no two rankings to put beside each other.", error, *ways)
        return
    both.boards(two)


def _nobody(benchmark: str) -> None:
    """An ordinary beginning, and what ends it."""
    line("Nobody voted here yet. This page compares people who vote with each other and with judges.")
    st.page_link("screens/vote.py", label="Vote", icon=":material/how_to_vote:", query_params={"benchmark": benchmark})
    if auth.person().role >= Role.ADMIN:
        line("Votes that you have in a file are imported on the page Submit.")
        st.page_link("screens/submit.py", label="Import votes", icon=":material/database_upload:")


try:
    source = filters.source("People")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title("People", anchor=False, width="content")
        benchmark = filters.benchmark(source, labelled=False).name
        question = filters.question(source, benchmark, labelled=False)
        method = filters.method()
    filters.say_unknown()
    if cached.questions(source, benchmark):
        _voters(source, benchmark, question)
        _boards(source, benchmark, question, method)
    else:
        _nobody(benchmark)
except JudgeBenchError as error:
    unavailable("There is nothing to show yet.", error, filters.afresh("Vote", "vote"))
