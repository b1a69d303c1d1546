"""The parameters cell: what it may hold, and what is refused of it and of values for it."""

from __future__ import annotations

import ast
import keyword
import math
import warnings

import pydantic
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sdc_helpers.course.errors import CourseError, ParameterError
from sdc_helpers.course.parameters import parse_schema

ALWAYS = """\
profile: str = "workshop"  # how much to compute {smoke, workshop, full}
seed: int = 2024  # where the random numbers start [0, 4294967295]
device: str = "auto"  # where to compute {auto, cpu, cuda}
"""


def schema_of(*lines):
    return parse_schema(ALWAYS + "\n".join(lines))


def accepts(schema, **values):
    try:
        schema.validate(values)
    except ParameterError:
        return False
    return True


# --- any cell, written out and read back ----------------------------------------------------------

NAMES = st.from_regex(r"[a-zé][a-z0-9_é]{0,12}", fullmatch=True).filter(
    lambda name: (
        not keyword.iskeyword(name)
        and name not in ("profile", "seed", "device")
        and not hasattr(pydantic.BaseModel, name)
    )
)
# A comment's words; a trailing bracket or brace would be read as what is allowed.
WORDS = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z"), exclude_characters="{}[]()"),
    min_size=1,
).filter(lambda text: text == text.strip("# ;,"))
INTS = st.integers(-(10**30), 10**30)
FLOATS = st.floats(allow_nan=False, allow_infinity=False, width=64)
SCALARS = {"int": INTS, "float": FLOATS, "str": st.text(), "bool": st.booleans()}


@st.composite
def typed_values(draw):
    """Return an annotation and a value of it."""
    kind = draw(st.sampled_from(sorted(SCALARS)))
    shape = draw(st.sampled_from(["{}", "{} | None", "list[{}]", "list[{}] | None"]))
    value = SCALARS[kind]
    value = st.lists(value, max_size=4) if "list" in shape else value
    return shape.format(kind), draw(value | st.none() if "None" in shape else value)


@st.composite
def intervals(draw, numbers):
    """Return the ends of an interval that holds at least one number, and which are open."""
    low, high = sorted((draw(numbers), draw(numbers)))
    assume(low < high)
    return draw(st.booleans()), low, high, draw(st.booleans())


def written(interval):
    open_left, low, high, open_right = interval
    return f"{'(' if open_left else '['}{low}, {high}{')' if open_right else ']'}"


def inside(value, interval):
    """Say whether a number is in an interval, as a textbook does."""
    open_left, low, high, open_right = interval
    return (low < value or (low == value and not open_left)) and (
        value < high or (value == high and not open_right)
    )


@settings(deadline=None)
@given(st.dictionaries(NAMES, st.tuples(typed_values(), WORDS), max_size=5))
def test_a_cell_written_out_reads_back_the_same(cell):
    lines = [
        f"{name}: {kind} = {value!r}  # {words}" for name, ((kind, value), words) in cell.items()
    ]
    schema = schema_of(*lines)
    assert schema.names == ("profile", "seed", "device", *cell)
    values = schema.validate({})
    for name, ((kind, value), words) in cell.items():
        parameter = schema[name]
        assert parameter.annotation == kind
        assert parameter.type == eval(kind)
        assert parameter.default == value
        assert type(parameter.default) is type(value)
        assert parameter.description == words
        assert (parameter.interval, parameter.choices) == (None, ())
        assert getattr(values, name) == value


@settings(deadline=None)
@given(st.data(), st.sampled_from(["int", "float"]))
def test_a_value_is_accepted_exactly_inside_its_interval(data, kind):
    numbers = st.integers(-(10**20), 10**20) if kind == "int" else FLOATS
    interval = data.draw(intervals(numbers))
    schema = schema_of(f"x: {kind} | None = None  # a number, {written(interval)}")
    assert schema["x"].interval == interval
    assert schema["x"].description == "a number"
    near = st.sampled_from(interval[1:3])
    near = near | near.map(lambda n: n + 1 if kind == "int" else math.nextafter(n, math.inf))
    value = data.draw(numbers | near)
    assume(math.isfinite(value))
    assert accepts(schema, x=value) == inside(value, interval)


@settings(deadline=None)
@given(st.lists(st.integers(-20, 20), max_size=6), intervals(st.integers(-15, 15)))
def test_an_interval_holds_for_every_element_of_a_list(items, interval):
    schema = schema_of(
        f"flat: list[int] | None = None  # {written(interval)}",
        f"nested: list[list[int]] = []  # {written(interval)}",
    )
    all_inside = all(inside(item, interval) for item in items)
    assert accepts(schema, flat=items) == all_inside
    assert accepts(schema, nested=[[], items]) == all_inside


@settings(deadline=None)
@given(st.lists(st.from_regex(r"[\w.-]{1,8}", fullmatch=True), min_size=1, unique=True), st.data())
def test_choices_are_what_is_accepted(choices, data):
    schema = schema_of(
        f"one: str = {choices[0]!r}  # which one {{{', '.join(choices)}}}",
        f"some: list[str] | None = None  # which ones {{{', '.join(choices)}}}",
    )
    assert schema["one"].choices == tuple(choices)
    value = data.draw(st.sampled_from(choices) | st.text(max_size=8))
    assert accepts(schema, one=value) == (value in choices)
    assert accepts(schema, some=[choices[0], value]) == (value in choices)


