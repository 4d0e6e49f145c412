"""One word a concept, and what the headings, filters and numbers on the other pages mean."""

import streamlit as st

from app import filters
from app.views import elements, glossary
from app.views.elements import line
from judgebench.show.glossary import LABELS, TERMS, Term

with st.container(horizontal=True, vertical_alignment="center"):
    st.title("Glossary", anchor=False, width="content")
    text = filters.words("Search the glossary", key="term", hint="Search the glossary", labelled=False)
terms = glossary.holding(TERMS, text)
labels = glossary.holding([Term(label, help) for label, help in LABELS.items()], text)
if terms:
    line("Words that stand for the same things on every page, in files and at the command line.")
    elements.table(glossary.table("Terms", terms))
if labels:
    st.subheader("On the pages", anchor=False)
    line("What headings, methods, filters and numbers mean; the same shows under the pointer there.")
    elements.table(glossary.table("Labels", labels))
if not terms and not labels:
    line("No term and no label holds this text.")
