"""The app's frame: how pages are laid out and found. ``judgebench app`` starts it.

Pages lie in ``screens``: a folder named ``pages`` would make Streamlit show them without this frame to whoever opens a
link to one of them first. The leaderboard is found at ``/`` and, for links that name it, at ``/leaderboard``.
"""

import streamlit as st

from app import auth
from app.views.elements import problem
from judgebench.services.pages import InputError

st.set_page_config(page_title="JudgeBench", layout="wide")
try:
    auth.gate()
except InputError as error:
    problem("The app is not set up right.", error)
    st.stop()
st.navigation(
    [
        st.Page("screens/leaderboard.py", title="Leaderboard", url_path="start", default=True),
        st.Page("screens/leaderboard.py", title="Leaderboard", url_path="leaderboard", visibility="hidden"),
        st.Page("screens/matrix.py", title="Matrix"),
        st.Page("screens/battles.py", title="Battles"),
        st.Page("screens/bias.py", title="Bias"),
        st.Page("screens/judges.py", title="Judges"),
        st.Page("screens/audits.py", title="Audits"),
        st.Page("screens/submit.py", title="Submit"),
        st.Page("screens/runs.py", title="Runs"),
        st.Page("screens/vote.py", title="Vote"),
    ],
    position="top",
).run()
