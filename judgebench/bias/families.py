"""What the names of public models say about their lineage: patterns of our own, which propose and never decide.

A name is read without regard to case and to what separates its parts. The first pattern that matches counts: models
tuned from others stand before the families they come from. A family is a maker's line of models (gpt, claude, llama
...): series of one line are one family. Parents and teachers are those that their authors named; where these are
several or changed between versions, the field is left empty. Names can mislead, so a person confirms each proposal.
"""

import re
from dataclasses import dataclass

from judgebench.records import Lineage

REVIEWED = "2026-11"  # when the table was last gone through


@dataclass(frozen=True, slots=True)
class Proposal:
    """A lineage that a name suggests."""

    model: str
    lineage: Lineage
    pattern: str  # that matched, so that a reader can judge it


@dataclass(frozen=True, slots=True)
class _Entry:
    pattern: re.Pattern[str]
    family: str
    parent: str | None = None
    trained_on: tuple[str, ...] = ()


def propose(name: str) -> Proposal | None:
    """What ``name`` suggests; None where no pattern matches.

    >>> propose("vicuna-7b-v1.5").lineage
    Lineage(family='llama', parent='llama-2', trained_on=('gpt-3.5-turbo',))
    """
    plain = re.sub(r"[\s_/.:]+", "-", name.lower())
    for entry in _TABLE:
        if entry.pattern.search(plain):
            parent = None if entry.parent == plain else entry.parent
            return Proposal(name, Lineage(entry.family, parent, entry.trained_on), entry.pattern.pattern)
    return None


def relatives(lineage: Lineage) -> tuple[Proposal, ...]:
    """Proposals for the parents and teachers that a lineage names, which are often no entrants themselves."""
    named = (*([lineage.parent] if lineage.parent else []), *lineage.trained_on)
    return tuple(found for found in map(propose, named) if found is not None)


def _entry(pattern: str, family: str, parent: str | None = None, *trained_on: str) -> _Entry:
    """``pattern`` begins where a part of the name begins."""
    return _Entry(re.compile(rf"(?:^|-)(?:{pattern})"), family, parent, trained_on)


