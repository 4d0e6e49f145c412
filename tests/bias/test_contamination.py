import gzip
import json
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("rapidfuzz", reason="comparing texts needs the package rapidfuzz")

from judgebench.bias.contamination import find_overlaps
from judgebench.errors import InputError

ALPACA = Path(__file__).parents[2].parent / "shared" / "data" / "alpaca_eval"
WORDS = [f"{a}{b}{c}" for a in "bdfgklmn" for b in "aeiou" for c in "prst"]


def sentence(rng, words):
    return " ".join(rng.choice(WORDS, words))


def edited(rng, text, share):
    """The text with that share of its words replaced."""
    words = np.array(text.split(), dtype=object)
    chosen = rng.choice(len(words), round(share * len(words)), replace=False)
    words[chosen] = rng.choice(WORDS, len(chosen))
    return " ".join(words)


def test_an_exact_copy_is_found_whatever_its_case_and_marks():
    rng = np.random.default_rng(0)
    texts = [sentence(rng, 20) for _ in range(5)]
    found = find_overlaps(texts, ["nothing of the kind", texts[2].upper().replace(" ", ", ") + "!"])
    assert [(o.texts, o.others, o.similarity, o.inside, o.verbatim) for o in found] == [((2,), (1,), 1.0, False, True)]


def test_an_instruction_inside_a_longer_text_is_found():
    rng = np.random.default_rng(1)
    needle = sentence(rng, 15)
    found = find_overlaps([needle], [f"{sentence(rng, 100)} {edited(rng, needle, 0.07)} {sentence(rng, 100)}"])
    assert len(found) == 1
    assert found[0].inside
    assert found[0].similarity > 0.8


def test_an_instruction_inside_a_text_too_long_to_align():
    rng = np.random.default_rng(2)
    needle = sentence(rng, 60)
    found = find_overlaps([needle], [f"{sentence(rng, 40_000)} {needle} {sentence(rng, 40_000)}"])
    assert [(o.similarity, o.inside, o.verbatim) for o in found] == [(1.0, True, True)]


def test_thirteen_words_in_a_row_are_reported_however_different_the_rest():
    rng = np.random.default_rng(3)
    shared = sentence(rng, 13)
    one, other = f"{sentence(rng, 80)} {shared}", f"{shared} {sentence(rng, 80)}"
    (found,) = find_overlaps([one], [other])
    assert found.verbatim
    assert found.similarity < 0.75
    assert find_overlaps([one], [" ".join(other.split()[:12] + other.split()[14:])]) == ()


def test_short_texts_are_found_only_as_a_whole():
    assert (
        len(find_overlaps(["What is love?"], ["what is love", "what is love and what is hate my dear old friend"])) == 1
    )


def test_identical_texts_are_one():
    rng = np.random.default_rng(4)
    text = sentence(rng, 12)
    (found,) = find_overlaps([text] * 3000, [text] * 2000)
    assert (len(found.texts), len(found.others)) == (3000, 2000)


def test_boilerplate_is_not_copying():
    rng = np.random.default_rng(5)
    frame = sentence(rng, 10)
    texts = [f"{frame} {sentence(rng, 60)}" for _ in range(300)]
    assert find_overlaps(texts[:150], texts[150:]) == ()
    assert [o.texts for o in find_overlaps(texts, [texts[7]])] == [(7,)]


def test_ideographs_are_words():
    text = "请用三句话解释量子纠缠的基本原理并举一个例子"
    assert find_overlaps([text], [f"你好。{text}。谢谢"])[0].similarity > 0.8


@pytest.mark.parametrize("texts", [[], [""], ["\0", "\ud800", "!!!"], ["a" * 1_000_000], ["x " * 300_000]])
def test_hostile_texts(texts):
    for one, other in ((texts, texts), (texts, ["some words"]), (["some words"], texts)):
        assert all(0 <= o.similarity <= 1 for o in find_overlaps(one, other))


def test_threshold_is_checked():
    with pytest.raises(InputError, match="threshold"):
        find_overlaps([], [], threshold=75)


@given(st.lists(st.text(max_size=40), max_size=6))
def test_every_text_with_a_word_is_found_in_itself(texts):
    found = {place for overlap in find_overlaps(texts, texts) if overlap.similarity == 1 for place in overlap.texts}
    assert found >= {at for at, text in enumerate(texts) if any(c.isalpha() for c in text.casefold())}


@pytest.mark.parametrize("words", [(8, 20), (20, 50), (20, 120)])
def test_copies_with_one_word_in_ten_changed_are_found(words):  # recovery
    rng = np.random.default_rng(6)
    texts = [sentence(rng, int(n)) for n in rng.integers(*words, 1000)]
    copies = [edited(rng, text, 0.1) for text in texts[:300]]
    found = find_overlaps(texts, [*copies, *(sentence(rng, 60) for _ in range(700))])
    pairs = {(o.texts[0], o.others[0]) for o in found}
    assert np.mean([(i, i) in pairs for i in range(300)]) >= 0.97
    assert all(i == j for i, j in pairs)


@pytest.mark.slow
@pytest.mark.shared
def test_recall_and_precision_on_real_outputs(shared, capsys):
    """10,000 x 10,000 passages of real outputs with 1,000 planted copies; the time is printed, not asserted."""
    passages = []
    for path in sorted(ALPACA.glob("*/model_outputs.json.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as file:
            passages += [" ".join(row["output"].split()[:120]) for row in json.load(file)]
    passages = sorted({text for text in passages if len(text.split()) >= 20})
    if len(passages) < 12_000:
        pytest.skip("too few published outputs")
    rng = np.random.default_rng(7)
    order = rng.permutation(len(passages))
    half = len(order) // 2
    texts = [passages[i] for i in order[:half]][:10_000]
    others = [passages[i] for i in order[half:]][:10_000]
    shares = np.repeat([0, 0.02, 0.05, 0.1, 0.2], 200)
    others[:1000] = [edited(rng, text, share) for text, share in zip(texts[:1000], shares, strict=True)]
    start = time.process_time()
    found = find_overlaps(texts, others)
    elapsed = time.process_time() - start
    pairs = {(i, j) for o in found for i in o.texts for j in o.others}
    recall = [np.mean([(i, i) in pairs for i in np.flatnonzero(shares == share)]) for share in np.unique(shares)]
    with capsys.disabled():
        print(f"\n{len(texts)} x {len(others)}: {elapsed:.2f} s, recall by edits {recall}, {len(found)} pairs")
    assert min(recall[:4]) >= 0.97
