"""``python -m app``: Streamlit's own command line, with all that pages need imported before the first visitor comes."""

import altair  # noqa: F401  # these take longer to import than any page takes to show
import pandas  # noqa: F401
import pyarrow  # noqa: F401
from streamlit.web.cli import main

from judgebench import queries, study  # noqa: F401

main(prog_name="streamlit")
