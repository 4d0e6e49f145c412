"""How a judge's null-model audit ended, in words."""

from judgebench.leaderboard import JudgeGate
from judgebench.leaderboard.board import one_of
from judgebench.show.numbers import percent
from judgebench.show.text import listing, one_line


def null_models(judge: JudgeGate) -> str:
    """Which judge, how it ended, by which null models, and the bound that holds for all of them."""
    name = one_line(judge.judge)
    if judge.state == "missing":
        return f"{name} was not audited"
    bound = "" if judge.null_win_rate is None else f"; any of them wins at most {percent(judge.null_win_rate)}"
    if judge.state == "failed":
        who = f" by {listing(judge.winners)}" if judge.winners else ""
        return f"failed{who}, judge {name}{bound}{one_of(judge.audits)}"
    best = f"; the best was {one_line(judge.best)}" if judge.best else ""
    stale = ", but before instructions were added, or without claims" if judge.state == "stale" else ""
    return f"passed{stale}, judge {name}{bound}{best}{one_of(judge.audits)}"
