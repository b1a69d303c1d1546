"""Reading 15,000 voxels of an NSD session against reading all of it, and memory over sessions.

Writes one session file of the real size (750 trials, 83 x 104 x 81 voxels, int16, one chunk a
voxel; 1.1 GB) into a temporary folder, which is removed at the end; further sessions are hard
links to it. The voxels are those nearest to a point, as a region of the brain would be.
"cold" means that the file was dropped from the page cache before (posix_fadvise, Linux), which
says nothing of caches below the file system.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np
from _report import hardware, median_seconds, print_table

from sdc_helpers.datasets.nsd import NSD

PARTICIPANT = "subj01"
FOLDER = f"nsddata_betas/ppdata/{PARTICIPANT}/func1pt8mm/betas_fithrf_GLMdenoise_RR"
CHILD = """
import sys
import h5py, numpy as np
from sdc_helpers.datasets.nsd import NSD

def status(key):
    lines = open("/proc/self/status").read().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(key))

root, mask, sessions = sys.argv[1], np.load(sys.argv[2]), list(range(1, int(sys.argv[3]) + 1))
nsd = NSD(root, cache=sys.argv[4] if len(sys.argv) > 4 else False)
nsd.betas("subj01", [0], sessions=[1])  # imports, and what a first call allocates
before = status("VmRSS")
betas = nsd.betas("subj01", mask, sessions=sessions, zscore="session")
print(status("VmHWM") - before, betas.nbytes / 2**20)
"""


def write_session(file: Path, n_trials: int, grid: tuple[int, int, int]) -> None:
    """Write a session chunk by chunk, past h5py's selections; every voxel has its own values."""
    rng = np.random.default_rng(0)
    source = rng.integers(-3000, 3000, n_trials + 5003).astype("<i2")
    file.parent.mkdir(parents=True)
    shape = (n_trials, *grid[::-1])
    with h5py.File(file, "w") as handle:
        betas = handle.create_dataset("betas", shape, "<i2", chunks=(n_trials, 1, 1, 1))
        for i, (z, y, x) in enumerate(np.ndindex(*grid[::-1])):
            start = i % 5003
            betas.id.write_direct_chunk((0, z, y, x), source[start : start + n_trials].tobytes())
    with file.open("rb") as handle:
        os.fsync(handle.fileno())  # only clean pages can be dropped


def region(grid: tuple[int, int, int], n_voxels: int) -> np.ndarray:
    """Mask of the voxels nearest to a point, (X, Y, Z)."""
    centre = np.array(grid) * (0.5, 0.3, 0.4)
    distance = ((np.indices(grid).T - centre) ** 2).sum(axis=-1).T
    mask = np.zeros(grid, dtype=bool)
    mask.ravel()[np.argsort(distance, axis=None, kind="stable")[:n_voxels]] = True
    return mask


def read_everything(file: Path, mask: np.ndarray) -> np.ndarray:
    """Read the whole session, turn the axes round, take the voxels."""
    with h5py.File(file) as handle:
        volumes = handle["betas"][...].transpose(0, 3, 2, 1)
    return volumes[:, mask].astype(np.float32) / np.float32(300)


def read_chunks(file: Path, mask: np.ndarray) -> np.ndarray:
    """Read the same chunks with h5py alone, in the order of the file, and unpack them.

    The result is (n_voxels, n_trials): h5py's work without the axis order of a result of ours.
    """
    zyx = np.argwhere(mask.T).tolist()
    with h5py.File(file) as handle:
        betas = handle["betas"]
        stored = np.empty((len(zyx), len(betas)), dtype=betas.dtype)
        for row, (z, y, x) in zip(stored.view(np.uint8), zyx, strict=True):
            betas.id.read_direct_chunk((0, z, y, x), out=row)
    return np.divide(stored, np.float32(300), dtype=np.float32)


def read_bytes(file: Path, n_bytes: int) -> None:
    """Read bytes from the middle of a file, one after the other."""
    with file.open("rb", buffering=0) as handle:
        handle.seek(max(0, (file.stat().st_size - n_bytes) // 2))
        while n_bytes > 0:
            n_bytes -= len(handle.read(min(n_bytes, 2**20))) or n_bytes


def drop_from_page_cache(file: Path) -> None:
    """Ask the system to forget the pages of a file."""
    with file.open("rb") as handle:
        os.posix_fadvise(handle.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def cold_seconds(function, file: Path, repeats: int) -> float:
    """Median wall time, the file dropped from the page cache before each call."""
    seconds = []
    for _ in range(repeats):
        drop_from_page_cache(file)
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds))


def peak_mb(root: Path, mask: Path, n_sessions: int, cache: Path | None) -> tuple[float, float]:
    """Peak resident memory of a process that reads, over its level before, and the result's MB."""
    command = [sys.executable, "-c", CHILD, root, mask, n_sessions, *([cache] if cache else [])]
    answer = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=True)
    peak, result = map(float, answer.stdout.split())
    return peak, result


