"""The web app: pages over ``judgebench.services`` and ``judgebench.show``, and nothing else of the package.

What models, judges and users wrote is shown as text and never as Markdown or HTML, see ``app.views.elements``.
"""
