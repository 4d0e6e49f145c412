"""What it changes to know what happened afterwards: the same trials, read by two judges."""

from collections.abc import Mapping, Sequence

import streamlit as st

from app import cached, filters
from app.views import elements, ways
from app.views.board import Linked
from app.views.elements import line, unavailable
from judgebench.services.hindsight import Hindsight, HindsightPart
from judgebench.services.pages import JudgeBenchError
from judgebench.show import hindsight as show
from judgebench.show.numbers import fixed
from judgebench.show.tables import csv_text
from judgebench.show.text import count, one_line

_ROWS = 20  # trials on a page


def _parts(known: Hindsight, parts: Sequence[HindsightPart], what: str, level: float) -> None:
    """``what``: the heading of the names."""
    if not parts:
        return
    st.subheader(f"By {what.lower()}", anchor=False)
    between = f"{level:.0%} interval"
    heads = (what, "Trials read both ways", "Hindsight changes", between, "Named another", f"{between} of those")
    columns = zip(*show.part_cells(known, parts), strict=True)
    elements.values(dict(zip(heads, columns, strict=True)), alt=f"What hindsight changes by {what.lower()}")


def _trials(known: Hindsight) -> None:
    """Those that changed most first; each opens its instruction."""
    st.subheader("Trials", anchor=False)
    pages = max(-(-len(known.trials) // _ROWS), 1)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        line(f"{count(len(known.trials), 'trial')}, those that changed most first")
        page = filters.page(pages)
    shown = known.trials[(page - 1) * _ROWS : page * _ROWS]
    columns: Mapping[str, Sequence[object]] = {
        "Instruction": [
            Linked(
                one_line(trial.instruction.brief, 160) or "(empty)",
                filters.link("instruction", instruction=trial.instruction.key),
            )
            for trial in shown
        ],
        "Of": [" and ".join(one_line(model) for model in trial.models) for trial in shown],
        "Without hindsight": [fixed(trial.before, 2) for trial in shown],
        "With hindsight": [fixed(trial.after, 2) for trial in shown],
        "Change": [fixed(trial.after - trial.before, 2) for trial in shown],
    }
    elements.values(columns, alt="Trials read both ways")


def _none(judges: Sequence[str]) -> str:
    return "The only one" if len(judges) == 1 else "Choose a judge"


try:
    source = filters.source("Hindsight")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title("Hindsight", anchor=False, width="content")
        benchmark = filters.benchmark(source, labelled=False)
        plain, informed = cached.hindsight_judges(source, benchmark.name)
        before = filters.one("Judge without hindsight", plain, key="judge", none=_none(plain))
        after = filters.one("Judge with hindsight", informed, key="informed", none=_none(informed))
        category = filters.one("Category", benchmark.categories, key="category", none="All")
    filters.say_unknown()
    before = before or (plain[0] if len(plain) == 1 else None)
    after = after or (informed[0] if len(informed) == 1 else None)
    if before is None or after is None:
        line(
            "Choose a judge that was shown what happened afterwards, and one that was not: they are compared on the "
            "same trials."
            if plain and informed
            else "No judge was shown what happened afterwards here, or none was asked without it: have one judge by a "
            "template with {{ afterwards }}, such as pairwise/three-way-hindsight, and one without."
        )
        elements.links(("Have judges asked", filters.link("runs")))
        st.stop()
    known = cached.hindsight(source, benchmark.name, before, after, category)
except JudgeBenchError as error:
    unavailable("These judges cannot be compared.", error, ("Have judges asked", filters.link("runs")))
    st.stop()
elements.tab("Hindsight", benchmark.name)
elements.lines(show.sentences(known))
ways.estimates(list(show.labelled(known)), benchmark.name, alt="What hindsight changes")
level = known.whole.size.level
_parts(known, known.models, "Model", level)
_parts(known, known.categories, "Category", level)
_trials(known)
written = csv_text(show.rows(known), show.COLUMNS)
st.download_button("Download as CSV", written.encode(), file_name="hindsight.csv", mime="text/csv")
