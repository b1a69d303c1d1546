"""NSD files that are whole and cannot be read now, and files that refer to others."""

from __future__ import annotations

import shutil
import subprocess
import sys

import h5py
import numpy as np
import pytest

from sdc_helpers.datasets.errors import DataAccessError
from sdc_helpers.datasets.nsd import NSD

P = "subj01"
LOCK = "import h5py, sys; h = h5py.File(sys.argv[1], 'r+'); print(1, flush=True); input()"
DOORS = {
    "betas": (lambda t: t.betas(P, 2), lambda n: n.betas(P, np.array([0]), bad_voxels="keep")),
    "stimuli": (lambda t: t.stimuli, lambda n: n.stimuli([3])),
    "trials": (lambda t: t.responses(P), lambda n: n.trials(P)),
    "images": (lambda t: t.stim_info, lambda n: NSD(n.root, cache=False).trials(P)),
    "captions": (
        lambda t: t.captions("val2017"),
        lambda n: NSD(n.root, cache=False).captions([1]),
    ),
    "roi": (
        lambda t: t.functional(P) / "roi/floc-faces.nii.gz",
        lambda n: n.roi(P, "floc-faces"),
    ),
    "labels": (lambda t: t.table(P, "floc-faces"), lambda n: n.roi(P, "floc-faces")),
    "brain mask": (lambda t: t.functional(P) / "brainmask.nii.gz", lambda n: n.brainmask(P)),
    "affine": (lambda t: t.functional(P) / "brainmask.nii.gz", lambda n: n.affine(P)),
    "ncsnr": (lambda t: t.betas(P, 1).with_name("ncsnr.nii.gz"), lambda n: n.ncsnr(P)),
}


@pytest.mark.parametrize("door", DOORS)
def test_the_cause_is_named(tree, nsd, assert_told, door):
    file, read = DOORS[door]
    assert_told(file(tree), lambda: read(nsd), DataAccessError)


def test_pictures_locked_by_another_process(tree, nsd):
    other = subprocess.Popen(
        [sys.executable, "-c", LOCK, str(tree.stimuli)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert other.stdout.readline() == "1\n"
    try:
        with pytest.raises(DataAccessError, match=r"nsd_stimuli.*another process holds it locked"):
            nsd.stimuli([1])
    finally:
        other.communicate("\n")
    assert nsd.stimuli([1]).shape == (1, 4, 5, 3)


def test_pictures_packed_with_a_filter_that_is_not_there(tree, nsd):
    with h5py.File(tree.stimuli, "w") as handle:
        options = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        options.set_chunk((1, 4, 5, 3))
        options.set_filter(32015, h5py.h5z.FLAG_OPTIONAL)  # zstd
        space = h5py.h5s.create_simple((60, 4, 5, 3))
        brick = h5py.h5d.create(handle.id, b"imgBrick", h5py.h5t.NATIVE_UINT8, space, options)
        brick.write_direct_chunk((0, 0, 0, 0), bytes(60))
    with pytest.raises(DataAccessError, match=r"filter that is not installed.*pip install hdf5"):
        nsd.stimuli([1])


@pytest.mark.parametrize("link", ["soft", "external"])
def test_pictures_that_are_a_link_to_nothing(tree, nsd, link):
    with h5py.File(tree.stimuli, "w") as handle:
        handle["imgBrick"] = (
            h5py.SoftLink("/pictures") if link == "soft" else h5py.ExternalLink("other.h5", "/x")
        )
    target = "/pictures" if link == "soft" else "other.h5:/x"
    with pytest.raises(DataAccessError, match=rf"'imgBrick' is a link to {target}, which cannot"):
        nsd.stimuli([1])


@pytest.mark.parametrize("storage", ["virtual", "external"])
def test_betas_stored_in_a_file_that_is_not_there(tree, nsd, storage):
    """HDF5 reads them as its fill value, 0, and says nothing."""
    file, shape = tree.betas(P, 2), tree.stored[P, 2].shape
    part = file.with_name("part.bin")
    if storage == "virtual":
        file.rename(part)
        layout = h5py.VirtualLayout(shape, "i2")
        layout[:] = h5py.VirtualSource(part.name, "betas", shape)
        with h5py.File(file, "w") as handle:
            handle.create_virtual_dataset("betas", layout)
    else:
        part.write_bytes(tree.stored[P, 2].tobytes())
        with h5py.File(file, "w") as handle:
            external = [(part.name, 0, h5py.h5f.UNLIMITED)]
            handle.create_dataset("betas", shape, "i2", external=external)
    voxels = np.array([30, 40])
    if storage == "virtual":
        mask = np.zeros(tree.grids[P], dtype=bool)
        mask.ravel()[voxels] = True
        expected = tree.naive(P, [2], mask)
        assert np.array_equal(nsd.betas(P, voxels, [2], bad_voxels="keep"), expected)
    shutil.move(part, part.with_name("moved"))
    with pytest.raises(DataAccessError, match=r"'betas' is stored in other .*part\.bin is not"):
        nsd.betas(P, voxels, [2], bad_voxels="keep")


def test_names_of_the_system_are_no_data(tree, nsd):
    before = nsd.rois(P), nsd.sessions(P), nsd.participants
    for file in (
        tree.functional(P) / "roi/._floc-faces.nii.gz",
        tree.functional(P) / "roi/.DS_Store",
        tree.betas(P, 1).with_name("._betas_session01.hdf5"),
        tree.functional(P).parent.with_name("._subj04") / "x",
    ):
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(b"\0\5\26\7")
    assert (nsd.rois(P), nsd.sessions(P), nsd.participants) == before