def test_numbers_among_choices_are_compared_as_numbers():
    schema = schema_of("x: float = 1.0  # a weight {0.10, 1, 1e3}", "n: int = 8  # bits {8, 16}")
    assert accepts(schema, x=0.1, n=16)
    assert accepts(schema, x=1000)
    assert not accepts(schema, x=2.0)
    assert not accepts(schema, n=1)


def test_an_interval_without_an_end():
    schema = schema_of("x: float = -1.0  # (-inf, 0]", "y: float = 2.5  # [0.12345678, inf)")
    assert accepts(schema, x=-1e300, y=1e300)
    assert not accepts(schema, x=0.5)
    with pytest.raises(ParameterError, match=r"takes float to 0 \("):
        schema.validate({"x": 0.5})
    with pytest.raises(ParameterError, match=r"takes float from 0.12345678 \("):
        schema.validate({"y": 0.1})


@pytest.mark.parametrize(
    ("comment", "interval", "choices"),
    [
        ("of (a, b)", None, ()),
        ("in [mm, per side]", None, ()),
        ("a set {such as this} of things", None, ()),
        ("brackets [0, 1] in the sentence", None, ()),
        ("three numbers (1, 2, 3)", None, ()),
        ("ends both ways {a, b} [0, 1)", (False, 0, 1, True), ()),
        ("(see (0, 1)) {5, 7}", None, ("5", "7")),
    ],
)
def test_brackets_in_a_comment(comment, interval, choices):
    parameter = schema_of(f"x: int | None = None  # {comment}")["x"]
    assert parameter.interval == interval
    assert parameter.choices == choices
    if interval is None and not choices:
        assert parameter.description == comment


def test_a_literal_may_hold_what_looks_like_a_comment_and_run_over_lines():
    schema = schema_of(
        'text: str = "# no {comment} [1, 2]"  # any text, commas, too',
        "sizes: list[int] = [",
        "    1,  # not this one",
        "    2,",
        "]  # this one [0, 9]",
    )
    assert schema["text"].default == "# no {comment} [1, 2]"
    assert schema["text"].description == "any text, commas, too"
    assert schema["sizes"].description == "this one"
    assert schema["sizes"].interval == (False, 0, 9, False)


# --- values ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "default", "value", "is_fine"),
    [
        ("int", 1, True, False),
        ("int", 1, "1", False),
        ("int", 1, 1.0, False),
        ("int", 1, None, False),
        ("int | None", 1, None, True),
        ("float", 1.0, 1, True),
        ("float", 1.0, True, False),
        ("float", 1.0, float("nan"), False),
        ("float", 1.0, float("inf"), False),
        ("float", 1.0, 10**400, False),
        ("float", 1.0, "1.0", False),
        ("str", "a", 1, False),
        ("bool", True, 1, False),
        ("bool", True, "true", False),
        ("list[int]", [], (1, 2), False),
        ("list[int]", [], [1, "2"], False),
        ("list[int]", [], 1, False),
        ("list[float]", [], [1, 2.5], True),
        ("list[int | None]", [], [1, None], True),
        ("int | str", 1, "one", True),
    ],
)
def test_types_are_strict(kind, default, value, is_fine):
    schema = schema_of(f"x: {kind} = {default!r}  # something")
    if is_fine:
        assert schema.validate({"x": value}).x == value
        return
    with pytest.raises(ParameterError, match="parameter 'x' got") as caught:
        schema.validate({"x": value})
    assert repr(value) in str(caught.value)
    assert f"takes {kind} (something)" in str(caught.value)


def test_a_message_names_every_wrong_parameter_and_what_it_takes():
    schema = schema_of("n: int = 3  # voxels (0, 10)", "e: str = 'a'  # which {a, b}")
    with pytest.raises(ParameterError) as caught:
        schema.validate({"n": 10, "e": "c", "seed": 5})
    assert str(caught.value) == (
        "parameter 'n' got 10 but takes int above 0 to below 10 (voxels); "
        "parameter 'e' got 'c' but takes str, one of a, b (which)"
    )
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, CourseError)


def test_an_unknown_name_is_refused_with_the_nearest():
    schema = schema_of("n_stimuli: int = 3  # rows")
    with pytest.raises(ParameterError, match="no parameter 'n_stimuly': did you mean 'n_stimuli'"):
        schema.validate({"n_stimuly": 3})
    with pytest.raises(ParameterError, match="known: device, n_stimuli, profile, seed"):
        schema.validate({"zzz": 3})


def test_validated_values_are_frozen_and_complete():
    values = schema_of("x: float = 1  # x").validate({"seed": 1})
    assert values.model_dump() == {"profile": "workshop", "seed": 1, "device": "auto", "x": 1.0}
    with pytest.raises(pydantic.ValidationError):
        values.seed = 2


