"""A real browser for tests: Chromium without a window, driven through its DevTools protocol."""

from __future__ import annotations

import itertools
import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

NAMES = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--remote-debugging-port=0", "--remote-allow-origins=*", "about:blank"),
)


def find_chromium() -> str | None:
    """Return the path of a Chromium on this machine, None where there is none."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """A browser with one page.

    Parameters
    ----------
    program : str
        Path of Chromium.
    profile : pathlib.Path
        An empty folder for the browser's own files.
    """

    def __init__(self, program: str, profile: Path) -> None:
        import websocket

        self._process = subprocess.Popen(
            [program, *OPTIONS, f"--user-data-dir={profile}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        port_file = profile / "DevToolsActivePort"
        self._wait(lambda: port_file.is_file() and "\n" in port_file.read_text(), "the browser", 60)
        port = port_file.read_text().splitlines()[0]
        request = Request(f"http://127.0.0.1:{port}/json/new?about:blank", method="PUT")
        address = json.load(urlopen(request))["webSocketDebuggerUrl"]
        # What comes is decoded as UTF-8 all the same; the check before it takes a third of a second
        # for the megabyte of pictures of a page.
        self._socket = websocket.create_connection(address, timeout=60, skip_utf8_validation=True)
        self._numbers = itertools.count(1)
        self.requested: list[str] = []
        for domain in ("Page", "Runtime", "Network"):
            self._ask(f"{domain}.enable")
        self._ask("Emulation.setScrollbarsHidden", hidden=True)

    def close(self) -> None:
        """End the browser."""
        self._socket.close()
        self._process.terminate()
        self._process.wait(30)

    def open(
        self, address: str, *, width: int = 1280, height: int = 900, dark: bool = False
    ) -> None:
        """Open a page; return when it is loaded. `requested` holds what it asks for from then on.

        Parameters
        ----------
        address : str
            What to open.
        width, height : int
            Size of the window in pixels.
        dark : bool
            Whether the reader prefers dark pages.
        """
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._ask("Emulation.setDeviceMetricsOverride", **size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._ask("Emulation.setEmulatedMedia", features=[scheme])
        self.evaluate("window.isTheOneBefore = true")
        self.requested.clear()
        self._ask("Page.navigate", url=address)
        self.wait_for("!window.isTheOneBefore && document.readyState === 'complete'", address)

    def evaluate(self, script: str) -> Any:
        """Return the value of a JavaScript expression, which JSON can hold; promises are awaited.

        Raises
        ------
        RuntimeError
            With the page's own words, when the script fails.
        """
        answer = self._ask(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in answer:
            raise RuntimeError(json.dumps(answer["exceptionDetails"])[:2000])
        return answer["result"].get("value")

    def wait_for(self, script: str, what: str, seconds: float = 60) -> None:
        """Return as soon as a JavaScript expression is true.

        Raises
        ------
        TimeoutError
            When it is not true in time; the message says `what` was waited for.
        """
        self._wait(lambda: self.evaluate(script), what, seconds)

    def screenshot(self, file: Path) -> bytes:
        """Write what is seen to a PNG file, and return its bytes."""
        import base64

        picture = base64.b64decode(self._ask("Page.captureScreenshot")["data"])
        file.write_bytes(picture)
        return picture

    def _ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv())
            if message.get("method") == "Network.requestWillBeSent":
                self.requested.append(message["params"]["request"]["url"])
            if message.get("id") == number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]

    @staticmethod
    def _wait(is_so: Any, what: str, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not is_so():
            if time.monotonic() > deadline:
                raise TimeoutError(f"waited {seconds} s for {what}")
            time.sleep(0.05)
