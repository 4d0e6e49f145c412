"""Whose model it is: what a submitter may not do to one that exists already, said before the button, held at it."""

import json
from contextlib import closing
from pathlib import Path

import pytest

from judgebench import services
from judgebench.formats.outputs import read_outputs
from judgebench.records import Lineage
from judgebench.resources import folder
from judgebench.services.access import Role
from judgebench.store.database import Database
from tests.app.test_audit_start import as_role
from tests.app.test_screens import button, opened, printed

testing = pytest.importorskip("streamlit.testing.v1", reason="the app needs the extra app")
FILE = folder("demo") / "outputs" / "demo-hasty.json"
STORE = "Store these outputs"


@pytest.fixture
def half(tmp_path: Path) -> Path:
    """A database with the outputs of one model to some of the instructions that another answered."""
    path = tmp_path / "half.db"
    rows = json.loads(FILE.read_text())
    (tmp_path / "some.json").write_text(json.dumps(rows[:20]))
    with closing(Database(str(path), create=True)) as database:
        for name, file in (("other", FILE), ("demo-hasty", tmp_path / "some.json")):
            submission = services.submissions.prepare(database, read_outputs(file), benchmark="demo", model=name)
            services.submissions.save(database, submission, audit=False)
    return path


EXTEND = "Add instructions that the benchmark lacks to it"


def stored(path: Path) -> tuple[dict[str, Lineage], tuple[int, ...]]:
    with closing(Database(str(path))) as database:
        return services.lineage.declared(database), services.benchmarks.version(database)


def submitting(
    app: "testing.AppTest", rows: int = 45, family: str = "", model: str = "demo-hasty", more: str = ""
) -> str:  # fmt: skip
    """Upload the model's file again, with an instruction ``more``, and say what the page says then."""
    written = json.loads(FILE.read_text())[:rows] + [{"instruction": more, "output": "An answer."}] * bool(more)
    content = json.dumps(written).encode()
    app.file_uploader[0].set_value((f"{model}.json", content, "application/json")).run()
    for label, text in (("Model", model), ("Family", family)):
        next(field for field in app.text_input if field.label == label).set_value(text).run()
    assert not app.exception
    return printed(app)


@pytest.mark.parametrize(("rows", "family"), [(20, "evil"), (45, ""), (45, "evil")])
def test_a_submitter_cannot_change_a_model_that_exists(
    monkeypatch: pytest.MonkeyPatch, half: Path, rows: int, family: str
) -> None:
    as_role(monkeypatch, "SUBMITTER")
    before = stored(half)
    app = opened("submit", monkeypatch, half, timeout_s=120)
    words = submitting(app, rows, family)
    assert "Model exists already: this adds" in words
    assert "needs the role admin; SUBMITTER@example.org has submitter" in words
    assert STORE not in {button.label for button in app.button}
    assert stored(half) == before


@pytest.mark.slow
def test_a_submitter_may_send_a_file_again_and_submit_a_new_model(monkeypatch: pytest.MonkeyPatch, half: Path) -> None:
    as_role(monkeypatch, "SUBMITTER")
    app = opened("submit", monkeypatch, half, timeout_s=120)
    assert "Model exists already: this adds nothing to it." in submitting(app, 20)
    button(app, STORE).click().run()
    assert "0 outputs are new; 20 were stored already" in printed(app)
    assert "Model exists already" not in submitting(app, 20, "mine", "my-model")
    button(app, STORE).click().run()
    assert "20 outputs are new" in printed(app)
    assert stored(half)[0] == {"my-model": Lineage("mine")}


def test_an_admin_may(monkeypatch: pytest.MonkeyPatch, half: Path) -> None:
    as_role(monkeypatch, "ADMIN")
    app = opened("submit", monkeypatch, half, timeout_s=120)
    assert "Model exists already: this adds 25 outputs and a lineage to it." in submitting(app, 45, "known")
    button(app, STORE).click().run()
    assert "25 outputs are new" in printed(app)
    assert stored(half)[0] == {"demo-hasty": Lineage("known")}


@pytest.mark.slow
def test_a_role_that_was_lost_since_the_page_was_drawn_counts_at_the_button(
    monkeypatch: pytest.MonkeyPatch, half: Path
) -> None:
    from app import auth
    from judgebench.services import access

    as_role(monkeypatch, "SUBMITTER")
    before = stored(half)
    monkeypatch.setattr(access, "check_change", lambda report, person: None)  # a page that offers it all the same
    app = opened("submit", monkeypatch, half, timeout_s=120)
    submitting(app, 45, "evil")
    button(app, STORE).click().run()
    assert auth.person().role is Role.SUBMITTER
    assert "'demo-hasty' exists already, and may not be changed" in printed(app)
    assert stored(half) == before


@pytest.mark.slow
def test_only_who_may_import_adds_instructions_to_a_benchmark_that_exists(
    monkeypatch: pytest.MonkeyPatch, half: Path
) -> None:
    as_role(monkeypatch, "SUBMITTER")
    app = opened("submit", monkeypatch, half, timeout_s=120)
    assert "and instructions to a benchmark that does" in printed(app)  # before a file is asked for
    words = submitting(app, 20, model="mine", more="A question of mine?")
    assert EXTEND not in {toggle.label for toggle in app.toggle}
    assert "Left out, as the benchmark does not have their instructions: 1 row of the file" in words
    button(app, STORE).click().run()
    assert "20 outputs are new" in printed(app)
    as_role(monkeypatch, "ADMIN")
    submitting(app, 20, model="other-one", more="A question of mine?")
    next(toggle for toggle in app.toggle if toggle.label == EXTEND).set_value(True).run()
    button(app, STORE).click().run()
    assert "21 outputs are new" in printed(app)


@pytest.mark.slow
def test_the_service_adds_no_instructions_for_whoever_may_not(monkeypatch: pytest.MonkeyPatch, half: Path) -> None:
    from judgebench.services import access

    as_role(monkeypatch, "ADMIN")
    app = opened("submit", monkeypatch, half, timeout_s=120)
    submitting(app, 20, model="mine", more="A question of mine?")
    next(toggle for toggle in app.toggle if toggle.label == EXTEND).set_value(True).run()
    before = stored(half)
    as_role(monkeypatch, "SUBMITTER")  # since the page was drawn
    monkeypatch.setattr(access, "check_change", lambda report, person: None)
    prepare = services.submissions.prepare
    monkeypatch.setattr(services.submissions, "prepare", lambda *args, **how: prepare(*args, **{**how, "extend": True}))
    button(app, STORE).click().run()
    assert "benchmark 'demo' exists already, and may not be given instructions" in printed(app)
    assert stored(half) == before
