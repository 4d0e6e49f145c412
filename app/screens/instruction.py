"""One instruction: what was asked, what every model answered, and how its outputs were judged."""

from collections.abc import Mapping, Sequence

import streamlit as st

from app import cached, filters
from app.views import conversation, elements, goals
from app.views.elements import block, line, unavailable
from judgebench.services.battles import AnsweredInstruction
from judgebench.services.goals import GoalReading
from judgebench.services.pages import JudgeBenchError
from judgebench.services.profiles import MeanVerdict
from judgebench.services.scope import Scope
from judgebench.services.steps import StepReading
from judgebench.show import steps
from judgebench.show.conversations import passages
from judgebench.show.text import count, one_line

_ASKED_PX, _OUTPUT_PX = 220, 300
_MODELS = 10  # on a page, two beside each other


def _judged(source: cached.Source, benchmark: str, key: str, scope: Scope) -> Mapping[str, MeanVerdict]:
    """Empty where nothing was judged, which the page says."""
    try:
        return cached.on_instruction(source, benchmark, key, scope)
    except JudgeBenchError as error:
        line(one_line(str(error), 400))
        return {}


def _question(source: cached.Source, answered: AnsweredInstruction) -> None:
    instruction = answered.instruction
    images = cached.images(source, instruction, ())
    for number, passage in enumerate(passages(instruction, ())):
        conversation.messages(passage.asked, height=_ASKED_PX, key=f"asked_{number}", images=images)
    about = [f"Category: {one_line(instruction.category)}."] if instruction.category else []
    line(" ".join([*about, f"{count(len(answered.outputs), 'model')} answered it."]))
    if instruction.reference:
        with st.expander("Reference"):
            block(instruction.reference, height=_ASKED_PX, key="reference")


def _outputs(
    source: cached.Source,
    answered: AnsweredInstruction,
    judged: Mapping[str, MeanVerdict],
    lists: Sequence[GoalReading],
    readings: Sequence[StepReading],
    first: str | None,
) -> None:
    """Those of ``first`` on top, then by how they were judged."""
    names = sorted(answered.outputs, key=lambda name: (name != first, -_value(judged, name), name))
    pages = max(-(-len(names) // _MODELS), 1)
    page = filters.page(pages) if pages > 1 else 1
    shown = names[(page - 1) * _MODELS : page * _MODELS]
    for start in range(0, len(shown), 2):
        for place, name in zip(st.columns(2), shown[start : start + 2], strict=False):
            with place:
                _output(source, answered, name, judged.get(name), lists, readings)


def _value(judged: Mapping[str, MeanVerdict], name: str) -> float:
    return judged[name].value if name in judged else -1e300


def _output(
    source: cached.Source,
    answered: AnsweredInstruction,
    name: str,
    judged: MeanVerdict | None,
    lists: Sequence[GoalReading],
    readings: Sequence[StepReading],
) -> None:
    elements.linked(name, filters.link("model", model=name))
    line("Not judged here." if judged is None else _words(judged))
    images = cached.images(source, answered.instruction, answered.samples[name])
    for number, output in enumerate(answered.samples[name]):
        for part, passage in enumerate(passages(answered.instruction, (output,))):
            if passage.replies[0]:
                key = f"output_{name}_{number}_{part}"
                conversation.messages(passage.replies[0], height=_OUTPUT_PX, key=key, images=images)
        goals.of_output(lists, answered.instruction, output)
        if html := steps.lists(readings, output):
            elements.table(html)


def _words(judged: MeanVerdict) -> str:
    value = f"mean score {judged.value:.2f}" if judged.is_score else f"{judged.value:.0%} preferred"
    return f"{value}, {count(judged.verdicts, 'verdict')}."


try:
    source = filters.source("Instruction")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.title("Instruction", anchor=False, width="content")
        benchmark = filters.benchmark(source, labelled=False)
        with st.popover("What counts", icon=":material/tune:", width="content"):
            scope = filters.ranking(source, benchmark)
    filters.say_unknown()
    key = st.query_params.get("instruction")
    if key is None:
        line("Instructions are opened from a model's page, from two models beside each other, or from a battle.")
        elements.links(("Choose one in the list of battles", filters.link("battles", benchmark=benchmark.name)))
        st.stop()
    answered = cached.answered(source, benchmark.name, key)
except JudgeBenchError as error:
    unavailable(
        "There is no such instruction here.", error, filters.afresh("Choose one in the list of battles", "battles")
    )
    st.stop()
elements.tab("Instruction")
_question(source, answered)
lists = cached.goals_on(source, benchmark.name, key)
_outputs(
    source,
    answered,
    _judged(source, benchmark.name, key, scope),
    lists,
    cached.steps_on(source, benchmark.name, key),
    st.query_params.get("model"),
)
line("Preferences and scores are means over the verdicts that the leaderboard counts.")
to_goals = [("Goals of all dialogues", filters.link("goals"))] if lists else []
elements.links(("Battles on this instruction", filters.link("battles", instruction=key)), *to_goals)
