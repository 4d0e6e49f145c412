"""The REST API of a shared server: routes over ``services`` and ``show``, for whoever sends a token.

``python -m judgebench.server`` serves it, alone or beside the app's pages at one port, for ``judgebench serve``.
"""
