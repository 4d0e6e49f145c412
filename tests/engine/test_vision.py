"""Judges that see: images are sent in their places, in both orders, and judged by their pixels."""

import base64
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from judgebench import services, store
from judgebench.conversations import Blob
from judgebench.engine import batches
from judgebench.engine.judges import own_judge, resolve
from judgebench.engine.plan import estimate
from judgebench.engine.run import run
from judgebench.errors import InputError, JudgeRefused
from judgebench.leaderboard import Choices
from judgebench.records import Status
from judgebench.services.imports import import_file
from judgebench.spec import JudgeSpec, Study
from judgebench.store.database import Database
from tests.clients.test_image_probe import NO, refusing
from tests.fault_server import FaultServer, Reply, Request
from tests.formats.writing import write_rows
from tests.pictures import decoded, encoded, png
from tests.vision import COLOURS, images_of, see, seeing, text_of

NAMES = list(COLOURS)


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return Database(str(tmp_path / "a.db"), create=True)


def study(url: Any, **fields: Any) -> Study:
    judge = JudgeSpec(
        model="judge", url=url, template=fields.pop("template", "pairwise/vision"), **fields.pop("judge", {})
    )
    return Study(benchmark=fields.pop("benchmark", "mj-bench"), judge=judge, **{"all_pairs": True, **fields})


