"""Goals of dialogues by one judge: how many were reached, by model and category, and why others failed."""

from dataclasses import replace

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from app import cached, filters, uploads
from app.views import elements, goals
from app.views.elements import line, problem, unavailable
from judgebench.services.goals import GoalChoice, GoalReport
from judgebench.services.pages import GoalLabel, JudgeBenchError, read_goal_labels
from judgebench.show import goals as show
from judgebench.show.numbers import estimate
from judgebench.show.text import count, sentence


def _changes(source: cached.Source, report: GoalReport, choice: GoalChoice) -> None:
    """Newer versions beside the one that is chosen."""
    names = [rate.name for rate in report.models]
    if len(names) < 2:
        return
    st.subheader("Versions", anchor=False)
    older = filters.one("Older version", names, key="baseline", none="None")
    if older is None:
        return
    versions = cached.goals(source, report.benchmark, replace(choice, judge=report.judge, baseline=older))
    for row in show.differences(versions):
        if row.estimate is not None:
            line(f"{row.label}: {estimate(row.estimate, row.unit)}")


def _people(source: cached.Source, report: GoalReport, choice: GoalChoice) -> None:
    """How far the judge says what people say, by a file of their labels, which is not kept."""
    st.subheader("Beside people", anchor=False)
    line("Goals that people labelled, as 'judgebench goals --labels' takes them. The file is compared and not stored.")
    label = "File of goals that people labelled"
    upload = st.file_uploader(label, type=list(uploads.FORMS), key="goal_labels", label_visibility="collapsed")
    if upload is None:
        return
    try:
        labels = _labels(upload)
        beside = cached.goals(source, report.benchmark, replace(choice, judge=report.judge, labels=labels))
    except JudgeBenchError as error:
        problem("These labels cannot be compared.", error)
        return
    if beside.unlabelled:
        line(f"{count(beside.unlabelled, 'label')} on dialogues of which there is no list: left out")
    goals.alike(beside.people)
    for success in beside.success:
        title, rows = show.success_lines(success)
        goals.agreements(title, rows)
    if not beside.people and not beside.success:
        line("No label is about a dialogue whose goals the judge listed.")


def _labels(upload: UploadedFile) -> tuple[GoalLabel, ...]:
    """Raises InputError."""
    with uploads.kept(upload.name, upload.getvalue()) as path:
        return read_goal_labels(path, limits=uploads.LIMITS)


try:
    source = filters.source("Goals")
    chosen = filters.judged(source, "Goals", cached.goal_judges)
    filters.say_unknown()
    choice = GoalChoice(chosen.judge, chosen.models, chosen.category)
    report = cached.goals(source, chosen.benchmark.name, choice)
except JudgeBenchError as error:
    unavailable(
        "No judge has listed goals of these dialogues.",
        error,
        ("Have a judge list them", filters.link("runs", template="pointwise/goals")),
    )
    st.stop()
elements.tab("Goals", report.benchmark)
elements.lines(map(sentence, show.sentences(report)))
st.subheader("Goal success", anchor=False)
goals.rates([*report.models, report.whole] if len(report.models) > 1 else report.models, "Model", report.level)
if report.categories:
    st.subheader("By category", anchor=False)
    goals.rates(report.categories, "Category", report.level)
if report.whole.failed:
    st.subheader("Why goals were not reached", anchor=False)
    goals.failures(report.causes, "Cause", report.level)
    st.subheader("The turn whose reply failed", anchor=False)
    goals.failures(report.turns, "Failed at turn", report.level)
_changes(source, report, choice)
if show.lists_compared(report):
    st.subheader("How steady lists are", anchor=False)
    goals.alike(show.lists_compared(report))
_people(source, report, choice)
st.download_button("Download as CSV", show.csv(report).encode(), file_name="goals.csv", mime="text/csv")
