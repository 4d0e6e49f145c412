"""Benchmarks of judges: pairs of outputs of which the better one is known, and what each makes of a judge's verdicts.

A subset is what a benchmark's file calls a part of its pairs; sections are what it reports, each a weighted mean over
subsets, or over their pairs together. The rules that score pairs are functions of ``leaderboard.published``, named and
not imported, so that whoever only lists the benchmarks waits for no numeric library.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Literal

from judgebench.errors import UnknownName

if TYPE_CHECKING:
    from judgebench.leaderboard.published.judged_pairs import JudgedPairs, ScoredItems

JudgeBenchmarkName = Literal["rewardbench", "rewardbench-2", "scalerlab", "ppe", "auto-j", "llmbar", "mj-bench"]


@dataclass(frozen=True, slots=True)
class Section:
    """A reported part."""

    name: str
    weights: Mapping[str, float]  # by subset; where ``pooled``, all are 1
    pooled: bool = False  # the mean over pairs, not over subsets
    in_overall: float = 1.0  # its weight there; 0: it is no part of it
    optional: bool = False  # the overall number does without, where it has no pairs


@dataclass(frozen=True, slots=True)
class JudgeBenchmark:
    """What a benchmark of judges reports."""

    label: str  # as it is called
    help: str  # what it reports, in one sentence
    source: str  # whose rules these are
    function: str  # "module:function": judged pairs to scored items, by measure's name; the first is the accuracy
    counts: str  # how ties, orders and failures count, one sentence
    sections: tuple[Section, ...]
    overall: Literal["sections", "pairs"] | None = (
        "sections"  # mean over sections, or over all pairs; None: there is none
    )
    annotators: tuple[str, ...] = ()  # under whose name its labels are stored; else all labels count
    by_part: bool = False  # a subset is recognised where a name holds it
    also: Mapping[str, str] = field(default_factory=dict)  # headings of further measures, by name

    def rule(self) -> "Callable[[JudgedPairs], Mapping[str, ScoredItems]]":
        """The function that scores."""
        module, name = self.function.split(":")
        rule: Callable[[JudgedPairs], Mapping[str, ScoredItems]] = getattr(import_module(module), name)
        return rule

    @property
    def subsets(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(subset for section in self.sections for subset in section.weights))

    def subset_of(self, name: str | None) -> str | None:
        """The subset that is called so; None where it is none of this benchmark's."""
        if name is None:
            return None
        plain = _plain(name)
        known = {_plain(subset): subset for subset in self.subsets}
        if plain in known or not self.by_part:
            return known.get(plain)
        return next((known[part] for part in sorted(known, key=len, reverse=True) if part in plain), None)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _pooled(groups: Mapping[str, tuple[str, ...]]) -> tuple[Section, ...]:
    return tuple(Section(name, dict.fromkeys(subsets, 1.0), pooled=True) for name, subsets in groups.items())


def _single(*names: str) -> tuple[Section, ...]:
    return _pooled({name: (name,) for name in names})


# allenai/reward-bench, rewardbench/constants.py: math-prm has 447 pairs and counts as much as all code; the two of
# XSTest have each other's number of pairs there, and so here.
_REWARDBENCH = {
    "Chat": {
        "alpacaeval-easy": 100, "alpacaeval-length": 95, "alpacaeval-hard": 95, "mt-bench-easy": 28, "mt-bench-med": 40,
    },
    "Chat Hard": {
        "mt-bench-hard": 37, "llmbar-natural": 100, "llmbar-adver-neighbor": 134, "llmbar-adver-GPTInst": 92,
        "llmbar-adver-GPTOut": 47, "llmbar-adver-manual": 46,
    },
    "Safety": {
        "refusals-dangerous": 100, "refusals-offensive": 100, "xstest-should-refuse": 250, "xstest-should-respond": 154,
        "donotanswer": 136,
    },
    "Reasoning": {
        "math-prm": 984, "hep-cpp": 164, "hep-go": 164, "hep-java": 164, "hep-js": 164, "hep-python": 164,
        "hep-rust": 164,
    },
}  # fmt: skip
_PRIOR_SETS = ("anthropic_helpful", "anthropic_hhh", "shp", "summarize")

# GAIR-NLP/auto-j, codes/leaderboard/utils_constants.py
_SCENARIOS = {
    "Summarization": ("post_summarization", "text_summarization", "note_summarization"),
    "Exam Questions": (
        "math_reasoning", "solving_exam_question_with_math", "solving_exam_question_without_math",
    ),
    "Code": (
        "code_simplification", "code_generation", "explaining_code", "code_correction_rewriting",
        "code_to_code_translation",
    ),
    "Rewriting": (
        "text_simplification", "language_polishing", "instructional_rewriting", "text_correction", "paraphrasing",
    ),
    "Creative Writing": (
        "writing_song_lyrics", "writing_social_media_post", "writing_blog_post", "writing_personal_essay",
        "creative_writing", "writing_advertisement", "writing_marketing_materials", "writing_presentation_script",
        "counterfactual",
    ),
    "Functional Writing": (
        "writing_product_description", "writing_job_application", "writing_news_article", "writing_biography",
        "writing_email", "writing_legal_document", "writing_technical_document", "writing_scientific_paper",
        "functional_writing", "writing_cooking_recipe",
    ),
    "General Communication": (
        "asking_how_to_question", "open_question", "analyzing_general", "explaining_general", "seeking_advice",
        "recommendation", "value_judgement", "verifying_fact", "chitchat", "roleplay", "planning", "brainstorming",
    ),
    "NLP Tasks": (
        "ranking", "text_to_text_translation", "data_analysis", "classification_identification", "title_generation",
        "question_generation", "reading_comprehension", "keywords_extraction", "information_extraction",
        "topic_modeling", "others",
    ),
}  # fmt: skip
_ADVERSARIAL = ("Neighbor", "GPTInst", "GPTOut", "Manual")
TIES = "Ties"  # the subset of RewardBench 2 in which several outputs are correct
HUMAN = "human preference"  # the subset of PPE that people labelled

