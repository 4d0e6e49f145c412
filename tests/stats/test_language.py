"""Guesses at languages: those of the table are told apart, the rest is named by its script."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judgebench.stats.text_features import guess_language


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


@given(st.text(max_size=300))
def test_every_text_has_one(text: str) -> None:
    assert guess_language(text)
