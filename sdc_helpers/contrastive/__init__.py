"""Contrastive learning of two encoders: its losses, and the gap it leaves."""

from __future__ import annotations

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
