"""Sources that ask the same are numbered."""

from judgebench.formats.sample_counts import SampleCounts


def test_each_source_of_a_question_keeps_its_number() -> None:
    samples = SampleCounts()
    assert [samples.number("q", source) for source in (5, 6, 5, "6", None)] == [0, 1, 0, 1, 2]
    assert samples.number("r", 6) == 0
