"""MEG over time: shuffles against recomputation, and memory of the reader.

(a) five groups of sensors x three layers x 121 times, four participants, 200 images: a shuffle of
all of it, against debiased CKA recomputed from the features at each point;
(b) a recording of 300 MB in parts: what `THINGSMEG` takes above the memory after importing MNE,
against loading the same trials with MNE at once. Each in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from _report import hardware, print_table

from sdc_helpers.alignment import cka, gram, time_resolved_cka
from sdc_helpers.alignment.kernels import unit_kernel

SENSORS = {"O": 39, "T": 67, "P": 45, "C": 52, "F": 68}


def shuffles(n: int, n_times: int, n_shuffles: int, n_timed: int) -> None:
    """Print (a): CPU milliseconds a shuffle, and the ratio."""
    rng = np.random.default_rng(0)
    responses = {
        group: [rng.standard_normal((n, k, n_times), dtype=np.float32) for _ in range(4)]
        for group, k in SENSORS.items()
    }
    features = {f"layer {k}": rng.standard_normal((n, 512)) for k in range(3)}
    layers = {name: gram(X) for name, X in features.items()}
    times = np.arange(n_times) / 200

    def ours(count: int) -> float:
        start = time.process_time()
        time_resolved_cka(responses, layers, times, count, rng=0)
        return time.process_time() - start

    few, many = ours(19), ours(19 + n_shuffles)
    a_shuffle = (many - few) / n_shuffles
    orders = [rng.permutation(n) for _ in range(n_timed)]
    start = time.process_time()
    for order, group, t in zip(orders, list(SENSORS) * n_timed, range(n_timed), strict=False):
        for X in features.values():
            np.mean([cka(field[:, :, t % n_times], X[order]) for field in responses[group]])
    points = len(SENSORS) * n_times
    recomputed = (time.process_time() - start) / n_timed * points
    from_kernels = one_point_at_a_time(responses["O"], layers, orders) * points
    print(f"\n(a) 5 groups x 3 layers x {n_times} times, 4 participants, n = {n}, one process")
    timed = f"{n_timed} of {points} points"
    print_table(
        ("", "ms of CPU a shuffle", "ratio", "timed"),
        [
            ("time_resolved_cka, after the kernels", f"{1e3 * a_shuffle:.2f}", "1", n_shuffles),
            *(
                (name, f"{1e3 * seconds:.0f}", f"{seconds / a_shuffle:.0f}", timed)
                for name, seconds in (
                    ("recomputed: cka of the features", recomputed),
                    ("kernels kept, one product a point", from_kernels),
                )
            ),
            ("kernels and 19 shuffles, once", f"{1e3 * few:.0f}", "", "1"),
        ],
    )


def one_point_at_a_time(
    fields: list[np.ndarray], layers: dict[str, np.ndarray], orders: list[np.ndarray]
) -> float:
    """Seconds a point where unit kernels are kept, and each participant and layer is gathered."""
    K = [unit_kernel(gram(field[:, :, 0], centre=True), "debiased", "K") for field in fields]
    L = [unit_kernel(layer, "debiased", "L") for layer in layers.values()]
    start = time.process_time()
    for order in orders:
        for layer in L:
            np.mean([np.vdot(kernel, layer[np.ix_(order, order)]) for kernel in K])
    return (time.process_time() - start) / len(orders)


def write_recording(root: Path, megabytes: int) -> None:
    """Write a participant of about so many megabytes, in parts of at most 120 MB."""
    from sdc_helpers.simulate import things_images, write_things_meg

    n = int(megabytes * 1e6 / (271 * 121 * 4)) - 20 - 40
    images = things_images(n // 2, 2, 10)
    features = {name: np.random.default_rng(0).standard_normal((len(images), 5)) for name in
                ("low", "high")}  # fmt: skip
    write_things_meg(root, features, images=images, n_participants=1, split_size="120MB")


def peak_kilobytes() -> int:
    """Largest resident memory of this process so far; what it was started from does not count."""
    status = Path("/proc/self/status")
    if not status.is_file():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1])


def peak_above_import(root: str, way: str) -> None:
    """Read occipital responses in one way, and print what it took as JSON."""
    import mne

    from sdc_helpers.datasets import THINGSMEG

    file = Path(root) / "derivatives" / "preprocessed" / "preprocessed_P1-epo.fif"
    mne.create_info(1, 1.0)
    before = peak_kilobytes()
    start = time.process_time()
    if way == "reader":
        shape = THINGSMEG(root).responses("P1", "O", (0.1, 0.15)).responses.shape
    else:
        epochs = mne.read_epochs(file, preload=False, verbose="error")
        names = [name for name in epochs.ch_names if name[2] == "O"]
        picked = epochs.get_data(picks=names, tmin=0.1, tmax=0.15, verbose="error")
        shape = picked.shape
    after = peak_kilobytes()
    seconds = time.process_time() - start
    print(json.dumps({"MB": (after - before) / 1024, "seconds": seconds, "shape": list(shape)}))


def memory(megabytes: int) -> None:
    """Print (b): peak memory above that after the imports."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "meg"
        subprocess.run([sys.executable, __file__, "--write", root, str(megabytes)], check=True)
        parts = sorted(root.glob("derivatives/preprocessed/*.fif"))
        size = sum(part.stat().st_size for part in parts) / 1e6
        rows = []
        for way, name in (("reader", "THINGSMEG.responses"), ("mne", "mne, get_data(picks, tmin)")):
            command = [sys.executable, __file__, "--read", root, way]
            said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            found = json.loads(said.splitlines()[-1])
            rows.append((name, f"{found['MB']:.0f}", f"{found['seconds']:.2f}", found["shape"]))
    print(f"\n(b) 39 of 271 sensors, 100 to 150 ms, of {size:.0f} MB in {len(parts)} parts")
    print_table(("", "MB above the imports", "seconds of CPU", "shape"), rows)


def main(arguments: list[str] | None = None) -> None:
    """Run both parts."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--times", type=int, default=121)
    parser.add_argument("--shuffles", type=int, default=1000, help="0 leaves (a) out")
    parser.add_argument("--timed", type=int, default=40, help="points to recompute")
    parser.add_argument("--megabytes", type=int, default=300, help="size of the recording")
    parser.add_argument("--write", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--read", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.write:
        write_recording(Path(options.write[0]), int(options.write[1]))
    elif options.read:
        peak_above_import(*options.read)
    else:
        print(hardware("cpu"))
        if options.shuffles:
            shuffles(options.images, options.times, options.shuffles, options.timed)
        memory(options.megabytes)


if __name__ == "__main__":
    main()
