"""What JudgeBench is built from: whether the installed packages are the locked ones, and the bill of materials.

No part of the package: ``make check`` calls it for the checkout.
"""
