"""Completion -> verdict: the only place that undoes the order.

How a trial ends, by the first rule that applies:

1. the server says that a filter or a refusal ended the reply -> refused;
2. two verdicts contradict each other, or the last one is not on the scale -> unparsed;
3. one verdict binds (see ``grammar``) -> ok, or tie when the preference is exactly 0.5;
4. the reply ended at its length limit -> truncated;
5. the reply opens by declining -> refused;
6. anything else -> unparsed.

There is no default verdict. A template that asks for soft verdicts takes the preference from the log-probabilities of
the verdict token where the completion has them: of the token that covers the verdict in the text (``alignment``).
Labels that hold less than the template's ``min_mass`` of the probability leave the trial unparsed with its mass kept.
Where the verdict's token is not certain, or its probabilities are not, the label in the text is the verdict, and its
detail says why. That the less probable label was drawn is no disagreement: the draw is chance, the probabilities are
the verdict. Thinking,
in the reply or beside it (``Completion.reasoning``), never gives a verdict, and neither does what the judge quotes from
what it judges (``quotation``). Where the question demanded a nonce in the verdict (``nonces``), nothing without it
gives one.
"""

import re
from collections.abc import Sequence
from dataclasses import replace

from judgebench.judging.characters import visible
from judgebench.judging.nonces import nonce_of
from judgebench.judging.parsing.alignment import Unaligned, token_at
from judgebench.judging.parsing.grammar import (
    NOUNS,
    WRAPPING,
    Contradiction,
    Mention,
    binding,
    mentions,
    nonce_mentions,
    value_of,
)
from judgebench.judging.parsing.json_reply import json_mentions, mean, objects, parts
from judgebench.judging.parsing.listings import read_listing
from judgebench.judging.parsing.logprobs import Unweighable, compare, distribution, reward
from judgebench.judging.parsing.quotation import Quotations
from judgebench.judging.parsing.thinking import without_thinking
from judgebench.judging.reask import as_constrained
from judgebench.judging.templates import Label, LabelScale, LikelihoodScale, RewardScale, Scale, Template
from judgebench.judging.visibility import shown_texts
from judgebench.records import Completion, Order, Reading, Source, Status, TokenLogprob, Trial, Verdict

PARSER_VERSION = "7"
_OPENING = 40  # characters that may stand before a verdict that opens a reply, as in "The final verdict is "
# Reasons, in lower case, for which servers end a reply that they withhold.
WITHHELD = ("content_filter", "refusal", "safety", "recitation", "prohibited_content", "blocklist", "spii")


_SPELT_BLANKS = re.compile(r"\A[\s\u0120\u2581\u010a]+|\s+\Z")  # as tokenizers spell them
_GOES_ON = re.compile(r"\w|\s*[.,:\-\u2013]?\s*\d")
_DECLINES = re.compile(
    r"\W{0,8}(?:(?:i['’]?m|i am) (?:\w{1,9} )?(?:sorry|afraid|unable|not able)|(?:my )?apologies|i apologi[sz]e"
    r"|sorry|as an ai|i (?:can(?:not|['’]?t)|won['’]?t|will not|must decline|decline|refuse))\b",
    re.IGNORECASE,
)


def parse(completion: Completion, template: Template, trial: Trial | Reading | Order) -> Verdict:
    """The verdict of ``completion``: a preference for A of a pairwise template, a score of a pointwise one.

    Give the trial where it is at hand. With the order alone, a verdict that the judge quotes from an output cannot be
    told from its own, and the answers to a checklist cannot be counted.
    """
    seen = visible(completion.text)
    if seen != completion.text:
        completion = replace(completion, text=seen)
    if completion.constrained is not None and nonce_of(completion) is None:
        template = as_constrained(template, completion.constrained)
    if isinstance(template.scale, LikelihoodScale):
        verdict = compare(completion.text, template.scale)
    elif isinstance(template.scale, RewardScale):
        verdict = reward(completion.text)
    elif (completion.finish_reason or "").casefold() in WITHHELD:
        verdict = _failure(Status.REFUSED, f"the server ended the reply: {completion.finish_reason}")
    elif template.reply.aspects or template.reply.answers:
        verdict = _read_parts(completion, template, trial)
    elif template.reply.listing:
        verdict = _read_list(completion, template, trial)
    else:
        verdict = _read(completion, template, trial)
    if verdict.parser != PARSER_VERSION:
        verdict = replace(verdict, parser=PARSER_VERSION)
    if verdict.preference is None:
        return verdict
    if template.kind == "pointwise":  # a label stands for a score
        return replace(verdict, status=Status.OK, preference=None, score=verdict.preference)
    order = trial.order if isinstance(trial, Trial) else trial
    return replace(verdict, preference=1.0 - verdict.preference) if order is Order.BA else verdict


