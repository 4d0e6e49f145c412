"""Where links of the app lead, by what they say."""

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

navigation = pytest.importorskip("app.navigation", reason="the app needs the extra app")


@pytest.mark.parametrize("before", ["", "/", "/a/base/", "http://127.0.0.1:8501/"])
@given(st.dictionaries(st.text(min_size=1), st.lists(st.text(), min_size=1), max_size=4))
def test_a_link_names_a_page_and_all_values_letter_by_letter(before: str, values: dict[str, list[str]]) -> None:
    address = f"{before}model?{urlencode(values, doseq=True)}"
    assert navigation.target(address) == ("model", values)


@pytest.mark.parametrize("address", ["?a=b", "/?a=b"])
def test_the_first_page_has_no_name(address: str) -> None:
    assert navigation.target(address) == ("", {"a": ["b"]})
