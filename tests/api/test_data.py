"""``import judgebench``: the same steps as the command line, with frames, also inside a running event loop."""

from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest

import judgebench
from judgebench import services
from judgebench.errors import Conflict, InputError, UnknownName
from judgebench.records import Lineage, Status
from judgebench.resources import folder
from judgebench.store.database import Database
from tests import mixed
from tests.api.conftest import outputs


def test_a_report_says_what_matched_and_a_dry_run_stores_nothing(db: Database) -> None:
    report = judgebench.submit(db, outputs("one"), model="one", benchmark="b", dry_run=True)
    assert (report.new, report.matched, report.creates_benchmark) == (6, 0, True)
    assert services.benchmarks.benchmarks(db) == []
    judgebench.submit(db, outputs("one"), model="one", benchmark="b", family="fam")
    again = judgebench.submit(db, outputs("one").head(4), model="one", benchmark="b")
    assert (again.new, again.matched, again.missing) == (0, 4, 2)
    assert services.benchmarks.models(db, "b")[0].lineage == Lineage("fam")


def test_files_are_submitted_like_frames(db: Database) -> None:
    report = judgebench.submit(db, folder("demo") / "outputs" / "demo-careful.json", model="careful", benchmark="demo")
    assert report.new == 45


def test_cells_of_numpy_and_missing_ones_are_read_as_json_would_hold_them(db: Database) -> None:
    frame = pd.DataFrame(
        {
            "frage": [np.array(["first", "second"], dtype=object), ["only"], "plain"],
            "output": ["a", "b", ""],
            "category": [np.nan, None, pd.NA],
            "checklist": [np.array(["Is it?"], dtype=object), None, []],
        },
        index=[7, 7, 9],
    )
    judgebench.submit(db, frame, model="m", benchmark="b", columns={"instruction": "frage"})
    found = services.benchmarks.benchmark(db, "b")
    assert (found.instructions, found.categories) == (3, ())


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame({"instruction": ["q", "r"], "output": ["a", None]}), "the data frame, row 2, field 'output'"),
        (pd.DataFrame({"question": ["q"]}), "the data frame, row 1, field 'output'"),
        (pd.DataFrame({"instruction": ["q", "q"], "output": ["a", "b"]}), "the same instruction as in row 1"),
        (pd.DataFrame({"instruction": [], "output": []}), "the data frame: holds no rows"),
        (pd.DataFrame([["q", "a", "b"]], columns=["instruction", "output", "output"]), "'output' occurs twice"),
    ],
)
def test_a_bad_frame_is_one_clear_message_and_nothing_is_stored(
    db: Database, frame: pd.DataFrame, message: str
) -> None:
    with pytest.raises(InputError, match=message):
        judgebench.submit(db, frame, model="m", benchmark="b")
    assert services.benchmarks.benchmarks(db) == []


def test_stored_outputs_are_never_replaced(judged: Database) -> None:
    with pytest.raises(Conflict, match="stored with another output"):
        judgebench.submit(judged, outputs("other"), model="one", benchmark="b")


def test_the_leaderboard_is_a_frame_that_says_how_it_came_about(judged: Database) -> None:
    board = judgebench.rank(judged, benchmark="b")
    assert list(board["model"]) == ["one", "three", "two"]
    assert board["win_rate"].to_list() == [0.5, 0.5, 0.5]  # it names the first, and both orders were asked
    assert board.attrs["judges"] == ["scripted:always-first"]
    assert board.attrs["left_out"] == {}
    elo = judgebench.rank(judged, benchmark="b", method="bradley-terry")
    assert elo["rating"].to_numpy() == pytest.approx(1000)


def test_a_mistyped_choice_is_an_error_and_not_another_method(judged: Database) -> None:
    with pytest.raises(InputError, match="method"):
        judgebench.rank(judged, benchmark="b", method="best")
    with pytest.raises(TypeError, match="base_line"):
        judgebench.rank(judged, benchmark="b", base_line="one")
    with pytest.raises(UnknownName, match="did you mean 'length'"):
        judgebench.rank(judged, benchmark="b", method="bradley-terry", control="lenght")
    with pytest.raises(UnknownName, match="did you mean 'style'"):
        judgebench.counterfactual(judged, benchmark="b", without=["length", "stile"])
    with pytest.raises(TypeError, match="repeat"):
        judgebench.run(judged, benchmark="b", judge="scripted:coin", all_pairs=True, repeat=2)


