"""A clock that stands still while a kernel waits for a processor that somebody else is using."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

_TICK_S = 0.25


class KernelClock:
    """Counts the seconds that a kernel had, and ends it when they are used up.

    A second counts in full where the kernel computes, and where it sleeps, hangs or reads from a
    disk. What does not count is the time in which it could have computed and every processor was
    busy with something else: Linux keeps that time for each thread (``schedstat``). Where no
    system keeps it, every second counts.

    Parameters
    ----------
    limit : float or None
        Seconds; None for no limit.

    Attributes
    ----------
    waited : float
        Seconds that did not count.
    is_over : bool
        Whether the limit was reached.
    """

    def __init__(self, limit: float | None) -> None:
        self.limit = limit
        self.waited = 0.0
        self.is_over = False
        self._started = time.monotonic()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def counted(self) -> float:
        """Seconds since the clock was made, without those of waiting for a processor."""
        return time.monotonic() - self._started - self.waited

    def check(self) -> bool:
        """Return whether the limit is reached."""
        self.is_over = self.is_over or (self.limit is not None and self.counted >= self.limit)
        return self.is_over

    def watch(self, pid: int, on_over: Callable[[], None]) -> None:
        """Begin to look at a kernel, in a thread.

        Parameters
        ----------
        pid : int
            The kernel's process; those that it starts are looked at too.
        on_over : callable
            Called once, in that thread, when the limit is reached.
        """
        self._thread = threading.Thread(target=self._look, args=(pid, on_over), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Look no longer; what was counted stays."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _look(self, pid: int, on_over: Callable[[], None]) -> None:
        before, when = _ran_and_waited(pid), time.monotonic()
        while not self._stop.wait(_TICK_S):
            now, after = time.monotonic(), _ran_and_waited(pid)
            ran, waited = (max(0.0, b - a) for a, b in zip(before, after, strict=True))
            # many threads run and wait at once: a second holds no more than a second of each
            self.waited += min(max(0.0, now - when - ran), waited)
            before, when = after, now
            if self.check():
                on_over()
                return


def _ran_and_waited(pid: int) -> tuple[float, float]:
    """Return the seconds that a process and its children have run, and waited to run."""
    import psutil

    try:
        family = [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]
    except psutil.Error:
        return 0.0, 0.0
    ran = waited = 0
    for member in family:
        for file in Path(f"/proc/{member}/task").glob("*/schedstat"):
            try:
                fields = file.read_text(encoding="ascii").split()
                ran, waited = ran + int(fields[0]), waited + int(fields[1])
            except (OSError, ValueError, IndexError):  # a thread that has just ended
                continue
    return ran / 1e9, waited / 1e9
