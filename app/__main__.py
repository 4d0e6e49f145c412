"""``python -m app``: Streamlit's own command line, with as much done ahead as can be, see ``ahead``."""

import pyarrow.pandas_compat  # noqa: F401  # Streamlit imports it with the first table
from streamlit.web.cli import main

from app import ahead

ahead.start()
main(prog_name="streamlit")
