"""``python -m app OPTIONS``: the app; OPTIONS are Streamlit's, by name, as JSON; it ends when stdin does."""

import json
import sys

from app.start import start
from judgebench.show.warned import tell_stderr, tell_warnings
from judgebench.web.serving import end_with_parent

if __name__ == "__main__":
    end_with_parent()
    tell_warnings(tell_stderr)
    start(json.loads(sys.argv[1]))
