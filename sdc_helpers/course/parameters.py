"""A notebook's ``parameters`` cell is its schema: parse it, and validate values against it.

The cell holds typed literals, one a line, each with a comment that may end in what is allowed::

    n_permutations: int | None = None  # shuffles per test; None: the profile decides [19, 100000]
    estimator: str = "debiased"  # which CKA {biased, debiased, rv2}

``[a, b]`` and ``(a, b)`` are intervals of numbers, closed and open; ``{a, b}`` is a list of
choices. Both hold for every element of a list, and neither excludes None.
"""

from __future__ import annotations

import ast
import io
import math
import re
import tokenize
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, get_args, get_origin

import pydantic

from sdc_helpers._paths import readable
from sdc_helpers.course.errors import ParameterError, nearest

_INTERVAL = re.compile(r"([\[(])([^,\[\](){}]+),([^,\[\](){}]+)([\])])\s*$")
_CHOICES = re.compile(r"\{([^{}]+)\}\s*$")
_TYPES = {"int": int, "float": float, "str": str, "bool": bool, "list": list, "None": type(None)}
ALWAYS = ("profile", "seed", "device")


@dataclass(frozen=True)
class Parameter:
    """One line of a parameters cell.

    Attributes
    ----------
    name, annotation, description : str
        Texts as written; the description without what is allowed.
    type : type
        The annotation, evaluated.
    default : object
        The literal on the line.
    interval : tuple or None
        ``(open_left, low, high, open_right)``; an end written without a point is an int, exact at
        any size.
    choices : tuple of str
        Empty when any value goes.
    """

    name: str
    annotation: str
    type: Any
    default: Any
    description: str
    interval: tuple[bool, float, float, bool] | None = None
    choices: tuple[str, ...] = ()

    @property
    def allowed(self) -> str:
        """What the parameter takes, in words, for messages and listings."""
        words = self.annotation
        if self.interval:
            open_left, low, high, open_right = self.interval
            if low > -math.inf:
                words += f" {'above' if open_left else 'from'} {low}"
            if high < math.inf:
                words += f" {'to below' if open_right else 'to'} {high}"
        if self.choices:
            words += ", one of " + ", ".join(self.choices)
        return words

    def _check(self, value: Any) -> Any:
        if isinstance(value, list):
            for item in value:
                self._check(item)
        elif value is not None:
            if self.choices and not any(_same(value, choice) for choice in self.choices):
                raise ValueError(f"{value!r} is not one of the choices")
            if self.interval and not _inside(value, self.interval):
                raise ValueError(f"{value!r} is not a number in range")
        return value


@dataclass(frozen=True)
class Schema:
    """The parameters of one notebook, in the order of its cell."""

    parameters: tuple[Parameter, ...]

    def __getitem__(self, name: str) -> Parameter:
        return next(p for p in self.parameters if p.name == name)

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters' names."""
        return tuple(p.name for p in self.parameters)

    @cached_property
    def model(self) -> type[pydantic.BaseModel]:
        """A pydantic model of the cell: strict types, no unknown names, frozen."""
        fields: dict[str, Any] = {
            p.name: (Annotated[p.type, pydantic.AfterValidator(p._check)], p.default)
            for p in self.parameters
        }
        config = pydantic.ConfigDict(
            strict=True, extra="forbid", frozen=True, validate_default=True, allow_inf_nan=False
        )
        return pydantic.create_model("Parameters", __config__=config, **fields)

    def validate(self, values: Mapping[str, Any]) -> pydantic.BaseModel:
        """Check values against the cell and fill the rest with its defaults.

        Parameters
        ----------
        values : mapping of str to object
            Python values, not strings to be parsed: see :meth:`from_text`.

        Returns
        -------
        pydantic.BaseModel
            Frozen, one attribute a parameter.

        Raises
        ------
        ParameterError
            Naming every wrong parameter, what it got and what it takes.
        """
        for name in values:
            if name not in self.names:
                raise ParameterError(f"there is no parameter {name!r}: {nearest(name, self.names)}")
        try:
            return self.model(**values)
        except pydantic.ValidationError as error:
            wrong = dict.fromkeys(str(e["loc"][0]) for e in error.errors())
            got = {n: values.get(n, self[n].default) for n in wrong}
            raise ParameterError(
                "; ".join(
                    f"parameter {n!r} got {v!r} but takes {self[n].allowed} ({self[n].description})"
                    for n, v in got.items()
                )
            ) from None

    def from_text(self, assignments: Mapping[str, str]) -> dict[str, Any]:
        """Turn ``name=value`` texts of a command line into Python values.

        A parameter of type ``str`` takes the text as it is; any other reads it as a literal.
        """
        values: dict[str, Any] = {}
        for name, text in assignments.items():
            if name in self.names and _accepts_text(self[name].type):
                optional = type(None) in get_args(self[name].type)
                values[name] = None if optional and text == "None" else text
                continue
            try:
                values[name] = ast.literal_eval(text)
            except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
                values[name] = text
        return values


