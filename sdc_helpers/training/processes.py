"""Training in several processes, as torchrun starts them: who is who, one writer, one drawing.

Each process takes a part of every batch; gradients are averaged (`train_pairs`). What is said here
is the rest, for every command that trains and writes::

    with together():                    # join the others; print how many there are
        drawn = draw_once(pictures)     # one process draws, all map the same file
        train_pairs(...)                # each with its part of every batch
        alone(lambda: write(...))       # the first process writes, the others wait

Without torchrun there is one process, and each of these does what a plain call would. torchrun ends
all processes when one of them dies; the same command then goes on from the last checkpoint.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from sdc_helpers._files import private_path, remove_abandoned
from sdc_helpers._paths import visible

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    import numpy as np

LONGEST_WAIT = timedelta(days=2)
"""For a process that draws, writes or measures alone: torchrun ends those whose partner died."""
SECONDS_BEHIND = 10.0
"""For which a process outlives one that died, so that torchrun's report is about that one."""
_DRAWN = "sdc-drawn"
_joins = itertools.count()


class ProcessLostError(RuntimeError):
    """Another process of this training died; its own message says why."""


@dataclass(frozen=True)
class World:
    """A process among those that train together.

    Attributes
    ----------
    rank : int
        Number of this process, from 0.
    size : int
        Number of processes; 1 without torchrun.
    local_rank : int
        Number of this process among those of its machine.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0

    @property
    def is_first(self) -> bool:
        """Whether this is the one process that writes and prints."""
        return self.rank == 0

    def __str__(self) -> str:
        return f"process {self.rank + 1} of {self.size}"


def world() -> World:
    """Return which of the processes this is, after they have joined."""
    import torch.distributed as dist

    if not (dist.is_available() and dist.is_initialized()):
        return World()
    local = int(os.environ.get("LOCAL_RANK", dist.get_rank()))
    return World(dist.get_rank(), dist.get_world_size(), local)


def started_together() -> bool:
    """Whether a launcher such as torchrun has started several processes, joined or not."""
    return "RANK" in os.environ and int(os.environ.get("WORLD_SIZE", "1")) > 1


@contextmanager
def together(device: str | None = "cpu") -> Iterator[World]:
    """Join the processes that torchrun started, and leave them at the end.

    The first prints how many there are, so that nobody takes one process for several. What the
    others print is what the first prints, and is not shown.

    Parameters
    ----------
    device : str or None
        Where they will train: "cpu" (they talk by gloo), or a GPU (NCCL).

    Yields
    ------
    World
        This process.

    Raises
    ------
    ProcessLostError
        If another process died. Whatever else goes wrong is passed on, after a line that says in
        which process it was; torchrun's closing report has it too.
    """
    joined = _join(device)
    here = world()
    if here.is_first:
        print(f"training in {here.size} process{'es' if here.size > 1 else ''}", flush=True)
    try:
        with contextlib.ExitStack() as stack:
            if not here.is_first:
                nowhere = stack.enter_context(Path(os.devnull).open("w", encoding="utf-8"))
                stack.enter_context(contextlib.redirect_stdout(nowhere))
            yield here
    except Exception as error:
        if here.size > 1:
            _say_who(here, error)
        raise
    finally:
        if joined:
            import torch.distributed as dist

            dist.destroy_process_group()


def alone(do: Callable[[], object]) -> None:
    """Let the first process do something, such as write a file; the others wait until it is done.

    Parameters
    ----------
    do : callable
        Called without arguments, in the first process only.
    """
    here = world()
    if here.is_first:
        do()
    if here.size > 1:
        import torch.distributed as dist

        dist.barrier()


def draw_once(make: Callable[[], Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Let one process of each machine draw arrays, and give all of them the same memory.

    Parameters
    ----------
    make : callable
        Returns arrays by name; the same wherever it is called. The name becomes that of a file.

    Returns
    -------
    dict of str to array
        The arrays; with several processes mapped from files of the machine's temporary folder
        (``TMPDIR``), which are gone as soon as all have them open. What a process writes into its
        arrays, no other sees.
    """
    import numpy as np

    here = world()
    if here.size == 1:
        return dict(make())
    machine = os.environ.get("GROUP_RANK", "0")
    own = _write_drawn(make()) if here.local_rank == 0 else ""
    folder = Path(next(f for where, f in _of_all((machine, own)) if f and where == machine))
    arrays = {file.stem: np.load(file, mmap_mode="c").view(np.ndarray) for file in visible(folder)}
    _of_all(None)  # every process has the files open
    if here.local_rank == 0:
        shutil.rmtree(folder, ignore_errors=True)
    return arrays


def _write_drawn(arrays: Mapping[str, np.ndarray]) -> str:
    import numpy as np

    place = Path(tempfile.gettempdir())
    remove_abandoned(place, _DRAWN)
    folder = private_path(place / _DRAWN)
    folder.mkdir(mode=0o700)
    try:
        for name, array in arrays.items():
            np.save(folder / f"{name}.npy", array)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return str(folder)


def _of_all(own: object) -> list:
    """Return what each process gives, by rank."""
    import torch.distributed as dist

    given: list = [None] * dist.get_world_size()
    dist.all_gather_object(given, own)
    return given


def _join(device: str | None) -> bool:
    """Join the processes if there are several; say whether that was done here."""
    import torch
    import torch.distributed as dist

    if not (started_together() and dist.is_available()) or dist.is_initialized():
        return False
    on_gpu = (device or "cuda") != "cpu" and torch.cuda.is_available()
    if on_gpu:
        torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    # what a dead process left in the store would send the next attempt to a closed door
    store, rank, size = next(iter(dist.rendezvous("env://")))
    attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    dist.init_process_group(
        "cpu:gloo,cuda:nccl" if on_gpu else "gloo",
        store=dist.PrefixStore(f"sdc/{attempt}/{next(_joins)}", store),
        rank=rank,
        world_size=size,
        timeout=LONGEST_WAIT,
    )
    return True


def _say_who(here: World, error: Exception) -> None:
    """Name the process in which an error was; raise a ProcessLostError if it was in another."""
    import torch.distributed as dist
    from torch.distributed.elastic.multiprocessing.errors import get_error_handler

    if isinstance(error, dist.DistError) or "gloo" in str(error).lower():
        time.sleep(SECONDS_BEHIND)  # torchrun blames the first that ends, and ends this one then
        raise ProcessLostError(
            f"{here} stops: another one died, whose own message, or torchrun's report below, says "
            "of what. The same command goes on from the last checkpoint."
        ) from error
    print(
        f"{here} (pid {os.getpid()}) failed: {type(error).__name__}: {error}\n"
        "torchrun ends the others. The same command goes on from the last checkpoint.",
        file=sys.stderr,
        flush=True,
    )
    handler = get_error_handler()
    handler.initialize()
    handler.record_exception(error)  # for torchrun's report