def _read_parts(completion: Completion, template: Template, trial: Trial | Reading | Order) -> Verdict:
    try:
        values = parts(completion, template, _shown(trial))
        questions = len(trial.instruction.checklist) if isinstance(trial, Reading) else 0
        if template.reply.answers and questions and len(values) != questions:
            raise ValueError(f"{len(values)} answers to {questions} questions")
        score = mean(values, template.reply.aspects)
    except ValueError as error:
        text = without_thinking(completion.text, _shown(trial), is_apart=bool(completion.reasoning))
        return _unread(text, completion, error)
    label = ", ".join("n/a" if value is None else f"{value:g}" for value in values.values())
    return Verdict(Status.OK, Source.LABEL, score=score, label=label[:200])


def _read_list(completion: Completion, template: Template, trial: Trial | Reading | Order) -> Verdict:
    shown = _shown(trial)
    text = without_thinking(completion.text, shown, is_apart=bool(completion.reasoning))
    try:
        return read_listing(completion, text, template, trial, shown)
    except ValueError as error:
        return _unread(text, completion, error)


def _unread(text: str, completion: Completion, error: ValueError) -> Verdict:
    """Why a reply that must hold several values holds no verdict."""
    silent = _silent(text, completion.finish_reason == "length")
    return silent if silent.status is not Status.UNPARSED else replace(silent, detail=str(error))


def _read(completion: Completion, template: Template, trial: Trial | Reading | Order) -> Verdict:
    """The verdict as the judge saw it: its preference is for the output shown first."""
    text, bound = _bound(completion, template, trial)
    nonce = nonce_of(completion)
    if isinstance(bound, Contradiction):
        return _failure(Status.UNPARSED, f"the reply says both {bound.one.text!r} and {bound.other.text!r}")
    is_soft = template.reply.soft and completion.logprobs
    if bound is None:
        first = _weighed_first(completion, template, text) if is_soft and nonce is None else None
        return first or _silent(text, completion.finish_reason == "length", "" if nonce is None else " with its nonce")
    if bound.value is None:
        return _failure(Status.UNPARSED, f"{bound.text!r} is not on the scale", bound.text)
    value = bound.value.preference if isinstance(bound.value, Label) else bound.value
    stated = _decided(template.scale, value, Source.LABEL, bound.text)
    if not is_soft:
        return stated
    try:
        return _of_token(_token_of(completion, template, bound, text), template, bound.text)
    except (Unaligned, Unweighable) as error:
        return replace(stated, detail=f"weighed by its label: {error}")


def verdict_token(completion: Completion, template: Template, trial: Trial | Reading | Order) -> TokenLogprob | None:
    """The token whose alternatives ``parse`` weighs; None where it weighs none."""
    nonce = nonce_of(completion)
    if not template.reply.soft or not completion.logprobs or (completion.constrained is not None and nonce is None):
        return None
    completion = replace(completion, text=visible(completion.text))
    text, bound = _bound(completion, template, trial)
    try:
        if bound is None:
            return None if nonce else _first_token(completion, template, text)
        if isinstance(bound, Contradiction) or bound.value is None:
            return None
        return _token_of(completion, template, bound, text)
    except (Unaligned, Unweighable):
        return None


def _bound(
    completion: Completion, template: Template, trial: Trial | Reading | Order
) -> tuple[str, Mention | Contradiction | None]:
    """The reply with its thinking blanked out, and which of its statements binds."""
    shown, scale = _shown(trial), template.scale
    text = without_thinking(completion.text, shown, is_apart=bool(completion.reasoning))
    nonce = nonce_of(completion)
    if nonce is None:
        stated = _stated(text, scale, template.reply.field, Quotations(text, shown))
    else:  # which no output holds, so that it is in no quotation
        stated = nonce_mentions(text, scale, nonce)
    if completion.finish_reason == "length":
        stated = [mention for mention in stated if _holds_though_cut(mention, text, scale)]
    return text, binding(stated, text)


def _stated(text: str, scale: Scale, field: str | None, quotations: Quotations) -> list[Mention]:
    """What the judge itself states. A reply that has no object of the judge's own is read as text, also where JSON is
    asked for."""
    if field is None or "{" not in text:
        return mentions(text, scale, quotations)
    stated = json_mentions(text, scale, field, quotations)
    if not stated and (quoted := objects(text)) and all(quotations.holds(start, end) for start, end, _ in quoted):
        return mentions(text, scale, quotations)
    return stated


