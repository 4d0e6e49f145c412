"""What voters are asked and told, as whoever started the app chose: ``judgebench app --question Q --no-reveal``."""

import os
from collections.abc import Mapping

from app import cached
from judgebench.services.pages import OVERALL

QUESTIONS_VARIABLE = "JUDGEBENCH_QUESTIONS"
REVEAL_VARIABLE = "JUDGEBENCH_REVEAL"


def questions(source: cached.Source, benchmark: str, environment: Mapping[str, str] = os.environ) -> list[str]:
    """What people are asked about a pair besides which output is better: as the app was started, and as others were
    asked on this benchmark before."""
    chosen = [name for name in environment.get(QUESTIONS_VARIABLE, "").split("\n") if name]
    return [name for name in dict.fromkeys([*chosen, *cached.questions(source, benchmark)]) if name != OVERALL]


def reveals(environment: Mapping[str, str] = os.environ) -> bool:
    """Whether voters may be told, after a vote, who wrote what and what judges said."""
    return environment.get(REVEAL_VARIABLE, "yes") != "no"
