"""How results are shown, the same in the terminal, the app, reports and notebooks: numbers, tables, sentences, charts.

What models, judges and users wrote is text here and never markup, see ``text``. Nothing is computed.
"""
