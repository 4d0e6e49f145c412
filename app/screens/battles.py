"""What was asked, what two models answered and what the judges said; every filter and battle has a permalink."""

from collections.abc import Mapping, Sequence

import streamlit as st

from app import cached, filters
from app.views import battles, conversation, diff, elements, goals, ways
from app.views.battles import ROWS, Identity, Spot, View, beside, identity
from app.views.board import Linked
from app.views.elements import block, line, markup, rest, unavailable
from judgebench.services.battles import JudgedBattle, JudgedTrial
from judgebench.services.pages import (
    BattleFilter,
    BattleOrder,
    BattleSummary,
    Copy,
    JudgeBenchError,
    Output,
    TokenLogprob,
)
from judgebench.show import charts, steps
from judgebench.show.conversations import Passage, passages, samples, transcript
from judgebench.show.coverage import averaged
from judgebench.show.numbers import percent
from judgebench.show.text import count, one_line

_CARDS = 4  # verdicts shown at once
_SHORT_CHARS = 800  # of a text that needs no box which scrolls
_ORDERS: dict[BattleOrder, str] = {"instructions": "As asked", "upsets": "Biggest upsets first"}
_TOGGLES = {  # by field of the filter: label, and place in the address
    "inconsistent": ("Contradictory verdicts", "inconsistent"),
    "without_verdict": ("Trials without a verdict", "unanswered"),
    "suspicious": ("Suspicious", "suspicious"),
    "against_human": ("Judges against people", "against_human"),
}
_VIEWS = {"text": "As text", "diff": "Differences", "a": "Output A rendered", "b": "Output B rendered"}
_RENDERED = "Rendered: headings, lists, tables and code; images, links and HTML are taken out."
_INSTRUCTION_PX, _OUTPUT_PX, _REPLY_PX = 140, 420, 120


def _view(source: cached.Source) -> View:
    """By the line of widgets on top; all but the usual ones are folded, so what they hold is said below it."""
    with st.container(horizontal=True, vertical_alignment="center"):
        benchmark = filters.benchmark(source, labelled=False)
        models = filters.some(
            *("Models, one or two", benchmark.models), key="models", none="All models", most=2, labelled=False
        )
        text = filters.words("Text contains", key="text", hint="Text contains", labelled=False)
        with st.popover("Filters", icon=":material/tune:", width="content"):
            judge = filters.one("Judge", benchmark.judges, key="judge", none="All")
            category = filters.one("Category", benchmark.categories, key="category", none="All")
            order = filters.listed("Order", _ORDERS, key="order")
            only = {field: filters.toggle(label, key=key) for field, (label, key) in _TOGGLES.items()}
    filters.say_unknown()
    ways.need_verdicts(source, benchmark)
    chosen = BattleFilter(judge, category, models, text=text, instruction=None, order=order, **only)
    if folded := battles.folded(chosen, {field: label for field, (label, _) in _TOGGLES.items()}):
        line(folded)
    return View(source, benchmark.name, chosen)


def _opened(view: View) -> Identity | None:
    """The battle that the address names; where it names an instruction alone, the first on it that is listed."""
    address = st.query_params
    if "instruction" not in address:
        return None
    if "a" not in address or "b" not in address:
        return view.on(address["instruction"])
    return address["instruction"], address["a"], address["b"]


def _open(view: View, spot: Spot) -> None:
    rows = view.rows(spot.page)
    if rows:
        instruction, a, b = identity(rows[spot.row])
        st.query_params.update({"instruction": instruction, "a": a, "b": b, "page": str(spot.page)})


def _list(view: View) -> Spot | None:
    """The list, a page at a time; each row opens its battle. Returns where the opened battle is in it."""
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.text(count(view.total, "battle"))
        page = filters.page(view.pages)
    for sentence in averaged(view.chosen.judge, cached.battle_judges(view.source, view.benchmark), "app"):
        line(sentence)
    rows, opened = view.rows(page), _opened(view)
    place = next((i for i, row in enumerate(rows) if identity(row) == opened), None)
    if not rows:
        line("No battle passes this filter.")
        return None
    elements.values(_columns(rows, page), alt="Battles", marked=place)
    return None if place is None else Spot(page, place)