def test_battles_are_a_frame(judged: Database) -> None:
    found = judgebench.battles(judged, benchmark="b")
    assert len(found) == 18
    assert set(found["preference"]) == {0.5}
    assert not found["consistent"].any()
    assert len(judgebench.battles(judged, benchmark="b", limit=5, model="one")) == 5
    none = judgebench.battles(judged, benchmark="b", text="not in any")
    assert len(none) == 0
    assert list(none.columns) == list(found.columns)


def test_verdicts_are_a_frame_with_the_raw_replies(judged: Database) -> None:
    found = judgebench.verdicts(judged, benchmark="b")
    assert len(found) == 36
    assert set(found["reply"]) == {"A"}
    assert (set(found["sample_a"]), set(found["sample_b"])) == ({0}, {0})
    first = np.where(found["order"] == "AB", found["preference"], 1 - found["preference"])
    assert (first == 1).all()
    assert set(found["status"]) == {str(Status.OK)}
    with pytest.raises(UnknownName):
        judgebench.verdicts(judged, benchmark="b", judge="nobody")
    judgebench.run(judged, benchmark="b", judge={"model": "scripted:coin", "name": "coin"}, baseline="one", limit=2)
    assert len(judgebench.verdicts(judged, benchmark="b", judge="coin")) == 8


@pytest.mark.slow
def test_results_become_charts(judged: Database) -> None:
    board = judgebench.rank(judged, benchmark="b", method="bradley-terry")
    drawn = judgebench.chart(board.head(2)).to_dict()
    assert [row["model"] for rows in drawn["datasets"].values() for row in rows] == ["one", "three"]
    judgebench.chart(judgebench.matrix(judged, benchmark="b"))
    judgebench.chart(judgebench.counterfactual(judged, benchmark="b", without="length"))
    judgebench.chart(judgebench.bias_report(judged, benchmark="b"))
    with pytest.raises(InputError, match="no chart of this"):
        judgebench.chart(judgebench.benchmarks(judged))


def test_battles_without_a_database_are_rated() -> None:
    votes = [("a", "b", "model_a")] * 3 + [("a", "b", "model_b"), ("b", "c", "tie")]
    rated = judgebench.rate(*zip(*votes, strict=True))
    assert rated["model"].to_list()[0] == "a"
    gap = rated.set_index("model")["rating"]
    assert gap["a"] - gap["b"] == pytest.approx(400 * np.log10(3))
    assert gap["b"] == pytest.approx(gap["c"])
    assert (rated["lower"] < rated["rating"]).to_list() == [True, True, False]  # one vote tells no interval
    assert rated["battles"].to_list() == [4, 5, 1]
    with pytest.raises(InputError, match="winner"):
        judgebench.rate(["a"], ["b"], ["nobody"])


def test_published_scores_are_at_hand() -> None:
    assert judgebench.published_scores.wb_score([6, 6]) == 20


def test_what_is_exported_is_imported_again(judged: Database, tmp_path: Path) -> None:
    for kind in ("outputs", "verdicts"):
        done = judgebench.export(judged, kind, tmp_path / f"{kind}.jsonl.gz", benchmark="b")
        assert done.rows == len(judgebench.rows(judged, kind, benchmark="b")) > 0
    copied = judgebench.open(tmp_path / "copy.db")
    files = [tmp_path / "outputs.jsonl.gz", tmp_path / "verdicts.jsonl.gz"]
    imported = judgebench.import_files(copied, files, benchmark="b")
    assert [each.format for each in imported] == ["outputs", "verdicts"]
    board = judgebench.rank(copied, benchmark="b")
    pd.testing.assert_frame_equal(board, judgebench.rank(judged, benchmark="b"))
    copied.close()
    with pytest.raises(UnknownName):
        judgebench.rows(judged, "nothing", benchmark="b")


def test_judgments_become_a_benchmark(judged: Database) -> None:
    judgebench.run(judged, benchmark="b", judge={"model": "scripted:coin", "name": "coin"}, all_pairs=True)
    report = judgebench.import_judgments(
        judged, benchmark="b", judge=["coin", "scripted:always-first"], into="judgments"
    )
    assert report.cases == 36


def test_catalogues_are_frames(judged: Database) -> None:
    benchmark = judgebench.benchmarks(judged).iloc[0]
    assert (benchmark["name"], benchmark["instructions"], benchmark["verdicts"]) == ("b", 6, 36)
    assert judgebench.models(judged, benchmark="b")["model"].to_list() == ["one", "three", "two"]
    assert judgebench.languages(judged, benchmark="b")
    assert judgebench.audit_results(judged, benchmark="b")["kind"].unique().tolist() in ([], ["submissions"])


