"""Which of several outputs to one question each is, in files that name the documents that they ask about.

Two documents of a task may ask the very same; the outputs to them are samples of one model.
"""


class SampleCounts:
    """Numbers, from 0, the sources that ask the same."""

    def __init__(self) -> None:
        self._numbers: dict[str, dict[str, int]] = {}

    def number(self, question: str, source: object) -> int:
        """The number of the source among those that ask this question; the same each time."""
        numbers = self._numbers.setdefault(question, {})
        return numbers.setdefault(str(source), len(numbers))
