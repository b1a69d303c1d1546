"""Studies written as a folder of one's own: the simulated participants, V4 neurons, a film.

The files are those that `sdc_helpers.studies.own_data` reads. A folder appears whole or not at all.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sdc_helpers._checks import check_count
from sdc_helpers._files import atomic_folder, check_unused
from sdc_helpers._paths import simulated_root
from sdc_helpers.datasets import NSD, load_studyforrest, load_v4, volume_shares
from sdc_helpers.embeddings import caption_average, embed_captions, embed_images
from sdc_helpers.embeddings.clip import COURSE_MODEL, load_clip
from sdc_helpers.simulate import simulated_nsd
from sdc_helpers.simulate.cache import locked
from sdc_helpers.studies.own_contract import FILE, Description
from sdc_helpers.studies.own_files import STIMULUS
from sdc_helpers.studies.own_participant import OwnParticipant

V4_ANIMALS = {"WE": "190923", "PE": "201025", "RA": "210621"}
"""Recording session of each animal."""
FILM_DELAY_S = 5.0
"""Seconds from what happens in the film to what the blood shows."""
_FILM_COLUMNS = ("setting", "int_or_ext", "time_of_day")
_FORM = 1  # of the files; a change makes the simulated export anew


def write_own_data(
    folder: str | Path,
    description: dict[str, Any],
    stimuli: Sequence[str],
    embeddings: np.ndarray,
    participants: Sequence[OwnParticipant],
    *,
    texts: np.ndarray | None = None,
    captions: Sequence[str] | None = None,
) -> Path:
    """Write a study as a folder with ``study.toml``.

    Parameters
    ----------
    folder : path
        Not there yet, or empty.
    description : dict
        Fields of `Description`, without the names of files, which are added.
    stimuli : sequence of str
        Names of the n stimuli.
    embeddings : array of shape (n, d)
        Embedding of each.
    participants : sequence of OwnParticipant
        Responses as they are to stand in the files.
    texts : array of shape (n, d), optional
        Embedding of a text for each stimulus.
    captions : sequence of str, optional
        A caption of each.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    ValueError
        If the folder holds something already, or as pydantic refuses the description.
    """
    folder = Path(folder).expanduser()
    check_unused(folder)
    described: dict[str, Any] = {**description, "embeddings": {**description["embeddings"]}}
    described["embeddings"] |= {"file": "embeddings.npy", "stimuli": "stimuli.tsv"}
    if texts is not None:
        described["embeddings"]["texts"] = "texts.npy"
    columns = {STIMULUS: list(stimuli)} | ({} if captions is None else {"caption": list(captions)})
    with atomic_folder(folder) as root:
        np.save(root / "embeddings.npy", np.array(embeddings, dtype=np.float32))
        if texts is not None:
            np.save(root / "texts.npy", np.array(texts, dtype=np.float32))
        _write_table(root / "stimuli.tsv", columns)
        described["participants"] = [_write_participant(root, one) for one in participants]
        Description.model_validate(described)
        (root / FILE).write_text(_toml(described), encoding="utf-8")
    return folder


def export_simulated(
    folder: str | Path,
    profile: str = "smoke",
    seed: int = 0,
    *,
    n_participants: int | None = None,
    n_pictures: int | None = None,
) -> Path:
    """Write simulated participants as a folder of one's own.

    Parameters
    ----------
    folder : path
        Not there yet, or empty.
    profile : {"smoke", "workshop", "full"}
        Size of the simulation.
    seed : int
        Of the simulation.
    n_participants, n_pictures : int, optional
        The first participants, and the first pictures of each; all by default.

    Returns
    -------
    pathlib.Path
        The folder: single trials of voxels that see (nsdgeneral), regions, captions, and
        embeddings of pictures and captions by the course's CLIP.
    """
    nsd = NSD(simulated_nsd(profile, seed))
    names = nsd.participants[: None if n_participants is None else check_count("n", n_participants)]
    participants, seen = [], []
    for name in names:
        trials = nsd.trials(name, with_betas=True)
        order = trials["image_id"].drop_duplicates().to_numpy()
        if n_pictures is not None:
            order = order[: check_count("n_pictures", n_pictures, 8)]
        kept = trials["image_id"].isin(order).to_numpy()
        mask = nsd.roi(name, "nsdgeneral").volume > 0
        streams = nsd.roi(name, "streams")
        rois = [streams.labels.get(k, "") for k in streams.volume[mask].tolist()]
        trials = trials[kept]
        participants.append(
            OwnParticipant(
                name,
                nsd.betas(name, mask, bad_voxels="keep")[kept],
                np.array([f"image{i}" for i in trials["image_id"]]),
                trials["session"].to_numpy().astype(str),
                trials["run"].to_numpy().astype(str),
                np.array(["" if roi == "Unknown" else roi for roi in rois]),
                0,
            )
        )
        seen.append(order)
    ids = np.unique(np.concatenate(seen))
    clip, captions = load_clip(COURSE_MODEL), nsd.captions(ids)
    description = {
        "name": f"Simulated participants ({profile}, seed {seed})",
        "kind": "simulated",
        "embeddings": {"label": "CLIP, pictures", "texts_label": "CLIP, captions"},
        "design": {"repetitions": "average", "zscore": "session"},
    }
    return write_own_data(
        folder, description, [f"image{i}" for i in ids],
        embed_images(clip, nsd.stimuli(ids), cache=True).vectors, participants,
        texts=caption_average(embed_captions(clip, captions, cache=True)).vectors,
        captions=[texts[0] for texts in captions],
    )  # fmt: skip


def simulated_own_data(
    profile: str, seed: int, n_participants: int | None, n_pictures: int | None
) -> Path:
    """Return the export of simulated participants, which is written if it is not there.

    Parameters
    ----------
    profile, seed, n_participants, n_pictures
        As in `export_simulated`.

    Returns
    -------
    pathlib.Path
        In ``simulated`` of the data folder, or of ``SDC_CACHE``; its name changes with what makes
        it.
    """
    source = simulated_nsd(profile, seed).name
    made_of = json.dumps([source, n_participants, n_pictures, COURSE_MODEL, _FORM])
    digest = hashlib.sha256(made_of.encode()).hexdigest()[:12]
    folder = simulated_root(f"own-{profile}-{seed}-{digest}", FILE)
    if (folder / FILE).is_file():
        return folder
    with locked(folder):
        if not (folder / FILE).is_file():
            export_simulated(
                folder, profile, seed, n_participants=n_participants, n_pictures=n_pictures
            )
    return folder


def export_v4(
    folder: str | Path, n_pictures: int | None = None, root: str | Path | None = None
) -> Path:
    """Write the neurons of three animals, who saw different pictures, as a folder of one's own.

    Parameters
    ----------
    folder : path
        Not there yet, or empty.
    n_pictures : int, optional
        The first distinct pictures of each animal; all by default.
    root : path, optional
        Folder of the recordings; by default the registered ones.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    DataUnavailableError
        If the recordings are neither on disk nor can be fetched.
    """
    clip, participants, names, vectors = load_clip(COURSE_MODEL), [], [], []
    for animal, session in V4_ANIMALS.items():
        read = load_v4(session, root)
        rows = read.distinct[:n_pictures]
        stimuli = [f"{session} picture {k:04d}" for k in rows]
        participants.append(
            OwnParticipant(animal, read.responses[rows], np.array(stimuli), None, None, None, 0)
        )
        names += stimuli
        vectors.append(embed_images(clip, read.pictures[rows], cache=True).vectors)
    description = {
        "name": "Neurons of macaque V4",
        "source": "Cowley, Stan, Pillow & Smith (2023)",
        "embeddings": {"label": "course CLIP, pictures"},
    }
    return write_own_data(folder, description, names, np.concatenate(vectors), participants)


def export_studyforrest(folder: str | Path, root: str | Path | None = None) -> Path:
    """Write two runs of a film, volumes in the order of time, as a folder of one's own.

    The embeddings are annotations: how much of each volume's time, the delay of the blood taken
    off, is at each setting, inside or outside, by day or night.

    Parameters
    ----------
    folder : path
        Not there yet, or empty.
    root : path, optional
        Folder of the recordings; by default the registered ones.

    Returns
    -------
    pathlib.Path

    Raises
    ------
    DataUnavailableError
        If the recordings are neither on disk nor can be fetched.
    """
    runs = {number: load_studyforrest(number, root) for number in (2, 8)}
    columns: dict[str, list[np.ndarray]] = {}
    lengths = {number: run.series.shape[1] for number, run in runs.items()}
    for number, run in runs.items():
        for column in _FILM_COLUMNS:
            found = volume_shares(
                run.annotations["locations"], column, lengths[number], delay_s=FILM_DELAY_S
            )
            for value, shares in zip(found.values, found.shares.T, strict=True):
                parts = columns.setdefault(
                    f"{column} {value}", [np.zeros(n) for n in lengths.values()]
                )
                parts[list(runs).index(number)] = shares
    names = [f"run {number} volume {k:03d}" for number, n in lengths.items() for k in range(n)]
    labels = np.concatenate([np.full(n, str(number)) for number, n in lengths.items()])
    people = runs[2].participants
    participants = [
        OwnParticipant(
            name,
            np.concatenate([run.series[run.participants.index(name)] for run in runs.values()]),
            np.array(names), None, labels, None, 0,
        )
        for name in people
    ]  # fmt: skip
    description = {
        "name": "studyforrest: two runs of a film",
        "source": "Hanke et al. (2016); locations by Haeusler & Hanke (2016)",
        "embeddings": {"label": "annotated settings"},
        "design": {"time_ordered": True, "correlated_rows": 5, "zscore": "run"},
    }
    embeddings = np.column_stack([np.concatenate(parts) for parts in columns.values()])
    return write_own_data(folder, description, names, embeddings, participants)


def _write_participant(root: Path, one: OwnParticipant) -> dict[str, str]:
    """Write one participant's files; return the fields of the description."""
    (root / one.name).mkdir()
    files = {"responses": f"{one.name}/responses.npy", "rows": f"{one.name}/rows.tsv"}
    np.save(root / files["responses"], one.responses.astype(np.float32))
    columns = {STIMULUS: one.stimuli, "session": one.sessions, "run": one.runs}
    given = {name: list(column) for name, column in columns.items() if column is not None}
    _write_table(root / files["rows"], given)
    if one.rois is not None:
        files["rois"] = f"{one.name}/rois.tsv"
        _write_table(root / files["rois"], {"roi": list(one.rois)})
    return {"name": one.name, **files}


def _write_table(file: Path, columns: dict[str, list[str]]) -> None:
    import pandas as pd

    pd.DataFrame(columns).to_csv(file, sep="\t", index=False, encoding="utf-8")


def _toml(described: dict[str, Any]) -> str:
    """Write a description; JSON's strings, numbers and booleans are TOML's."""
    simple = {k: v for k, v in described.items() if not isinstance(v, dict | list)}
    blocks = ["\n".join(f"{k} = {json.dumps(v)}" for k, v in simple.items())]
    tables = [(f"[{k}]", v) for k, v in described.items() if isinstance(v, dict)]
    tables += [("[[participants]]", one) for one in described["participants"]]
    for head, fields in tables:
        blocks.append("\n".join([head, *(f"{k} = {json.dumps(v)}" for k, v in fields.items())]))
    return "\n\n".join(blocks) + "\n"
