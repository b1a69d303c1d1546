from __future__ import annotations

import hashlib
import json

import pytest

from sdc_helpers import cli_bundle
from sdc_helpers.datasets import catalogue, list_datasets


@pytest.fixture
def registered(tmp_path, monkeypatch):
    """Three datasets of one file: to be copied, without permission, and nowhere to be had."""
    content = b"1 2 3\n"
    entry = {
        "title": "T",
        "description": "D",
        "licence": "CC BY 4.0",
        "citation_key": "k",
        "citation": "A. (2000).",
        "base_url": "https://host.invalid/",
        "files": [
            {
                "path": "deep/x.txt",
                "bytes": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
            }
        ],
    }
    permitted = {**entry, "may_be_copied": True}
    registry = {"open": permitted, "closed": entry, "gone": permitted}
    file = tmp_path / "registry.json"
    file.write_text(json.dumps(registry), encoding="utf-8")
    for name in ("open", "closed"):
        (tmp_path / "mirror" / name / "deep").mkdir(parents=True)
        (tmp_path / "mirror" / name / "deep" / "x.txt").write_bytes(content)
    monkeypatch.setattr(catalogue, "REGISTRY_FILE", file)
    monkeypatch.setenv("SDC_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("SDC_DATA_MIRROR", str(tmp_path / "mirror"))


def test_data_go_onto_the_stick_with_permission_alone_and_the_rest_is_named(registered):
    found = {dataset.name: dataset for dataset in cli_bundle._data()}
    assert found["open"].reason == ""
    assert (found["open"].folder / found["open"].files[0]).read_bytes() == b"1 2 3\n"
    assert found["closed"].folder is None
    assert "licence" in found["closed"].reason
    assert found["gone"].folder is None
    assert "gone" in found["gone"].reason
    assert found["closed"].files == found["gone"].files == ()


def test_a_dataset_may_be_copied_only_where_its_licence_says_so():
    for info in list_datasets():
        if info.may_be_copied:
            assert info.licence.startswith(("CC0", "CC BY", "MIT", "PDDL", "BSD", "Apache")), info
