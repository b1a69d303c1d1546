"""A Slurm of one node on this machine, for as long as a test needs it: ``with local_slurm(): ...``.

Only on the loopback interface, without accounting. Slurm reads its configuration at one place
whatever the environment says (steps of a job do not see SLURM_CONF), so it is written there, and
removed afterwards; where one is there already, that cluster is somebody's and is left alone.

By hand: ``python tests/workflow/slurm.py COMMAND ...`` runs a command beside it.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

PROGRAMS = ("slurmctld", "slurmd", "munged", "sbatch", "squeue", "scontrol")
CONFIGURATION = Path("/etc/slurm/slurm.conf")
MUNGE_SOCKET = Path("/run/munge/munge.socket.2")
TEXT = """\
ClusterName=loopback
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort=16817
SlurmdPort=16818
AuthType=auth/munge
SlurmUser=root
SlurmctldPidFile={state}/slurmctld.pid
SlurmdPidFile={state}/slurmd.pid
StateSaveLocation={state}/controller
SlurmdSpoolDir={state}/node
SlurmctldLogFile={state}/slurmctld.log
SlurmdLogFile={state}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=sched_interval=2
# finished jobs are asked about, and without accounting nobody else remembers them
MinJobAge=86400
ReturnToService=2
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} RealMemory={megabytes} State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""


def why_not() -> str:
    """Say why no Slurm can be started here; nothing where one can."""
    lacking = [name for name in PROGRAMS if shutil.which(name, path=_path()) is None]
    if lacking:
        return f"no Slurm here: {', '.join(lacking)} not installed (slurmctld, slurmd, munge)"
    if os.geteuid() != 0:
        return "a Slurm is started by root alone: munge and slurmd change users"
    if CONFIGURATION.exists():
        return f"{CONFIGURATION} is there: this machine belongs to a cluster"
    return ""


class Slurm:
    """A running Slurm of one node.

    Parameters
    ----------
    state : pathlib.Path
        Folder of its logs and of what the controller remembers.
    """

    def __init__(self, state: Path) -> None:
        self.state = state
        self.start_controller()

    def start_controller(self) -> None:
        """Start the scheduler, which goes on with what it remembers."""
        self._controller = _start(self.state, "slurmctld", "-D")

    def kill_controller(self) -> None:
        """Kill the scheduler with -9; its node and what runs there live on."""
        self._controller.kill()
        self._controller.wait()

    def stop_controller(self) -> None:
        """End the scheduler."""
        _stop(self._controller)


@contextmanager
def local_slurm() -> Iterator[Slurm]:
    """Run munge, a controller and one node."""
    if reason := why_not():
        raise RuntimeError(reason)
    with ExitStack() as stack:
        state = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="slurm-")))
        for name in ("controller", "node"):
            (state / name).mkdir()
        host = os.uname().nodename.split(".")[0]
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
        stack.callback(CONFIGURATION.unlink)
        CONFIGURATION.parent.mkdir(exist_ok=True)
        cores = os.cpu_count()
        CONFIGURATION.write_text(
            TEXT.format(host=host, state=state, cores=cores, megabytes=int(memory * 0.9)),
            encoding="utf-8",
        )
        if not MUNGE_SOCKET.exists():
            stack.enter_context(_munge(state))
        slurm = Slurm(state)
        stack.callback(slurm.stop_controller)
        stack.enter_context(_daemon(state, "slurmd", "-D", "-N", host))
        stack.callback(subprocess.run, ["scancel", "--full", "--user=root"], check=False)
        _wait(lambda: b"idle" in _asked("sinfo", "--noheader", "--format=%T"), "an idle node")
        yield slurm


@contextmanager
def _munge(state: Path) -> Iterator[None]:
    """Run munge, which tells one daemon that the other is what it says, as its own user."""
    key = state / "munge.key"
    key.write_bytes(os.urandom(128))
    for folder in (Path("/run/munge"), Path("/var/log/munge"), Path("/var/lib/munge")):
        folder.mkdir(mode=0o755, parents=True, exist_ok=True)
    for path in (key, state, Path("/run/munge"), Path("/var/log/munge"), Path("/var/lib/munge")):
        shutil.chown(path, "munge", "munge")
    key.chmod(0o400)
    state.chmod(0o755)
    as_munge = ("setpriv", "--reuid=munge", "--regid=munge", "--clear-groups")
    command = ("munged", "--foreground", f"--key-file={key}")
    with _daemon(state, *as_munge, *command):
        _wait(MUNGE_SOCKET.exists, "munge")
        yield


@contextmanager
def _daemon(state: Path, *command: str) -> Iterator[None]:
    process = _start(state, *command)
    try:
        yield
    finally:
        _stop(process)


def _start(state: Path, *command: str) -> subprocess.Popen[bytes]:
    with (state / "out").open("ab") as log:
        environment = {**os.environ, "PATH": _path()}
        return subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _asked(*command: str) -> bytes:
    return subprocess.run(command, capture_output=True, check=False).stdout


def _wait(is_so: object, what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not is_so():  # type: ignore[operator]
        if time.monotonic() > deadline:
            raise TimeoutError(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.2)


def _path() -> str:
    return os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])


if __name__ == "__main__":
    with local_slurm():
        sys.exit(subprocess.run(sys.argv[1:] or ["sinfo"], check=False).returncode)
