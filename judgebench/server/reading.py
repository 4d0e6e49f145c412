"""What is stored, for whoever may read: boards, battles, cards, audits and runs, as ``--format json`` prints them."""

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import JSONResponse, Response

from judgebench import __version__, services
from judgebench.remote import DECISION_HEADER
from judgebench.server import boards
from judgebench.server.answers import answered
from judgebench.server.callers import Viewer, check_query
from judgebench.server.queries import (
    AuditsQuery,
    BattleQuery,
    BattlesQuery,
    BoardQuery,
    CardQuery,
    CompareQuery,
    GoalsQuery,
    ListQuery,
    RunsQuery,
    StepsQuery,
)
from judgebench.server.state import state_of
from judgebench.services.access import Forbidden
from judgebench.services.tokens import Bearer
from judgebench.show import results
from judgebench.show.conversations import battle_document
from judgebench.show.html import battles_page, card_page, steps_page
from judgebench.show.results import Result
from judgebench.store.database import Database

router = APIRouter()


@router.get("/health", tags=["server"])
async def health(request: Request) -> Response:
    """Whether the database answers. Beside openapi.json the one address that needs no token."""
    state = state_of(request)
    await state.look(state.database.revision)
    return JSONResponse({"status": "ok"}, headers={"Cache-Control": "no-store"})


@router.get("/version", tags=["server"])
async def version(request: Request, _: Viewer) -> Response:
    """Of the server and of its database's schema."""
    state = state_of(request)
    return JSONResponse({"version": __version__, "schema": await state.look(state.database.revision)})


@router.get("/me", tags=["server"])
async def me(who: Viewer) -> Response:
    """Who the caller is, and what they may do."""
    role = who.person.role.name.lower()
    return JSONResponse({"name": who.person.name, "role": role, "benchmarks": list(who.benchmarks)})


@router.get("/benchmarks", tags=["reading"])
async def benchmarks(request: Request, who: Viewer, query: Annotated[ListQuery, Query()]) -> Response:
    """Benchmarks, with their models and judges."""
    state = state_of(request)
    listed = await state.run(who, services.benchmarks.benchmarks, state.database)
    mine = [one for one in listed if not who.benchmarks or one.name in who.benchmarks]
    return answered(results.benchmarks(mine, query.format), query.format)


@router.get("/leaderboard", tags=["reading"])
async def leaderboard(request: Request, who: Viewer, query: Annotated[BoardQuery, Query()]) -> Response:
    """The leaderboard of a benchmark, with intervals and the ranks that the data leave open."""
    query.check(who)
    await check_query(request, who, query)
    state = state_of(request)
    return answered(await state.run(who, boards.board, state.database, query), query.format)


@router.get("/battles", tags=["reading"])
async def battles(request: Request, who: Viewer, query: Annotated[BattlesQuery, Query()]) -> Response:
    """A page of battles with the mean preference of their verdicts; ``full``: with all that was said in each."""
    await check_query(request, who, query)
    state = state_of(request)
    return answered(await state.run(who, _battles, state.database, query), query.format)


def _battles(database: Database, query: BattlesQuery) -> Result:
    rows, total = services.battles.battles(
        database, query.benchmark, query.chosen(), limit=query.limit, offset=query.offset
    )
    judges = services.battles.judges(database, query.benchmark)
    if query.format == "html" or (query.full and query.format != "csv"):
        opened = [
            services.battles.battle(
                database, query.benchmark, row.instruction, row.model_a, row.model_b, judge=query.judge
            )
            for row in rows
        ]
    else:
        opened = None
    if query.format == "html":
        return battles_page(opened or (), services.images.of_battles(database, opened or ()))
    return results.battles(rows, total, query.judge, judges, opened, query.format)


@router.get("/battle", tags=["reading"])
async def battle(request: Request, who: Viewer, query: Annotated[BattleQuery, Query()]) -> Response:
    """One battle: both outputs, and every verdict on it with its reply."""
    await check_query(request, who, query)
    state = state_of(request)
    opened = await state.run(
        who,
        services.battles.battle,
        *(state.database, query.benchmark, query.instruction, query.model_a, query.model_b),
        judge=query.judge,
    )
    return JSONResponse({"model_a": opened.model_a, "model_b": opened.model_b, **battle_document(opened)})


