import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.stats.text_features import StyleCounts, count_style, guess_language


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", (0, 0, 0, 0)),
        ("plain # not a header", (0, 0, 0, 0)),
        ("# One\n## Two\n####### seven is none\n#none", (2, 0, 0, 0)),
        ("- a\n* b\n+ c\n1. d\n2) e\n   - f\n-none\n1.5 none", (0, 6, 0, 0)),
        ("**a** and __b__ and **open", (0, 0, 2, 0)),
        ("```python\n# comment\n- x\n```\n- real", (0, 1, 0, 1)),
        ("~~~\n```\n~~~\n# h", (1, 0, 0, 1)),
        ("```\nnever closed\n# inside", (0, 0, 0, 1)),
        ("**\n**", (0, 0, 0, 0)),
        ("***a*** ****\n*****b __", (0, 0, 3, 0)),
    ],
)
def test_counts(text, expected):
    found = count_style(text)
    assert (found.headers, found.lists, found.bold, found.code) == expected
    assert found.length_chars == len(text)


@given(st.text(alphabet=st.characters(exclude_categories=[]), max_size=300))
def test_any_text_is_counted(text):
    assert isinstance(count_style(text), StyleCounts)


@pytest.mark.parametrize("piece", ["*", "_", "`", "#", " ", "-", "1", "\n", "\0", "\ud800", "# ", "**a"])
def test_long_hostile_text_is_counted(piece):
    count_style(piece * (1_000_000 // len(piece)))


def test_paragraphs_add_up():
    one, other = "# a\n- b **c**", "1. d\n```\nx\n```"
    together, parts = count_style(one + "\n" + other), (count_style(one), count_style(other))
    assert together.lists == sum(part.lists for part in parts)
    assert together.code == sum(part.code for part in parts)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("What are the three laws of motion, and how do they work?", "English"),
        ("Wie funktioniert eine Wärmepumpe und was kostet der Betrieb?", "German"),
        ("Écris un poème sur le printemps dans le style de Verlaine.", "French"),
        ("¿Cómo se calcula el área de un círculo?", "Spanish"),
        ("Quali sono gli ingredienti della carbonara?", "Italian"),
        ("Como eu faço para escrever um bom currículo em português?", "Portuguese"),
        ("Wat is het verschil tussen een virus en een bacterie?", "Dutch"),
        ("請寫一首關於春天的詩", "Chinese"),
        ("Pythonで素数を求めるコードを書いてください", "Japanese"),
        ("봄에 대한 시를 써 주세요", "Korean"),
        ("Напиши стихотворение о весне", "Cyrillic script"),
        ("اكتب قصيدة عن الربيع", "Arabic script"),
        ("12 + 30 = ?", "other"),
        ("", "other"),
    ],
)
def test_languages_are_told_apart(text: str, language: str) -> None:
    assert guess_language(text) == language


@pytest.mark.slow
@given(st.text(max_size=300))
def test_every_text_has_one(text: str) -> None:
    assert guess_language(text)