_TABLE = (
    # judges that are known by the name of their benchmark
    _entry(r"weighted-alpaca-eval-gpt4-turbo|alpaca-eval-gpt4-turbo-fn", "gpt", "gpt4_1106_preview"),
    _entry(r"alpaca-eval-(?:gpt4|cot-gpt4)|chatgpt-fn", "gpt"),
    # tuned or distilled models, by their authors' word
    _entry(r"vicuna-(?:7b|13b)-v1-5", "llama", "llama-2", "gpt-3.5-turbo"),
    _entry(r"vicuna", "llama", "llama-1", "gpt-3.5-turbo"),
    _entry(r"stanford-alpaca|alpaca-(?:7b|13b|farm)", "llama", "llama-1", "text_davinci_003"),
    _entry(r"wizardlm-2-8x22b|wizardlm-2-7b", "mistral"),
    _entry(r"wizard(?:lm|coder|math)", "llama", None, "gpt-3.5-turbo"),
    _entry(r"koala", "llama", "llama-1", "gpt-3.5-turbo"),
    _entry(r"baize", "llama", "llama-1", "gpt-3.5-turbo"),
    _entry(r"gpt4all-j", "gpt-j", None, "gpt-3.5-turbo"),
    _entry(r"guanaco", "llama", "llama-1"),
    _entry(r"open-?hermes-2-?5?-mistral|openhermes-2-5", "mistral", "mistral-7b", "gpt-4"),
    _entry(r"(?:nous-)?hermes-2-(?:pro-)?mistral", "mistral", "mistral-7b", "gpt-4"),
    _entry(r"(?:nous-)?hermes-2-mixtral", "mistral", "mixtral-8x7b", "gpt-4"),
    _entry(r"hermes-3|hermes-2-(?:pro-|theta-)?llama-3", "llama"),
    _entry(r"nous-hermes|openhermes", "llama", None, "gpt-4"),
    _entry(r"zephyr-7b", "mistral", "mistral-7b", "gpt-3.5-turbo", "gpt-4"),
    _entry(r"zephyr-orpo-141b", "mistral"),
    _entry(r"starling-lm", "mistral", "openchat-3.5", "gpt-4"),
    _entry(r"openchat-3-6", "llama", "llama-3-8b", "gpt-4"),
    _entry(r"openchat-3-5|openchat-35", "mistral", "mistral-7b", "gpt-4"),
    _entry(r"openchat", "llama", None, "gpt-4"),
    _entry(r"orca-2", "llama", "llama-2", "gpt-4"),
    _entry(r"(?:slim-?|open-?)orca-mistral|mistral-7b-openorca", "mistral", "mistral-7b", "gpt-4"),
    _entry(r"minotaur-13b", "llama", "llama-1"),
    _entry(r"tulu-3|tulu-2", "llama"),
    _entry(r"airoboros|platypus|xwin-lm|phind-codellama|ultralm|evo-", "llama", None, "gpt-4"),
    _entry(r"fusechat-gemma-2-9b", "gemma", "gemma-2-9b-it", "gemma-2-27b-it", "mistral-large", "qwen2.5-72b-instruct",
           "llama-3.1-70b-instruct"),
    _entry(r"fusechat-llama-3-2-1b", "llama", "llama-3.2-1b-instruct", "gemma-2-27b-it", "mistral-large",
           "qwen2.5-72b-instruct", "llama-3.1-70b-instruct"),
    _entry(r"fusechat-llama-3-2-3b", "llama", "llama-3.2-3b-instruct", "gemma-2-27b-it", "mistral-large",
           "qwen2.5-72b-instruct", "llama-3.1-70b-instruct"),
    _entry(r"fusechat-llama-3-1-8b", "llama", "llama-3.1-8b-instruct", "gemma-2-27b-it", "mistral-large",
           "qwen2.5-72b-instruct", "llama-3.1-70b-instruct"),
    _entry(r"fusechat-qwen-2-5-7b", "qwen", "qwen2.5-7b-instruct", "gemma-2-27b-it", "mistral-large",
           "qwen2.5-72b-instruct", "llama-3.1-70b-instruct"),
    _entry(r"deepseek-r1-distill-qwen|deepseek-r1-0528-qwen", "qwen", None, "deepseek-r1"),
    _entry(r"deepseek-r1-distill-llama", "llama", None, "deepseek-r1"),
    _entry(r"skywork-reward-llama-3-1-8b", "llama", "llama-3.1-8b-instruct"),
    _entry(r"skywork-reward-gemma-2-27b", "gemma", "gemma-2-27b-it"),
    _entry(r"prometheus-(?:7b-v2|8x7b-v2)|prometheus-eval", "mistral", None, "gpt-4"),
    _entry(r"prometheus-(?:7b|13b)-v1", "llama", "llama-2", "gpt-4"),
    _entry(r"autoj|auto-j", "llama", "llama-2", "gpt-4"),
    _entry(r"judgelm|pandalm", "llama", "llama-1"),
    _entry(r"snorkel-mistral|mistral-pairrm|notus|neural-chat", "mistral", "mistral-7b"),
    _entry(r"llama-3-8b-magpie|smaug-llama|llama3-iterative|sfr-iterative", "llama"),
    _entry(r"(?:nvidia-)?(?:llama-3-1-|llama-3-3-)?nemotron-(?:70b|super|nano|ultra)", "llama"),
    _entry(r"nemotron-4-340b", "nemotron"),
    _entry(r"phi-[123](?!\d)", "phi", None, "gpt-3.5-turbo"),
    _entry(r"phi-?\d", "phi"),
    # families
    _entry(r"gpt-?oss", "gpt"),
    _entry(r"gpt-j|gptj", "gpt-j"),
    _entry(r"gpt-?(?:2|neo)", "gpt-neo"),
    _entry(r"(?:chat)?gpt|text-davinci|davinci|o[134](?:-mini|-preview|-pro)?(?:-|$)|openai", "gpt"),
    _entry(r"claude|anthropic", "claude"),
    _entry(r"gemini|bard(?:-|$)|palm-?2|text-bison|chat-bison", "gemini"),
    _entry(r"gemma|code-?gemma|recurrent-?gemma", "gemma"),
    _entry(r"mixtral|mistral|ministral|codestral|magistral|devstral|pixtral|mathstral", "mistral"),
    _entry(r"(?:meta-)?(?:code)?-?llama|meta-llama", "llama"),
    _entry(r"qwen|qwq|qvq|tongyi", "qwen"),
    _entry(r"deepseek", "deepseek"),
    _entry(r"yi-(?:\d|large|lightning|medium|vision)", "yi"),
    _entry(r"command-?(?:r|a|nightly|light|xlarge)|cohere|aya-", "command"),
    _entry(r"grok", "grok"),
    _entry(r"(?:chat)?glm|zai-", "glm"),
    _entry(r"kimi|moonshot", "kimi"),
    _entry(r"minimax|abab", "minimax"),
    _entry(r"internlm|intern-?s1", "internlm"),
    _entry(r"baichuan", "baichuan"),
    _entry(r"hunyuan", "hunyuan"),
    _entry(r"ernie", "ernie"),
    _entry(r"doubao|seed-oss|seed-1", "seed"),
    _entry(r"step-(?:\d|r1)", "step"),
    _entry(r"falcon", "falcon"),
    _entry(r"mpt-(?:7b|30b)", "mpt"),
    _entry(r"dbrx", "dbrx"),
    _entry(r"olmo|molmo", "olmo"),
    _entry(r"dolly|pythia|oasst-sft-[14]", "pythia"),
    _entry(r"stable-?lm", "stablelm"),
    _entry(r"solar", "solar"),
    _entry(r"granite", "granite"),
    _entry(r"jamba|jurassic|j2-", "ai21"),
    _entry(r"nova-(?:pro|lite|micro|premier)|titan", "amazon"),
    _entry(r"reka", "reka"),
    _entry(r"smollm", "smollm"),
    _entry(r"exaone", "exaone"),
    _entry(r"inflection|pi-(?:2|3)", "inflection"),
    _entry(r"rwkv|raven", "rwkv"),
    _entry(r"flan-t5|fastchat-t5", "t5"),
)  # fmt: skip
