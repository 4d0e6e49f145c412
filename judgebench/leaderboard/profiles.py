"""The numbers that benchmarks of the field publish: one table of profiles, which all doors read.

A profile says how a benchmark asks its judge and what it makes of the verdicts. Its scorer is a function in
``leaderboard.published``, named and not imported, so that whoever only lists the profiles waits for no numeric library.
Templates are this project's own wording of what the benchmarks ask; a file can hold the original.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any, Literal

from judgebench.counts import count
from judgebench.errors import UnknownName

if TYPE_CHECKING:
    from judgebench.leaderboard.published.board import PublishedBoard, ScorerInput, ScoringChoices

ProfileName = Literal[
    "alpaca-eval-1", "alpaca-eval-2", "arena-hard-v0.1", "arena-hard-v2", "m-arena-hard", "mt-bench", "wildbench",
    "lmarena",
]  # fmt: skip
_FIVE_WAY = "pairwise/arena-hard"
_WITH_REFERENCE = ("math", "reasoning", "coding")  # categories of MT-Bench


@dataclass(frozen=True, slots=True)
class BenchmarkProfile:
    """How a benchmark asks, and what it publishes."""

    label: str  # as it is called
    help: str  # what it publishes, in one sentence
    source: str  # whose formulas these are
    function: str  # "module:function" of the scorer
    reads: tuple[Literal["pairwise", "scores"], ...]  # kinds of verdicts that it counts
    templates: Mapping[str | None, str]  # by category of the instruction; None: of all others
    pair_templates: Mapping[str | None, str] = field(default_factory=dict)  # the same, where it also compares
    judges: tuple[str, ...] = ()  # whom the benchmark asks, and as what its files know it; the first is asked
    settings: Mapping[str, Any] = field(default_factory=dict)  # of the judge
    orders: Literal["both", "random"] = "both"  # in which outputs that meet are shown
    baselines: Mapping[str | None, tuple[str, ...]] = field(default_factory=dict)  # by category; None: of all others
    by_turn: bool = False  # judges the first turn of a question by itself, too
    prompts_pooled: bool = False  # a judge's prompts are judges here, and count together
    by_language: bool = False  # has numbers by language

    def load(self) -> "Callable[[ScorerInput, ScoringChoices], PublishedBoard]":
        """The scorer."""
        module, name = self.function.split(":")
        scorer: Callable[[ScorerInput, ScoringChoices], PublishedBoard] = getattr(import_module(module), name)
        return scorer

    def template_of(self, category: str | None, *, compares: bool) -> str:
        """That asks about instructions of this category; ``compares``: where it offers both, two outputs."""
        templates = self.pair_templates if compares and self.pair_templates else self.templates
        return templates.get(category, templates[None])

    def baselines_of(self, category: str | None) -> tuple[str, ...]:
        """The models that outputs to instructions of this category meet; empty where there is none."""
        return self.baselines.get(category, self.baselines.get(None, ()))

    def not_given(self, kind: str, judge: str) -> tuple[str, ...]:
        """Which of its numbers verdicts of one judge against one baseline do not give, in words.

        ``kind``: of the judge's template, "pairwise" or "pointwise"; ``judge``: its name.
        """
        scores, words = kind == "pointwise", list[str]()
        if len(self.reads) > 1:
            does, others = ("scores outputs", "by pairs") if scores else ("compares outputs", "by scores")
            words.append(f"judge {judge!r} {does}, so there are no numbers of {self.label} {others}")
        usual = {name for names in self.baselines.values() for name in names}
        if not scores and len(usual) > 1:
            words.append(f"{self.label} compares with {count(len(usual), 'baseline')}, a standing board with one")
        return tuple(words)


PROFILES: dict[str, BenchmarkProfile] = {
    "alpaca-eval-1": BenchmarkProfile(
        "AlpacaEval 1.0",
        "The win rate against text_davinci_003, with standard error, discrete win rate and average length.",
        "Li et al. 2023; tatsu-lab/alpaca_eval, metrics/winrate.py",
        "judgebench.leaderboard.published.alpaca_eval:score",
        ("pairwise",),
        {None: "pairwise/two-way"},
        judges=("gpt-4", "alpaca_eval_gpt4"),
        settings={"temperature": 0},
        orders="random",
        baselines={None: ("text_davinci_003",)},
    ),
    "alpaca-eval-2": BenchmarkProfile(
        "AlpacaEval 2.0",
        "The length-controlled win rate and the win rate against gpt4_1106_preview.",
        "Dubois et al. 2024; tatsu-lab/alpaca_eval, metrics/winrate.py and glm_winrate.py",
        "judgebench.leaderboard.published.alpaca_eval:score_controlled",
        ("pairwise",),
        {None: "pairwise/letter"},
        judges=("gpt-4-1106-preview", "weighted_alpaca_eval_gpt4_turbo"),
        settings={"temperature": 1, "max_tokens": 1, "top_logprobs": 5},
        orders="random",
        baselines={None: ("gpt4_1106_preview",)},
    ),
    "arena-hard-v0.1": BenchmarkProfile(
        "Arena-Hard-Auto v0.1",
        "Win rates against gpt-4-0314 in which a strong verdict counts three times, raw and at equal style.",
        "Li et al. 2024; lmarena/arena-hard-auto, its v0.1",
        "judgebench.leaderboard.published.arena_hard:score_v01",
        ("pairwise",),
        {None: _FIVE_WAY},
        judges=("gpt-4-1106-preview",),
        settings={"temperature": 0, "max_tokens": 4096},
        baselines={None: ("gpt-4-0314",)},
    ),
    "arena-hard-v2": BenchmarkProfile(
        "Arena-Hard-Auto v2.0",
        "Scores against a baseline a category, in which a strong verdict counts three times, raw and at equal style.",
        "lmarena/arena-hard-auto, show_result.py and utils/math_utils.py",
        "judgebench.leaderboard.published.arena_hard:score_v2",
        ("pairwise",),
        {None: _FIVE_WAY, "creative_writing": f"{_FIVE_WAY}-creative"},  # which asks for no answer of the judge's own
        judges=("gpt-4.1", "gemini-2.5"),
        settings={"temperature": 0, "max_tokens": 16000},
        baselines={
            "hard_prompt": ("o3-mini-2025-01-31",),
            "creative_writing": ("gemini-2.0-flash-001",),
            None: ("o3-mini-2025-01-31", "gemini-2.0-flash-001"),
        },
        prompts_pooled=True,
    ),
    "m-arena-hard": BenchmarkProfile(
        "m-ArenaHard",
        "Win rates by language, and their mean over languages.",
        "Dang et al. 2024 (Aya Expanse)",
        "judgebench.leaderboard.published.m_arena_hard:score",
        ("pairwise",),
        {None: "pairwise/three-way"},
        judges=("gpt-4o-2024-08-06",),
        settings={"temperature": 0},
        by_language=True,
    ),
    "mt-bench": BenchmarkProfile(
        "MT-Bench",
        "Mean scores, overall and by turn, and pairs that count as won where both orders agree.",
        "Zheng et al. 2023; lm-sys/FastChat, llm_judge",
        "judgebench.leaderboard.published.mt_bench:score",
        ("scores", "pairwise"),
        {None: "pointwise/mt-bench-second-turn", **dict.fromkeys(_WITH_REFERENCE, "pointwise/mt-bench-reference")},
        {None: "pairwise/three-way-second-turn", **dict.fromkeys(_WITH_REFERENCE, "pairwise/three-way-reference")},
        judges=("gpt-4",),
        settings={"temperature": 0, "max_tokens": 2048},
        by_turn=True,
        prompts_pooled=True,
    ),
    "wildbench": BenchmarkProfile(
        "WildBench v2",
        "WB-Score, overall and by task, and WB-Reward against three baselines.",
        "Lin et al. 2024; allenai/WildBench",
        "judgebench.leaderboard.published.wildbench:score",
        ("scores", "pairwise"),
        {None: "pointwise/wildbench-score"},
        {None: "pairwise/wildbench-reward"},
        judges=("gpt-4o-2024-05-13", "gpt-4-turbo-2024-04-09"),
        settings={"temperature": 0},
        orders="random",
        baselines={None: ("gpt-4-turbo-2024-04-09", "claude-3-haiku-20240307", "Llama-2-70b-chat-hf")},
    ),
    "lmarena": BenchmarkProfile(
        "LMArena",
        "Bradley-Terry ratings of votes, raw and at equal style.",
        "Chiang et al. 2024; lm-sys/FastChat, serve/monitor/rating_systems.py",
        "judgebench.leaderboard.published.lmarena:score",
        ("pairwise",),
        {None: "pairwise/three-way"},
        judges=("people",),
    ),
}


def profile_named(name: str) -> BenchmarkProfile:
    """Raises UnknownName."""
    if name not in PROFILES:
        raise UnknownName("profile", name, PROFILES)
    return PROFILES[name]
