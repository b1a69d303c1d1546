"""One participant of NSD's size: betas on disk, a decoder fitted, time and memory over trials.

Writes sessions of 750 trials in the real layout (int16, one chunk a voxel) into a temporary folder,
which is removed at the end: voxels whose responses are linear in random unit vectors, in place of
CLIP's embeddings, and a sixth that are noise alone. For each number of sessions a fresh process
does what chapter 08 does in profile full: voxels chosen by their noise ceiling, their betas as a
memory map, a contrastive decoder fitted for some steps from batches on disk, validation trials
decoded. The largest size takes 2 GB of disk.

"MB of its own" is the peak of memory that is no page of a file; "resident MB" is the peak of all
that the process had in memory, pages of mapped files included, which the system takes back when
it needs them. Seconds are of CPU.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import h5py
import numpy as np
from _report import PeakMemory, hardware, print_table

PARTICIPANT = "subj01"
FOLDER = f"nsddata_betas/ppdata/{PARTICIPANT}/func1pt8mm/betas_fithrf_GLMdenoise_RR"
SESSION, SHOWINGS = 750, 3
NOISE = 2.0  # standard deviation beside a signal of about 1
VOXELS_AT_A_TIME = 1000
WHOLE = (8, 30_000)  # participants of NSD, and trials of one who came to all sessions


def write_tree(root: Path, n_sessions: int, vectors: np.ndarray, grid: tuple[int, ...]) -> None:
    """Write one participant, a session and some voxels at a time."""
    import nibabel

    rng = np.random.default_rng(1)
    n_images, n_voxels = len(vectors), int(np.prod(grid))
    tuning = rng.standard_normal((vectors.shape[1], n_voxels), dtype=np.float32)
    tuning[:, rng.permutation(n_voxels)[: n_voxels // 6]] = 0
    info = root / "nsddata/experiments/nsd/nsd_stim_info_merged.csv"
    info.parent.mkdir(parents=True)
    rows = "".join(f"{i},{i + 1},train2017,False\n" for i in range(n_images))
    info.write_text("nsdId,cocoId,cocoSplit,shared1000\n" + rows)
    own = root / "nsddata/ppdata" / PARTICIPANT
    (own / "func1pt8mm").mkdir(parents=True)
    brain = nibabel.Nifti1Image(np.ones(grid, np.uint8), np.diag([1.8, 1.8, 1.8, 1]))
    nibabel.save(brain, own / "func1pt8mm/brainmask.nii.gz")
    lines = ["SUBJECT\tSESSION\tRUN\tTRIAL\t73KID"]
    images_a_session = SESSION // SHOWINGS
    for session in range(n_sessions):
        first = session * images_a_session
        shown = rng.permutation(np.repeat(np.arange(first, first + images_a_session), SHOWINGS))
        lines += [f"1\t{session + 1}\t1\t{t + 1}\t{image + 1}" for t, image in enumerate(shown)]
        write_session(session_file(root, session), vectors[shown], tuning, grid, rng)
    (own / "behav").mkdir()
    (own / "behav/responses.tsv").write_text("\n".join([*lines, ""]))


def session_file(root: Path, session: int) -> Path:
    """Return the file of a session, counted from 0."""
    return root / FOLDER / f"betas_session{session + 1:02d}.hdf5"


def write_session(
    file: Path,
    seen: np.ndarray,
    tuning: np.ndarray,
    grid: tuple[int, ...],
    rng: np.random.Generator,
) -> None:
    """Write one file, chunk by chunk."""
    file.parent.mkdir(parents=True, exist_ok=True)
    x, y, z = np.unravel_index(np.arange(tuning.shape[1]), grid)
    with h5py.File(file, "w") as handle:
        shape = (len(seen), *grid[::-1])
        betas = handle.create_dataset("betas", shape, "<i2", chunks=(len(seen), 1, 1, 1))
        for start in range(0, tuning.shape[1], VOXELS_AT_A_TIME):
            part = slice(start, start + VOXELS_AT_A_TIME)
            signal = tuning[:, part].T @ seen.T
            signal += NOISE * rng.standard_normal(signal.shape, dtype=np.float32)
            stored = np.rint(300 * signal).clip(-32768, 32767).astype("<i2")
            for row, place in zip(stored, zip(z[part], y[part], x[part], strict=True), strict=True):
                betas.id.write_direct_chunk((0, *map(int, place)), row.tobytes())


def part_of_tree(root: Path, n_sessions: int, to: Path) -> None:
    """Make a tree of the first sessions, whose files are hard links."""
    shutil.copytree(root / "nsddata", to / "nsddata")
    (to / FOLDER).mkdir(parents=True)
    for session in range(n_sessions):
        session_file(to, session).hardlink_to(session_file(root, session))
    table = to / "nsddata/ppdata" / PARTICIPANT / "behav/responses.tsv"
    lines = table.read_text().splitlines(keepends=True)
    table.write_text("".join(lines[: 1 + n_sessions * SESSION]))


def measure(root: Path, cache: Path, vectors: np.ndarray, options: dict) -> dict[str, float]:
    """Do the chapter's work in this process, and return what it took."""
    from sdc_helpers.datasets import NSD, split_sdc2025
    from sdc_helpers.decoding import ContrastiveDecoder
    from sdc_helpers.studies.decoding_study import hits
    from sdc_helpers.studies.participants import ImageEmbeddings, fit_decoders, load_participants

    nsd = NSD(root, cache=cache / "nsd")
    embeddings = ImageEmbeddings(np.arange(1, len(vectors) + 1), vectors)
    split = split_sdc2025({PARTICIPANT: nsd.trials(PARTICIPANT)}, 0, *[options["held_out"]] * 2)
    decoder = ContrastiveDecoder(
        lr=3e-3, n_steps=options["steps"], n_runs=options["runs"], evaluate_every=options["steps"]
    )
    decoder.fit(np.eye(200, dtype=np.float32), np.eye(200, dtype=np.float32))  # imports
    with PeakMemory() as memory:
        clocks = [time.process_time()]
        data = load_participants(nsd, embeddings, split)
        clocks.append(time.process_time())
        fitted = fit_decoders(data, decoder, cache=cache / "decoders")[PARTICIPANT]
        clocks.append(time.process_time())
        fold = data[PARTICIPANT].fold("validation")
        found = hits(fitted.predict(fold[0]), fold).mean()
    seconds = np.diff(clocks)
    n_trials, n_voxels = data[PARTICIPANT].responses.shape
    resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    disk = sum(file.stat().st_size for file in cache.rglob("*") if file.is_file())
    return {
        "trials": n_trials,
        "voxels": n_voxels,
        "read": seconds[0],
        "fit": seconds[1],
        "own": memory.mb,
        "resident": resident,
        "disk": disk / 1e6,
        "hits": found,
    }