def parse_schema(source: str) -> Schema:
    """Read the source of a parameters cell.

    Parameters
    ----------
    source : str
        The cell: lines of ``name: type = literal  # comment``.

    Returns
    -------
    Schema
        The typed, documented parameters.

    Raises
    ------
    ParameterError
        When a line is not a typed literal with a comment, a name is used twice or cannot be used,
        a default breaks its own rule, or one of ``profile``, ``seed``, ``device`` is missing.
    """
    statements, comments = _read(source)
    parameters: list[Parameter] = []
    for node in statements:
        line = ast.get_source_segment(source, node) or ""
        is_typed = isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)
        if not is_typed or node.value is None:
            raise ParameterError(f"the parameters cell holds {line!r}, not 'name: type = literal'")
        try:
            default = ast.literal_eval(node.value)
        except (ValueError, TypeError):
            raise ParameterError(f"the parameters cell's {line!r} is not a literal") from None
        comment = comments.get(node.end_lineno or node.lineno, "")
        if not comment:
            raise ParameterError(f"the parameters cell's {line!r} has no comment that explains it")
        name = node.target.id
        if name in (p.name for p in parameters):
            raise ParameterError(f"the parameters cell sets {name!r} twice; keep one of the lines")
        if name.startswith("_") or hasattr(pydantic.BaseModel, name):
            raise ParameterError(f"a parameter cannot be named {name!r}; choose another name")
        parameters.append(_parameter(name, ast.unparse(node.annotation), default, comment))
    schema = Schema(tuple(parameters))
    for name in ALWAYS:
        if name not in schema.names:
            raise ParameterError(f"the parameters cell lacks {name!r}, which every notebook has")
    schema.validate({})
    return schema


def assignments(texts: Sequence[str]) -> dict[str, str]:
    """Split what was typed after ``-p``.

    Parameters
    ----------
    texts : sequence of str
        Each ``name=value``; a value may be empty and hold anything.

    Returns
    -------
    dict of str to str

    Raises
    ------
    ParameterError
        When a text is none of that kind, or one name stands twice.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = readable(text).partition("=")
        if not name.isidentifier() or not equals:
            raise ParameterError(f"-p takes name=value, not {text!r}")
        if name in found:
            raise ParameterError(f"-p gives {name!r} twice: {found[name]!r} and {value!r}")
        found[name] = value
    return found


def _read(source: str) -> tuple[list[ast.stmt], dict[int, str]]:
    """Return the cell's statements, and its comments by line."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(source + "\n").readline))
        statements = ast.parse(source).body
    except (SyntaxError, ValueError, tokenize.TokenError) as error:
        raise ParameterError(f"the parameters cell is not Python: {error}") from None
    comments = {
        token.start[0]: token.string.lstrip("# ").strip()
        for token in tokens
        if token.type == tokenize.COMMENT
    }
    return statements, comments


def _parameter(name: str, annotation: str, default: Any, comment: str) -> Parameter:
    interval, choices, description = None, (), comment
    if match := _INTERVAL.search(comment):
        left, low, high, right = match.groups()
        try:
            interval = (left == "(", _number(low), _number(high), right == ")")
            description = comment[: match.start()]
        except ValueError:
            interval = None  # brackets that are part of the sentence
    elif match := _CHOICES.search(comment):
        choices = tuple(c.strip() for c in match.group(1).split(","))
        description = comment[: match.start()]
    if interval and _is_empty(interval):
        raise ParameterError(f"parameter {name!r} has an interval that holds nothing: {comment!r}")
    kind = _type_of(ast.parse(annotation, mode="eval").body, name)
    return Parameter(
        name, annotation, kind, default, description.strip().rstrip(";,"), interval, choices
    )


def _type_of(node: ast.expr, name: str) -> Any:
    """Evaluate an annotation made of the known types, ``|`` and ``list[...]`` only."""
    match node:
        case ast.Name(id=known) if known in _TYPES:
            return _TYPES[known]
        case ast.Constant(value=None):
            return type(None)
        case ast.BinOp(op=ast.BitOr(), left=left, right=right):
            return _type_of(left, name) | _type_of(right, name)
        case ast.Subscript(value=ast.Name(id="list"), slice=inner):
            return list[_type_of(inner, name)]  # type: ignore[misc]
    raise ParameterError(
        f"parameter {name!r} has type {ast.unparse(node)}; use {', '.join(_TYPES)}, list[...] or |"
    )


def _number(text: str) -> float:
    try:
        return int(text)
    except ValueError:
        return float(text)


def _inside(value: Any, interval: tuple[bool, float, float, bool]) -> bool:
    open_left, low, high, open_right = interval
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return (value > low if open_left else value >= low) and (
        value < high if open_right else value <= high
    )


def _is_empty(interval: tuple[bool, float, float, bool]) -> bool:
    open_left, low, high, open_right = interval
    return not (low < high or (low == high and not open_left and not open_right))


def _same(value: Any, choice: str) -> bool:
    """Compare as text, and a number as a number: 0.10 is 0.1, and 1.0 is 1."""
    if str(value) == choice:
        return True
    try:
        return isinstance(value, float) and value == float(choice)
    except ValueError:
        return False


def _accepts_text(kind: Any) -> bool:
    return kind is str or (get_origin(kind) is not list and str in get_args(kind))
