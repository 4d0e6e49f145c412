"""Leaderboards: our own, those of profiles, and judges' beside people's."""

from judgebench import services
from judgebench.errors import InputError
from judgebench.leaderboard import Controls
from judgebench.server.queries import BoardQuery
from judgebench.show import results
from judgebench.show.board_page import board_page
from judgebench.show.results import Form, Result
from judgebench.store.database import Database


def board(database: Database, query: BoardQuery) -> Result:
    """Raises as the services."""
    is_published = query.profile is not None or query.length_margin is not None
    if not is_published and query.by != "both":
        return _own(database, query)
    if query.format == "html":
        raise InputError("an HTML page is of this project's own leaderboards, by judges or by people")
    if query.by == "both":
        return _both(database, query, query.format, is_published=is_published)
    return _published(database, query, query.format)


def _own(database: Database, query: BoardQuery) -> Result:
    scope, choices = query.scope(), query.choices()
    made = services.leaderboards.leaderboard(
        database, query.benchmark, scope=scope, choices=choices, controls=query.controls()
    )
    if query.format != "html":
        return results.board(made, query.benchmark, query.format)
    beside = services.leaderboards.beside(database, query.benchmark, made, scope=scope)
    rates = services.part_rates.category_rates(database, query.benchmark, scope=scope, choices=choices)
    battles = services.battles.upsets(
        database, query.benchmark, made.judges, category=scope.category, most=query.html_battles
    )
    images = services.images.of_battles(database, battles)
    return board_page(query.benchmark, made, beside, rates, battles, images)


def _published(database: Database, query: BoardQuery, form: Form) -> Result:
    scoring = services.published.scoring(query.choices(), query.controls(), query.profile, query.length_margin)
    made = services.published.published_board(database, query.benchmark, scoring, scope=query.scope())
    return results.published_board(made, query.benchmark, form)


def _both(database: Database, query: BoardQuery, form: Form, *, is_published: bool) -> Result:
    if is_published or query.controls() != Controls():
        raise InputError("by both takes no profile and no controls: choose by judges or by people")
    two = services.voters.two_boards(
        database, query.benchmark, scope=query.scope(), question=query.question, choices=query.choices()
    )
    return results.two_boards(two, query.benchmark, form)