def _shown(trial: Trial | Reading | Order) -> Sequence[str]:
    """What the judge may quote."""
    if isinstance(trial, Order):
        return ()
    outputs = (trial.output,) if isinstance(trial, Reading) else (trial.battle.a, trial.battle.b)
    return [text for output in outputs for text in (*output.earlier, *shown_texts(output))]


def _holds_though_cut(mention: Mention, text: str, scale: Scale) -> bool:
    """Whether a mention is a verdict in a reply that was cut: it is marked or opens the reply, so it is no part of the
    reasons, and it is not the beginning of another value at the very end."""
    opens = len(text[: mention.at].strip()) < _OPENING
    if not mention.anchored or not (mention.marked or opens):
        return False
    if mention.at + len(mention.text) < len(text.rstrip()):
        return True
    if isinstance(scale, LabelScale):
        key = scale.key(mention.text)
        return not any(other != key and other.startswith(key) for other in scale.by_spelling)
    return all(value_of(scale, f"{mention.text}{digit}") is None for digit in range(10))


def _decided(scale: Scale, value: float, source: Source, label: str, mass: float | None = None) -> Verdict:
    """A preference of a scale of labels, a score of any other."""
    if not isinstance(scale, LabelScale):
        return Verdict(Status.OK, source, score=value, label=label, mass=mass, parser=PARSER_VERSION)
    status = Status.TIE if value == 0.5 else Status.OK
    return Verdict(status, source, value, label=label, mass=mass, parser=PARSER_VERSION)


def _token_of(completion: Completion, template: Template, bound: Mention, text: str) -> TokenLogprob:
    """The token where the binding mention stands. Raises Unaligned and Unweighable."""
    words = text[bound.at : bound.at + len(bound.text)]
    value = NOUNS.sub("", words).lstrip(WRAPPING)
    token = _token(completion, text, bound.at + len(words) - len(value))
    if value_of(template.scale, token.token) != bound.value:
        raise Unweighable(f"the text says {bound.text!r}, its token {token.token[:40]!r} does not")
    return token


def _weighed_first(completion: Completion, template: Template, text: str) -> Verdict | None:
    """The soft verdict at the first token of a reply whose text states none; None where the labels hold too little."""
    try:
        token = _first_token(completion, template, text)
        verdict = _of_token(token, template, token.token) if token else None
    except (Unaligned, Unweighable):
        return None
    return verdict if verdict and verdict.source is Source.LOGPROBS else None


def _first_token(completion: Completion, template: Template, text: str) -> TokenLogprob | None:
    """None where the template asks for an object, the reply is empty, or goes on with what the token but begins, as
    "4.5" and "4-5" do behind "4". Raises Unaligned."""
    start = len(text) - len(text.lstrip())
    if template.reply.field is not None or not text.strip():
        return None
    token = _token(completion, text, start)
    return None if _GOES_ON.match(text, start + len(_SPELT_BLANKS.sub("", token.token))) else token


def _token(completion: Completion, text: str, position: int) -> TokenLogprob:
    """The token at a position of the reply, of which ``text`` is the part that is no thinking. Raises Unaligned."""
    raw = completion.text
    blanked = range(position, 0, -1) if raw != text else ()
    start = next((at for at in blanked if raw[at - 1] != text[at - 1]), 0)
    return token_at(completion.logprobs or (), raw, position, start=start, reasoning=completion.reasoning)


def _of_token(token: TokenLogprob, template: Template, label: str) -> Verdict:
    """Raises Unweighable."""
    weighed = distribution(token, template.scale)
    if weighed.mass < template.reply.min_mass:
        detail = f"the labels hold {weighed.mass:.3f} of the probability, less than {template.reply.min_mass}"
        return replace(_failure(Status.UNPARSED, detail, label), mass=weighed.mass)
    value = weighed.preference if isinstance(template.scale, LabelScale) else weighed.score
    return _decided(template.scale, value, Source.LOGPROBS, label, weighed.mass)


def _silent(text: str, cut: bool, lacking: str = "") -> Verdict:
    if cut:
        return _failure(Status.TRUNCATED, "the reply ended at its length limit before a verdict")
    if _DECLINES.match(text.lstrip()[:200]):
        return _failure(Status.REFUSED, f"the judge declined: {text.strip()[:80]!r}")
    return _failure(Status.UNPARSED, f"the reply states no verdict{lacking}" if text.strip() else "the reply is empty")


def _failure(status: Status, detail: str, label: str | None = None) -> Verdict:
    return Verdict(status, Source.NONE, label=label, detail=detail)
