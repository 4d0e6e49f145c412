"""The app's frame: how pages are laid out and found. ``judgebench app`` starts it.

Pages lie in ``screens``: a folder named ``pages`` would make Streamlit show them without this frame to whoever opens a
link to one of them first. The leaderboard is found at ``/`` and, for links that name it, at ``/leaderboard``.
"""

import streamlit as st

from app import auth, filters, navigation
from app.views import board
from app.views.elements import problem, tab
from judgebench.services.pages import DatabaseError, InputError

st.set_page_config(page_title="JudgeBench", layout="wide")
st.html(board.style())
try:
    auth.gate()
except InputError as error:
    problem("The app is not set up right.", error)
    st.stop()
pages = [
    st.Page("screens/leaderboard.py", title="Leaderboard", url_path="start", default=True),
    st.Page("screens/leaderboard.py", title="Leaderboard", url_path="leaderboard", visibility="hidden"),
    st.Page("screens/model.py", title="Model", visibility="hidden"),
    st.Page("screens/compare.py", title="Compare", visibility="hidden"),
    st.Page("screens/instruction.py", title="Instruction", visibility="hidden"),
    st.Page("screens/goals.py", title="Goals", visibility="hidden"),
    st.Page("screens/steps.py", title="Steps", visibility="hidden"),
    st.Page("screens/hindsight.py", title="Hindsight", visibility="hidden"),
    st.Page("screens/standing.py", title="Standing board", visibility="hidden"),
    st.Page("screens/matrix.py", title="Matrix"),
    st.Page("screens/battles.py", title="Battles"),
    st.Page("screens/bias.py", title="Bias"),
    st.Page("screens/judges.py", title="Judges"),
    st.Page("screens/audits.py", title="Audits"),
    st.Page("screens/submit.py", title="Submit"),
    st.Page("screens/runs.py", title="Runs"),
    st.Page("screens/vote.py", title="Vote"),
    st.Page("screens/people.py", title="People"),
    st.Page("screens/team.py", title="Team"),
    st.Page("screens/glossary.py", title="Glossary"),
]
page = st.navigation(pages, position="top")
navigation.follow({page.url_path: page for page in pages})
tab(page.title)
try:
    page.run()
except DatabaseError as error:  # it went away while the page was drawn
    filters.unreadable(error)