# --- cells that are refused -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("x = 3  # x", "holds 'x = 3', not 'name: type = literal'"),
        ("x: int  # x", "not 'name: type = literal'"),
        ("print(1)  # x", "not 'name: type = literal'"),
        ("import os  # x", "not 'name: type = literal'"),
        ("a.b: int = 3  # x", "not 'name: type = literal'"),
        ("x: int = 1 + one  # x", "is not a literal"),
        ("x: int = len('a')  # x", "is not a literal"),
        ("x: str = f'{seed}'  # x", "is not a literal"),
        ("x: set = {[1]}  # x", "is not a literal"),
        ("x: int = 3", "has no comment"),
        ("x: int = 3  #", "has no comment"),
        ("# the comment is above\nx: int = 3", "has no comment"),
        ("x: int = 3  # x\nx: int = 4  # x", "sets 'x' twice"),
        ("seed: int = 3  # again", "sets 'seed' twice"),
        ("x: dict = {}  # x", "'x' has type dict; use int, float"),
        ("x: list[int, str] = []  # x", "'x' has type"),
        ("x: 'int' = 3  # x", "'x' has type"),
        ("x: Optional[int] = 3  # x", "'x' has type"),
        ("x: int = 'a'  # x", "parameter 'x' got 'a'"),
        ("x: int = 11  # x [0, 10]", "parameter 'x' got 11"),
        ("x: int = 10  # x [0, 10)", "parameter 'x' got 10"),
        ("x: list[int] = [3, 11]  # x [0, 10]", r"parameter 'x' got \[3, 11\]"),
        ("x: str = 'c'  # x {a, b}", "parameter 'x' got 'c'"),
        ("x: str = 'c'  # x [0, 10]", "parameter 'x' got 'c'"),
        ("x: bool = True  # x [0, 10]", "parameter 'x' got True"),
        ("x: int | None = None  # x [10, 0]", "an interval that holds nothing"),
        ("x: int | None = None  # x (1, 1]", "an interval that holds nothing"),
        ("x: int | None = None  # x [nan, 1]", "an interval that holds nothing"),
        ("_x: int = 3  # x", "cannot be named '_x'"),
        ("copy: int = 3  # x", "cannot be named 'copy'"),
        ("model_dump: int = 3  # x", "cannot be named 'model_dump'"),
        ("x: int = (  # x", "is not Python"),
        ("if = 3  # x", "is not Python"),
        ("  x: int = 3  # x", "is not Python"),
    ],
)
def test_a_cell_that_is_no_schema_is_refused(line, message):
    with pytest.raises(ParameterError, match=message):
        schema_of(line)


@pytest.mark.parametrize("name", ["profile", "seed", "device"])
def test_the_three_that_every_notebook_has(name):
    kept = [line for line in ALWAYS.splitlines() if not line.startswith(name)]
    with pytest.raises(ParameterError, match=f"lacks '{name}'"):
        parse_schema("\n".join(kept))


def test_a_name_that_begins_like_pydantics_own_is_fine():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert schema_of('model_name: str = "ViT"  # x').validate({}).model_name == "ViT"


# --- values from a command line -------------------------------------------------------------------

COMMAND_LINE = schema_of(
    'name: str = "a"  # text',
    "maybe: str | None = None  # text or None",
    "n: int = 1  # number",
    "x: float = 1.0  # number",
    "flag: bool = True  # truth",
    "sizes: list[int] = []  # numbers",
    "names: list[str] | None = None  # texts",
)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("name", "5", "5"),
        ("name", "None", "None"),
        ("name", "['a']", "['a']"),
        ("name", "", ""),
        ("maybe", "None", None),
        ("maybe", "none", "none"),
        ("n", "-12", -12),
        ("n", "1_000", 1000),
        ("x", "1e-3", 1e-3),
        ("x", "2", 2.0),
        ("flag", "False", False),
        ("sizes", "[1, 2]", [1, 2]),
        ("sizes", "[]", []),
        ("names", "['a', 'b=c']", ["a", "b=c"]),
        ("names", "None", None),
    ],
)
def test_text_becomes_a_value_of_the_parameters_type(name, text, value):
    values = COMMAND_LINE.from_text({name: text})
    assert getattr(COMMAND_LINE.validate(values), name) == value


@settings(deadline=None)
@given(st.sampled_from(["n", "x", "flag", "sizes", "names"]), st.text())
def test_any_text_is_read_or_refused_in_words(name, text):
    values = COMMAND_LINE.from_text({name: text})
    if accepts(COMMAND_LINE, **values):
        assert values[name] == ast.literal_eval(text)


@pytest.mark.parametrize(
    "text", ["{[]}", "-" * 5000 + "1", "(" * 300, "1e999", "\0", "__import__('os')"]
)
def test_text_that_no_literal_can_be_read_from_is_refused(text):
    with pytest.raises(ParameterError, match="parameter 'n' got"):
        COMMAND_LINE.validate(COMMAND_LINE.from_text({"n": text}))


def test_an_unknown_name_from_a_command_line_is_refused_too():
    with pytest.raises(ParameterError, match="did you mean 'sizes'"):
        COMMAND_LINE.validate(COMMAND_LINE.from_text({"size": "[1]"}))
