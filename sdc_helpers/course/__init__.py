"""The course machinery: parameters, claims, runs, the book. It knows none of the science.

A notebook needs two names from here: :func:`start`, called once under its parameters cell, and
:mod:`claims`.
"""

from sdc_helpers.course import claims
from sdc_helpers.course.errors import CourseError, ParameterError, RunError
from sdc_helpers.course.notebook import on_gpu, say, start

__all__ = ["CourseError", "ParameterError", "RunError", "claims", "on_gpu", "say", "start"]
