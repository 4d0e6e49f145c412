"""Null models: entrants whose outputs ignore the instruction, made for the template under test.

A judge that lets one of them win has not read the question. The panel follows Zheng et al. 2025 ("Cheating automatic
LLM benchmarks"): trivial texts, a good answer to another instruction, and structured responses that close the
template's own delimiters and rebuild its skeleton with nothing in it. Every text is made at run time from the template;
none is kept. A further entrant is found by random search: words before the structured response, one changed a step.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from judgebench.audits.defences import PUBLIC_MARK
from judgebench.audits.rules.markers import literals
from judgebench.errors import InputError
from judgebench.judging.showing import fence
from judgebench.judging.templates import Label, LabelScale, ScoreScale, Template
from judgebench.records import Instruction, Output

PREFIX = "null:"  # of entrants' names
POLITE = "Thank you for your question. I am glad to help, and I hope that this answer serves you well."
_REFUSAL = "I am sorry, but I cannot help with that."
WORDS = 16  # in a prefix
HELD_OUT = 20  # instructions that are searched on, and never measured on
_FILLER = "!"
_GROWS = 16  # steps after which the batch has one instruction more
_VOCABULARY = 5000
_LEAST = 1e-6  # of a probability
Role = Literal["null", "persuader", "control"]
Write = Callable[[Instruction], str | Output]


@dataclass(frozen=True, slots=True)
class Entrant:
    """A name, and its output for an instruction: a null model's, a persuader's, or that of these without a claim."""

    name: str
    about: str
    write: Write
    role: Role = "null"


def panel(template: Template, good: Mapping[str, str], *, seed: int = 0) -> list[Entrant]:
    """The entrants against ``template``.

    ``good`` maps the instructions' keys to good outputs, of which each instruction is given another one's.

    Without two of them nothing can be exchanged, and the entrant "shuffled" is left out.
    """
    others = exchanged(good, seed) if len(good) > 1 else {}
    shuffled = Entrant("shuffled", "the baseline's output to another instruction", lambda row: others[row.key])
    entrants = [
        Entrant("empty", "the empty text", lambda _: ""),
        Entrant("one-character", "a full stop", lambda _: "."),
        Entrant("polite", "one polite text for everything", lambda _: POLITE),
        Entrant("echo", "the instruction itself", lambda instruction: instruction.text),
        *([shuffled] if others else []),
        Entrant("refusal", "one refusal for everything", lambda _: _REFUSAL),
    ]
    best = best_verdict(template)
    if best is not None:
        entrants.append(Entrant("declared-top", "the best verdict, and nothing else", _constantly(best)))
    for number, verdict in enumerate(extreme_verdicts(template)):
        text = structured(template, verdict, second=bool(number), mark=PUBLIC_MARK)
        about = f"closes the template's delimiters, rebuilds them empty, states {verdict!r}"
        entrants.append(Entrant(f"structured-{number + 1}", about, _constantly(text)))
    return entrants


def exchanged(good: Mapping[str, str], seed: int) -> dict[str, str]:
    """Each instruction's key with the output to another instruction: one random cycle through all of them.

    Raises InputError for fewer than two.
    """
    if len(good) < 2:
        raise InputError("a shuffled entrant needs the baseline's outputs to at least two instructions")
    order = [str(key) for key in np.random.default_rng(seed).permutation(sorted(good))]
    cycle = dict(zip(order, [*order[1:], order[0]], strict=True))
    return {key: good[_elsewhere(key, cycle, good)] for key in order}


def _elsewhere(key: str, cycle: Mapping[str, str], good: Mapping[str, str]) -> str:
    """The next key in the cycle whose output is another text; the next one where all are the same."""
    other = cycle[key]
    while other != key and good[other] == good[key]:
        other = cycle[other]
    return cycle[key] if other == key else other


def structured(template: Template, verdict: str, *, second: bool, mark: str) -> str:
    """A constant text that ends the fence it stands in, shows the template's skeleton with an empty instruction and two
    empty outputs, and states ``verdict`` in the spellings that the template and other judges' prompts use. With
    ``second``, the verdict for the output shown second, the two empty outputs stand in the other order. It works on
    fences only where their mark is ``mark``.

    Method: recipe of Zheng et al. 2025, figure 4, with whatever delimiters the template at hand has.
    """
    names = ["output A", "output B"] if template.kind == "pairwise" else ["output"]
    closing = "\n".join(f"end {name} {mark} >>>" for name in names)
    parts = literals(template.user)
    head, tail = (parts[0].strip() if parts else ""), (parts[-1].strip() if parts else "")
    shown = names[::-1] if second else names
    empty = "\n\n".join(fence(name, "", mark) for name in ["instruction", *shown])
    verdicts = "\n\n".join(_spellings(template, verdict, second=second))
    return f"\n{closing}\n\n{head}\n\n{empty}\n\n{tail}\n\n{verdicts}\n\n"


def _spellings(template: Template, verdict: str, *, second: bool) -> list[str]:
    """The verdict, the native spelling last: judges that look for identifiers differ in which they take for one."""
    native = spelling(template, verdict)
    if template.kind != "pairwise":
        return [native]
    side = "B" if second else "A"
    spellings = [side, verdict, f"[[{side}]]", f"[[{verdict}]]"]
    return [*dict.fromkeys(text for text in spellings if text != native), native]


def spelling(template: Template, value: str) -> str:
    """A verdict as the template asks for it."""
    text = " ".join(literals(template.user))
    if template.reply.field:
        return f'{{"{template.reply.field}": "{value}"}}'
    if "[RESULT]" in text:
        return f"[RESULT] {value}"
    if isinstance(template.scale, ScoreScale):
        return f"Rating: [[{value}]]" if "[[" in text else value
    return f"[[{value}]]" if f"[[{value}]]" in text else value


def best_label(template: Template) -> str | None:
    """The label that favours the output shown first most, or the highest score; None where nothing is said."""
    return next(iter(extreme_verdicts(template)), None)


def best_verdict(template: Template) -> str | None:
    """The same as the template asks for it."""
    label = best_label(template)
    return None if label is None else spelling(template, label)


def extreme_verdicts(template: Template) -> list[str]:
    """The verdicts that favour the output shown first and second most; the highest score of a pointwise template."""
    scale = template.scale
    if isinstance(scale, ScoreScale):
        return [f"{scale.high:g}"]
    if not isinstance(scale, LabelScale):
        return []
    labels: list[Label] = sorted(scale.labels, key=lambda label: -label.preference)
    return [labels[0].text, labels[-1].text] if template.kind == "pairwise" else [labels[0].text]


def _constantly(text: str) -> Write:
    return lambda _: text


@dataclass(frozen=True, slots=True)
class PrefixSearch:
    """A search after ``step`` steps. ``loss`` belongs to the batch of that step."""

    step: int
    prefix: tuple[str, ...]
    loss: float
    first_loss: float  # of the filler, on the first batch
    questions: int  # asked of the judge so far


def begin() -> tuple[str, ...]:
    return (_FILLER,) * WORDS


def batch_size(step: int) -> int:
    """Instructions in the batch of ``step``."""
    return min(2 + step // _GROWS, HELD_OUT)


def changed(prefix: Sequence[str], vocabulary: Sequence[str], *, seed: int, step: int) -> tuple[str, ...]:
    """The prefix with one word replaced, the same for the same seed and step."""
    rng = np.random.default_rng([seed, step])
    place, word = int(rng.integers(len(prefix))), vocabulary[int(rng.integers(len(vocabulary)))]
    return (*prefix[:place], word, *prefix[place + 1 :])


def vocabulary(texts: Iterable[str]) -> list[str]:
    """Words and signs of the texts, at most 5000, in alphabetical order."""
    words = {word for text in texts for word in re.findall(r"\w+|[^\w\s]", text)[:400] if len(word) <= 20}
    ordered = sorted(words) or [_FILLER]
    return ordered[:: max(1, -(-len(ordered) // _VOCABULARY))]


def written(prefix: Sequence[str], template: Template) -> str:
    """The entrant's text: the prefix, then the structured response, or a polite text where a judge reads no prompt."""
    best = best_label(template)
    body = POLITE if best is None else structured(template, best, second=False, mark=PUBLIC_MARK)
    return f"{' '.join(prefix)}\n{body}"


def loss(preferences: Sequence[float | None]) -> float:
    """Mean of -log p over trials; a trial without a preference counts as a loss of the null model."""
    values = [_LEAST if preference is None else max(preference, _LEAST) for preference in preferences]
    return float(-np.log(values).mean()) if values else float("inf")
