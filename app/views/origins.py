"""Where models and judges come from, as their names suggest it, until somebody declares it."""

import streamlit as st

from app import auth, cached, filters
from app.entered import kept
from app.views import elements
from app.views.elements import line, unavailable
from judgebench import services
from judgebench.services.access import Role
from judgebench.services.pages import JudgeBenchError
from judgebench.show.glossary import explained
from judgebench.show.text import count, one_line

_RIGHT = "Models whose names are right"


def section(source: cached.Source) -> None:
    """What names suggest of those of whom nothing is declared, and a button that declares it; nothing of none."""
    undeclared = cached.undeclared(source)
    if not undeclared:
        return
    st.subheader("Where models come from", anchor=False)
    known = [model for model in undeclared if model.proposal is not None]
    line(f"Nothing is declared of {count(len(undeclared), 'model')}; the names of {len(known):,} suggest it.")
    if known:
        lineages = [model.proposal.lineage for model in known if model.proposal is not None]
        elements.values(
            {
                "Model": [one_line(model.name, 200) for model in known],
                "Family": [one_line(lineage.family or "") for lineage in lineages],
                "Tuned from": [one_line(lineage.parent or "") for lineage in lineages],
                "Trained on outputs of": [one_line(", ".join(lineage.trained_on), 200) for lineage in lineages],
            },
            alt="What names suggest",
        )
    if auth.person().role < Role.ADMIN:
        line("Declaring it is for admins of this app.")
        return
    if known:
        _declare([model.name for model in known])
    line("What no name suggests is declared by a file of lineages: model, family, parent, trained_on.")
    elements.links(filters.afresh("Import a file of lineages", "submit"))


def _declare(names: list[str]) -> None:
    right = kept(
        *(st.multiselect, _RIGHT, names),
        key="lineages_right",
        first=names,
        among=names,
        help=explained(_RIGHT),
        format_func=one_line,
    )
    if not st.button("Declare these lineages", icon=":material/save:", disabled=not right, key="declare_lineages"):
        return
    auth.need(Role.ADMIN)
    try:
        with cached.for_storing() as database:
            services.lineage.accept(database, right)
    except JudgeBenchError as error:  # declared before, in another window
        unavailable("Nothing was declared.", error)
    else:
        st.rerun()