def _columns(rows: list[BattleSummary], page: int) -> dict[str, list[object]]:
    """What was asked leads to the battle; what they all lack has no column."""
    columns: dict[str, list[object]] = {
        "Instruction": [Linked(one_line(row.text, 160) or "(empty)", _link(row, page)) for row in rows],
        "Category": [one_line(row.category or "") for row in rows],
        "A": [one_line(row.model_a) for row in rows],
        "B": [one_line(row.model_b) for row in rows],
        "A preferred": ["" if row.preference is None else percent(row.preference) for row in rows],
        "Verdicts": [f"{row.with_preference:,} of {row.trials:,}" for row in rows],
        "Agree": [{True: "yes", False: "no", None: ""}[row.consistent] for row in rows],
    }
    return {name: cells for name, cells in columns.items() if any(str(cell) for cell in cells)}


def _link(battle: BattleSummary, page: int) -> str:
    """The address of this list with the battle open."""
    instruction, a, b = identity(battle)
    return filters.here("battles", instruction=instruction, a=a, b=b, page=str(page))


def _turn(view: View, spot: Spot | None) -> None:
    """Previous and next."""
    with st.container(horizontal=True, vertical_alignment="center"):
        for label, step, key in (("Previous", -1, "P"), ("Next", 1, "N")):
            to = None
            if spot is not None:
                to = beside(spot, step, rows=len(view.rows(spot.page)), pages=view.pages)
            st.button(label, shortcut=key, on_click=_open, args=(view, to), disabled=to is None)
        if spot is not None:
            st.text(f"Battle {(spot.page - 1) * ROWS + spot.row + 1:,} of {view.total:,}")


def _battle(listed: View, battle: JudgedBattle) -> None:
    outputs = _compared(battle)
    images = cached.images(listed.source, battle.instruction, outputs)
    held = passages(battle.instruction, outputs, battle.sizes)
    several = sum(any(passage.replies) for passage in held) > 1
    st.subheader("Instruction", anchor=False)
    _links(battle)
    view = "text"
    for number, passage in enumerate(held):
        if passage.asked:
            conversation.messages(passage.asked, height=_INSTRUCTION_PX, key=f"asked_{number}", images=images)
        if number == 0:
            view = filters.either("Show outputs", _VIEWS, key="view", help=_RENDERED)
        if any(passage.replies):
            names = [_name(output, several=several) for output in outputs]
            _sides(passage, names, images, view=view, number=number)
    _goals(battle, outputs)
    _steps(battle, outputs)
    if battle.instruction.reference:
        st.subheader("Reference", anchor=False)
        block(battle.instruction.reference, height=_INSTRUCTION_PX, key="reference")


def _goals(battle: JudgedBattle, outputs: Sequence[Output]) -> None:
    """The goals that judges listed of both dialogues, side by side."""
    if not battle.goals:
        return
    st.subheader("Goals", anchor=False)
    for place, output in zip(st.columns(2), outputs, strict=True):
        with place:
            goals.of_output(battle.goals, battle.instruction, output)
    elements.links(("Goals of all dialogues", filters.link("goals")))


def _steps(battle: JudgedBattle, outputs: Sequence[Output]) -> None:
    """What judges of steps say of both outputs, side by side."""
    lists = [steps.lists(battle.steps, output) for output in outputs]
    if not any(lists):
        return
    st.subheader("Steps", anchor=False)
    for place, html in zip(st.columns(2), lists, strict=True):
        with place:
            elements.table(html)


def _links(battle: JudgedBattle) -> None:
    """To the pages of what meets here."""
    a, b = battle.model_a, battle.model_b
    elements.links(
        ("All outputs to it", filters.link("instruction", instruction=battle.instruction.key)),
        (f"{a} against {b}", filters.link("compare", first=a, second=b)),
        *((name, filters.link("model", model=name)) for name in (a, b)),
    )


def _compared(battle: JudgedBattle) -> tuple[Output, Output]:
    """The pair of samples to show."""
    if len(battle.outputs) == 1:
        return battle.outputs[0]
    numbers = [samples(*pair) for pair in battle.outputs]
    chosen = filters.listed("Sample", {number: number for number in numbers}, key="sample")
    return battle.outputs[numbers.index(chosen)]


def _name(output: Output, *, several: bool) -> str:
    """Whose it is, and how long all that its model wrote to be read."""
    return f"{one_line(output.model, 200)} ({count(len(output.whole), 'character')}{' in all' if several else ''})"


