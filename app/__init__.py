"""The web app: pages over ``judgebench.services``. It computes nothing of its own.

What models, judges and users wrote is shown as text and never as Markdown or HTML, see ``app.text``.
"""
