"""The exercises: check an answer, ask for a hint, see the solution.

One module a chapter holds the content (``cka.debias`` lives in ``cka.py``); :mod:`.registry` is the
machinery.
"""

from sdc_helpers.exercises.registry import card, check, hint, yours_or_ours

__all__ = ["card", "check", "hint", "yours_or_ours"]
