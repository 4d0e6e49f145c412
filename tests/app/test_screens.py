"""The pages' logic without a browser: nothing stored, outputs without verdicts, and the demo."""

import re
import shutil
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from judgebench import engine, services, store
from judgebench.formats.outputs import read_outputs
from judgebench.records import HumanLabel, Instruction, Model, Output
from judgebench.resources import folder
from judgebench.services.access import Person, Role
from judgebench.services.audits.registry import AUDITS
from judgebench.show.tables import pairs_csv
from judgebench.spec import JudgeSpec, Study, make
from judgebench.store.battles import BattleFilter
from judgebench.store.database import Database
from tests import filling, mixed
from tests.app.pages import pages, screens
from tests.app.tables import table
from tests.factories import instruction, ok, result, trial
from tests.filling import filled
from tests.kinds import COUNT, KINDS, MODELS

testing = pytest.importorskip("streamlit.testing.v1", reason="the app needs the extra app")
_NEEDS_NONE = {"glossary", "submit"}  # no database is read before a file is there
_PAIRS = "Pairwise win rates, all numbers"
PAGES = screens()
TITLES = {page.screen: page.title for page in pages()}


def opened(
    page: str, monkeypatch: pytest.MonkeyPatch, database: Path | str, *, timeout_s: int = 120
) -> "testing.AppTest":
    monkeypatch.setenv("JUDGEBENCH_DATABASE_URL", str(database))
    app = testing.AppTest.from_file(str(folder("app") / "main.py"), default_timeout=timeout_s).run()
    if page != "leaderboard":
        app.switch_page(f"screens/{page}.py").run()
    assert not app.exception
    return app


def unfolded(app: "testing.AppTest") -> "testing.AppTest":
    """The page of audits with every form: what is folded is not made."""
    for name in AUDITS:
        app.session_state[f"form_{name}"] = True
    app.run()
    assert not app.exception
    return app


def numbers(app: "testing.AppTest") -> list[dict[str, str]]:
    """All numbers of the leaderboard that is shown, a row a model."""
    app.session_state["chart"] = "numbers"
    app.run()
    assert not app.exception
    return table(app, "All numbers")


