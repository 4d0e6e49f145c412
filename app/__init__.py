"""The web app: pages over ``judgebench.queries`` and ``judgebench.study``. It computes nothing of its own.

What models, judges and users wrote is shown as text and never as Markdown or HTML, see ``app.text``.
"""