def pairs(folder: Path, count: int) -> Path:
    """Captions that name a colour, an image of it and one of another, as MJ-Bench has them."""
    rows = []
    for number in range(count):
        right, wrong = NAMES[number % 6], NAMES[(number + 1 + number // 6 % 5) % 6]
        images = [png(COLOURS[name], (32 + number, 48)) for name in (right, wrong)]
        rows.append(
            {
                **{"id": number, "caption": f"A {right} card, number {number}.", "label": 0, "info": "colour"},
                **{f"image{at}": {"bytes": image, "path": None} for at, image in enumerate(images)},
            }
        )
    return write_rows(folder / "alignment.parquet", rows)


@pytest.mark.slow
def test_200_pairs_of_images_are_judged_right_in_both_orders(tmp_path: Path, database: Database) -> None:
    import_file(database, pairs(tmp_path, 200))
    with seeing() as server:
        report = run(database, study(server.url), environment={})
        assert report.not_shown == {}
        assert report.tally.pending == 0
        asked = [
            request for request in server.requests if request.method == "POST" and "begin output A" in text_of(request)
        ]
    assert len(asked) == 400
    board = services.leaderboards.leaderboard(database, "mj-bench")
    with database.read() as connection:
        verdicts = connection.exec_driver_sql('SELECT preference, status, "order" FROM verdicts').fetchall()
    assert Counter(map(tuple, verdicts)) == {(1.0, "ok", "AB"): 200, (1.0, "ok", "BA"): 200}
    assert [row.model for row in board.rows] == ["image0", "image1"]


def visco(folder: Path) -> Path:
    """Questions about a colour, answered rightly by one model and wrongly by another."""
    rows = []
    for number, name in enumerate(NAMES):
        for model, answer in (("good", name), ("bad", NAMES[number - 1])):
            image = base64.b64encode(png(COLOURS[name], (64, 64))).decode()
            response = {"reasoning": ["I look."], "answer": answer}
            about = {"id": f"{number}-{model}", "question": f"Which colour? ({number})", "image": image}
            rows.append({**about, "response": response, "reasoning_correctness": [True], "meta_data": {"model": model}})
    return write_rows(folder / "test.jsonl", rows)


@pytest.mark.parametrize("template", ["pairwise/vision", "pointwise/vision"])
def test_answers_about_images_are_judged_from_import_to_board(
    tmp_path: Path, database: Database, template: str
) -> None:
    import_file(database, visco(tmp_path))
    asking = study("http://127.0.0.1:1/v1", benchmark="visco", template=template, all_pairs=template.startswith("pair"))
    expected = estimate(database, asking)
    assert (expected.images, expected.image_tokens) == (12, 12 * 6)
    assert expected.prompt_tokens > expected.image_tokens
    with seeing() as server:
        report = run(
            database,
            study(server.url, benchmark="visco", template=template, all_pairs=asking.all_pairs),
            environment={},
        )
    assert (report.tally.ended, report.not_shown) == ({Status.OK: 12}, {})
    choices = Choices(method="score") if template.startswith("point") else Choices()
    board = services.leaderboards.leaderboard(database, "visco", choices=choices)
    assert [row.model for row in board.rows] == ["good", "bad"]


def test_what_a_server_is_sent_is_a_copy(tmp_path: Path, database: Database) -> None:
    """Small, without metadata; the bytes that came stay in the database."""
    exif = Image.Exif()
    exif[0x010E] = "a secret"
    large = encoded(Image.new("RGB", (3000, 300), "red"), "JPEG", exif=exif)
    rows = [{"caption": "A red card.", "label": 0, "image0": {"bytes": large}, "image1": {"bytes": png("blue")}}]
    import_file(database, write_rows(tmp_path / "a.parquet", rows))
    settings = {"image_side": 512, "image_format": "png"}
    with seeing() as server:
        run(database, study(server.url, judge={"settings": settings}), environment={})
        asked = [request for request in server.requests if request.method == "POST"]
    shown = [decoded(data) for request in asked for data in images_of(request)]
    assert {(512, 51), (8, 8)} <= {image.size for image in shown}
    assert all(image.format == "PNG" and not image.getexif() for image in shown)
    assert not any(settings.keys() & request.json.keys() for request in asked)
    with database.read() as connection:
        assert store.blobs.read(connection, [Blob("", large).digest])[Blob("", large).digest].data == large


def test_how_images_are_shown_is_part_of_who_the_judge_is() -> None:
    digests = {
        resolve(study("http://x/v1", judge={"settings": settings}).judge).judge.digest
        for settings in ({}, {"max_images": 8}, {"max_images": 4}, {"image_side": 512}, {"image_format": "png"})
    }
    assert len(digests) == 4


@pytest.mark.parametrize(
    ("judge", "why"),
    [
        ({"model": "embedded", "url": None}, "'embedded' reads texts and sees no images"),
        ({"settings": {"defence": "delimiters"}}, "which no defence reads"),
        ({"settings": {"max_images": 0}}, "max_images is '0'"),
        ({"template": "pairwise/three-way", "settings": {"max_images": 2}}, "is for templates that show images"),
    ],
)
def test_judges_that_cannot_be_shown_images_are_refused_when_they_are_resolved(judge: dict[str, Any], why: str) -> None:
    spec = {"model": "judge", "url": "http://x/v1", "template": "pairwise/vision", **judge}
    with pytest.raises(InputError, match=why):
        resolve(JudgeSpec(**spec))


def test_templates_without_images_say_what_they_do_not_show(tmp_path: Path, database: Database) -> None:
    import_file(database, visco(tmp_path))
    asking = study("http://127.0.0.1:1/v1", benchmark="visco", template="pairwise/three-way")
    assert estimate(database, asking).not_shown == {"image": 12}
    import_file(database, pairs(tmp_path, 3))
    asking = study("http://127.0.0.1:1/v1", template="pairwise/three-way")
    assert (estimate(database, asking).unseen, estimate(database, asking).calls) == (6, 0)


def test_batch_files_hold_images_in_their_places(tmp_path: Path, database: Database) -> None:
    import_file(database, pairs(tmp_path, 4))
    path = tmp_path / "questions.jsonl"
    report = batches.export(database, study("http://127.0.0.1:1/v1"), path)
    lines = [json.loads(line)["body"] for line in path.read_text().splitlines()]
    assert (report.exported, report.not_shown) == (8, {})
    for body in lines:
        kinds = [part["type"] for part in body["messages"][-1]["content"]]
        assert kinds == ["text", "image_url", "text", "image_url", "text"]
        assert "max_images" not in body


def test_a_function_is_given_parts(tmp_path: Path, database: Database) -> None:
    import_file(database, pairs(tmp_path, 2))
    seen: list[Any] = []

    def judge(messages: list[dict[str, Any]]) -> str:
        seen.append(messages[-1]["content"])
        return "[[C]]"

    own = own_judge(judge, name="mine", version="1", template="pairwise/vision")
    run(database, Study(benchmark="mj-bench", judge=own.spec, all_pairs=True), environment={}, judge=own)
    assert [[part["type"] for part in content].count("image_url") for content in seen[-4:]] == [2] * 4


def test_a_trial_whose_images_take_more_than_a_request_fails_and_says_why(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    import_file(database, pairs(tmp_path, 1))
    monkeypatch.setattr("judgebench.judging.pictures.MOST_REQUEST", 100)
    with seeing() as server:
        report = run(database, study(server.url), environment={})
    assert report.tally.ended == {Status.FAILED: 2}
    assert report.reasons[0][0].startswith("not asked: its 2 images take")
    another = study(server.url, judge={"name": "other", "settings": {"seed": 1}})
    with pytest.raises(InputError, match="its 2 images take"):
        batches.export(database, another, tmp_path / "q.jsonl")
    assert not list(tmp_path.glob("q.jsonl*"))


@pytest.mark.slow
@pytest.mark.parametrize("name", NO)
def test_a_server_of_texts_is_refused_before_the_first_question(tmp_path: Path, database: Database, name: str) -> None:
    import_file(database, pairs(tmp_path, 3))
    with FaultServer(refusing(NO[name])) as server:
        with pytest.raises(
            JudgeRefused, match=r"sees no images, which template pairwise/vision\.v1 shows, so nothing"
        ) as why:
            run(database, study(server.url), environment={})
        assert "\n" not in str(why.value)
        asked = [request for request in server.requests if request.method == "POST"]
    assert len(asked) <= 2
    assert not any("begin output" in text_of(request) for request in asked)
    with database.read() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM runs").scalar() == 0


@pytest.mark.slow
def test_a_server_that_drops_images_is_refused_and_one_without_images_to_show_is_asked(
    tmp_path: Path, database: Database
) -> None:
    import_file(database, pairs(tmp_path, 3))
    with FaultServer(lambda index, request: Reply.chat("[[A]]")) as server:
        with pytest.raises(JudgeRefused, match=r"it was shown .* and replied"):
            run(database, study(server.url), environment={})
        texts = [{"instruction": "Say yes.", "output": word, "generator": word} for word in ("yes", "no")]
        import_file(database, write_rows(tmp_path / "t.jsonl", texts), benchmark="texts")
        report = run(database, study(server.url, benchmark="texts"), environment={})
        assert report.tally.ended == {Status.OK: 2}


def test_a_limit_of_its_server_is_said_and_kept(tmp_path: Path, database: Database) -> None:
    def limited(index: int, request: Request) -> Reply:
        if len(images_of(request)) > 1:
            return Reply.error(400, "At most 1 image(s) may be provided in one prompt.")
        return see(index, request)

    import_file(database, visco(tmp_path))
    with FaultServer(limited) as server:
        asking = {"benchmark": "visco", "template": "pointwise/vision", "all_pairs": False}
        with pytest.raises(JudgeRefused, match=r"takes at most 1 image in a question, and is to be shown up to 8"):
            run(database, study(server.url, **asking), environment={})
        one = {"settings": {"max_images": 1}}
        report = run(database, study(server.url, judge=one, **asking), environment={})
    assert report.tally.ended == {Status.OK: 12}


def test_what_was_found_out_is_remembered_with_the_address_and_said_by_a_test_of_the_judge(
    tmp_path: Path, database: Database
) -> None:
    import_file(database, pairs(tmp_path, 2))
    with seeing() as server:
        spec = study(server.url, judge={"name": "eye"}).judge
        services.judges.add_judge(database, spec)
        run(database, study(server.url, judge={"name": "eye"}), environment={})
        with database.read() as connection:
            [known] = store.judges.abilities(connection, "eye").values()
        assert known["images"]["takes"] is True
        before = len(server.requests)
        run(database, study(server.url, judge={"name": "eye"}, repeats=2), environment={})
        assert not any(
            "Reply with the name" in text_of(request)
            for request in server.requests[before:]
            if request.method == "POST"
        )
        report = services.judges.try_judge(database, "eye", {})
        assert report is not None
        assert report.images is not None
        assert report.images.takes


def test_an_output_that_breaks_a_servers_placeholders_fails_alone(tmp_path: Path, database: Database) -> None:
    """As vLLM's models with a template of text do."""
    complaint = "Found more '<image>' placeholders in input prompt than actual multimodal data items."

    def careless(index: int, request: Request) -> Reply:
        if request.method == "POST" and "<image>" in text_of(request):
            return Reply.error(400, complaint)
        return see(index, request)

    path = visco(tmp_path)
    path.write_text(path.read_text().replace('"answer": "red"', '"answer": "red <image>"', 1))
    import_file(database, path)
    with FaultServer(careless) as server:
        report = run(
            database, study(server.url, benchmark="visco", template="pointwise/vision", all_pairs=False), environment={}
        )
    assert report.tally.ended == {Status.OK: 11, Status.FAILED: 1}
    assert complaint.rstrip(".") in report.reasons[0][0]


@pytest.mark.slow
def test_several_addresses_are_tried_one_by_one(tmp_path: Path, database: Database) -> None:
    import_file(database, pairs(tmp_path, 2))
    with seeing() as server, FaultServer(refusing(NO["ollama"])) as other:
        with pytest.raises(JudgeRefused, match=f"at {other.url} sees no images"):
            run(database, study([server.url, other.url]), environment={})
        assert not any("begin output" in text_of(request) for request in server.requests)


def test_a_judge_of_an_own_template_with_images_may_take_one_without(tmp_path: Path, database: Database) -> None:
    import_file(database, visco(tmp_path))
    path = tmp_path / "own.md"
    front = "---\nkind: pointwise\nabout: x\nimages: true\nscale: {low: 1, high: 10}\n---\n"
    path.write_text(f"{front}<!-- user -->\n{{{{ instruction }}}} {{{{ output }}}}\nRating: [[5]]")
    with seeing() as server:
        services.judges.add_judge(database, JudgeSpec(model="judge", url=server.url, template=str(path), name="eye"))
        spec = services.judges.find_judge(database, {"model": "eye", "template": "pointwise/mt-bench"})
        assert "max_images" not in resolve(spec).judge.settings
        assert resolve(services.judges.find_judge(database, {"model": "eye"})).judge.settings["max_images"] == 8


@pytest.mark.slow
@pytest.mark.parametrize("form", ["GIF", "WEBP", "PNG", "JPEG"])
def test_an_estimate_counts_further_frames_as_a_run_does(tmp_path: Path, database: Database, form: str) -> None:
    frames = [Image.new("RGB", (20, 20), colour) for colour in ("red", "green", "blue")]
    moving = {} if form == "JPEG" else {"save_all": True, "append_images": frames[1:]}
    data = encoded(frames[0], form, **moving)
    rows = [{"caption": "Red?", "label": 0, "image0": {"bytes": data}, "image1": {"bytes": png("black")}, "id": 0}]
    import_file(database, write_rows(tmp_path / "pairs.parquet", rows))
    with seeing() as server:
        asking = study(server.url, benchmark="mj-bench", all_pairs=True)
        expected = estimate(database, asking)
        report = run(database, asking, environment={})
    assert expected.not_shown == report.not_shown
    assert sum(expected.not_shown.values()) == (0 if form == "JPEG" else 2 * 2)  # in both orders
