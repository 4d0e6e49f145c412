"""Template files: found, checked, and never edited once published."""

import json
from pathlib import Path

import pytest

from judgebench.errors import InputError, UnknownName
from judgebench.judging.templates import (
    Label,
    LabelScale,
    LikelihoodScale,
    ReplyFormat,
    RewardScale,
    ScoreScale,
    render,
)
from judgebench.records import Battle, ChatPrompt, Instruction, Order, Output, Reading, Trial
from judgebench.spec import load_template, templates

PUBLISHED = Path(__file__).parents[1] / "golden" / "template_digests.json"
ALL = templates()
GOOD = """---
kind: pairwise
about: a test
scale: {labels: {A: 1, B: 0}}
---
<!-- system -->
Judge.
<!-- user -->
{{ instruction }} {{ first }} {{ second }}
"""


@pytest.fixture
def write(tmp_path):
    def write(text: str | bytes, name: str = "own.v3.md") -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return write


def test_a_name_means_its_newest_version():
    assert load_template("pairwise/two-way") == load_template("pairwise/two-way.v1")
    assert load_template("pairwise/two-way").id == "pairwise/two-way.v1"


def test_published_templates_are_never_edited():
    """A failure here means: undo the edit and write it as a new file with the next version, then add its digest."""
    published = json.loads(PUBLISHED.read_text())
    assert {template.id: template.digest for template in ALL} == published


@pytest.mark.parametrize("template", ALL, ids=lambda template: template.id)
def test_every_template_shows_a_trial_that_has_everything(template):
    instruction = Instruction(("First turn?", "Second turn?"), reference="The reference.", checklist=("Is it so?",))
    a = Output(instruction.key, "a", "last of a", ("first of a",), afterwards="later")
    b = Output(instruction.key, "b", "last of b", ("first of b",), afterwards="later")
    pairwise = template.kind == "pairwise"
    trial = Trial("j", Battle(instruction, a, b), Order.BA) if pairwise else Reading("j", instruction, a)
    prompt = render(template, trial, nonce="0123456789abcdef")
    assert template.lacks(instruction) == ()
    if isinstance(template.scale, LikelihoodScale | RewardScale):
        return
    assert isinstance(prompt, ChatPrompt)
    text = prompt.messages[-1].content
    instruction_first = text.index("First turn?") < text.index("last of b" if pairwise else "last of a")
    assert instruction_first == (template.id != "pairwise/two-way.v1")
    if template.id != "pairwise/letter.v1":  # for models too small to follow more than a question
        assert [message.role for message in prompt.messages] == ["system", "user"]
        assert template.system.count("never a message to you") == 1


def test_what_an_instruction_lacks_is_known_before_it_is_asked():
    assert load_template("pairwise/three-way-reference").lacks(Instruction(("x",))) == ("reference",)
    assert load_template("pointwise/checklist").lacks(Instruction(("x",))) == ("checklist",)
    assert load_template("pairwise/three-way").lacks(Instruction(("x",))) == ()


def test_dialogues_alternate_and_end_with_the_last_reply():
    instruction = Instruction(("t1", "t2", "t3"))
    output = Output(instruction.key, "a", "r3", ("r2",))
    text = (
        render(load_template("pointwise/goal-success"), Reading("j", instruction, output), nonce="00ff")
        .messages[1]
        .content
    )
    shown = [line for line in text.partition("Its mark is")[2].splitlines() if line in {"t1", "t2", "t3", "r2", "r3"}]
    assert shown == ["t1", "t2", "r2", "t3", "r3"]


@pytest.mark.parametrize(
    ("earlier", "expected"),
    [
        (("r1", "r2"), [("user", "t1"), ("assistant", "r1"), ("user", "t2"), ("assistant", "r2"), ("user", "t3")]),
        (("r2",), [("user", "t1\n\nt2"), ("assistant", "r2"), ("user", "t3")]),
        ((), [("user", "t1\n\nt2\n\nt3")]),
    ],
)
def test_a_reward_model_sees_the_dialogue_and_nothing_else(earlier, expected):
    instruction = Instruction(("t1", "t2", "t3"))
    trial = Reading("j", instruction, Output(instruction.key, "a", "r3", earlier))
    prompt = render(load_template("pointwise/reward"), trial, nonce="00")
    assert [(message.role, message.content) for message in prompt.messages] == [*expected, ("assistant", "r3")]


def test_a_reply_too_many_is_refused():
    instruction = Instruction(("only turn",))
    trial = Reading("j", instruction, Output(instruction.key, "m1", "text", ("one too many",)))
    for name in ("pointwise/reward", "pointwise/goal-success"):
        with pytest.raises(InputError, match="model 'm1' has 2 replies to 1 turns"):
            render(load_template(name), trial, nonce="00")


def test_an_own_file_is_a_template(write):
    template = load_template(write(GOOD))
    assert (template.id, template.system) == ("pairwise/own.v3", "Judge.")
    assert template.scale == LabelScale((Label("A", 1.0), Label("B", 0.0)))
    assert load_template(str(write(GOOD, "plain.md"))).version == 1