def printed(app: "testing.AppTest") -> str:
    return "\n".join(str(element.value) for kind in (app.text, app.code, app.error) for element in kind)


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_without_a_database(page: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    app = opened(page, monkeypatch, tmp_path / "none.db")
    assert app.title[0].value == TITLES[page]
    if page not in ("submit", "team", "glossary"):
        assert "judgebench demo" in printed(app)
    assert printed(app).count("there is no database at") <= 1
    assert not any(word.startswith("--db") for line in app.text for word in str(line.value).split())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_with_the_demo(page: str, monkeypatch: pytest.MonkeyPatch, demo_database: Path) -> None:
    assert opened(page, monkeypatch, demo_database).title[0].value == TITLES[page]


@pytest.fixture(scope="module", params=["no verdicts", "pointwise", "both", "several scales", "failed pointwise"])
def kind(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("kind") / "judgebench.db"
    with closing(Database(str(path), create=True)) as database:
        KINDS[request.param](database)
    return path


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_with_every_kind_of_verdicts(page: str, monkeypatch: pytest.MonkeyPatch, kind: Path) -> None:
    assert opened(page, monkeypatch, kind).title[0].value == TITLES[page]


@pytest.fixture
def hasty(tmp_path: Path) -> Path:
    """A database with the outputs of one model, which were not audited."""
    path = tmp_path / "new.db"
    with closing(Database(str(path), create=True)) as database:
        submission = read_outputs(folder("demo") / "outputs" / "demo-hasty.json")
        prepared = services.submissions.prepare(database, submission, benchmark="demo", model="demo-hasty")
        services.submissions.save(database, prepared, audit=False)
    return path


def test_outputs_without_verdicts_are_not_ranked(monkeypatch: pytest.MonkeyPatch, hasty: Path) -> None:
    for page in ("leaderboard", "matrix", "battles"):
        assert "Nothing on demo was judged yet" in printed(opened(page, monkeypatch, hasty))


def audits(path: Path) -> dict[str | None, bool]:
    with closing(Database(str(path))) as database:
        stored = services.audits.results.audits(database, "demo")
    return {audit.model: audit.passed and not audit.stale for audit in stored}


def model_name(app: "testing.AppTest") -> "testing.element_tree.TextInput":
    """The box for the name of the one file's model."""
    return next(box for box in app.text_input if box.label == "Model")


def submitting(app: "testing.AppTest", model: str) -> "testing.AppTest":
    """The demo's outputs of a model, uploaded under its name."""
    content = (folder("demo") / "outputs" / f"{model}.json").read_bytes()
    app.file_uploader[0].set_value((f"{model}.json", content, "application/json")).run()
    model_name(app).set_value(model).run()
    assert not app.exception
    return app


def button(app: "testing.AppTest", label: str) -> "testing.element_tree.Button":
    return next(button for button in app.button if button.label == label)


def test_a_submission_with_severe_findings_is_stored_only_once_that_is_ticked(
    monkeypatch: pytest.MonkeyPatch, hasty: Path
) -> None:
    app = submitting(opened("submit", monkeypatch, hasty), "null-constant")
    assert "constant-output" in printed(app)
    spans = [html.value for html in app.html if "<mark" in html.value]
    assert spans
    assert all(" of the output to: " in html and "…" not in html.split("<small>")[0] for html in spans)
    assert button(app, "Store these outputs").disabled
    app.checkbox[0].check().run()
    assert audits(hasty) == {}
    button(app, "Store these outputs").click().run()
    assert "45 outputs are new" in printed(app)
    assert audits(hasty) == {"null-constant": False}
    assert "null-constant is marked: red on leaderboards, without a rank." in printed(app)
    assert "new" not in app.query_params


def test_an_honest_submission_is_stored_with_its_audit(monkeypatch: pytest.MonkeyPatch, hasty: Path) -> None:
    app = submitting(opened("submit", monkeypatch, hasty), "demo-careful")
    assert not app.checkbox
    button(app, "Store these outputs").click().run()
    assert "45 outputs are new" in printed(app)
    assert audits(hasty) == {"demo-careful": True}


def test_an_upload_may_name_instructions_by_their_ids(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path, asked = tmp_path / "new.db", tmp_path / "q.jsonl"
    asked.write_text('{"question_id": 81, "question": "Two?"}')
    answers = b'{"question_id": 81, "model_id": "m", "choices": [{"turns": ["2"]}]}'
    app = opened("submit", monkeypatch, path)
    app.file_uploader[0].set_value(("a.jsonl", answers, "application/json")).run()
    assert "import the instructions first" in printed(app)
    with closing(Database(str(path), create=True)) as database:
        services.imports.import_file(database, asked, benchmark="b")
    app = opened("submit", monkeypatch, path)
    app.file_uploader[0].set_value(("a.jsonl", answers, "application/json")).run()
    assert model_name(app).value == "m"
    button(app, "Store these outputs").click().run()
    assert "1 output is new" in printed(app)


def test_a_finding_leads_to_a_battle_of_its_output(monkeypatch: pytest.MonkeyPatch, demo_database: Path) -> None:
    with closing(Database(str(demo_database))) as database:
        first, *_ = services.battles.battles(database, "demo", BattleFilter(models=("null-constant",)), limit=1)[0]
    monkeypatch.setenv("JUDGEBENCH_DATABASE_URL", str(demo_database))
    app = testing.AppTest.from_file(str(folder("app") / "main.py"), default_timeout=120).run()
    app.query_params["instruction"] = first.instruction
    app.query_params["models"] = "null-constant"
    app.switch_page("screens/battles.py").run()
    assert not app.exception
    assert "null-constant (" in printed(app)
    app.query_params["instruction"] = "none"
    app.run()
    assert "yet to be judged" in printed(app)


def test_peoples_votes_rank_where_they_are_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "votes.db"
    with closing(Database(str(path), create=True)) as database:
        KINDS["labels alone"](database)
    monkeypatch.setenv("JUDGEBENCH_DATABASE_URL", str(path))
    app = testing.AppTest.from_file(str(folder("app") / "main.py"), default_timeout=120).run()
    assert "There is no leaderboard for this choice." in printed(app)
    app = testing.AppTest.from_file(str(folder("app") / "main.py"), default_timeout=120)
    app.query_params["by"] = "people"
    app.run()
    assert not app.exception
    assert "12 votes" in printed(app)
    rows = numbers(app)
    assert len(rows) == 2
    assert "No verdict" not in rows[0]


def test_judges_and_people_stand_beside_each_other_where_both_are_chosen(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "both.db"
    with closing(Database(str(path), create=True)) as database:
        KINDS["pairwise"](database)
    monkeypatch.setenv("JUDGEBENCH_DATABASE_URL", str(path))
    app = testing.AppTest.from_file(str(folder("app") / "main.py"), default_timeout=120)
    app.query_params["by"] = "both"
    app.run()
    assert not app.exception
    assert {"Rank by judges", "Rank by people"} <= {*table(app, "Two rankings")[0]}
    assert "Ranks by judges: " in printed(app)
    assert "Ranks by people: " in printed(app)
    drawn = "".join(str(html.proto.body) for html in app.get("html"))
    assert drawn.count("Choose what counts") == 2
    assert "by=both" not in drawn  # which no other page has
    assert {download.label for download in app.get("download_button")} == {"CSV", "JSON", "Markdown"}
    rows = table(app, "Two rankings")
    assert {"Length", "Battles by judges"} <= {*rows[0]}
    app.session_state["columns"] = ["length"]
    app.text_input(key="search").set_value(rows[-1][""].upper()).run()
    assert not app.exception
    (row,) = table(app, "Two rankings")
    assert row[""] == rows[-1][""]
    assert "Length" in row
    assert "Battles by judges" not in row
    app.text_input(key="search").set_value("nobody").run()
    assert "Search: unknown model 'nobody'" in printed(app)


def test_votes_rank_by_the_question_that_is_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "votes.db"
    with closing(Database(str(path), create=True)) as database:
        KINDS["labels alone"](database)
        for instruction in filling.asked(COUNT):
            label = HumanLabel.of("cleo", instruction.key, first="m1", second="m3", preference=1.0)
            services.labels.vote(database, "bench", replace(label, question="clearer"))
    monkeypatch.setenv("JUDGEBENCH_DATABASE_URL", str(path))
    pages = {
        "leaderboard": {},
        "model": {"model": "m3"},
        "compare": {"first": "m1", "second": "m3"},
        "instruction": {"instruction": filling.asked(COUNT)[0].key},
    }
    for page, named in pages.items():
        app = testing.AppTest.from_file(str(folder("app") / "main.py"), default_timeout=120)
        for key, value in {"by": "people", "question": "clearer", **named}.items():
            app.query_params[key] = value
        app.run() if page == "leaderboard" else app.switch_page(f"screens/{page}.py").run()
        assert not app.exception
        assert not app.error, printed(app)
        assert app.selectbox(key="question").value == "clearer"
        assert "m3" in "".join(str(html.proto.body) for html in app.get("html"))


@pytest.mark.parametrize(
    ("kind", "where"), [("labels alone", {"by": "people"}), ("pointwise", {"method": "score"}), ("pairwise", {})]
)
def test_a_model_is_shown_as_the_leaderboard_ranks_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kind: str, where: dict[str, str]
) -> None:
    path = tmp_path / "kind.db"
    with closing(Database(str(path), create=True)) as database:
        KINDS[kind](database)
    monkeypatch.setenv("JUDGEBENCH_DATABASE_URL", str(path))
    for page, named in (("model", {"model": "m1"}), ("compare", {"first": "m1", "second": "m2"})):
        app = testing.AppTest.from_file(str(folder("app") / "main.py"), default_timeout=120)
        for key, value in {**where, **named}.items():
            app.query_params[key] = value
        app.switch_page(f"screens/{page}.py").run()
        assert not app.exception
        assert bool(app.metric) == (page == "model" or kind != "pointwise"), printed(app)  # no battle, none won
        assert not app.error
    assert any("m2 is worse than m1" in text.value for text in app.text), printed(app)


def test_the_leaderboard_says_by_what_new_models_are_ranked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, demo_database: Path
) -> None:
    path = tmp_path / "standing.db"
    shutil.copy(demo_database, path)
    assert "New models of demo" not in printed(opened("leaderboard", monkeypatch, path))
    with closing(Database(str(path))) as database:
        services.standing.keep(database, "demo", judge="scripted:coin", baseline="demo-careful")
    shown = printed(opened("leaderboard", monkeypatch, path))
    assert "New models of demo are judged by scripted:coin against the baseline demo-careful" in shown


@pytest.mark.slow
@pytest.mark.parametrize("page", sorted({path.stem for path in (folder("app") / "screens").glob("*.py")} - _NEEDS_NONE))
def test_a_database_that_cannot_be_read_is_explained(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, page: str
) -> None:
    assert "are not supported" in printed(opened(page, monkeypatch, "mysql://host/x"))
    (tmp_path / "notes.db").write_text("this is no database, however long one reads in it" * 100)
    assert "The database cannot be read" in printed(opened(page, monkeypatch, tmp_path / "notes.db"))


def test_a_link_to_a_benchmark_that_is_none_says_so(monkeypatch: pytest.MonkeyPatch, demo_database: Path) -> None:
    monkeypatch.setenv("JUDGEBENCH_DATABASE_URL", str(demo_database))
    for benchmark, said in (("nosuch", True), ("demo", False)):
        app = testing.AppTest.from_file(str(folder("app") / "main.py"), default_timeout=120)
        app.query_params["benchmark"] = benchmark
        app.run()
        assert not app.exception
        assert ("There is no benchmark nosuch here" in printed(app)) is said


@pytest.mark.slow
@pytest.mark.parametrize(
    ("page", "key", "unknown", "known"),
    [
        ("leaderboard", "category", "nosuch", "writing"),
        ("leaderboard", "method", "nosuch", "bradley-terry"),
        ("leaderboard", "counted", "nosuch", "with-flagged"),
        ("leaderboard", "control", "nosuch", "length"),
        ("compare", "first", "nosuch", "demo-hasty"),
        ("battles", "judge", "nosuch", "embedded"),
        ("model", "model", "nosuch", "demo-hasty"),
    ],
)
def test_what_a_link_names_and_is_not_here_is_said(
    monkeypatch: pytest.MonkeyPatch, demo_database: Path, page: str, key: str, unknown: str, known: str
) -> None:
    monkeypatch.setenv("JUDGEBENCH_DATABASE_URL", str(demo_database))
    for value, said in ((unknown, True), (known, False)):
        app = testing.AppTest.from_file(str(folder("app") / "main.py"), default_timeout=120)
        app.query_params[key] = value
        app.run() if page == "leaderboard" else app.run().switch_page(f"screens/{page}.py").run()
        assert not app.exception
        assert (f"The address names {unknown} as" in printed(app)) is said


@pytest.mark.parametrize("page", ["leaderboard", "matrix", "bias", "judges", "battles"])
def test_pages_name_widgets_and_no_options(monkeypatch: pytest.MonkeyPatch, demo_database: Path, page: str) -> None:
    shown = [str(element.value) for element in opened(page, monkeypatch, demo_database).text]
    assert [line for line in shown if " (--" in line or ", --" in line] == []


def test_what_would_give_a_measure_is_shown_whole(monkeypatch: pytest.MonkeyPatch, demo_database: Path) -> None:
    drawn = "".join(str(html.proto.body) for html in opened("judges", monkeypatch, demo_database).get("html"))
    assert "judgebench run --benchmark demo --judge scripted:coin --all-pairs --repeats 3" in drawn


def test_choosing_a_category_ranks_by_it_alone(monkeypatch: pytest.MonkeyPatch, demo_database: Path) -> None:
    app = opened("leaderboard", monkeypatch, demo_database)
    whole = _battles(app)
    app.selectbox(key="category").select("writing").run()
    assert not app.exception
    assert 0 < _battles(app) < whole


def _battles(app: Any) -> int:
    return sum(int(row["Battles"].replace(",", "")) for row in numbers(app))


def test_a_search_that_no_model_fits_says_so_with_the_nearest_names(
    monkeypatch: pytest.MonkeyPatch, demo_database: Path
) -> None:
    app = opened("leaderboard", monkeypatch, demo_database)
    drawn = "".join(str(html.proto.body) for html in app.get("html"))
    assert "<table" in drawn
    app.text_input(key="search").set_value("demo-hastey").run()
    drawn = "".join(str(html.proto.body) for html in app.get("html"))
    assert "unknown model &#x27;demo-hastey&#x27;: did you mean &#x27;demo-hasty&#x27;" in drawn


@pytest.mark.parametrize(("first", "drawn"), [("gamma", True), ("alpha", False)])
def test_beside_the_baseline_no_radar_of_one_model_is_drawn(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, first: str, drawn: bool
) -> None:
    models = ("alpha", "beta", "gamma")
    with closing(Database(str(tmp_path / "board.db"), create=True)) as database:
        asked = [instruction(number, category=f"c{number % 3}") for number in range(15)]
        filling.submitted(database, asked, models, lambda model, number: f"{model} says {number}")
        fields = {"benchmark": "bench", "judge": JudgeSpec(model="scripted:coin"), "baseline": "alpha"}
        engine.run.run(database, make(Study, fields, where="test"), environment={})
    app = opened("compare", monkeypatch, tmp_path / "board.db")
    app.selectbox(key="first").select(first).run()
    app.selectbox(key="second").select("beta").run()
    assert not app.exception
    subheaders = [part.value for part in app.subheader]
    assert ("By category, on the leaderboard's terms" in subheaders) is drawn
    assert ("Battles" in subheaders) is not drawn, "two that met the baseline alone have no battle"
    assert ("Win rate" in [part.label for part in app.metric]) is not drawn


def test_pictures_show_a_readable_number_of_models(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    most = pytest.importorskip("app.filters", reason="the app needs the extra app").MOST
    names = tuple(f"m{number:02}" for number in range(most + 5))
    path = tmp_path / "many.db"
    database = Database(str(path), create=True)
    verdicts = filled(database, instructions=1, models=names)
    with database.write() as connection:
        met = [result(trial(0, a=a, b=b), ok(1.0)) for a, b in pairwise(names)]
        verdicts.add(connection, met)
    rates = services.leaderboards.matrix(database, "bench")
    database.close()
    app = opened("leaderboard", monkeypatch, path)
    assert len(numbers(app)) == len(names)
    app.session_state["chart"] = "intervals"
    app.run()
    app.selectbox(key="places").select_index(1).run()
    assert f"places {most + 1} to {len(names)} of {len(names)}" in printed(app)
    app = opened("matrix", monkeypatch, path)
    assert f"{most} of {len(names)} models" in printed(app)
    assert len({row[""] for row in table(app, _PAIRS)}) <= most
    app.selectbox(key="places").select_index(1).run()
    assert f"5 of {len(names)} models" in printed(app)
    app.multiselect(key="models").set_value([names[0], names[1]]).run()
    assert [row["Against"] for row in table(app, _PAIRS)] == [names[1], names[0]]
    assert pairs_csv(rates, names).count("\r\n") == 1 + 2 * len(met)


def test_a_matrix_links_its_cells_and_names_under_the_same_choice(
    monkeypatch: pytest.MonkeyPatch, demo_database: Path
) -> None:
    app = opened("matrix", monkeypatch, demo_database)
    app.selectbox(key="category").select("writing").run()
    drawn = next(html.value for html in app.html if "jb-pairs" in html.value)
    links = re.findall(r'href="([^"]*)"', drawn)
    assert {link.split("?")[0] for link in links} == {"model", "compare"}
    assert all("category=writing" in link for link in links)


@pytest.fixture
def everything(tmp_path: Path) -> Path:
    database = Database(str(tmp_path / "mixed.db"), create=True)
    mixed.filled(database)
    database.close()
    return tmp_path / "mixed.db"


def test_skipped_pairs_come_back_when_all_were_shown(monkeypatch: pytest.MonkeyPatch, everything: Path) -> None:
    app = opened("vote", monkeypatch, everything)
    shown = []
    for _ in range(9):
        shown.append(app.session_state["vote_pair"].pair.compared)
        next(button for button in app.button if button.label == "Skip").click().run()
    assert len(set(shown[:7])) == 7
    assert shown[7:] == shown[:2]


def _stored(path: Path, asked: Instruction, outputs: Sequence[Output]) -> None:
    database = Database(str(path), create=True)
    with database.write() as connection:
        benchmark = store.benchmarks.add_benchmark(connection, "bench")
        store.benchmarks.add_instructions(connection, benchmark, [asked])
        for output in outputs:
            store.models.add_model(connection, Model(output.model))
        store.models.add_outputs(connection, benchmark, outputs)
    database.close()


def test_a_judge_is_suggested_that_takes_what_is_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    models = ("alpha", "beta")
    for asked, outputs, judge in (
        (mixed.PLAIN, [Output(mixed.PLAIN.key, model, model) for model in models], "embedded"),
        (mixed.AGENT, [mixed.agent_output(model) for model in models], "scripted:coin"),
    ):
        path = tmp_path / f"{asked.category}.db"
        _stored(path, asked, outputs)
        for page in ("vote", "judges", "audits"):
            words = printed(unfolded(opened(page, monkeypatch, path))).replace("--judge=", "--judge ")
            assert f"--judge {judge}" in words
            assert judge == "embedded" or "--judge embedded" not in words


def test_an_outputs_length_is_of_what_was_written_to_be_read(monkeypatch: pytest.MonkeyPatch, everything: Path) -> None:
    app = opened("battles", monkeypatch, everything)
    output = mixed.agent_output("alpha")
    app.query_params.update({"instruction": mixed.AGENT.key, "a": "alpha", "b": "beta"})
    app.run()
    assert f"alpha ({len(output.whole)} characters in all)" in printed(app)


def test_who_may_not_have_judges_asked_gets_no_estimate(monkeypatch: pytest.MonkeyPatch, demo_database: Path) -> None:
    from app import auth

    app = opened("runs", monkeypatch, demo_database)
    monkeypatch.setattr(auth, "person", lambda: Person("viewer@example.org", Role.VIEWER))
    button(app, "Estimate and start").click().run()  # of a page that was drawn before the role was taken away
    assert "Starting runs is for admins of this app" in printed(app)
    assert "battles of" not in printed(app)
    assert not any(element.label == "Estimate and start" for element in app.button)
    monkeypatch.undo()
    monkeypatch.setenv("JUDGEBENCH_DATABASE_URL", str(demo_database))
    app.run()
    assert "Starting runs is for admins of this app" not in printed(app)
    button(app, "Estimate and start").click().run()
    assert "battles of" in printed(app)


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
def test_what_is_not_there_yet_is_no_error_and_leads_on(
    page: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "judgebench.db"
    with closing(Database(str(path), create=True)) as database:
        KINDS["no verdicts"](database)
    app = opened(page, monkeypatch, path)
    if page in ("compare", "model"):
        for name, model in (("first", 0), ("second", 1), ("model", 0)):
            app.query_params[name] = MODELS[model]
        app.run()
    assert [error.value for error in app.error] == []
    if page in ("leaderboard", "compare", "model", "matrix", "bias"):
        drawn = "".join(str(html.proto.body) for html in app.get("html"))
        assert "<p class=jb-links><a href=" in drawn
