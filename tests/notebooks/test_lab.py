"""Chapters as JupyterLab shows them, in a real browser."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sdc_helpers.course.catalogue import list_notebooks
from sdc_helpers.course.standard import is_folded

CHAPTERS = {notebook.name: notebook for notebook in list_notebooks()}
FOLDED = """[...document.querySelectorAll(".jp-CodeCell")].filter(
  (cell) => cell.querySelector(".jp-Cell-inputWrapper .jp-Placeholder")
).map((cell) => cell.querySelector(".jp-Cell-inputWrapper .jp-Placeholder").innerText.trim())"""
SHOWN = """[...document.querySelectorAll("figure img")].map(
  (image) => [image.alt, image.naturalWidth])"""


@pytest.fixture(scope="module")
def lab(smoke_runs, tmp_path_factory):
    """JupyterLab, started on the executed chapters; return its address."""
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
    # signed as one's own, so that what the notebook shows is trusted
    for name in CHAPTERS:
        trust = [sys.executable, "-m", "jupyter", "trust", f"{name}.ipynb"]
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


@pytest.mark.parametrize("name", CHAPTERS)
def test_lab_folds_cells_and_shows_figures_with_words(browser, lab, smoke_runs, name):
    cells = CHAPTERS[name].content.cells
    titles = [c.source.splitlines()[0] for c in cells if is_folded(c)]
    executed = json.loads((smoke_runs / f"{name}.ipynb").read_text())
    pages = "".join(
        "".join(output.get("data", {}).get("text/html", ""))
        for cell in executed["cells"]
        for output in cell.get("outputs", [])
    )
    browser.open(f"{lab}/lab/tree/{name}.ipynb")
    n_cells = len(executed["cells"])
    drawn = f"document.querySelectorAll('.jp-Notebook .jp-Cell').length >= {n_cells}"
    browser.wait_for(drawn, f"the {n_cells} cells of {name}", 120)
    n_images = len(re.findall(r'<img [^>]*alt="', pages))
    there = f"document.querySelectorAll('figure img').length >= {n_images}"
    browser.wait_for(there, f"the {n_images} pictures of {name}", 60)
    assert browser.evaluate(FOLDED) == titles
    for words, width in browser.evaluate(SHOWN):
        assert len(words.split()) > 5
        assert width > 100
    elsewhere = [
        address
        for address in browser.requested
        if not address.startswith((lab, "data:", "blob:", lab.replace("http", "ws")))
    ]
    assert elsewhere == []
