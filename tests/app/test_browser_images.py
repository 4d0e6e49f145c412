"""Images are seen where outputs are read and voted on, and nothing is asked for elsewhere."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from judgebench import services, store
from judgebench.engine.run import run
from judgebench.services.imports import import_file
from judgebench.spec import JudgeSpec, Study
from judgebench.store.database import Database
from tests.app.visit import Visit
from tests.formats.writing import write_rows
from tests.pictures import png
from tests.vision import COLOURS, seeing


def judged(path: Path, folder: Path) -> Any:
    """A database with two pairs of images, judged by their pixels; returns the first battle's summary."""
    rows = [
        {
            **{"id": number, "caption": f"A {name} card, number {number}.", "label": 0},
            **{f"image{at}": {"bytes": png(COLOURS[colour], (200, 120))} for at, colour in enumerate((name, "black"))},
        }
        for number, name in enumerate(("red", "blue"))
    ]
    database = Database(str(path), create=True)
    import_file(database, write_rows(folder / "alignment.parquet", rows))
    with seeing() as server:
        judge = JudgeSpec(model="judge", url=server.url, template="pairwise/vision")
        study = Study(benchmark="mj-bench", judge=judge, all_pairs=True)
        with ThreadPoolExecutor(1) as thread:  # Playwright's loop runs in this one
            thread.submit(run, database, study, environment={}).result()
    found, _ = services.battles.battles(database, "mj-bench", store.battles.BattleFilter(text="red"))
    database.close()
    return found[0]


def seen(page: Any) -> Sequence[tuple[str, int, int]]:
    """Where each image of the page comes from, and how wide and high it is as it was decoded."""
    page.wait_for_function("document.querySelectorAll('figure img').length > 0")
    page.wait_for_function("[...document.querySelectorAll('figure img')].every(image => image.naturalWidth > 0)")
    script = "all => all.map(image => [image.src.slice(0, 22), image.naturalWidth, image.naturalHeight])"
    return [tuple(values) for values in page.locator("figure img").evaluate_all(script)]


@pytest.mark.slow
def test_images_are_seen_in_a_battle_an_instruction_and_a_vote(visit: Visit, no_data: Path, tmp_path: Path) -> None:
    battle = judged(no_data, tmp_path)
    requested: list[str] = []
    visit.page.on("request", lambda request: requested.append(request.url))
    link = urlencode({"instruction": battle.instruction, "a": battle.model_a, "b": battle.model_b})
    page = visit.open(f"/battles?{link}")
    assert seen(page) == [("data:image/png;base64,", 200, 120)] * 2
    page = visit.open(f"/instruction?{urlencode({'instruction': battle.instruction})}")
    assert seen(page) == [("data:image/png;base64,", 200, 120)] * 2
    page = visit.open("/vote?blind=true")
    assert len(seen(page)) == 2
    page.get_by_role("button", name="First is better").click()
    page.get_by_text("1 vote of yours").wait_for()
    own = visit.page.url.split("/")[2]
    outside = [url for url in requested if not url.startswith(("data:", "blob:")) and url.split("/")[2] != own]
    assert outside == []
    visit.nothing_happened()


@pytest.mark.slow
def test_the_page_that_is_sent_holds_its_images(visit: Visit, no_data: Path, tmp_path: Path) -> None:
    """The weaker model wins once, so that there is a battle to send."""
    judged(no_data, tmp_path)
    database = Database(str(no_data))
    rows, _ = services.battles.battles(database, "mj-bench", store.battles.BattleFilter())
    from judgebench.show.html import battles_page

    battles = [services.battles.battle(database, "mj-bench", row.instruction, row.model_a, row.model_b) for row in rows]
    images = services.images.of_battles(database, battles)
    assert len(images) == 3  # the black one is the same in both
    file = tmp_path / "battles.html"
    file.write_text(battles_page(battles, images))
    database.close()
    requested: list[str] = []
    page = visit.page
    page.on("request", lambda request: requested.append(request.url))
    page.goto(file.as_uri())
    assert [width for _, width, _ in seen(page)] == [200] * 4
    assert [url for url in requested if not url.startswith("data:")] == [file.as_uri()]
