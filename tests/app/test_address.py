"""What an address says, as widgets take it: names, labels, aliases, and what nobody knows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

testing = pytest.importorskip("streamlit.testing.v1", reason="the app needs the extra app")

address = pytest.importorskip("app.address")

METHODS = {"win-rate": "Win rate", "length-controlled": "Length-controlled win rate"}


@pytest.mark.parametrize(
    ("given_word", "name"),
    [
        ("length-controlled", "length-controlled"),
        ("Length_Controlled", "length-controlled"),
        ("Length-controlled win rate", "length-controlled"),
        ("LC", "length-controlled"),
        ("win rate", "win-rate"),
        ("nonsense", None),
        ("", None),
    ],
)
def test_names_labels_and_aliases_are_understood(given_word: str, name: str | None) -> None:
    assert address.understood(given_word, METHODS, {"lc": "length-controlled"}) == name


@pytest.mark.slow
@given(st.lists(st.text(max_size=8), unique=True, max_size=6))
def test_every_name_means_itself(names: list[str]) -> None:
    labels = {name: name.strip() for name in names}
    assert [address.understood(name, labels) for name in names] == names


def test_a_word_that_could_mean_two_means_neither() -> None:
    assert address.understood("Gpt", {"GPT": "GPT", "gpt": "gpt"}) is None


def _page() -> None:
    import streamlit

    from app import filters

    method = filters.method()
    counted = filters.several("Count", {"common": "Common only", "all": "All judges"}, key="counted")
    columns = filters.several("Columns", {"length": "Length", "cost": "Cost"}, key="columns", default=["length"])
    text, on, page = filters.words("Text", key="text"), filters.toggle("On", key="on"), filters.page(5)
    filters.say_unknown()
    streamlit.code(repr((method, sorted(counted), columns, text, on, page)))


@pytest.fixture
def page() -> "testing.AppTest":
    return testing.AppTest.from_function(_page, default_timeout=120)


def shown(app: "testing.AppTest") -> object:
    app.run()
    assert not app.exception
    return eval(app.code[-1].value)  # of what the page above wrote


def words(app: "testing.AppTest") -> dict[str, list[str]]:
    """What the address holds."""
    return {key: value if isinstance(value, list) else [value] for key, value in app.query_params.items()}


def test_without_words_in_the_address_widgets_show_what_is_usual_and_the_address_stays_empty(
    page: "testing.AppTest",
) -> None:
    assert shown(page) == ("win-rate", [], ["length"], "", False, 1)
    assert words(page) == {}


def test_widgets_show_what_the_address_names(page: "testing.AppTest") -> None:
    page.query_params.update(
        {"method": "lc", "counted": ["common", "All judges"], "columns": "", "text": "a b", "on": "true", "page": "3"}
    )
    assert shown(page) == ("length-controlled", ["all", "common"], [], "a b", True, 3)
    assert words(page)["method"] == ["lc"]


def test_the_address_follows_what_is_chosen_in_the_words_of_the_command_line(page: "testing.AppTest") -> None:
    shown(page)
    page.selectbox(key="method").select("length-controlled")
    page.toggle(key="on").set_value(True)
    page.button_group(key="columns").set_value([])
    assert shown(page) == ("length-controlled", [], [], "", True, 1)
    assert words(page) == {"method": ["length-controlled"], "on": ["true"], "columns": [""]}
    page.selectbox(key="method").select("win-rate")
    assert shown(page) == ("win-rate", [], [], "", True, 1)
    assert "method" not in page.query_params


def test_what_nobody_knows_is_said_and_stays_until_something_is_chosen(page: "testing.AppTest") -> None:
    page.query_params.update({"method": "nonsense", "page": "9"})
    for _ in range(2):
        assert shown(page) == ("win-rate", [], ["length"], "", False, 1)
        assert "nonsense" in page.text[0].value
        assert words(page) == {"method": ["nonsense"], "page": ["9"]}
    page.selectbox(key="method").select("bradley-terry")
    assert shown(page)[0] == "bradley-terry"
    assert words(page)["method"] == ["bradley-terry"]
    assert not page.text


def test_an_address_that_changes_sets_the_widgets(page: "testing.AppTest") -> None:
    shown(page)
    page.selectbox(key="method").select("bradley-terry")
    shown(page)
    page.query_params["method"] = "davidson"
    assert shown(page)[0] == "davidson"
    del page.query_params["method"]
    assert shown(page)[0] == "win-rate"


def test_a_choice_that_came_with_an_older_address_keeps_the_one_before(page: "testing.AppTest") -> None:
    """A second choice, made before the browser has heard of the first one's address."""
    shown(page)
    page.selectbox(key="method").select("bradley-terry")
    shown(page)
    page.query_params.clear()
    page.toggle(key="on").set_value(True)
    assert shown(page) == ("bradley-terry", [], ["length"], "", True, 1)
    assert words(page) == {"method": ["bradley-terry"], "on": ["true"]}