JUDGE_BENCHMARKS: dict[str, JudgeBenchmark] = {
    "rewardbench": JudgeBenchmark(
        "RewardBench",
        "Accuracy by section, each weighted by its subsets' published sizes, and the mean of sections.",
        "Lambert et al. 2024; allenai/reward-bench, rewardbench/constants.py and utils.py",
        "judgebench.leaderboard.published.judge_rules:rewardbench",
        "a tie counts half, and so does a reading that failed; of two orders the mean",
        (
            *(Section(name, {subset: float(n) for subset, n in sizes.items()}) for name, sizes in _REWARDBENCH.items()),
            Section("Prior Sets", dict.fromkeys(_PRIOR_SETS, 1.0), in_overall=0.5, optional=True),
        ),
        annotators=("rewardbench",),
    ),
    "rewardbench-2": JudgeBenchmark(
        "RewardBench 2",
        "Best of four by domain, the weighted score of Ties, and the mean of the six.",
        "Malik et al. 2025; allenai/reward-bench, scripts/run_generative_v2.py and rewardbench/utils.py",
        "judgebench.leaderboard.published.judge_rules:rewardbench_2",
        "the correct output among m equally good ones counts 1/m, a set with a reading that failed as a guess; Ties "
        "needs scores",
        _single("Factuality", "Precise IF", "Math", "Safety", "Focus", TIES),
        annotators=("rewardbench-2",),
    ),
    "scalerlab": JudgeBenchmark(
        "JudgeBench (ScalerLab)",
        "Pairs judged correctly in both orders together, by category and overall.",
        "Tan et al. 2024 (arXiv 2410.12784); ScalerLab/JudgeBench, utils/metrics.py",
        "judgebench.leaderboard.published.judge_rules:scalerlab",
        "a pair is correct where more of its two orders name the correct output than the other; ties and readings that "
        "failed name neither",
        _pooled(
            {
                "Knowledge": ("mmlu-pro",),
                "Reasoning": ("livebench-reasoning",),
                "Math": ("livebench-math",),
                "Coding": ("livecodebench",),
            }
        ),
        overall="pairs",
        annotators=("key",),
        by_part=True,
        also={"consistency": "consistent"},
    ),
    "ppe": JudgeBenchmark(
        "PPE",
        "Accuracy on pairs of a correct and an incorrect response, the best of K, and on human preferences.",
        "Frick et al. 2024 (arXiv 2410.14872); lmarena-ai/PPE-*",
        "judgebench.leaderboard.published.judge_rules:ppe",
        "a tie counts half and a reading that failed nothing; of two orders the mean; pairs on which people tie "
        "are left out",
        (
            *_single("MMLU Pro", "MATH", "GPQA", "IFEval", "MBPP Plus"),
            Section("Human preference", {HUMAN: 1.0}, pooled=True, in_overall=0.0, optional=True),
        ),
        annotators=("ppe",),
        by_part=True,
        also={"best_of_k": "best of K"},
    ),
    "auto-j": JudgeBenchmark(
        "Auto-J",
        "Agreement with people on win, loss or tie in both orders, by group of scenarios, and consistency of orders.",
        "Li et al. 2023 (arXiv 2310.05470); GAIR-NLP/auto-j, codes/leaderboard/pairwise_eval.py",
        "judgebench.leaderboard.published.judge_rules:auto_j",
        "a pair counts where both orders say what people say, ties as a third outcome; readings that failed agree with "
        "nothing",
        _pooled(_SCENARIOS),
        overall="pairs",
        also={"consistency": "consistent"},
    ),
    "llmbar": JudgeBenchmark(
        "LLMBar",
        "The mean accuracy of both orders, natural and by adversarial subset, and consistency of the orders.",
        "Zeng et al. 2024 (arXiv 2310.07641); princeton-nlp/LLMBar, LLMEvaluator/evaluate.py",
        "judgebench.leaderboard.published.judge_rules:llmbar",
        "ties and readings that failed are wrong; of two orders the mean",
        (
            Section("Natural", {"Natural": 1.0}),
            Section("Adversarial", dict.fromkeys(_ADVERSARIAL, 1.0)),
            *_single(*_ADVERSARIAL),
        ),
        overall=None,
        annotators=("llmbar",),
        by_part=True,
        also={"consistency": "consistent"},
    ),
    "mj-bench": JudgeBenchmark(
        "MJ-Bench",
        "Accuracy by perspective, with ties as errors and without them.",
        "Chen et al. 2024 (arXiv 2407.04842); MJ-Bench/MJ-Bench",
        "judgebench.leaderboard.published.judge_rules:mj_bench",
        "ties and readings that failed are wrong, or without ties left out; of two orders the mean",
        _single("alignment", "safety", "quality", "bias"),
        overall=None,
        annotators=("mj-bench",),
        by_part=True,
        also={"without_ties": "without ties"},
    ),
}


def judge_benchmark(name: str) -> JudgeBenchmark:
    """Raises UnknownName."""
    if name not in JUDGE_BENCHMARKS:
        raise UnknownName("benchmark of judges", name, JUDGE_BENCHMARKS)
    return JUDGE_BENCHMARKS[name]
