"""Chapters as JupyterLab shows them, in a real browser: folded cells, figures, sliders."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from sdc_helpers.course.catalogue import list_notebooks
from sdc_helpers.course.standard import is_folded

CHAPTERS = {notebook.name: notebook for notebook in list_notebooks()}
N_CELLS = "document.querySelectorAll('.jp-Notebook .jp-Cell').length"
N_PICTURES = "document.querySelectorAll('.jp-Notebook figure img').length"
# The title that stands in the place of each code cell's source, null where the source is shown
TITLES = r"""[...document.querySelectorAll(".jp-CodeCell")].map((cell) => {
  const placeholder = cell.querySelector(".jp-Cell-inputWrapper .jp-Placeholder");
  const editor = cell.querySelector(".jp-Cell-inputWrapper .jp-InputArea");
  const isHidden = !editor || editor.offsetHeight === 0;
  return placeholder && isHidden ? placeholder.textContent.trim() : null;
})"""
PICTURES = r"""[...document.querySelectorAll(".jp-Notebook figure img")].map(
  (image) => [image.alt, image.naturalWidth])"""
SLIDERS = ".jp-Notebook figure input[type=range]"
SLIDE = r"""[...document.querySelectorAll("SLIDERS")].map((slider) => {
  const figure = slider.closest("figure");
  const seen = () => [...figure.querySelectorAll("img")].map((p) => p.style.display !== "none");
  const before = seen();
  slider.value = slider.value === slider.max ? 0 : slider.max;
  slider.dispatchEvent(new Event("input"));
  return [before, seen()];
})""".replace("SLIDERS", SLIDERS)


@pytest.fixture(scope="module")
def lab(smoke_runs, tmp_path_factory) -> Iterator[str]:
    """Start JupyterLab on the executed chapters; give its address."""
    home = tmp_path_factory.mktemp("lab home")
    folder = tmp_path_factory.mktemp("lab")
    for name in CHAPTERS:
        shutil.copy(smoke_runs / f"{name}.ipynb", folder)
    settings = home / "settings" / "@jupyterlab" / "notebook-extension"
    settings.mkdir(parents=True)
    # every cell is drawn, also those that are not in sight
    (settings / "tracker.jupyterlab-settings").write_text('{"windowingMode": "none"}')
    environment = {
        **os.environ,
        "HOME": str(home),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
    }
    # signed as one's own, so that what a notebook shows is trusted, as after a run by hand
    trust = [sys.executable, "-m", "jupyter", "trust", *(f"{name}.ipynb" for name in CHAPTERS)]
    subprocess.run(trust, cwd=folder, env=environment, check=True, capture_output=True)
    log = home / "log"
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--port=0", "--ip=127.0.0.1"]
    command += ["--allow-root", "--IdentityProvider.token=", f"--notebook-dir={folder}"]
    with log.open("w") as file:
        server = subprocess.Popen(command, env=environment, stdout=file, stderr=file)
    try:
        yield _address(log, server)
    finally:
        server.terminate()
        server.wait(30)


def _address(log: Path, server: subprocess.Popen) -> str:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and server.poll() is None:
        found = re.search(r"http://127\.0\.0\.1:(\d+)/lab", log.read_text())
        if found:
            return f"http://127.0.0.1:{found[1]}"
        time.sleep(0.2)
    raise AssertionError(log.read_text()[-3000:])


def pages_of(executed: dict) -> str:
    """Return all HTML that the cells of a notebook display."""
    outputs = [output for cell in executed["cells"] for output in cell.get("outputs", [])]
    return "".join("".join(output.get("data", {}).get("text/html", "")) for output in outputs)


@pytest.mark.parametrize("name", CHAPTERS)
def test_lab_folds_cells_and_shows_figures_with_words(browser, lab, smoke_runs, name):
    executed = json.loads((smoke_runs / f"{name}.ipynb").read_text())
    n_cells, pages = len(executed["cells"]), pages_of(executed)
    n_pictures = len(re.findall(r"<img [^>]*data:image/png", pages))
    browser.open(f"{lab}/lab/tree/{name}.ipynb?reset")
    browser.wait_for(f"{N_CELLS} >= {n_cells}", f"the {n_cells} cells of {name}", 120)
    browser.wait_for(f"{N_PICTURES} >= {n_pictures}", f"the {n_pictures} pictures of {name}", 60)
    cells = [cell for cell in CHAPTERS[name].content.cells if cell.cell_type == "code"]
    expected = [c.source.splitlines()[0] if is_folded(c) else None for c in cells]
    shown = browser.evaluate(TITLES)
    del shown[2]  # the cell of papermill that holds this run's parameters
    assert shown == expected
    for words, width in browser.evaluate(PICTURES):
        assert len(words.split()) > 5
        assert width > 100
    for before, after in browser.evaluate(SLIDE):
        assert sum(before) == sum(after) == 1
        assert before != after
    inside = (lab, lab.replace("http", "ws"), "data:", "blob:")
    assert [address for address in browser.requested if not address.startswith(inside)] == []
