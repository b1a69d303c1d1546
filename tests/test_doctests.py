"""The examples in docstrings are run, what users meet first has one, descriptions are phrases."""

from __future__ import annotations

import ast
import doctest
import importlib
import inspect
import pkgutil
import re
from itertools import pairwise
from pathlib import Path

import pytest

import sdc_helpers

ROOT = Path(sdc_helpers.__file__).parent
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
MET_FIRST = {
    "alignment": ["cka", "cka_table", "permutation_test"],
    "contrastive": ["ContrastiveLoss", "clip_loss", "gap_report"],
    "decoding": ["average_repetitions", "score_decoding"],
    "embeddings": [
        "embed_images",
        "embed_texts",
        "linear_probe",
        "load_clip",
        "retrieval",
        "white_space",
        "zero_shot",
    ],
    "measures": ["Interval", "NullTest"],
    "permutations": ["permutations_of"],
    "training": ["TensorPairs", "TwoEncoders", "train_pairs"],
}

DESCRIBED = [
    "alignment",
    "contrastive",
    "decoding",
    "embeddings",
    "training",
    "measures",
    "permutations",
    "_checks",
    "_texts",
    "_files",
    "_paths",
    "_pillow",
]
FRAGMENT = re.compile(r"    (Of|As|By|From|Whom|Whose|Their|Theirs|Itself|Such as)\b")


def docstrings(source: str) -> list[str]:
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    nodes = (node for node in ast.walk(ast.parse(source)) if isinstance(node, kinds))
    return [ast.get_docstring(node) or "" for node in nodes]


def has_example(docstring: str) -> bool:
    """Tell whether a docstring has an example that is run."""
    examples = doctest.DocTestParser().get_examples(docstring)
    return not all(example.options.get(doctest.SKIP) for example in examples)


def modules_with_examples() -> list[str]:
    """Name the modules of which a docstring has an example, without importing them."""
    names = []
    for path in sorted(ROOT.rglob("*.py")):
        source = path.read_text(encoding="utf-8")
        if ">>>" in source and any(map(has_example, docstrings(source))):
            parts = path.relative_to(ROOT.parent).with_suffix("").parts
            names.append(".".join(parts).removesuffix(".__init__"))
    return names


def public_estimators() -> list[tuple[str, str]]:
    """Name the classes with ``fit`` that a package of the course exports."""
    names = []
    for package in pkgutil.iter_modules(sdc_helpers.__path__, "sdc_helpers."):
        if package.ispkg:
            face = importlib.import_module(package.name)
            for name in getattr(face, "__all__", ()):
                value = getattr(face, name)
                if inspect.isclass(value) and callable(getattr(value, "fit", None)):
                    names.append((package.name, name))
    return names


@pytest.mark.parametrize("name", modules_with_examples())
def test_examples_run(name, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    results = doctest.testmod(importlib.import_module(name), optionflags=FLAGS)
    assert results.attempted > 0
    assert results.failed == 0, f"{results.failed} of {results.attempted} lines; see the output"
    assert not any(tmp_path.iterdir()), "an example leaves files behind"


def test_every_public_estimator_has_an_example():
    estimators = public_estimators()
    assert ("sdc_helpers.decoding", "RidgeDecoder") in estimators
    without = [
        f"{face}.{name}"
        for face, name in estimators
        if not has_example(getattr(importlib.import_module(face), name).__doc__ or "")
    ]
    assert not without, f"no example in the docstring of {', '.join(without)}"


@pytest.mark.parametrize(
    ("module", "name"), [(module, name) for module, names in MET_FIRST.items() for name in names]
)
def test_what_users_meet_first_has_an_example(module, name):
    value = getattr(importlib.import_module(f"sdc_helpers.{module}"), name)
    assert has_example(value.__doc__ or "")


def fragments(docstring: str) -> list[str]:
    """Return descriptions of arguments and results that say nothing without their context.

    "Of the shuffles." does; "Source of the shuffles, or its seed." does not.
    """
    listed = re.search(r"^(Parameters|Attributes|Returns|Raises)\n---", docstring, re.MULTILINE)
    lines = docstring[listed.start() :].splitlines() if listed else []
    return [
        line.strip()
        for before, line in pairwise(lines)
        if FRAGMENT.match(line) and before.strip() and not before.startswith(" ")
    ]


def test_a_fragment_is_told_from_a_description():
    text = "Do.\n\nParameters\n----------\nrng : int\n    {}\n    Of the rest.\n"
    assert fragments(text.format("Of the shuffles.")) == ["Of the shuffles."]
    assert fragments(text.format("Seed of the shuffles.")) == []


@pytest.mark.parametrize("name", DESCRIBED)
def test_descriptions_stand_by_themselves(name):
    paths = sorted((ROOT / name).rglob("*.py")) or [ROOT / f"{name}.py"]
    poor = {
        path.relative_to(ROOT).as_posix(): lines
        for path in paths
        if (
            lines := [
                line for text in docstrings(path.read_text("utf-8")) for line in fragments(text)
            ]
        )
    }
    assert not poor, f"say of what, for what or which: {poor}"
