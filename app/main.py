"""The app's frame: how pages are laid out and found. ``judgebench app`` starts it."""

import streamlit as st

st.set_page_config(page_title="JudgeBench", layout="wide")
st.navigation(
    [
        st.Page("pages/leaderboard.py", title="Leaderboard", default=True),
        st.Page("pages/battles.py", title="Battles"),
        st.Page("pages/submit.py", title="Submit"),
    ],
    position="top",
).run()
