"""Taxonomies of causes: files that users edit, in the digest of what a judge is."""

from pathlib import Path

import pytest

from judgebench.errors import InputError, UnknownName
from judgebench.spec import load_template
from judgebench.spec.taxonomies import load_taxonomy, setting_of, taxonomy_of, with_taxonomy

OWN = "causes:\n  ours: it lies  with us\n  theirs: it lies with them\nout-of-scope: a joke\n"
TEMPLATE = """---
kind: pointwise
about: goals
scale: {low: 0, high: 1}
reply: {goals: goals, taxonomy: own.yaml}
---
<!-- user -->
{{ causes }} {{ dialogue }}
"""


@pytest.fixture
def own(tmp_path: Path) -> Path:
    (tmp_path / "own.yaml").write_text(OWN)
    return tmp_path / "own.yaml"


def test_causes_keep_their_order_there_and_back(own: Path) -> None:
    known = load_taxonomy(own)
    assert known.causes == (("ours", "it lies with us"), ("theirs", "it lies with them"))
    assert known.text == "1. ours: it lies with us\n2. theirs: it lies with them\nOut of scope: a joke"
    assert taxonomy_of(setting_of(known), "x") == known


def test_seven_causes_come_with_the_package() -> None:
    names = ("misread", "declined", "not-found", "wrong-source", "wrong-answer", "broke", "misrouted")
    assert load_taxonomy("goal-failures.v1").names == names
    with pytest.raises(UnknownName, match=r"goal-failures\.v1"):
        load_taxonomy("goal-failures")


def test_a_template_s_digest_holds_its_taxonomy(own: Path) -> None:
    path = own.with_name("mine.md")
    path.write_text(TEMPLATE)
    before = load_template(path)
    assert before.reply.listing is not None
    assert before.reply.listing.taxonomy == load_taxonomy(own)
    own.write_text(OWN.replace("a joke", "a riddle"))
    assert load_template(path).digest != before.digest


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("{{ causes }}", "", "shows {{ causes }}"),
        ("{{ dialogue }}", "{{ output }}", "and the {{ dialogue }}"),
        (", taxonomy: own.yaml", "", "goals need a taxonomy"),
        ("own.yaml", "none", "did you mean|known taxonomies|taxonomy"),
        ("high: 1", "high: 2", "scale from low 0 to high 1"),
        ("goals: goals", "goals: goals, field: verdict", "only one of them"),
    ],
)
def test_a_template_that_cannot_list_goals_is_refused(own: Path, old: str, new: str, message: str) -> None:
    path = own.with_name("mine.md")
    path.write_text(TEMPLATE.replace(old, new))
    with pytest.raises(InputError, match=message):
        load_template(path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("causes: {}\nout-of-scope: x\n", "expected 1 to 50"),
        ("causes: {A b: x}\nout-of-scope: x\n", "'A b' cannot be a cause's name"),
        ("causes: {out-of-scope: x}\nout-of-scope: x\n", "cannot be a cause's name"),
        ("causes: {a: ''}\nout-of-scope: x\n", "'causes.a'.*what it means"),
        ("causes: {a: x}\n", "'out-of-scope'.*what it means"),
        ("causes: {a: x}\nout-of-scope: x\nmore: y\n", "and nothing else"),
        ("causes: [[a, x], [a, y]]\nout-of-scope: x\n", "a name stands twice"),
        ("- x\n", "a taxonomy has"),
    ],
)
def test_a_bad_file_is_one_clear_message(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=message) as raised:
        load_taxonomy(path)
    assert str(path) in str(raised.value)


def test_files_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such taxonomy file"):
        load_taxonomy(tmp_path / "none.yaml")
    (tmp_path / "large.yaml").write_text("x" * 200_000)
    with pytest.raises(InputError, match="larger than"):
        load_taxonomy(tmp_path / "large.yaml")
    with pytest.raises(InputError, match="asks for no causes"):
        with_taxonomy(load_template("pointwise/mt-bench"), setting_of(load_taxonomy("goal-failures.v1")))
