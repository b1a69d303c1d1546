"""Companion package of the course: datasets, methods and the machinery that runs the notebooks."""

__version__ = "0.1.0"
