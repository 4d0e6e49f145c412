"""Many viewers of one server, as the server sees them."""

import asyncio
import shutil
from pathlib import Path

import pytest

from tests.app.serving import serving

pytest.importorskip("streamlit", reason="the app needs the extra app")

from tests.app.viewer import Viewer  # it needs Streamlit

_VIEWERS = 10


@pytest.mark.slow
def test_many_at_once_on_a_server_just_started_see_every_page_without_an_error(
    demo_database: Path, tmp_path: Path
) -> None:
    database = tmp_path / "demo.db"
    shutil.copy(demo_database, database)
    with serving(database) as address:
        assert asyncio.run(_errors_of_all(address)) == [0] * _VIEWERS


async def _errors_of_all(address: str) -> list[int]:
    return await asyncio.gather(*(_errors(address, number) for number in range(_VIEWERS)))


async def _errors(address: str, number: int) -> int:
    async with Viewer.visiting(address) as viewer:
        await viewer.open()
        assert len(viewer.titles) == 12
        for title in [*viewer.titles[number:], *viewer.titles[:number]]:
            await viewer.turn_to(title)
        return viewer.errors
