"""Who may do what, and what was done, by whom and when."""

import streamlit as st

from app import auth, cached, filters
from app.auth import Role
from app.views import elements, team
from app.views.elements import line, problem
from judgebench.services.pages import JudgeBenchError
from judgebench.show.text import count

_A_PAGE = 50


def _log() -> None:
    st.subheader("Log", anchor=False)
    source = filters.source()
    numbers = cached.event_numbers(source)
    if not numbers:
        line("Nothing was done yet that is logged.")
        return
    by, did = st.columns(2)
    with by:
        actors = filters.some("By", sorted({actor for actor, _ in numbers}), key="actor", none="Everybody")
    with did:
        actions = filters.some("Action", sorted({action for _, action in numbers}), key="action", none="Everything")
    filters.say_unknown()
    number = team.chosen(numbers, actors, actions)
    if not number:
        line("Nobody of these did that.")
        return
    pages = -(-number // _A_PAGE)
    page = filters.page(pages) if pages > 1 else 1
    rows = cached.events(source, actors=actors, actions=actions, skip=_A_PAGE * (page - 1), most=_A_PAGE)
    elements.table(team.log(rows))
    line(
        f"{count(number, 'event')}, the newest first, {_A_PAGE} a page. Nobody changes or deletes one. In a terminal: "
        "judgebench db events."
    )


st.title("Team", anchor=False)
try:
    policy, person = auth.policy(), auth.person()
    admin = person.role >= Role.ADMIN
    if policy.local:
        line("This app is for you alone, on your machine: you may do everything.")
        line("judgebench app --access FILE lets others in.")
    else:
        line(team.rights(person))
        if not admin:
            line("Who has which role, and what was done, is shown to admins: it holds the addresses of people.")
    elements.table(team.roles(policy, named=admin and not policy.local))
    if admin:
        _log()
except JudgeBenchError as error:
    problem("This cannot be shown.", error)