@router.get("/card", tags=["reading"])
async def card(request: Request, who: Viewer, query: Annotated[CardQuery, Query()]) -> Response:
    """A judge's report card; of several judges theirs beside each other."""
    _check_named(who, query.benchmark)
    state = state_of(request)
    return answered(await state.run(who, _cards, state.database, query, who.benchmarks), query.format)


def _cards(database: Database, query: CardQuery, among: tuple[str, ...]) -> Result:
    made = [
        services.cards.card(database, judge, benchmark=query.benchmark, level=query.level, among=among)
        for judge in query.judge
    ]
    return card_page(*made) if query.format == "html" else results.cards(made, query.format)


@router.get("/compare", tags=["reading"])
async def compare(request: Request, who: Viewer, query: Annotated[CompareQuery, Query()]) -> Response:
    """Two models, or two versions of one, beside each other; the header Judgebench-Decision says whether the second is
    worse, no worse, or cannot be told."""
    await check_query(request, who, query)
    state = state_of(request)
    return await state.run(who, _compare, state.database, query)


def _compare(database: Database, query: CompareQuery) -> Response:
    by = services.versions.ByVersions(query.baseline, query.right_from, query.margin, query.cluster)
    between = services.profiles.compare(
        database, query.benchmark, query.first, query.second, scope=query.scope(), by=by, level=query.level
    )
    result = results.comparison(between, query.benchmark, query.format)
    return answered(result, query.format, {DECISION_HEADER: between.change.decision})


@router.get("/goals", tags=["reading"])
async def goals(request: Request, who: Viewer, query: Annotated[GoalsQuery, Query()]) -> Response:
    """How many of users' goals dialogues reached, and why the others failed."""
    await check_query(request, who, query)
    state = state_of(request)
    choice = services.goals.GoalChoice(query.judge, tuple(query.model), query.category, query.baseline)
    report = await state.run(
        who, services.goals.goals, state.database, query.benchmark, choice, level=query.level, seed=query.seed
    )
    return answered(results.goals(report, query.format), query.format)


@router.get("/steps", tags=["reading"])
async def steps(request: Request, who: Viewer, query: Annotated[StepsQuery, Query()]) -> Response:
    """What a judge says of each step of outputs, or which places are at fault, beside what people say."""
    await check_query(request, who, query)
    state = state_of(request)
    return answered(await state.run(who, _steps, state.database, query), query.format)


def _steps(database: Database, query: StepsQuery) -> Result:
    report = services.steps.steps(
        *(database, query.benchmark),
        judge=query.judge,
        annotator=query.annotator,
        category=query.category,
        models=query.model,
        level=query.level,
    )
    if query.format == "html":
        return steps_page(report, *services.seen.beside_steps(database, report))
    return results.steps(report, query.format)


@router.get("/audits", tags=["reading"])
async def audits(request: Request, who: Viewer, query: Annotated[AuditsQuery, Query()]) -> Response:
    """The newest audit of every judge, of every submission and of the benchmark's verdicts."""
    await check_query(request, who, query)
    state = state_of(request)
    stored = await state.run(who, services.audits.results.audits, state.database, query.benchmark, kind=query.kind)
    return JSONResponse([asdict(one) for one in stored])


@router.get("/runs", tags=["reading"])
async def runs(request: Request, who: Viewer, query: Annotated[RunsQuery, Query()]) -> Response:
    """What every run and import stored, the newest first."""
    if query.benchmark is not None:
        who.check_benchmark(query.benchmark)
    state = state_of(request)
    mine = who.benchmarks if query.benchmark is None else (query.benchmark,)
    listed = await state.run(who, _runs, state.database, query.benchmark)
    return JSONResponse([asdict(run) for run in listed if not mine or run.benchmark in mine])


def _runs(database: Database, benchmark: str | None) -> list[services.benchmarks.RunSummary]:
    """Raises UnknownName for a benchmark that is not there."""
    if benchmark is not None:
        services.benchmarks.check(database, benchmark)
    return services.benchmarks.runs(database)


def _check_named(who: Bearer, benchmark: str | None) -> None:
    """Raises Forbidden where a token for some benchmarks asks about all, or about another."""
    if benchmark is not None:
        who.check_benchmark(benchmark)
    elif who.benchmarks:
        raise Forbidden("this token is for some benchmarks only: name one of them")
