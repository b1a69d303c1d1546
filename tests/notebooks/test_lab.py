"""Chapters as JupyterLab shows them, in a real browser: folded cells, figures, sliders."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import pytest
from chromium import Browser

from sdc_helpers.course.catalogue import list_notebooks
from sdc_helpers.course.standard import is_folded

CHAPTERS = {notebook.name: notebook for notebook in list_notebooks()}
# Nobody outside this machine is asked for news or for extensions.
CONFIGURATION = """\
c = get_config()
c.IdentityProvider.token = ""
c.LabApp.expose_app_in_browser = True
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
c.LabApp.extension_manager = "readonly"
c.LabApp.news_url = None
"""
SETTINGS = {
    "apputils-extension/notification": '{"checkForUpdates": false, "fetchNews": "false"}',
    # all cells are drawn at once, also those out of sight, and not when the browser is idle
    "notebook-extension/tracker": '{"windowingMode": "none"}',
}
# JupyterLab asks for a kernel with every notebook that it opens. Here it waits for each in vain.
READY = """window.jupyterapp?.restored.then(() => {
  jupyterapp.serviceManager.sessions.startNew = () => new Promise(() => {});
  return true;
})"""
OPEN = """(async () => {
  window.chapter?.dispose();
  window.chapter = await jupyterapp.commands.execute("docmanager:open", {path: "PATH"});
  await chapter.context.ready;
})()"""
N_DRAWN = "chapter.node.querySelectorAll('.jp-Cell .jp-Cell-inputWrapper').length"
# What is seen of the input of each cell when a reader has scrolled there: the title in the place
# of its code, the first line of its code, or its text
SEEN = r"""(async () => {
  const states = {contentVisibilityAuto: true, opacityProperty: true, visibilityProperty: true};
  const isSeen = (element) =>
    element && element.checkVisibility(states) && element.getBoundingClientRect().height > 0;
  const look = (input) => {
    const parts = {title: ".jp-PlaceholderText", code: ".cm-line", text: ".jp-MarkdownOutput"};
    const found = Object.entries(parts).map(([part, name]) => [part, input.querySelector(name)]);
    return Object.fromEntries(found.filter(([, element]) => isSeen(element)).map(
      ([part, element]) => [part, part === "text" || element.textContent]));
  };
  const seen = [];
  for (const cell of chapter.node.querySelectorAll(".jp-Cell")) {
    cell.scrollIntoView();
    let parts = {};
    for (let i = 0; i < 100 && !Object.keys(parts).length; i++) {
      await new Promise(requestAnimationFrame);
      parts = look(cell.querySelector(".jp-Cell-inputWrapper"));
    }
    seen.push(parts);
  }
  return seen;
})()"""
N_PICTURES = "chapter.node.querySelectorAll('figure img').length"
PICTURES = r"""[...chapter.node.querySelectorAll("figure img")].map(
  (image) => [image.alt, image.naturalWidth])"""
SLIDE = r"""[...chapter.node.querySelectorAll("figure input[type=range]")].map((slider) => {
  const figure = slider.closest("figure");
  const seen = () => [...figure.querySelectorAll("img")].map((p) => p.style.display !== "none");
  const before = seen();
  slider.value = slider.value === slider.max ? 0 : slider.max;
  slider.dispatchEvent(new Event("input"));
  return [before, seen()];
})"""


@dataclass(frozen=True)
class Lab:
    """A page of JupyterLab, whose server shows what is in a folder."""

    browser: Browser
    address: str
    folder: Path

    def open(self, path: str) -> list[Any]:
        """Open a notebook in the place of the one before; return its cells, all drawn."""
        cells = nbformat.read(self.folder / path, as_version=4).cells
        self.browser.evaluate(OPEN.replace("PATH", path))
        self.browser.wait_for(f"{N_DRAWN} === {len(cells)}", f"the {len(cells)} cells of {path}")
        return cells

    @property
    def asked_elsewhere(self) -> list[str]:
        """Addresses outside the server that the page has asked for."""
        inside = (self.address, self.address.replace("http", "ws"), "data:", "blob:")
        return [address for address in self.browser.requested if not address.startswith(inside)]


@pytest.fixture(scope="module")
def lab(browser, smoke_runs, tmp_path_factory) -> Iterator[Lab]:
    """Start JupyterLab on the executed chapters, and open its page."""
    home = tmp_path_factory.mktemp("lab_home")
    folder = tmp_path_factory.mktemp("lab")
    for name in CHAPTERS:
        shutil.copy(smoke_runs / f"{name}.ipynb", folder)
    environment = _environment(home)
    # signed as one's own, so that what a notebook shows is trusted, as after a run by hand
    trust = [sys.executable, "-m", "jupyter", "trust", *(f"{name}.ipynb" for name in CHAPTERS)]
    subprocess.run(trust, cwd=folder, env=environment, check=True, capture_output=True)
    log = home / "log"
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--port=0", "--ip=127.0.0.1"]
    command += ["--allow-root", f"--ServerApp.root_dir={folder}"]
    with log.open("w") as file:
        server = subprocess.Popen(command, env=environment, stdout=file, stderr=file)
    try:
        address = _address(log, server)
        browser.open(f"{address}/lab?reset")  # without the notebooks that were open before
        browser.wait_for(READY, "JupyterLab")
        yield Lab(browser, address, folder)
    finally:
        _end(server)
        browser.open("about:blank")


def _environment(home: Path) -> dict[str, str]:
    """Write the server's configuration; return the variables that lead it there."""
    (home / "config").mkdir()
    (home / "config" / "jupyter_server_config.py").write_text(CONFIGURATION)
    for plugin, settings in SETTINGS.items():
        file = home / "settings" / "@jupyterlab" / f"{plugin}.jupyterlab-settings"
        file.parent.mkdir(parents=True)
        file.write_text(settings)
    return {
        **os.environ,
        "HOME": str(home),
        "JUPYTER_DATA_DIR": str(home / "data"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
    }


def _address(log: Path, server: subprocess.Popen) -> str:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and server.poll() is None:
        found = re.search(r"http://127\.0\.0\.1:(\d+)/lab", log.read_text())
        if found:
            return f"http://127.0.0.1:{found[1]}"
        time.sleep(0.2)
    raise AssertionError(log.read_text()[-3000:])


def _end(server: subprocess.Popen) -> None:
    server.terminate()
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def n_pictures(cells: list[Any]) -> int:
    """Return how many pictures the HTML has that cells display."""
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    pages = "".join(output.get("data", {}).get("text/html", "") for output in outputs)
    return len(re.findall(r"<img [^>]*data:image/png", pages))


@pytest.mark.parametrize("name", CHAPTERS)
def test_lab_folds_cells_and_shows_figures_with_words(lab, name):
    cells = lab.open(f"{name}.ipynb")
    n = n_pictures(cells)
    lab.browser.wait_for(f"{N_PICTURES} >= {n}", f"the {n} pictures of {name}")
    expected = [
        {"title" if is_folded(c) else "code": c.source.splitlines()[0]}
        if c.cell_type == "code"
        else {"text": True}
        for c in cells
    ]
    assert lab.browser.evaluate(SEEN) == expected
    folded = [c.source for c in CHAPTERS[name].content.cells if is_folded(c)]
    assert [c.source for c in cells if is_folded(c)] == folded
    assert all(source.startswith("# @title ") for source in folded)
    for words, width in lab.browser.evaluate(PICTURES):
        assert len(words.split()) > 5
        assert width > 100
    for before, after in lab.browser.evaluate(SLIDE):
        assert sum(before) == sum(after) == 1
        assert before != after
    assert lab.asked_elsewhere == []
