"""What the browser does by itself on every page: ``browser/page.js``, as one invisible component of Streamlit.

Streamlit takes no scripts but those of components. Ours is a file of this server, so that the policy of ``headers``
lets it run as it is; as a text within the page it would need a weaker one.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import streamlit as st
from streamlit.components.v2.get_bidi_component_manager import get_bidi_component_manager
from streamlit.components.v2.manifest_scanner import ComponentConfig, ComponentManifest

KEY = "jb-browser"  # of the component: the style sheet takes it out of the page's flow
_PROJECT, _NAME, _FOLDER = "judgebench", "browser", "browser"


def _component() -> Any:
    known = get_bidi_component_manager()
    if known.get_component_asset_root(f"{_PROJECT}.{_NAME}") is None:
        known.register_from_manifest(
            ComponentManifest(_PROJECT, "1", [ComponentConfig(_NAME, _FOLDER)]), Path(__file__).parent
        )
    return _made()


@st.cache_resource(show_spinner=False)
def _made() -> Any:
    return st.components.v2.component(f"{_PROJECT}.{_NAME}", js="page.js")


def follow(pages: Mapping[str, Any]) -> None:
    """Go where a link of ours leads, within the session. ``pages``: by their places in an address."""
    chosen = _component()(key=KEY, on_open_change=lambda: None).open  # without a function for it, it has no ``open``
    if chosen is not None:
        name, values = target(str(chosen))
        if name in pages:
            st.switch_page(pages[name], query_params=values)


def target(address: str) -> tuple[str, dict[str, list[str]]]:
    """The page that an address of this app names, and its parameters, each with all its values."""
    parts = urlsplit(address)
    values: dict[str, list[str]] = {}
    for key, value in parse_qsl(parts.query, keep_blank_values=True):
        values.setdefault(key, []).append(value)
    return parts.path.rpartition("/")[2], values