def print_times(root: Path, file: Path, mask: np.ndarray, repeats: int) -> None:
    """Time the reader, its peer, and plain reading of as many bytes."""
    nsd = NSD(root, cache=False)
    n_bytes = 2 * int(mask.sum()) * nsd.betas(PARTICIPANT, [0], sessions=[1]).shape[0]

    def ours() -> np.ndarray:
        return nsd.betas(PARTICIPANT, mask, sessions=[1])

    start = time.perf_counter()
    expected = read_everything(file, mask)
    everything = time.perf_counter() - start
    if not np.array_equal(ours(), expected):
        raise SystemExit("NSD.betas and the naive reading differ")
    del expected
    in_file_order = np.argsort(np.argsort(np.argwhere(mask)[:, ::-1] @ [10**8, 10**4, 1]))
    if not np.array_equal(ours(), read_chunks(file, mask)[in_file_order].T):
        raise SystemExit("NSD.betas and h5py alone differ")
    warm = median_seconds(ours, repeats)
    rows = [
        ("read everything, then mask (once)", everything, warm, "warm"),
        ("NSD.betas", warm, warm, "warm"),
        ("h5py alone, the same chunks", median_seconds(lambda: read_chunks(file, mask), repeats),
                                        warm, "warm"),
        (f"{n_bytes / 1e6:.1f} MB in sequence", median_seconds(lambda: read_bytes(file, n_bytes),
                                                               repeats), warm, "warm"),
    ]  # fmt: skip
    if hasattr(os, "posix_fadvise"):
        cold = cold_seconds(ours, file, repeats)
        plain = cold_seconds(lambda: read_bytes(file, n_bytes), file, repeats)
        chunks = cold_seconds(lambda: read_chunks(file, mask), file, repeats)
        rows += [
            ("NSD.betas", cold, cold, "cold"),
            ("h5py alone, the same chunks", chunks, cold, "cold"),
            (f"{n_bytes / 1e6:.1f} MB in sequence", plain, cold, "cold"),
        ]
    print_table(
        ("", "page cache", "seconds", "ratio to NSD.betas"),
        [(name, state, f"{s:.3f}", f"{s / base:.3g}") for name, s, base, state in rows],
    )


def print_memory(root: Path, mask: np.ndarray, n_sessions: int, folder: Path) -> None:
    """Measure the peak of fresh processes, Linux only."""
    if not Path("/proc/self/status").exists():
        return
    np.save(folder / "mask.npy", mask)
    rows = []
    for sessions in sorted({1, n_sessions}):
        for name, cache in (("in memory", None), ("cached", folder / "cache")):
            peak, result = peak_mb(root, folder / "mask.npy", sessions, cache)
            rows.append((f"{sessions} session(s), {name}", f"{result:.0f}", f"{peak - result:.0f}"))
    print_table(("zscore='session'", "result MB", "peak MB above it"), rows)


def main(arguments: list[str] | None = None) -> None:
    """Write the files, measure, and remove them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--trials", type=int, default=750)
    parser.add_argument("--grid", type=int, nargs=3, default=(81, 104, 83), metavar=("X", "Y", "Z"))
    parser.add_argument("--voxels", type=int, default=15_000)
    parser.add_argument("--sessions", type=int, default=10, help="for the peak of memory")
    parser.add_argument("--repeats", type=int, default=5, help="runs to take the median of")
    parser.add_argument("--folder", type=Path, help="where to put the files for a while")
    options = parser.parse_args(arguments)
    grid = tuple(options.grid)

    print(hardware())
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        root = folder / "nsd"
        file = root / FOLDER / "betas_session01.hdf5"
        write_session(file, options.trials, grid)
        for session in range(2, options.sessions + 1):
            file.with_name(f"betas_session{session:02d}.hdf5").hardlink_to(file)
        mask = region(grid, options.voxels)
        print(f"{options.trials} trials, {grid} voxels, {file.stat().st_size / 1e9:.2f} GB; "
              f"{mask.sum()} voxels; median of {options.repeats}")  # fmt: skip
        print_times(root, file, mask, options.repeats)
        print_memory(root, mask, options.sessions, folder)


if __name__ == "__main__":
    main()
