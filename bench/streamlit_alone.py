"""An app of a title, a chart and a table, and a page that holds a title: what Streamlit takes by itself."""

import altair as alt
import streamlit as st

_ROWS = 24


def _first() -> None:
    st.title("Streamlit alone")
    points = [{"x": at, "y": at % 7} for at in range(_ROWS)]
    st.altair_chart(alt.Chart(alt.InlineData(values=points)).mark_point().encode(x="x:Q", y="y:Q"))
    st.dataframe({"x": list(range(_ROWS)), "y": [at % 7 for at in range(_ROWS)]})


def _second() -> None:
    st.title("Second")


st.set_page_config(layout="wide")
st.navigation(
    [st.Page(_first, title="Streamlit alone", default=True), st.Page(_second, title="Second", url_path="second")],
    position="top",
).run()
