"""What all verdicts of a judge, or all labels of people, say about two outputs: of this other tools' rows are made."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from judgebench.conversations import Message, Text, join
from judgebench.formats.verdicts import RecordedVerdict
from judgebench.records import HumanLabel, Instruction, Order, Output

Chat = list[dict[str, str]]


@dataclass(frozen=True, slots=True)
class JudgedPair:
    """Two outputs, A by the model whose name sorts first, and what was said about them."""

    instruction: Instruction
    a: Output
    b: Output
    judge: str | None  # None: people
    verdicts: tuple[RecordedVerdict, ...] = ()  # the judge's in force, failures among them
    labels: tuple[HumanLabel, ...] = ()

    @property
    def preferences(self) -> tuple[float, ...]:
        """For A, of each verdict or label that has one."""
        preferences = [recorded.verdict.preference for recorded in self.verdicts] + [
            label.preference for label in self.labels
        ]
        return tuple(preference for preference in preferences if preference is not None)

    @property
    def preference(self) -> float | None:
        """For A, the mean; None where nobody said any."""
        return fmean(self.preferences) if self.preferences else None

    @property
    def orders_agree(self) -> bool | None:
        """Whether the judge names the same winner in both orders; None where it did not read both."""
        means = [self._preference_in(order) for order in Order]
        if any(mean is None for mean in means):
            return None
        return all(mean is not None and mean > 0.5 for mean in means) or all(
            mean is not None and mean < 0.5 for mean in means
        )

    def _preference_in(self, order: Order) -> float | None:
        preferences = [recorded.verdict.preference for recorded in self.verdicts if recorded.order is order]
        known = [preference for preference in preferences if preference is not None]
        return fmean(known) if known else None

    @property
    def confidence(self) -> float | None:
        """Of a judge the least mass of a verdict's labels, None where a verdict has none; of people the share of labels
        that name the winner, ties not among them."""
        if self.labels:
            for_a = sum(label.preference > 0.5 for label in self.labels)
            for_b = sum(label.preference < 0.5 for label in self.labels)
            return (for_a if (self.preference or 0) > 0.5 else for_b) / len(self.labels)
        masses = [recorded.verdict.mass for recorded in self.verdicts if recorded.verdict.preference is not None]
        known = [mass for mass in masses if mass is not None]
        return min(known) if known and len(known) == len(masses) else None

    @property
    def rationale(self) -> str | None:
        """The first reply that names the winner, as it came."""
        mean = self.preference
        for recorded in self.verdicts:
            preference = recorded.verdict.preference
            if mean is None or preference is None or recorded.completion is None:
                continue
            if (preference - 0.5) * (mean - 0.5) > 0:
                return recorded.completion.text
        return None


def judged_pairs(verdicts: Iterable[RecordedVerdict]) -> Iterator[JudgedPair]:
    """Of an instruction's pairwise verdicts, in their order."""
    grouped: dict[tuple[Any, ...], list[RecordedVerdict]] = {}
    for recorded in verdicts:
        if recorded.b is not None:
            sides = (recorded.a.model, recorded.a.sample, recorded.b.model, recorded.b.sample)
            grouped.setdefault((*sides, recorded.judge.name), []).append(recorded)
    for group in grouped.values():
        first = group[0]
        if first.b is not None:
            yield JudgedPair(first.instruction, first.a, first.b, first.judge.name, verdicts=tuple(group))


def labelled_pairs(labelled: Iterable[tuple[Instruction, Output, Output, HumanLabel]]) -> Iterator[JudgedPair]:
    """Of an instruction's labels, in their order."""
    grouped: dict[tuple[Any, ...], list[tuple[Instruction, Output, Output, HumanLabel]]] = {}
    for recorded in labelled:
        _, a, b, _ = recorded
        grouped.setdefault((a.model, a.sample, b.model, b.sample), []).append(recorded)
    for group in grouped.values():
        instruction, a, b, _ = group[0]
        yield JudgedPair(instruction, a, b, None, labels=tuple(label for *_, label in group))


def of_one_turn(instruction: Instruction, *outputs: Output) -> bool:
    """Whether one text was asked, and each output is one text and the first of its model."""
    plain = instruction.plain and len(instruction.turns) == 1
    return plain and all(output.plain and not output.sample for output in outputs)


def chat(instruction: Instruction, output: Output) -> Chat | None:
    """All messages with their texts; None where they hold more than texts, or tools were offered."""
    try:
        whole = join(instruction.conversation, output.placed(instruction))
    except ValueError:  # more replies than turns
        return None
    if whole.tools or not all(map(_is_text, whole.messages)):
        return None
    return [{"role": message.role, "content": message.text} for message in whole.messages]


def _is_text(message: Message) -> bool:
    return message.role != "tool" and all(isinstance(part, Text) for part in message.parts)


def raw_logprobs(verdict: RecordedVerdict) -> Mapping[str, Any] | None:
    """As chat completions give them; None where the reply came without."""
    reply = verdict.completion
    if reply is None or reply.logprobs is None:
        return None
    tokens: Sequence[dict[str, Any]] = [
        {
            "token": token.token,
            "logprob": token.logprob,
            "top_logprobs": [{"token": text, "logprob": logprob} for text, logprob in token.top],
        }
        for token in reply.logprobs
    ]
    return {"content": tokens}
