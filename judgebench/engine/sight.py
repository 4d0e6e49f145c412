"""Whether a judge sees what it is to be shown, before anything is asked; remembered with its address for a day.

What is remembered belongs to the address and not to the judge, whose server may be another tomorrow.
"""

from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta

from judgebench import store
from judgebench.clients.base import Client
from judgebench.clients.image_probe import ImageAbility, probe_images
from judgebench.clients.pool import Pool
from judgebench.clients.retry import RetryingClient
from judgebench.counts import count
from judgebench.engine.judges import OpenModel, ResolvedJudge
from judgebench.errors import JudgeRefused
from judgebench.judging.pictures import image_rules
from judgebench.store.database import Database

_ABILITY = "images"
_TRUSTED = timedelta(days=1)


async def check_sight(database: Database, benchmark_id: int, resolved: ResolvedJudge, opened: OpenModel) -> None:
    """Raises JudgeRefused where the judge is to be shown images and sees none, or fewer, with what its server says, and
    JudgeError where that cannot be found out. Nothing is asked where the benchmark has no images, nor
    of functions."""
    if not resolved.template.shows_images or resolved.client is not None or resolved.provider.is_script:
        return
    with database.read() as connection:
        if not store.blobs.any_images(connection, benchmark_id):
            return
        known = store.judges.abilities(connection, resolved.judge.name)
    for url, client in _clients(resolved, opened):
        ability = _trusted(known.get(url or ""))
        if ability is None:
            ability = await probe_images(client, resolved.judge.sent)
            remember_sight(database, resolved.judge.name, url, ability)
        check_ability(resolved, url, ability)


def check_ability(resolved: ResolvedJudge, url: str | None, ability: ImageAbility) -> None:
    """Raises JudgeRefused where images cannot be shown as the judge's settings say."""
    name, template, where = resolved.judge.name, resolved.template.id, f" at {url}" if url else ""
    if not ability.takes:
        raise JudgeRefused(
            f"judge {name!r}{where} sees no images, which template {template} shows, so nothing was asked: "
            f"{ability.why.rstrip('.')}. Choose a judge that sees, or a template that shows none"
        )
    most = image_rules(resolved.judge.settings).most
    if ability.most is not None and most > ability.most:
        raise JudgeRefused(
            f"judge {name!r}{where} takes at most {count(ability.most, 'image')} in a question, and is to be shown up "
            f"to {most}, so nothing was asked: set max_images to {ability.most:,}, or have its server take more"
        )


def remember_sight(database: Database, judge: str, url: str | None, ability: ImageAbility) -> None:
    """With the address, where the judge was added at it."""
    if ability.takes is None:
        return
    noted = asdict(ability) | {"at": datetime.now(UTC).isoformat(timespec="seconds")}
    with database.write() as connection:
        store.judges.note_ability(connection, judge, url, _ABILITY, noted)


def _trusted(abilities: dict[str, dict[str, object]] | None) -> ImageAbility | None:
    """That the judge was seen to see, not long ago."""
    noted = (abilities or {}).get(_ABILITY)
    if not noted or noted.get("takes") is not True:
        return None
    if datetime.now(UTC) - datetime.fromisoformat(str(noted["at"])) > _TRUSTED:
        return None
    most = noted.get("most")
    return ImageAbility(True, "", most if isinstance(most, int) else None)


def _clients(resolved: ResolvedJudge, opened: OpenModel) -> Iterator[tuple[str | None, Client]]:
    """Whom to ask at each address."""
    if isinstance(opened.server, Pool):
        yield from ((url, RetryingClient(client)) for url, client in opened.server.by_address().items())
    else:
        yield next(iter(resolved.spec.urls), None), opened.client
