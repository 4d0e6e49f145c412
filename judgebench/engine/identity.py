"""Which stored judge is asked. An address is no part of what a judge is; but two servers may call two models by one
name, a quantised one and a full one, and then their verdicts must not become one judge's unnoticed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from judgebench import store
from judgebench.engine.judges import NO_ADDRESS, ResolvedJudge
from judgebench.errors import NewAddress
from judgebench.records import VARIANT, Judge
from judgebench.spec import Generation, Served
from judgebench.spec.addresses import place_of
from judgebench.store.database import Connection, Database
from judgebench.store.judges import JudgeAddress

_SHOWN = 3  # addresses, in a message


def identified(database: Database, resolved: ResolvedJudge) -> ResolvedJudge:
    """The judge that its name and its addresses say: a stored one, or under a name of its own another one, although its
    model, template and settings are the same.

    Raises NewAddress where a stored judge would be asked where it never was, and nobody said that it is the same.
    """
    if not resolved.spec.urls:
        return resolved
    with database.read() as connection:
        known = {judge.name: judge for judge in store.judges.judges(connection)}
        mine, named = resolved.judge, known.get(resolved.judge.name)
        if named is not None and named.digest != mine.digest and _is_variant(named, mine):
            resolved, mine = _as_variant(resolved, named.settings[VARIANT]), named
        stored = next((judge for judge in known.values() if judge.digest == mine.digest), None)
        if stored is None or resolved.spec.same_judge:
            return resolved
        elsewhere = _elsewhere(connection, stored.name, resolved.spec.urls)
        if not elsewhere:
            return resolved
        if resolved.spec.name is not None and stored.name != mine.name:
            return _as_variant(resolved, mine.name)
        others = [judge.name for judge in known.values() if judge is not stored and _is_variant(judge, stored)]
        there = [name for name in others if not _elsewhere(connection, name, resolved.spec.urls)]
    raise NewAddress(_message(stored.name, elsewhere, resolved.spec, there))


def _is_variant(judge: Judge, other: Judge) -> bool:
    """Whether it differs from the other in nothing but what its server serves."""
    return are_alike(judge, other) and VARIANT in judge.settings


def are_alike(judge: Judge, other: Judge) -> bool:
    """Whether they are one judge, but perhaps for what their servers serve."""
    mine, theirs = ({name: held for name, held in one.settings.items() if name != VARIANT} for one in (judge, other))
    return (judge.model, judge.template_digest, mine) == (other.model, other.template_digest, theirs)


def _as_variant(resolved: ResolvedJudge, variant: str) -> ResolvedJudge:
    spec, judge, more = resolved.spec, resolved.judge, {VARIANT: variant}
    return replace(
        resolved,
        judge=replace(judge, settings={**judge.settings, **more}),
        spec=spec.model_copy(update={"settings": {**spec.settings, **more}}),
    )


def known_addresses(connection: Connection, name: str) -> list[str]:
    """Where the judge is reached, and where it was asked before; each once, those first that were added."""
    added = (address.url for address in store.judges.addresses(connection).get(name, ()) if address.url is not None)
    urls: dict[str, str] = {}
    for url in (*added, *(url for _, before in _asked(connection, name) for url in before)):
        urls.setdefault(place_of(url), url)
    return list(urls.values())


def _asked(connection: Connection, name: str) -> Iterator[tuple[int, Sequence[str]]]:
    """Each run of the judge, the newest first, and the addresses that it asked."""
    for run_id, kind, study in store.runs.specifications(connection, name):
        judge: Mapping[str, Any] = study["judge"]
        urls = Served(model=str(judge.get("model")), url=judge.get("url")).urls
        yield run_id, () if kind == "batch" and urls == (NO_ADDRESS,) else urls


def _elsewhere(connection: Connection, name: str, urls: Sequence[str]) -> list[str]:
    """Where the judge is known, unless one of ``urls`` is among it, or it never answered anywhere."""
    places = {place_of(url) for url in urls}
    known = known_addresses(connection, name)
    if any(place_of(url) in places for url in known):
        return []
    added = [address.url for address in store.judges.addresses(connection).get(name, ()) if address.url is not None]
    runs = [run_id for run_id, before in _asked(connection, name) if before]
    return known if added or store.runs.have_answers(connection, runs) else []


def check_model_address(database: Database, generation: Generation) -> None:
    """Raises NewAddress where a model whose outputs are stored would be asked where it never was, and nobody said that
    it is the same there."""
    urls = generation.generator.urls
    if not urls or generation.same_model:
        return
    with database.read() as connection:
        known = store.models.generator_addresses(connection, generation.model)
    if known and {place_of(url) for url in known}.isdisjoint(map(place_of, urls)):
        raise NewAddress(
            f"model {generation.model!r} was asked for its outputs at {_some(known)}, and {', '.join(urls)} is another "
            "address: what answers there may be another model of that name, such as a quantised one, so nothing was "
            "asked. If it is the same model, say so by --same-model (same_model: true), and the address is remembered; "
            "if not, store its outputs under a name of their own by --model-name NEW"
        )


def _some(urls: Sequence[str]) -> str:
    more = f" and {len(urls) - _SHOWN:,} more" if len(urls) > _SHOWN else ""
    return ", ".join(urls[:_SHOWN]) + more


def _message(name: str, known: Sequence[str], spec: Served, there: Sequence[str]) -> str:
    new = ", ".join(spec.urls)
    hint = f" (judge {there[0]!r} is asked there)" if there else ""
    return (
        f"judge {name!r} is known at {_some(known)}, and {new} is another address{hint}: what "
        "answers there may be another model of that name, such as a quantised one, so nothing was asked. If it is the "
        "same judge, say so by --same-judge (same_judge: true), and the address is remembered; if not, give it a name "
        "of its own by --judge-name NEW (name: NEW)"
    )


def remember(connection: Connection, judge_id: int, resolved: ResolvedJudge) -> None:
    """Add addresses that were said to be the same judge's to those of a judge that was added; those of a judge that
    was not stand in its runs."""
    spec = resolved.spec
    added = store.judges.addresses(connection).get(resolved.judge.name, ())
    if not spec.same_judge or not added or added[-1].key_env != spec.key_env:  # a key goes nowhere unasked
        return
    last, places = added[-1], {place_of(address.url) for address in added if address.url is not None}
    for url in spec.urls:
        if place_of(url) not in places:
            store.judges.add_address(
                connection, judge_id, JudgeAddress(url, last.key_env, last.template, last.price, last.connection)
            )
