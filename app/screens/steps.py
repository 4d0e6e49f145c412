"""What a judge says of the steps of outputs, or of places in them, beside what people say."""

from collections.abc import Sequence

import streamlit as st

from app import cached, filters
from app.views import elements, ways
from app.views.elements import line, unavailable
from judgebench.services.pages import JudgeBenchError
from judgebench.services.steps import StepPart, StepReport
from judgebench.show import steps as show
from judgebench.show.seen import BesideOutputs
from judgebench.show.tables import csv_text
from judgebench.show.text import count, one_line, sentence

_ROWS = 10  # outputs on a page
_HEADS = ("Outputs read", "Without error", "{} interval", "First errors", "{} interval of first errors")
_LAST = ("PRM score", "{} interval of the PRM score")


def _parts(report: StepReport, parts: Sequence[StepPart], what: str) -> None:
    """``what``: the heading of the names."""
    if not parts:
        return
    st.subheader(f"By {what.lower()}", anchor=False)
    heads = (what, *(head.format(f"{report.level:.0%}") for head in (*_HEADS, *_LAST)))
    columns = zip(*show.part_cells(report, parts), strict=True)
    elements.values(dict(zip(heads, columns, strict=False)), alt=f"Steps by {what.lower()}")


def _outputs(source: cached.Source, report: StepReport) -> None:
    """A page at a time, each with its images and all that judges say of its steps and goals."""
    st.subheader("Outputs", anchor=False)
    read = {(one.instruction.key, one.output.model): one for one in report.readings}
    pages = max(-(-len(read) // _ROWS), 1)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        line(f"{count(len(read), 'output')}, by instruction and model; samples stand together")
        page = filters.page(pages)
    places = list(read)[(page - 1) * _ROWS : page * _ROWS]
    seen = cached.seen(source, report.benchmark, tuple(places))
    beside = BesideOutputs(seen, cached.seen_images(source, seen))
    for key, model in places:
        elements.linked(
            f"{model}: {read[key, model].instruction.brief}", filters.link("instruction", instruction=key, model=model)
        )
        elements.table(beside.markup(key, model))


try:
    source = filters.source("Steps")
    chosen = filters.judged(source, "Steps", cached.step_judges)
    name, choice = chosen.benchmark.name, (chosen.category, chosen.models)
    report = cached.steps(source, name, chosen.judge, None, *choice)
    annotator = filters.one("Annotator", report.annotators, key="annotator", none="Everybody")
    filters.say_unknown()
    if annotator is not None:
        report = cached.steps(source, name, chosen.judge, annotator, *choice)
except JudgeBenchError as error:
    unavailable("No judge has judged steps of these outputs.", error, ("Have a judge do so", filters.link("runs")))
    st.stop()
elements.tab("Steps", name)
judge = one_line(report.judge)
elements.lines(words if words.startswith(judge) else sentence(words) for words in show.sentences(report))
ways.estimates(list(show.labelled(report.whole)), name, alt="Steps")
line(show.logs(report.whole))
_parts(report, report.models if len(report.models) > 1 else (), "Model")
_parts(report, report.categories, "Category")
_outputs(source, report)
written = csv_text(show.rows(report.readings), show.COLUMNS)
st.download_button("Download as CSV", written.encode(), file_name="steps.csv", mime="text/csv")
