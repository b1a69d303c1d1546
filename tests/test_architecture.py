"""The direction of imports: contracts break where they should, private modules stay private."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import os
import re
import runpy
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "sdc_helpers"
judge = runpy.run_path(str(ROOT / "tests" / "type_ratchet.py"))["judge"]
CONTRACTS = {
    "Data flows one way": ("scenes/sampling.py", "sdc_helpers.simulate.truth"),
    "Methods stand on each other one way": ("embeddings/probes.py", "sdc_helpers.alignment.cka"),
    "Methods meet no reader, no world and no study": ("decoding/ridge.py", "sdc_helpers.datasets"),
    "The course machinery knows none of the science": ("course/engine.py", "sdc_helpers.scenes"),
    "The science knows nothing of the course": ("scenes/skies.py", "sdc_helpers.course.claims"),
    "No two modules of a package import each other, however long the way round": (
        "scenes/graph.py",
        "sdc_helpers.scenes.drawing",
    ),
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter on the package that lies in a folder."""
    return subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        encoding="utf-8",
    )


@pytest.fixture(scope="module")
def copy_of_the_package(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("package")
    shutil.copy(ROOT / "pyproject.toml", folder)
    shutil.copytree(PACKAGE, folder / "sdc_helpers", ignore=lambda *a: [
        name for name in a[1] if name == "__pycache__" or name.endswith((".json", ".safetensors"))
    ])  # fmt: skip
    return folder


def test_every_contract_has_an_import_that_breaks_it():
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    assert {contract["name"] for contract in contracts} == set(CONTRACTS)


@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_forbidden_import_breaks_its_contract(copy_of_the_package, contract):
    name, forbidden = CONTRACTS[contract]
    file = copy_of_the_package / "sdc_helpers" / name
    whole = file.read_text(encoding="utf-8")
    try:
        file.write_text(f"{whole}\nimport {forbidden}\n", encoding="utf-8")
        done = lint(copy_of_the_package)
    finally:
        file.write_text(whole, encoding="utf-8")
    assert done.returncode == 1, done.stderr
    assert re.search(re.escape(contract) + r"\s+BROKEN", done.stdout), done.stdout


def test_the_package_as_it_is_keeps_every_contract(copy_of_the_package):
    done = lint(copy_of_the_package)
    assert done.returncode == 0, done.stdout


def foreign_private_imports(file: Path) -> list[str]:
    """Names of private modules of other packages that a file imports."""
    own = file.relative_to(PACKAGE).parts[0].removesuffix(".py")
    found = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith(
            "sdc_helpers."
        ):
            continue
        _, package, *rest = node.module.split(".")
        names = rest or [alias.name for alias in node.names]
        private = any(name.startswith("_") for name in names)
        if private and package != own:
            found.append(f"{file.relative_to(ROOT)}:{node.lineno} {node.module}")
    return found


def test_no_package_imports_a_private_module_of_another():
    assert [line for file in PACKAGE.rglob("*.py") for line in foreign_private_imports(file)] == []


def test_the_number_of_type_errors_may_only_fall():
    assert judge(3, 3) == ""
    assert judge(4, 3).startswith("4 type errors, 1 more than the 3")
    assert judge(2, 3).endswith("set type-errors = 2.")


def faces() -> dict[str, Path]:
    """Return the stub of every package whose face is read as it is used, by package."""
    return {stub.parent.name: stub for stub in PACKAGE.glob("*/__init__.pyi")}


def names_of(stub: Path) -> set[str]:
    """Names that a face exports, as its stub imports them."""
    nodes = ast.walk(ast.parse(stub.read_text(encoding="utf-8")))
    return {a.name for node in nodes if isinstance(node, ast.ImportFrom) for a in node.names}


@pytest.mark.parametrize("package", sorted(faces()))
def test_a_name_of_a_face_is_not_that_of_a_module(package):
    """Else the name is the module as soon as anything has imported that module."""
    stub = faces()[package]
    assert names_of(stub) & {file.stem for file in stub.parent.glob("*.py")} == set()


def test_chapters_take_functions_from_the_faces():
    """A function that a face exports is not imported from the module where it happens to lie."""
    deep = []
    for file in sorted((ROOT / "notebooks" / "source").glob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            parts = (getattr(node, "module", None) or "").split(".")
            if len(parts) == 3 and parts[0] == "sdc_helpers" and parts[1] in faces():
                exported = names_of(faces()[parts[1]])
                deep += [f"{file.name}: {a.name}" for a in node.names if a.name in exported]
    assert deep == []


def imported_names(file: Path) -> list[tuple[str, str]]:
    """Module and name of what a file takes from the package when it runs, in functions too."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for_types = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    return [
        (node.module or "", alias.name)
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("sdc_helpers")
        if id(node) not in for_types
        for alias in node.names
    ]


def test_every_name_that_is_imported_late_exists():
    """An import inside a function is not tried before the function is called."""
    missing = []
    for file in PACKAGE.rglob("*.py"):
        for module, name in imported_names(file):
            found = importlib.import_module(module)
            if not hasattr(found, name) and not importlib.util.find_spec(f"{module}.{name}"):
                missing.append(f"{file.relative_to(ROOT)}: {module}.{name}")
    assert missing == []
