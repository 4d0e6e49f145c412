"""What a user writes down, as values: studies and templates. The only reader of their files."""

from judgebench.spec.connection import ServerConnection
from judgebench.spec.study import (
    Generation,
    JudgeSpec,
    Pace,
    Served,
    Study,
    load_prices,
    load_study,
    make,
    make_generation,
)
from judgebench.spec.templates import load_template, templates

__all__ = [
    "Generation",
    "JudgeSpec",
    "Pace",
    "Served",
    "ServerConnection",
    "Study",
    "load_prices",
    "load_study",
    "load_template",
    "make",
    "make_generation",
    "templates",
]
