"""A judge's relatives: who they are by lineage, how much it favours them, and leaderboards with less say for it.

The preference leakage score compares two students under the judges they learned from (Li et al. 2025, arXiv 2502.01534,
equations 1 and 2); wins alone are wins in the published Arena-Hard rows. The regression form needs no such design: a
coefficient for each kind of relation beside the strengths of the models, for any verdicts by judges that are related to
some models and not to others, each judge at its own sharpness: one that is merely sharper than the others favours no
strong relative. It does not ask why a judge likes its relatives, and with one related judge a taste of that judge alone
looks the same.

Names of public models suggest a lineage: patterns of our own, which propose and never decide. A name is read without
regard to case and to what separates its parts. The first pattern that matches counts: models tuned from others stand
before the families they come from. A family is a maker's line of models (gpt, claude, llama ...): series of one line
are one family. Parents and teachers are those that their authors named; where these are several or changed between
versions, the field is left empty. Names can mislead, so a person confirms each proposal. The patterns were last gone
through in November 2026.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache

import numpy as np
from numpy.typing import NDArray

from judgebench.bias.effects import Effect, Fit, fit_effects, place_effect
from judgebench.counts import count
from judgebench.errors import InputError, StatisticsError
from judgebench.estimate import Estimate, unidentified
from judgebench.records import Lineage
from judgebench.stats.verdict_table import Floats, VerdictTable


@dataclass(frozen=True, slots=True)
class Proposal:
    """A lineage that a name suggests."""

    model: str
    lineage: Lineage
    pattern: str  # that matched, so that a reader can judge it


@dataclass(frozen=True, slots=True)
class _NamePattern:
    pattern: str
    family: str
    parent: str | None = None
    trained_on: tuple[str, ...] = ()


def propose(name: str) -> Proposal | None:
    """What ``name`` suggests; None where no pattern matches.

    >>> propose("vicuna-7b-v1.5").lineage
    Lineage(family='llama', parent='llama-2', trained_on=('gpt-3.5-turbo',))
    """
    plain = re.sub(r"[\s_/.:]+", "-", name.lower())
    for entry in _PATTERNS:
        if _compiled(entry.pattern).search(plain):
            parent = None if entry.parent == plain else entry.parent
            return Proposal(name, Lineage(entry.family, parent, entry.trained_on), entry.pattern)
    return None


def propose_relatives(lineage: Lineage) -> tuple[Proposal, ...]:
    """Proposals for the parents and teachers that a lineage names, which are often no entrants themselves."""
    named = (*([lineage.parent] if lineage.parent else []), *lineage.trained_on)
    return tuple(proposal for proposal in map(propose, named) if proposal is not None)


def _named(pattern: str, family: str, parent: str | None = None, *trained_on: str) -> _NamePattern:
    """``pattern`` begins where a part of the name begins."""
    return _NamePattern(rf"(?:^|-)(?:{pattern})", family, parent, trained_on)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """Once a name is read: to compile them all takes longer than to load what needs a lineage."""
    return re.compile(pattern)


_PATTERNS = (
    # judges that are known by the name of their benchmark
    _named(r"weighted-alpaca-eval-gpt4-turbo|alpaca-eval-gpt4-turbo-fn", "gpt", "gpt4_1106_preview"),
    _named(r"alpaca-eval-(?:gpt4|cot-gpt4)|chatgpt-fn", "gpt"),
    # tuned or distilled models, by their authors' word
    _named(r"vicuna-(?:7b|13b)-v1-5", "llama", "llama-2", "gpt-3.5-turbo"),
    _named(r"vicuna", "llama", "llama-1", "gpt-3.5-turbo"),
    _named(r"stanford-alpaca|alpaca-(?:7b|13b|farm)", "llama", "llama-1", "text_davinci_003"),
    _named(r"wizardlm-2-8x22b|wizardlm-2-7b", "mistral"),
    _named(r"wizard(?:lm|coder|math)", "llama", None, "gpt-3.5-turbo"),
    _named(r"koala", "llama", "llama-1", "gpt-3.5-turbo"),
    _named(r"baize", "llama", "llama-1", "gpt-3.5-turbo"),
    _named(r"gpt4all-j", "gpt-j", None, "gpt-3.5-turbo"),
    _named(r"guanaco", "llama", "llama-1"),
    _named(r"open-?hermes-2-?5?-mistral|openhermes-2-5", "mistral", "mistral-7b", "gpt-4"),
    _named(r"(?:nous-)?hermes-2-(?:pro-)?mistral", "mistral", "mistral-7b", "gpt-4"),
    _named(r"(?:nous-)?hermes-2-mixtral", "mistral", "mixtral-8x7b", "gpt-4"),
    _named(r"hermes-3|hermes-2-(?:pro-|theta-)?llama-3", "llama"),
    _named(r"nous-hermes|openhermes", "llama", None, "gpt-4"),
    _named(r"zephyr-7b", "mistral", "mistral-7b", "gpt-3.5-turbo", "gpt-4"),
    _named(r"zephyr-orpo-141b", "mistral"),
    _named(r"starling-lm", "mistral", "openchat-3.5", "gpt-4"),
    _named(r"openchat-3-6", "llama", "llama-3-8b", "gpt-4"),
    _named(r"openchat-3-5|openchat-35", "mistral", "mistral-7b", "gpt-4"),
    _named(r"openchat", "llama", None, "gpt-4"),
    _named(r"orca-2", "llama", "llama-2", "gpt-4"),
    _named(r"(?:slim-?|open-?)orca-mistral|mistral-7b-openorca", "mistral", "mistral-7b", "gpt-4"),
    _named(r"minotaur-13b", "llama", "llama-1"),
    _named(r"tulu-3|tulu-2", "llama"),
    _named(r"airoboros|platypus|xwin-lm|phind-codellama|ultralm|evo-", "llama", None, "gpt-4"),
    _named(r"fusechat-gemma-2-9b", "gemma", "gemma-2-9b-it", "gemma-2-27b-it", "mistral-large", "qwen2.5-72b-instruct",
           "llama-3.1-70b-instruct"),
    _named(r"fusechat-llama-3-2-1b", "llama", "llama-3.2-1b-instruct", "gemma-2-27b-it", "mistral-large",
           "qwen2.5-72b-instruct", "llama-3.1-70b-instruct"),
    _named(r"fusechat-llama-3-2-3b", "llama", "llama-3.2-3b-instruct", "gemma-2-27b-it", "mistral-large",
           "qwen2.5-72b-instruct", "llama-3.1-70b-instruct"),
    _named(r"fusechat-llama-3-1-8b", "llama", "llama-3.1-8b-instruct", "gemma-2-27b-it", "mistral-large",
           "qwen2.5-72b-instruct", "llama-3.1-70b-instruct"),
    _named(r"fusechat-qwen-2-5-7b", "qwen", "qwen2.5-7b-instruct", "gemma-2-27b-it", "mistral-large",
           "qwen2.5-72b-instruct", "llama-3.1-70b-instruct"),
    _named(r"deepseek-r1-distill-qwen|deepseek-r1-0528-qwen", "qwen", None, "deepseek-r1"),
    _named(r"deepseek-r1-distill-llama", "llama", None, "deepseek-r1"),
    _named(r"skywork-reward-llama-3-1-8b", "llama", "llama-3.1-8b-instruct"),
    _named(r"skywork-reward-gemma-2-27b", "gemma", "gemma-2-27b-it"),
    _named(r"prometheus-(?:7b-v2|8x7b-v2)|prometheus-eval", "mistral", None, "gpt-4"),
    _named(r"prometheus-(?:7b|13b)-v1", "llama", "llama-2", "gpt-4"),
    _named(r"autoj|auto-j", "llama", "llama-2", "gpt-4"),
    _named(r"judgelm|pandalm", "llama", "llama-1"),
    _named(r"snorkel-mistral|mistral-pairrm|notus|neural-chat", "mistral", "mistral-7b"),
    _named(r"llama-3-8b-magpie|smaug-llama|llama3-iterative|sfr-iterative", "llama"),
    _named(r"(?:nvidia-)?(?:llama-3-1-|llama-3-3-)?nemotron-(?:70b|super|nano|ultra)", "llama"),
    _named(r"nemotron-4-340b", "nemotron"),
    _named(r"phi-[123](?!\d)", "phi", None, "gpt-3.5-turbo"),
    _named(r"phi-?\d", "phi"),
    # families
    _named(r"gpt-?oss", "gpt"),
    _named(r"gpt-j|gptj", "gpt-j"),
    _named(r"gpt-?(?:2|neo)", "gpt-neo"),
    _named(r"(?:chat)?gpt|text-davinci|davinci|o[134](?:-mini|-preview|-pro)?(?:-|$)|openai", "gpt"),
    _named(r"claude|anthropic", "claude"),
    _named(r"gemini|bard(?:-|$)|palm-?2|text-bison|chat-bison", "gemini"),
    _named(r"gemma|code-?gemma|recurrent-?gemma", "gemma"),
    _named(r"mixtral|mistral|ministral|codestral|magistral|devstral|pixtral|mathstral", "mistral"),
    _named(r"(?:meta-)?(?:code)?-?llama|meta-llama", "llama"),
    _named(r"qwen|qwq|qvq|tongyi", "qwen"),
    _named(r"deepseek", "deepseek"),
    _named(r"yi-(?:\d|large|lightning|medium|vision)", "yi"),
    _named(r"command-?(?:r|a|nightly|light|xlarge)|cohere|aya-", "command"),
    _named(r"grok", "grok"),
    _named(r"(?:chat)?glm|zai-", "glm"),
    _named(r"kimi|moonshot", "kimi"),
    _named(r"minimax|abab", "minimax"),
    _named(r"internlm|intern-?s1", "internlm"),
    _named(r"baichuan", "baichuan"),
    _named(r"hunyuan", "hunyuan"),
    _named(r"ernie", "ernie"),
    _named(r"doubao|seed-oss|seed-1", "seed"),
    _named(r"step-(?:\d|r1)", "step"),
    _named(r"falcon", "falcon"),
    _named(r"mpt-(?:7b|30b)", "mpt"),
    _named(r"dbrx", "dbrx"),
    _named(r"olmo|molmo", "olmo"),
    _named(r"dolly|pythia|oasst-sft-[14]", "pythia"),
    _named(r"stable-?lm", "stablelm"),
    _named(r"solar", "solar"),
    _named(r"granite", "granite"),
    _named(r"jamba|jurassic|j2-", "ai21"),
    _named(r"nova-(?:pro|lite|micro|premier)|titan", "amazon"),
    _named(r"reka", "reka"),
    _named(r"smollm", "smollm"),
    _named(r"exaone", "exaone"),
    _named(r"inflection|pi-(?:2|3)", "inflection"),
    _named(r"rwkv|raven", "rwkv"),
    _named(r"flan-t5|fastchat-t5", "t5"),
)  # fmt: skip


_ROUNDS = 3  # in which strengths and the judges' sharpness settle


class Relation(StrEnum):
    """What a judge is to a model, the closest relation that holds."""

    SAME = "same"  # the judge is the model
    INHERITANCE = "inheritance"  # one was tuned from, or trained on outputs of, the other, at any remove
    FAMILY = "family"  # they, or those they descend from, share a family
    UNRELATED = "unrelated"
    UNKNOWN = "unknown"  # none of the first three is declared, and one of the two has no declared lineage


RELATED = (Relation.SAME, Relation.INHERITANCE, Relation.FAMILY)


def preference_leakage_score(win_rates: Sequence[Sequence[float]]) -> float:
    """How much two judges favour their own students, a fraction in [-1, 1]; 0 without leakage.

    ``win_rates[student][judge]``, 2 x 2, student i having learned from judge i: all fractions, or all percentages.
    Raises InputError for another shape or numbers outside the range, StatisticsError when a student never wins.
    """
    rates = _checked_rates(win_rates)
    if (rates.sum(axis=1) == 0).any():
        raise StatisticsError("the preference leakage score is not defined for a student that wins under neither judge")
    own, other = np.diag(rates), rates[[0, 1], [1, 0]]
    return float(((own - other) / (own + other)).mean())


def relation(judge_model: str, model: str, lineages: Mapping[str, Lineage]) -> Relation:
    """The closest relation between the LLM of a judge and a model, from what was declared of both and their ancestors.

    >>> relation("gpt-4", "student", {"student": Lineage(trained_on=("gpt-4",))}).value
    'inheritance'
    """
    if judge_model == model:
        return Relation.SAME
    mine, other = _ancestors(judge_model, lineages), _ancestors(model, lineages)
    if judge_model in other or model in mine:
        return Relation.INHERITANCE
    if _families(mine, lineages) & _families(other, lineages) or mine & other:
        return Relation.FAMILY
    declared = all(lineages.get(name, Lineage()) != Lineage() for name in (judge_model, model))
    return Relation.UNRELATED if declared else Relation.UNKNOWN


@dataclass(frozen=True, slots=True)
class Leakage:
    """Of each relation: what it adds in log-odds, and in points of win rate at equal quality."""

    log_odds: Mapping[Relation, Estimate]
    points: Mapping[Relation, Estimate]
    verdicts: int  # used
    unknown: int  # left out, because a relation of the judge to one of its two models is not declared


def leakage(
    table: VerdictTable,
    judge_models: Sequence[str],
    lineages: Mapping[str, Lineage],
    *,
    controls: Sequence[Effect] = (),
    level: float = 0.95,
) -> Leakage:
    """Favour for each kind of relative, at equal strength, place and ``controls``.

    ``judge_models`` names the LLM of each of ``table.judges``. Raises InputError when they are not aligned.
    """
    relations = relation_matrix(table, judge_models, lineages)
    known = ~_touches(table, relations, Relation.UNKNOWN)
    rows = table.select(known)
    if not len(rows):
        missing = unidentified("the lineage of the models or judges is not declared", level=level)
        return Leakage(dict.fromkeys(RELATED, missing), dict.fromkeys(RELATED, missing), 0, len(table))
    kept = [replace(control, column=control.column[known]) for control in controls]
    fit = _at_own_sharpness(rows, [*relation_effects(rows, relations), place_effect(rows), *kept])
    return Leakage(
        {kind: fit.log_odds(kind.value, level=level) for kind in RELATED},
        {kind: fit.points(kind.value, level=level) for kind in RELATED},
        len(rows),
        len(table) - len(rows),
    )


def _at_own_sharpness(rows: VerdictTable, effects: Sequence[Effect]) -> Fit:
    """A fit in which each judge sets strong and weak models as far apart as it does: a column for each judge but one.

    The column is the difference of strengths in the judge's verdicts. Without it a judge that is sharper than the
    others would seem to favour a relative that is strong. Strengths come from the fit before, as in Newton's steps.
    """
    judges, verdicts = np.unique(rows.judge, return_counts=True)
    others = np.delete(judges, np.argmax(verdicts))
    fit = fit_effects(rows, effects)
    for _ in range(_ROUNDS if len(others) else 0):
        apart = fit.theta[rows.model_a] - fit.theta[rows.model_b]
        sharper = [Effect(f"sharpness of {judge}", apart * (rows.judge == judge)) for judge in others]
        fit = fit_effects(rows, [*effects, *sharper], near=fit)
    return fit


def relation_matrix(
    table: VerdictTable, judge_models: Sequence[str], lineages: Mapping[str, Lineage]
) -> NDArray[np.object_]:
    """(judges, models) relations. Raises InputError unless ``judge_models`` names one LLM for each judge."""
    if len(judge_models) != len(table.judges):
        raise InputError(
            f"an LLM's name is needed for each of {count(len(table.judges), 'judge')}, not {len(judge_models):,}"
        )
    rows = [[relation(llm, model, lineages) for model in table.models] for llm in judge_models]
    matrix = np.empty((len(table.judges), len(table.models)), dtype=object)
    for row, relations in enumerate(rows):
        matrix[row] = relations
    return matrix


def relation_effects(table: VerdictTable, relations: NDArray[np.object_]) -> list[Effect]:
    """A column for each kind of relative: 1 where A alone is one of the judge's, -1 where B alone is.

    Not identified where a relation is unknown: nobody knows whether that model is a relative.
    """
    unknown = _touches(table, relations, Relation.UNKNOWN).any()
    impossible = "the lineage of some models or judges is not declared" if unknown else ""
    return [
        Effect(
            kind.value,
            (relations == kind)[table.judge, table.model_a].astype(np.float64)
            - (relations == kind)[table.judge, table.model_b],
            1.0,
            f"the judge's relative ({kind.value})",
            impossible,
        )
        for kind in RELATED
    ]


def _touches(table: VerdictTable, relations: NDArray[np.object_], kind: Relation) -> NDArray[np.bool_]:
    """(n,) verdicts in which the judge is that to one of the two models."""
    cell = relations == kind
    touched: NDArray[np.bool_] = cell[table.judge, table.model_a] | cell[table.judge, table.model_b]
    return touched


def _ancestors(name: str, lineages: Mapping[str, Lineage]) -> set[str]:
    """The model itself, its parents and teachers, theirs, and so on."""
    reached, ahead = set[str](), [name]
    while ahead:
        current = ahead.pop()
        if current in reached:
            continue
        reached.add(current)
        lineage = lineages.get(current, Lineage())
        ahead.extend([*lineage.trained_on, *([lineage.parent] if lineage.parent else [])])
    return reached


def _families(names: set[str], lineages: Mapping[str, Lineage]) -> set[str]:
    families = (lineages.get(name, Lineage()).family for name in names)
    return {family.casefold() for family in families if family}


def _checked_rates(win_rates: Sequence[Sequence[float]]) -> Floats:
    what = "win_rates must be 2 x 2 numbers, win_rates[student][judge]"
    try:
        rates = np.array(win_rates, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(what) from error
    if rates.shape != (2, 2):
        raise InputError(f"{what}, not of shape {rates.shape}")
    if not np.isfinite(rates).all() or (rates < 0).any() or (rates > 100).any():
        raise InputError(f"{what}, each a fraction in [0, 1] or a percentage in [0, 100]")
    return rates


@dataclass(frozen=True, slots=True)
class Weighted:
    """A table with less say for related judges."""

    table: VerdictTable
    related: int  # verdicts by a judge related to one of the two models
    removed: int  # of those, left out

    @property
    def words(self) -> str:
        """What became of them."""
        kept = self.related - self.removed
        return f"{self.removed:,} left out" + (f", {kept} given less weight" if kept else "")


def without_related(table: VerdictTable, related: NDArray[np.bool_], *, weight: float = 0.0) -> Weighted:
    """``related`` (judges, models): whether the judge is a relative. ``weight``: 0 leaves out, 1 does nothing.

    Raises InputError for a weight outside [0, 1].
    """
    if not 0 <= weight <= 1:
        raise InputError(f"the weight of related judges must lie in [0, 1], not {weight!r}")
    touched = related[table.judge, table.model_a] | related[table.judge, table.model_b]
    count = int(touched.sum())
    if weight == 0:
        return Weighted(table.select(~touched), count, count)
    others = _unrelated_mean(table, touched)
    mixed = np.where(touched, weight * table.preference + (1 - weight) * others, table.preference)
    kept = np.isfinite(mixed)
    weighted = replace(table, preference=np.where(kept, mixed, 0.5)).select(kept)
    return Weighted(weighted, count, int((~kept).sum()))


def _unrelated_mean(table: VerdictTable, touched: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(n,) mean preference for A of unrelated judges on each verdict's battle; NaN where there is none."""
    k = max(len(table.models), 1)
    low, high = np.minimum(table.model_a, table.model_b), np.maximum(table.model_a, table.model_b)
    _, battle = np.unique((table.instruction.astype(np.int64) * k + low) * k + high, return_inverse=True)
    toward = np.where(table.model_a < table.model_b, table.preference, 1 - table.preference)
    free = ~touched
    size = int(battle.max(initial=-1)) + 1
    count = np.bincount(battle[free], minlength=size)
    total = np.bincount(battle[free], weights=toward[free], minlength=size)
    mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)[battle]
    return np.asarray(np.where(table.model_a < table.model_b, mean, 1 - mean))
