"""Who may do what, the tokens of the REST API, and what was done, by whom and when."""

import streamlit as st

from app import auth, cached, filters
from app.views import elements, team
from app.views.elements import line, problem, unavailable
from judgebench import services
from judgebench.services.access import MAY, Role
from judgebench.services.pages import JudgeBenchError
from judgebench.services.tokens import DAYS
from judgebench.show.glossary import explained
from judgebench.show.text import count, one_line

_A_PAGE = 50


def _tokens() -> None:
    st.subheader("Tokens", anchor=False)
    line("A token is for a script that uses the REST API of judgebench serve: who has it may do what its role may.")
    _form()
    tokens, makers = cached.tokens()
    if not tokens:
        line("There are no tokens yet.")
        return
    elements.table(team.tokens(tokens, makers))
    _revoking([token.name for token in tokens if token.state == "valid"])


def _form() -> None:
    """A new token, which is shown below the form in this run of the page alone, and kept nowhere."""
    key = f"token_{st.session_state.get('tokens_made', 0)}"  # another one once a token is made: its fields are empty
    benchmarks = [benchmark.name for benchmark in cached.benchmarks(filters.source())]
    with st.form(key):
        name = st.text_input("Name of the token", key=f"{key}_name", max_chars=100, help=explained("Name of the token"))
        role = st.selectbox(
            *("Role", list(MAY)), key=f"{key}_role", help=explained("Role"), format_func=lambda role: role.name.lower()
        )
        scope = st.multiselect(
            *("Benchmarks", benchmarks),
            placeholder="All, also those to come",
            key=f"{key}_benchmarks",
            help=explained("Benchmarks"),
            format_func=one_line,
        )
        days = st.selectbox(
            *("Good for", list(team.LASTING)),
            index=list(team.LASTING).index(DAYS),
            key=f"{key}_days",
            help=explained("Good for"),
            format_func=lambda days: team.LASTING[days],
        )
        if st.form_submit_button("Create token", type="primary", icon=":material/key:"):
            _create(name.strip(), role, tuple(scope), days)


def _create(name: str, role: Role, benchmarks: tuple[str, ...], days: int | None) -> None:
    person = auth.need(Role.ADMIN)
    try:
        with cached.for_storing() as database:
            made = services.tokens.create(database, name, role, benchmarks=benchmarks, days=days, by=person)
    except JudgeBenchError as error:
        unavailable("It cannot be made so. Nothing was changed.", error)
        return
    st.session_state["tokens_made"] = st.session_state.get("tokens_made", 0) + 1
    line("This is the token. Copy it now: it is shown this once and stored nowhere.")
    st.code(made.secret, language=None, wrap_lines=True)


def _revoking(names: list[str]) -> None:
    if not names:
        return
    with st.form("revoking"):
        name = st.selectbox(
            *("Token", names),
            index=None,
            placeholder="Choose: token",
            key="revoked",
            help=explained("Token"),
            format_func=lambda name: one_line(name, 100),
        )
        if st.form_submit_button("Revoke", icon=":material/block:") and name is not None:
            _revoke(name)


def _revoke(name: str) -> None:
    person = auth.need(Role.ADMIN)
    try:
        with cached.for_storing() as database:
            services.tokens.revoke(database, name, by=person)
    except JudgeBenchError as error:
        unavailable("It cannot be revoked.", error)
    else:
        st.rerun()


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
        _tokens()
        _log()
except JudgeBenchError as error:
    problem("This cannot be shown.", error)
