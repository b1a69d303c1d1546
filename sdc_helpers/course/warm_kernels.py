"""Kernels that start with the large libraries already imported, for many notebooks in a row.

Importing torch, open_clip and scikit-learn takes a kernel ten seconds of a processor; a course of
nineteen chapters pays that nineteen times. Here one process imports them once and then forks: each
notebook still has a process of its own, which nothing of another's can reach.

Only on Linux, where forking is safe, and not beside an NVIDIA GPU, which a forked process may not
use once its parent has looked for it. Everywhere else, and for a notebook that is run alone,
kernels start as always.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from jupyter_client.provisioning import LocalProvisioner

from sdc_helpers._machine import THREAD_VARIABLES, usable_cores

LIBRARIES = (
    "ipykernel.ipkernel",
    "ipykernel.kernelapp",
    "numpy",
    "scipy.stats",
    "scipy.optimize",
    "pandas",
    "sklearn.cluster",
    "sklearn.decomposition",
    "sklearn.linear_model",
    "torch",
    "torch._dynamo",
    "open_clip",
)
"""What is imported before the first fork. Matplotlib is not: it reads its backend when imported."""

_SIGKILL = 9  # signal.SIGKILL, which Windows lacks
_is_wanted = False
_current: WarmProcess | None = None


@contextlib.contextmanager
def several() -> Iterator[None]:
    """Let all kernels that are started meanwhile be forks of one warm process, where that works."""
    global _is_wanted, _current
    if _is_wanted or sys.platform != "linux" or Path("/dev/nvidiactl").exists():
        yield
        return
    _is_wanted = True
    try:
        yield
    finally:
        _is_wanted = False
        if _current is not None:
            _current.close()
            _current = None


def provisioner(manager: Any) -> LocalProvisioner | None:
    """Return what starts a manager's kernel from the warm process; None outside of `several`."""
    return _Warm(kernel_spec=manager.kernel_spec, parent=manager) if _is_wanted else None


def _warm_process(environment: Mapping[str, str]) -> WarmProcess:
    """Return the warm process, which the first kernel starts, with its own variables."""
    global _current
    if _current is None or not _current.is_alive:
        _current = WarmProcess(environment)
    return _current


class WarmProcess:
    """A process that has imported the libraries, and forks when it is asked to.

    It ends, and its kernels with it, when whoever started it ends, however that comes about.

    Parameters
    ----------
    environment : mapping of str to str
        Its variables: number of threads included, which the libraries read when imported.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "sdc_helpers.course.warm_kernels", *LIBRARIES],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=dict(environment),
            encoding="utf-8",
            start_new_session=True,  # Ctrl-C is for whoever started it
        )
        self._one_at_a_time = threading.Lock()

    @property
    def pid(self) -> int:
        """Its process number."""
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        """Whether it can still be asked."""
        return self._process.poll() is None

    def ask(self, **question: Any) -> dict[str, Any]:
        """Put a question and return the answer.

        Raises
        ------
        OSError
            If the process has ended.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._one_at_a_time:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        if not answer:
            raise BrokenPipeError("the process that starts kernels has ended")
        return json.loads(answer)

    def close(self) -> None:
        """End it."""
        with contextlib.suppress(OSError):
            self._process.communicate()  # closes its input


class _Kernel:
    """A forked kernel, with what jupyter_client asks of ``subprocess.Popen``."""

    stdin = stdout = stderr = None

    def __init__(self, parent: WarmProcess, pid: int) -> None:
        self._parent, self.pid = parent, pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None:
            try:
                self.returncode = self._parent.ask(poll=self.pid)["code"]
            except OSError:  # its parent has ended, and it with it
                self.returncode = -_SIGKILL
        return self.returncode

    def wait(self) -> int | None:
        """Return the exit code; the provisioner waits until there is one."""
        return self.poll()

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(_SIGKILL)


class _Warm(LocalProvisioner):
    """Starts a kernel by a fork, or as always where the warm process has ended."""

    process: Any = None

    async def launch_kernel(self, cmd: list[str], **options: Any) -> Any:
        """Start it; a kernel whose parent ends meanwhile is started as always."""
        job = {"argv": cmd, "env": options["env"], "cwd": str(options.get("cwd") or Path.cwd())}
        try:
            parent = _warm_process(job["env"])
            pid = parent.ask(start=job)["pid"]
        except OSError:
            return await super().launch_kernel(cmd, **options)
        self.process, self.pid, self.pgid = _Kernel(parent, pid), pid, pid
        self.cwd = job["cwd"]
        return self.connection_info


if sys.platform == "linux":  # what the warm process does

    def main(libraries: Sequence[str]) -> None:
        """Import libraries; then answer questions until nobody is left to put them."""
        before = dict(os.environ)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            for library in libraries:
                with contextlib.suppress(ImportError):
                    importlib.import_module(library)
        children: set[int] = set()
        for line in sys.stdin:
            question = json.loads(line)
            if "start" in question:
                pid = os.fork()
                if pid == 0:
                    _become_kernel(question["start"], before)
                children.add(pid)
                answer: dict[str, Any] = {"pid": pid}
            else:
                answer = {"code": _exit_code(question["poll"], children)}
            print(json.dumps(answer), flush=True)
        for pid in children:
            with contextlib.suppress(OSError):
                os.killpg(pid, signal.SIGKILL)

    def _exit_code(pid: int, children: set[int]) -> int | None:
        """Return how a child ended, None while it runs."""
        try:
            ended, status = os.waitpid(pid, os.WNOHANG)
        except ChildProcessError:
            return -signal.SIGKILL
        if ended == 0:
            return None
        children.discard(pid)
        return os.waitstatus_to_exitcode(status)

    def _become_kernel(job: Mapping[str, Any], before: Mapping[str, str]) -> None:
        """Turn this fork into the kernel that a command line describes; never return."""
        code = 1
        try:
            os.setsid()
            nothing = os.open(os.devnull, os.O_RDWR)
            os.dup2(nothing, 0)
            os.dup2(nothing, 1)
            for name in before.keys() - job["env"].keys():
                os.environ.pop(name, None)
            os.environ.update(job["env"], JPY_PARENT_PID=str(os.getppid()))
            os.chdir(job["cwd"])
            _limit_threads(job["env"])
            if "numpy" in sys.modules:  # as anew: a fork begins with its parent's state
                sys.modules["numpy"].random.seed()
            _, *options = job["argv"][job["argv"].index("-m") :][1:]
            sys.argv = ["ipykernel_launcher", *options]
            from ipykernel.kernelapp import IPKernelApp

            IPKernelApp.launch_instance(argv=options)
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else int(end.code is not None)
        finally:
            sys.stderr.flush()
            os._exit(code)

    def _limit_threads(environment: Mapping[str, str]) -> None:
        """Give the libraries this kernel's number of threads: they read their parent's."""
        from threadpoolctl import threadpool_limits

        chosen = (environment.get(name) for name in THREAD_VARIABLES)
        n = next((int(value) for value in chosen if value and value.isdigit()), usable_cores())
        threadpool_limits(n)
        if "torch" in sys.modules:
            sys.modules["torch"].set_num_threads(n)

    if __name__ == "__main__":
        main(sys.argv[1:])
