"""Many small products in a row: one thread does them sooner than two that wait for each other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from threadpoolctl import threadpool_limits


@contextmanager
def one_thread(when: bool = True) -> Iterator[None]:
    """Let torch, BLAS and OpenMP use one thread; as many as before afterwards. Or leave it be.

    Products of a batch of 64 are too small to be shared. On a machine that is busy with other
    things, threads that wait for each other make them several times slower. At 512 two threads
    gain a third.
    """
    if not when:
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(limits=1):
            yield
    finally:
        torch.set_num_threads(before)
