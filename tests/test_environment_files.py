"""The files that make an environment name the same packages, with the same bounds."""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).resolve().parent.parent
CONDA_NAMES = {"matplotlib": "matplotlib-base", "torch": "pytorch"}  # where they differ
PIN = re.compile(r"(?P<name>[\w.-]+)==(?P<version>[^\s;]+)(?P<marker>\s*;.*?)?(?P<hashes>\s+--.*)?")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def declared(*extras):
    """Return the bounds of the direct dependencies of pyproject.toml by canonical name."""
    lines = [*PROJECT["dependencies"]]
    for extra in extras:
        lines += PROJECT["optional-dependencies"][extra]
    requirements = [Requirement(line) for line in lines]
    return {canonicalize_name(r.name): r.specifier for r in requirements}


def conda_packages(path):
    """Return the bounds of the conda packages of an environment file, and its pip lines."""
    bounds, pip_lines = {}, []
    for entry in yaml.safe_load(path.read_text(encoding="utf-8"))["dependencies"]:
        if isinstance(entry, dict):
            pip_lines += entry["pip"]
        else:
            name, specifier = re.fullmatch(r"([\w.-]+)\s*(.*)", entry).groups()
            assert name not in bounds, f"{path.name} names {name} twice"
            bounds[name] = SpecifierSet(re.sub(r"^=(?!=)(.*)", r"==\1.*", specifier))
    return bounds, pip_lines


def pins():
    """Return the logical lines of requirements.lock as (name, version, hashes)."""
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line.strip() and line.lstrip()[0] != "#"]
    found = []
    for line in lines:
        match = PIN.fullmatch(line.strip())
        assert match, f"requirements.lock holds something other than a pin: {line[:80]!r}"
        found.append(
            (canonicalize_name(match["name"]), Version(match["version"]), match["hashes"] or "")
        )
    return found


def locked(name):
    return [version for pinned, version, _ in pins() if pinned == name]


def test_environment_yml_names_the_packages_of_pyproject():
    bounds, pip_lines = conda_packages(ROOT / "environment.yml")
    assert bounds.pop("python") == SpecifierSet(PROJECT["requires-python"])
    bounds.pop("pip")
    assert bounds == {CONDA_NAMES.get(n, n): bound for n, bound in declared("dev").items()}
    assert pip_lines == ["-e ."]


def test_conda_uses_conda_forge_alone():
    for path in (ROOT / "environment.yml", ROOT / ".binder/environment.yml"):
        channels = yaml.safe_load(path.read_text(encoding="utf-8"))["channels"]
        assert channels == ["conda-forge", "nodefaults"]


def test_binder_sets_up_a_supported_python_and_nothing_of_its_own():
    bounds, pip_lines = conda_packages(ROOT / ".binder/environment.yml")
    assert set(bounds) == {"python"}
    assert not pip_lines
    [pinned] = bounds["python"]
    minor = pinned.version.removesuffix(".*")
    assert pinned.operator == "=="
    assert re.fullmatch(r"3\.\d+", minor)
    assert f"{minor}.1" in SpecifierSet(PROJECT["requires-python"])


def test_binder_installs_the_environment_of_the_course():
    script = ROOT / ".binder/postBuild"
    text = script.read_text(encoding="utf-8")
    assert text.startswith("#!/bin/bash\n")
    assert "set -euo pipefail" in text
    assert re.search(r"env update .*--file environment\.yml$", text, flags=re.MULTILINE)
    assert os.access(script, os.X_OK), "run: chmod +x .binder/postBuild"
    if shutil.which("bash"):
        assert subprocess.run(["bash", "-n", script], check=False).returncode == 0


def test_every_dependency_is_pinned_within_its_bounds():
    by_name = {}
    for name, version, _ in pins():
        by_name.setdefault(name, []).append(version)
    for name, bound in declared("dev").items():
        assert name in by_name, f"{name} is not in requirements.lock"
        for version in by_name[name]:
            assert version in bound, f"requirements.lock pins {name} {version}, not {bound}"


def test_every_pin_has_hashes_and_no_line_an_address():
    for name, version, hashes in pins():
        given = hashes.split()
        assert given, f"{name} {version} has no hash"
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", part) for part in given)
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"^\s*--?(i|index-url|extra-index-url|find-links|f)\b", text, re.MULTILINE)


def test_locked_torch_is_the_one_that_torchvision_asks_for():
    [torch_version], [torchvision_version] = locked("torch"), locked("torchvision")
    if Version(importlib.metadata.version("torchvision")) != torchvision_version:
        pytest.skip("the installed torchvision, which knows its torch, is not the locked one")
    asked = [Requirement(line) for line in importlib.metadata.requires("torchvision")]
    [bound] = [r.specifier for r in asked if r.name == "torch"]
    assert torch_version in bound


def test_installed_torch_and_torchvision_are_built_for_each_other():
    import torch
    from torchvision.ops import nms

    boxes = torch.tensor([[0.0, 0, 2, 2], [0, 0, 2, 2], [5, 5, 6, 6]])
    assert nms(boxes, torch.tensor([0.5, 0.9, 0.1]), iou_threshold=0.5).tolist() == [1, 2]