def print_growth(rows: list[dict[str, float]], options: dict) -> None:
    """Print what each size took, and what follows for all of NSD."""
    header = (
        "trials",
        "voxels",
        "read, s",
        "fit, s",
        "MB of its own",
        "resident MB",
        "cache MB",
    )
    names = ("trials", "voxels", "read", "fit", "own", "resident", "disk")
    cells = [[f"{row[name]:,.1f}".removesuffix(".0") for name in names] for row in rows]
    print_table(
        (*header, "top-1, %"), [[*c, f"{r['hits']:.1f}"] for c, r in zip(cells, rows, strict=True)]
    )
    if len(rows) < 2:
        return
    trials = [row["trials"] for row in rows]
    slope = {name: np.polyfit(trials, [row[name] for row in rows], 1) for name in names[2:]}
    people, most = WHOLE
    each = {name: float(np.polyval(line, most)) for name, line in slope.items()}
    step = rows[-1]["fit"] / options["steps"] / options["runs"]
    weights = 4 * rows[-1]["voxels"] * options["dims"] / 1e9
    print(
        f"\nComputed by straight lines for all of NSD ({people} participants x {most:,} trials, as "
        f"many voxels): reading {people * each['read'] / 60:.1f} min, a participant at a time "
        f"{each['own'] / 1e3:.1f} GB of its own and {each['resident'] / 1e3:.1f} GB resident, "
        f"{people * each['disk'] / 1e3:.0f} GB of cache. A step of a run takes {step:.2f} s at the "
        f"largest size, checks of the trials included: 20 runs x 400 steps of everybody "
        f"{people * 20 * 400 * step / 3600:.1f} h. Weights of all their runs, kept in memory: "
        f"{people * 20 * weights:.1f} GB."
    )


def main(arguments: list[str] | None = None) -> None:
    """Write the files, measure each size in a process of its own, and remove them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sessions", type=int, nargs="+", default=[2, 4, 8, 14])
    parser.add_argument("--grid", type=int, nargs=3, default=(36, 25, 20), metavar=("X", "Y", "Z"))
    parser.add_argument("--dims", type=int, default=512, help="of the embeddings")
    parser.add_argument("--held-out", type=int, default=100, help="images to test, and to validate")
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--runs", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="where to put the files for a while")
    parser.add_argument("--child", nargs=2, type=Path, help=argparse.SUPPRESS)
    options = vars(parser.parse_args(arguments))
    n_images = max(options["sessions"]) * SESSION // SHOWINGS
    vectors = np.random.default_rng(0).standard_normal((n_images, options["dims"]), np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    if options["child"]:
        print(json.dumps(measure(*options["child"], vectors, options)))
        return
    print(hardware())
    with tempfile.TemporaryDirectory(dir=options["folder"]) as name:
        whole = Path(name) / "whole"
        write_tree(whole, max(options["sessions"]), vectors, tuple(options["grid"]))
        rows = []
        for n_sessions in options["sessions"]:
            root, cache = Path(name) / "part", Path(name) / "cache"
            part_of_tree(whole, n_sessions, root)
            command = [
                sys.executable,
                __file__,
                *(sys.argv[1:] if arguments is None else arguments),
            ]
            command += ["--child", str(root), str(cache)]
            answer = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            rows.append(json.loads(answer.stdout))
            shutil.rmtree(root)
            shutil.rmtree(cache)
    print(
        f"\n{options['steps']} steps x {options['runs']} runs, batch 128, {options['dims']} "
        f"dimensions, {options['held_out']} validation images"
    )
    print_growth(rows, options)


if __name__ == "__main__":
    main()