def test_lineage_is_proposed_accepted_and_declared(db: Database) -> None:
    judgebench.submit(db, outputs("one"), model="gpt-4-turbo", benchmark="b")
    judgebench.submit(db, outputs("two"), model="two", benchmark="b", family="own", trained_on="gpt-4-turbo")
    proposed = judgebench.propose_lineage(db).set_index("model")
    assert proposed["family"]["gpt-4-turbo"]
    accepted = judgebench.accept_lineage(db, "gpt-4-turbo")
    assert "gpt-4-turbo" in set(accepted["model"])
    assert judgebench.declare_lineage(db, "three", family="own")
    assert not judgebench.declare_lineage(db, "three", family="own")
    assert judgebench.lineage(db).set_index("model")["trained_on"]["two"] == ("gpt-4-turbo",)
    with pytest.raises(InputError, match="everything=True"):
        judgebench.accept_lineage(db)
    with pytest.raises(InputError, match="say something"):
        judgebench.declare_lineage(db, "three")
    with pytest.raises(InputError, match="suggests no lineage"):
        judgebench.submit(db, outputs("three"), model="three", benchmark="b", accept_lineage=True)


def test_a_lineage_that_a_name_suggests_is_declared_where_that_is_said(db: Database) -> None:
    judgebench.submit(db, outputs("one"), model="gpt-4-turbo", benchmark="b", accept_lineage=True)
    assert judgebench.lineage(db)["model"].to_list() == ["gpt-4-turbo"]


def test_labels_are_given_listed_and_measured_against(judged: Database) -> None:
    keys = judgebench.battles(judged, benchmark="b", model=("one", "two"))["instruction"]
    for key in keys:
        assert judgebench.vote(
            judged, benchmark="b", annotator="ada", instruction=key, first="two", second="one", preference=0.0
        )
    assert not judgebench.vote(
        judged, benchmark="b", annotator="ada", instruction=keys[0], first="two", second="one", preference=0.0
    )
    assert judgebench.labels(judged, benchmark="b")["preference"].to_list() == [1.0] * 6
    agreement = judgebench.agreement(judged, benchmark="b", resamples=50)
    assert agreement.judges[0].items == 6
    queue = judgebench.human_queue(judged, benchmark="b", judge="scripted:always-first")
    assert len(queue.battles) + queue.kept == 12


def test_analyses_are_frames_and_reports(judged: Database) -> None:
    judgebench.run(judged, benchmark="b", judge={"model": "scripted:coin", "name": "coin"}, all_pairs=True)
    pairs = judgebench.matrix(judged, benchmark="b", judge="coin")
    assert len(pairs) == 6
    assert pairs.attrs["level"] == 0.95
    many = judgebench.multiverse(judged, benchmark="b")
    assert many.attrs["universes"] > 1
    assert set(many["model"]) == {"one", "two", "three"}
    assert set(judgebench.consensus(judged, benchmark="b", resamples=100).models) == {"one", "two", "three"}
    quality = judgebench.quality(judged, benchmark="b", judge="coin", against_judge="scripted:always-first")
    assert quality.against is not None
    assert judgebench.quality(judged, benchmark="b").against is None
    assert judgebench.bias_report(judged, benchmark="b", judge="scripted:always-first").verdicts == 36
    moved = judgebench.counterfactual(judged, benchmark="b", without=("style", "length"))
    assert moved.entries[0].name == "length"
    assert judgebench.card(judged, judge="coin").benchmark == "b"
    found = judgebench.contamination(judged, benchmark="b", model="one")
    assert found.benchmark == "b"


def test_a_plan_needs_no_database_and_learns_from_one(judged: Database) -> None:
    worst = judgebench.plan(difference=0.1, instructions=100)
    assert worst.instructions_needed > 100
    assert worst.power is not None
    assert worst.power < 0.8
    learned = judgebench.plan(judged, benchmark="b")
    assert learned.pilot is not None
    assert learned.pilot.instructions == 6
    with pytest.raises(InputError, match="in which database"):
        judgebench.plan(benchmark="b")


def test_controls_and_anchors_are_the_command_lines(judged: Database) -> None:
    board = judgebench.rank(judged, benchmark="b", method="bradley-terry", control="length")
    assert any("length" in note for note in board.attrs["notes"])
    assert judgebench.rank(judged, benchmark="b", exclude_related=True).attrs["notes"][0].startswith("0 verdicts")


