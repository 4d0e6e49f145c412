"""What a template shows of a trial, and what of it no judge sees who is asked by that template."""

from collections import Counter
from collections.abc import Container, Sequence

from judgebench.conversations import Media, Opaque
from judgebench.judging import showing
from judgebench.judging.pictures import Spots
from judgebench.judging.templates import RewardScale, Template, is_plain, sides, unused
from judgebench.records import Instruction, Output, Reading, Trial

_EARLIER = "earlier reply"
_NOTHING: Counter[str] = Counter()  # to be read only
_DIALOGUES = frozenset({"first_dialogue", "second_dialogue", "dialogue", "steps"})


def not_shown(template: Template, trial: Trial | Reading) -> Counter[str]:
    """How many parts of the trial the judge does not see, by kind: "image", "reasoning", "earlier reply" ...

    Of a template that shows images its prompt says which are left out.
    """
    plain = is_plain(trial)
    outputs = (trial.output,) if isinstance(trial, Reading) else (trial.battle.a, trial.battle.b)
    if plain and not outputs[0].earlier and not outputs[-1].earlier:  # nearly all that are asked
        return _NOTHING
    counts: Counter[str] = Counter()
    if _shows_last_only(template, plain=plain):
        counts[_EARLIER] = sum(map(_earlier, outputs))
    if plain:
        return +counts
    instruction, shown = sides(trial)
    stretches = [*showing.asked(instruction.conversation)]
    for _, output in shown.values():
        stretches += _done(instruction, output)
    hidden = (part.kind for part in showing.hidden(stretches))
    return counts + Counter(kind for kind in hidden if not (template.shows_images and kind == showing.IMAGE))


def _shows_last_only(template: Template, *, plain: bool) -> bool:
    if template.is_text_only:
        return not isinstance(template.scale, RewardScale)
    return plain and template.named.isdisjoint(_DIALOGUES)


def _earlier(output: Output) -> int:
    if output.trajectory is None or output.plain:
        return len(output.earlier)
    return max(len(output.trajectory.texts) - 1, 0)


def shows_alike(template: Template, trial: Trial, held: Container[str] = ()) -> bool:
    """Whether both outputs read the same to a judge who is asked by the template, thinking left aside.

    ``held``: digests of the images that can be shown.
    """
    a, b = trial.battle.a, trial.battle.b
    plain = is_plain(trial)
    if "afterwards" in template.named and a.afterwards != b.afterwards:
        return False
    if a.text != b.text or (plain and _shows_last_only(template, plain=True)):
        return a.text == b.text
    if a.plain and b.plain:
        return a.earlier == b.earlier
    if template.is_text_only:
        return True
    instruction = trial.battle.instruction
    both = [_spoken(instruction, output) for output in (a, b)]
    mark = unused("0" * 16, [text for stretches in both for text in showing.texts(stretches)])
    spots = Spots(mark, held) if template.shows_images else None
    one, other = (showing.side(instruction.conversation, stretches, mark, spots) for stretches in both)
    return one == other


def unseen_difference(trial: Trial) -> list[str]:
    """Kinds of the parts in which two outputs differ that read the same, thinking left aside; sorted."""
    if is_plain(trial):
        return []
    one, other = (
        [_identified(part) for part in showing.hidden(_spoken(trial.battle.instruction, output))]
        for output in (trial.battle.a, trial.battle.b)
    )
    differing = [pair for pair in zip(one, other, strict=False) if pair[0] != pair[1] or pair[0][1] is None]
    return sorted({kind for pair in differing for kind, _ in pair})


def _identified(part: showing.Hidden) -> tuple[str, str | None]:
    """Its kind, and what tells it from others of its kind, where anything does."""
    match part.part:
        case Media(digest=digest, url=url, name=name):
            return part.kind, digest or url or name
        case Opaque(value=value):
            return part.kind, value
    return part.kind, ""


def _done(instruction: Instruction, output: Output) -> tuple[showing.Stretch, ...]:
    return showing.done(instruction.conversation, output.read(instruction), "output")


def _spoken(instruction: Instruction, output: Output) -> tuple[showing.Stretch, ...]:
    trajectory = showing.without_reasoning(output.read(instruction))
    return showing.done(instruction.conversation, trajectory, "output")


def shown_texts(output: Output) -> Sequence[str]:
    """Everything in an output that a judge may quote."""
    return (output.text,) if output.plain else (output.visible,)