def _sides(passage: Passage, names: Sequence[str], images: Mapping[str, Copy], *, view: str, number: int) -> None:
    """What both outputs say here, side by side."""
    texts = [transcript(messages) for messages in passage.replies]
    marks = diff.marked(*texts) if view == "diff" else None
    for at, (place, messages) in enumerate(zip(st.columns(2), passage.replies, strict=True)):
        side, key = "AB"[at], f"output_{'AB'[at]}_{number}"
        with place:
            st.subheader(f"Output {side}", anchor=False)
            line(names[at])
            if marks is not None:
                markup(marks[at], height="content" if len(texts[at]) < _SHORT_CHARS else _OUTPUT_PX)
                rest(texts[at], key=key)
            else:
                is_rendered = view == side.lower()
                conversation.messages(messages, height=_OUTPUT_PX, key=key, rendered=is_rendered, images=images)


def _verdicts(battle: JudgedBattle) -> None:
    st.subheader("Verdicts", anchor=False)
    line(battles.outcome(battle))
    if battle.labels:
        line(battles.people(battle))
    elements.values(
        {
            "Judge": [one_line(shown.judge) for shown in battle.verdicts],
            "Shown": [battles.order_words(shown.order) for shown in battle.verdicts],
            **_sampled(battle),
            "Repeat": [shown.repeat + 1 for shown in battle.verdicts],
            "Verdict": [battles.opinion(shown) for shown in battle.verdicts],
            "Label": [one_line(shown.verdict.label or "") for shown in battle.verdicts],
            "Read from": [str(shown.verdict.source) for shown in battle.verdicts],
            "Detail": [one_line(shown.verdict.detail or "", 200) for shown in battle.verdicts],
        },
        alt="Verdicts on this battle",
    )
    verdicts = battle.verdicts
    if len(verdicts) > _CARDS:
        first = _CARDS * (filters.page(-(-len(verdicts) // _CARDS), key="replies") - 1)
        verdicts = verdicts[first : first + _CARDS]
    for start in range(0, len(verdicts), 2):
        for place, (number, shown) in zip(st.columns(2), enumerate(verdicts[start : start + 2], start), strict=False):
            with place, st.container(border=True):
                _card(shown, battle.tokens.get(shown.verdict_id), f"reply_{number}")


def _sampled(battle: JudgedBattle) -> dict[str, list[str]]:
    """A column with the samples of each trial, where there are several."""
    several = len(battle.outputs) > 1
    return {"Samples": [samples(shown.output_a, shown.output_b) for shown in battle.verdicts]} if several else {}


def _card(shown: JudgedTrial, token: TokenLogprob | None, key: str) -> None:
    several = shown.output_a.sample or (shown.output_b is not None and shown.output_b.sample)
    sample = f", sample {samples(shown.output_a, shown.output_b)}" if several else ""
    line(f"{one_line(shown.judge)}, {battles.order_words(shown.order)}{sample}: {battles.opinion(shown)}")
    completion = shown.completion
    if completion is None:
        line("No reply is kept: none was needed, or none was had.")
        return
    block(completion.text, height=_REPLY_PX, key=key)
    if completion.reasoning:
        with st.expander("Reasoning"):
            block(completion.reasoning, height=_REPLY_PX, key=f"{key}_reasoning")
    if token is not None:
        top = battles.chances(token)
        st.vega_lite_chart(charts.probabilities(top), alt="Probabilities of the token with the verdict")
    line(battles.facts(completion))
    with st.expander("Raw completion"):
        block(battles.raw(completion), height=_OUTPUT_PX, key=f"{key}_raw")


st.title("Battles", anchor=False)
try:
    view = _view(filters.source())
    spot = _list(view)
    opened = _opened(view)
    if opened is None and "instruction" in st.query_params:
        line("No battle on this instruction passes the filter: perhaps the output is yet to be judged.")
    elif opened is None:
        line("Choose a battle in the list to read it. The address bar always holds a link to what is shown.")
    else:
        _turn(view, spot)
        battle = cached.battle(view.source, view.benchmark, *opened)
        _battle(view, battle)
        _verdicts(battle)
except JudgeBenchError as error:
    unavailable("There is nothing to show for this choice.", error, filters.afresh("All battles", "battles"))