def test_a_conversation_is_a_frame_of_its_parts(tmp_path: Path) -> None:
    database = judgebench.open(tmp_path / "mixed.db")
    mixed.filled(database)
    frame = judgebench.messages(database, benchmark=mixed.BENCHMARK, instruction=mixed.AGENT.key, model="beta")
    assert frame["role"].to_list() == [
        "tools",
        "system",
        "user",
        *["assistant"] * 3,
        "tool",
        "assistant",
        "user",
        "assistant",
    ]
    [call] = frame[frame["kind"] == "call"].to_dict("records")
    assert (call["model"], call["sample"], call["called"], call["text"]) == ("beta", 0, "book_leave", '{"days": 4}')
    assert frame[~frame["judged"]]["kind"].to_list() == ["reasoning"]
    samples = judgebench.messages(database, benchmark=mixed.BENCHMARK, instruction=mixed.SAMPLED.key)
    assert samples["sample"].dropna().to_list() == [0, 1, 2] * 2
    with pytest.raises(UnknownName):
        judgebench.messages(database, benchmark=mixed.BENCHMARK, instruction="nothing")
    assert judgebench.vote(
        database, benchmark=mixed.BENCHMARK, annotator="ada", instruction=mixed.SAMPLED.key, first="beta",
        second="alpha", preference=1.0, sample_first=1, sample_second=2,
    )  # fmt: skip
    assert judgebench.labels(database, benchmark=mixed.BENCHMARK)["samples"].to_list() == [(2, 1)]


def test_a_folder_stands_for_its_files_and_those_that_are_wrong_are_named_at_the_end(tmp_path: Path) -> None:
    results = tmp_path / "results"
    results.mkdir()
    (results / "a.csv").write_text("instruction;output;model\nq;x;m\n")
    (results / "b.json").write_text('[{"cluster": 1}]')
    (results / "notes.txt").write_text("")
    database = judgebench.open(tmp_path / "a.db")
    words = r"1 of 2 files were not imported, the others are: .*b\.json: not recognised"
    left_out = r"left out, names of other endings: .*notes\.txt"
    with pytest.raises(InputError, match=words), pytest.warns(UserWarning, match=left_out):
        judgebench.import_files(database, results, benchmark="mine", audit=False)
    assert list(judgebench.models(database, benchmark="mine")["model"]) == ["m"]


def test_people_rank_alone_those_named_alone_and_by_the_question_named(judged: Database) -> None:
    keys = judgebench.battles(judged, benchmark="b", model=("one", "two"))["instruction"]
    votes = {"ada": 1.0, "bob": 0.0, "eve": 0.0}
    for annotator, preference in votes.items():
        for key in keys:
            judgebench.vote(
                judged, benchmark="b", annotator=annotator, instruction=key, first="one", second="two",
                preference=preference,
            )  # fmt: skip
    for key in keys:
        judgebench.vote(
            judged, benchmark="b", annotator="bob", instruction=key, first="one", second="two", preference=1.0,
            question="style",
        )  # fmt: skip

    def first(**chosen: Any) -> str:
        frame = judgebench.rank(judged, benchmark="b", by="people", method="bradley-terry", **chosen)
        return str(frame["model"].iloc[0])

    assert (first(), first(annotator="ada"), first(annotator=["ada", "bob", "eve"])) == ("two", "one", "two")
    assert (first(question="style"), len(judgebench.labels(judged, benchmark="b", question="style"))) == ("one", 6)
    everybody = judgebench.rank(judged, benchmark="b", by="people")
    assert everybody.attrs["coverage"]["people"]["votes"] == 18
    assert everybody.attrs["judges"] == []
    with pytest.raises(InputError, match="--by people"):
        judgebench.rank(judged, benchmark="b", annotator="ada")
    with pytest.raises(InputError, match="by"):
        judgebench.rank(judged, benchmark="b", by=cast(Any, "crowd"))
    assert "By people" in judgebench.board_page(judged, benchmark="b", by="people")
    both = judgebench.rank(judged, benchmark="b", by="both", method="bradley-terry")
    assert list(both)[:3] == ["model", "rating_by_judges", "lower_by_judges"]
    assert both.attrs["people"]["coverage"]["people"]["votes"] == 18
    with pytest.raises(InputError, match="both"):
        judgebench.board_page(judged, benchmark="b", by="both")
    with pytest.raises(InputError, match="profile"):
        judgebench.rank(judged, benchmark="b", by="both", profile="lmarena")