def test_the_digest_covers_what_the_judge_sees_and_how_it_is_read(write):
    digest = load_template(write(GOOD)).digest
    assert load_template(write(GOOD, "other.v9.md")).digest == digest
    assert load_template(write(GOOD.replace("a test", "another note"))).digest == digest
    assert load_template(write(GOOD.replace("\n", "\r\n"))).digest == digest
    for old, new in (
        ("Judge.", "Judge!"),
        ("B: 0", "B: 0.25"),
        ("kind: pairwise\n", "kind: pairwise\nreply: {soft: true}\n"),
    ):
        assert load_template(write(GOOD.replace(old, new))).digest != digest


def test_front_matter_becomes_scale_and_reply(write):
    scored = GOOD.replace("pairwise", "pointwise").replace("{labels: {A: 1, B: 0}}", "{low: 1, high: 5, step: 1}")
    scored = scored.replace("{{ first }} {{ second }}", "{{ output }}").replace(
        "about", "reply: {aspects: {x: 1, y: 2}}\nabout"
    )
    template = load_template(write(scored))
    assert template.scale == ScoreScale(1, 5, 1)
    assert template.reply == ReplyFormat(aspects=(("x", 1.0), ("y", 2.0)))


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("pairwise/two-wy", "did you mean 'pairwise/two-way"),
        ("two-way", "two-way"),
        ("pairwise/two-way.v99", "two-way.v1"),
        ("", ""),
    ],
)
def test_an_unknown_name_offers_the_nearest(name, hint):
    with pytest.raises(UnknownName, match="unknown template") as raised:
        load_template(name)
    assert hint in str(raised.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("---\nkind", "kind", "begins with front matter"),
        ("kind: pairwise", "kind: listwise", "field kind: "),
        ("kind: pairwise\n", "", "field kind: Field required"),
        ("kind: pairwise", "kind: pairwise\ncolour: red", "field colour: Extra inputs"),
        ("A: 1,", "A: 2,", "field scale.labels.A"),
        ("{A: 1, B: 0}", "{A: 1}", "field scale.labels"),
        ("{A: 1, B: 0}", "{Yes: 1, No: 0}", "field scale.labels"),
        ("B: 0}", "B: {preference: 0, spellings: [a]}}", "a spelling is given twice"),
        ("{labels: {A: 1, B: 0}}", "{}", "labels, or low and high, or likelihood"),
        ("{labels: {A: 1, B: 0}}", "{low: 5, high: 1}", "low must be below high"),
        ("{labels: {A: 1, B: 0}}", "{low: 1, high: 5}", "a pairwise template cannot have a scale with low"),
        ("about", "reply: {field: x, answers: y}\nabout", "only one of them"),
        ("about", "reply: {soft: true, answers: y}\nabout", "not with aspects, answers"),
        ("about", "reply: {aspects: {x: 1}}\nabout", "aspects need a scale"),
        ("about: a test", "about: [", "the front matter is not YAML"),
        ("about: a test", "about: !!python/object/apply:os.system [x]", "the front matter is not YAML"),
        ("{{ first }}", "{{ frist }}", "unknown variable 'frist': did you mean 'first'"),
        ("{{ first }}", "{{ output }}", "unknown variable 'output'"),
        ("{{ first }}", "", "must show {{ first }}"),
        ("{{ first }}", "{{ first", "line 1 of its text"),
        ("{{ first }}", "{% for x in first %}", "of its text"),
        ("{{ first }}", "{{ first }}{% for x in range(10**9) %}x{% endfor %}", "nothing such as for"),
        ("{{ first }}", "{{ first }}{{ 'a' * 10**10 }}", "nothing such as mul"),
        ("{{ first }}", "{{ first }}{% include 'x' %}", "nothing such as include"),
        ("{{ first }}", "{{ first }}{{ first.__class__ }}", "nothing such as getattr"),
        ("{{ first }}", "{{ first }}{{ first | center(10000000000) }}", "nothing such as filter"),
        ("{{ first }}", "{{ first }}{{ lipsum() }}", "nothing such as call"),
        ("{{ first }}", "{{ first }}{% if " + "(" * 5000 + "x" + ")" * 5000 + " %}{% endif %}", "nested too deeply"),
        ("<!-- system -->", "Hello\n<!-- system -->", "after the front matter come"),
        ("<!-- system -->", "<!-- user -->", "each at most once"),
    ],
)
def test_a_bad_file_is_one_clear_message(write, old, new, message):
    path = write(GOOD.replace(old, new, 1))
    with pytest.raises(InputError) as raised:
        load_template(path)
    assert str(raised.value).startswith(str(path))
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("content", "name", "message"),
    [
        (b"\xff\xfe\x00", "own.md", "cannot be read as UTF-8"),
        (b"", "own.md", "begins with front matter"),
        (b"x" * 1_000_001, "own.md", "larger than"),
        (GOOD.encode(), "Own Judge.md", "is called NAME.md"),
        (GOOD.encode(), "own.v0.md", "is called NAME.md"),
    ],
)
def test_a_file_that_is_no_template_says_why(write, content, name, message):
    with pytest.raises(InputError, match=message):
        load_template(write(content, name))


def test_a_missing_file_and_a_folder_say_so(tmp_path):
    with pytest.raises(InputError, match="no such template file"):
        load_template(tmp_path / "absent.md")
    (tmp_path / "folder.md").mkdir()
    with pytest.raises(InputError, match="cannot be read"):
        load_template(tmp_path / "folder.md")
