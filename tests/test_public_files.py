"""The files that a public project has: there, valid, and of one mind."""

from __future__ import annotations

import re
import tomllib
from datetime import date
from pathlib import Path

import pytest
import yaml

import sdc_helpers

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
TEMPLATES = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
# Of the schema of CFF 1.2.0: what must be there, and what may be.
CFF_REQUIRED = {"authors", "cff-version", "message", "title"}
CFF_ALLOWED = CFF_REQUIRED | {
    *("abstract", "commit", "contact", "date-released", "doi", "identifiers", "keywords"),
    *("license", "license-url", "preferred-citation", "references", "repository"),
    *("repository-artifact", "repository-code", "type", "url", "version"),
}
PERSON = {
    *("address", "affiliation", "alias", "city", "country", "email", "family-names", "fax"),
    *("given-names", "name-particle", "name-suffix", "orcid", "post-code", "region", "tel"),
    "website",
}


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_citation_file_is_valid_and_of_this_version():
    citation = yaml.safe_load(read("CITATION.cff"))
    assert set(citation) >= CFF_REQUIRED
    assert set(citation) <= CFF_ALLOWED
    assert citation["cff-version"] == "1.2.0"
    assert citation["type"] in {"software", "dataset"}
    for author in citation["authors"]:
        assert "name" in author or set(author) <= PERSON
    assert isinstance(citation["version"], str)
    assert citation["version"] == PROJECT["version"] == sdc_helpers.__version__
    assert citation["license"] == PROJECT["license"] == "BSD-3-Clause"
    assert [a["name"] for a in citation["authors"]] == [a["name"] for a in PROJECT["authors"]]
    assert citation["title"] == read("README.md").splitlines()[0].removeprefix("# ")
    if "date-released" in citation:
        date.fromisoformat(str(citation["date-released"]))


def test_both_licences_are_there_and_the_readme_says_which_is_for_what():
    assert read("LICENSE").startswith("BSD 3-Clause License")
    assert "creativecommons.org/licenses/by/4.0" in read("LICENSE-texts.md")
    section = read("README.md").split("## Licence")[1]
    for words in ("BSD 3-Clause", "CC BY 4.0", "(LICENSE)", "(LICENSE-texts.md)"):
        assert words in section


def test_the_changelog_has_what_is_unreleased_and_this_version():
    titles = re.findall(r"^## \[(.+?)\]", read("CHANGELOG.md"), re.MULTILINE)
    assert titles[0] == "Unreleased"
    assert PROJECT["version"] in titles
    kinds = set(re.findall(r"^### (.+)$", read("CHANGELOG.md"), re.MULTILINE))
    assert kinds <= {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}


def test_classifiers_name_the_pythons_that_are_supported():
    supported = {c for c in PROJECT["classifiers"] if c.startswith("Programming Language")}
    for python in ("3.11", "3.12", "3.13"):
        assert f"Programming Language :: Python :: {python}" in supported
    assert not any(c.startswith("License ::") for c in PROJECT["classifiers"])  # SPDX says it


def test_hooks_are_local_and_call_commands_that_there_are():
    for repository in yaml.safe_load(read(".pre-commit-config.yaml"))["repos"]:
        assert repository["repo"] == "local"
        for hook in repository["hooks"]:
            assert hook["language"] == "system"
            assert_known(hook["entry"])


def test_the_workflow_calls_what_there_is_and_covers_the_three_systems():
    workflow = yaml.safe_load(read(".github/workflows/ci.yml"))
    jobs = workflow["jobs"]
    runs = [step["run"] for job in jobs.values() for step in job["steps"] if "run" in step]
    assert "bash .ci/run" in runs
    for command in ("env", "check"):
        assert f"python course.py {command}" in runs
    for line in runs:
        assert_known(line)
    machines = [jobs["everything"]["runs-on"], *jobs["quick"]["strategy"]["matrix"]["system"]]
    assert {machine.split("-")[0] for machine in machines} == {"ubuntu", "macos", "windows"}
    assert read(".github/workflows/ci.yml").startswith("# Untested until it has run")


def assert_known(line: str) -> None:
    """Fail for a line that calls a command of course.py that there is not."""
    called = re.match(r"python course\.py (\w+)", line)
    if called:
        assert re.search(rf"^    def {called[1]}\(self", read("course.py"), re.MULTILINE), line


@pytest.mark.parametrize("file", TEMPLATES, ids=lambda file: file.stem)
def test_an_issue_template_asks_at_least_one_thing(file):
    form = yaml.safe_load(file.read_text(encoding="utf-8"))
    if file.stem == "config":
        assert set(form) <= {"blank_issues_enabled", "contact_links"}
        return
    assert {"name", "description", "body"} <= set(form)
    identifiers = [part["id"] for part in form["body"]]
    assert len(set(identifiers)) == len(identifiers)
    assert any(part.get("validations", {}).get("required") for part in form["body"])


def test_the_three_templates_are_there():
    names = {yaml.safe_load(f.read_text(encoding="utf-8")).get("name") for f in TEMPLATES}
    wanted = {"A notebook fails", "A claim does not hold here", "An unclear passage"}
    assert names - {None} == wanted


def test_markers_that_choose_tests_are_registered(pytestconfig):
    registered = {line.split(":")[0] for line in pytestconfig.getini("markers")}
    assert {"slow", "real", "notebook", "network", "browser"} <= registered
