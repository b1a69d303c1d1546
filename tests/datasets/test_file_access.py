"""Files that are whole and cannot be read now: every reader names the true cause."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.io

from sdc_helpers.datasets import DataFormatError, load_clip_pairs, load_haxby, load_haxby_runs
from sdc_helpers.datasets._rows import raw_lines
from sdc_helpers.datasets._text_files import read_json
from sdc_helpers.datasets.errors import DataAccessError
from sdc_helpers.datasets.objects92 import _read_mat


def first_run(haxby):
    return next(load_haxby_runs("whole_brain", root=haxby.root))


HAXBY = {
    "BOLD": lambda h: h.run(1) / "bold_25mm.nii.gz",
    "events": lambda h: h.run(1) / "bold_events.tsv",
    "repetition time": lambda h: h.root / "scan_key.txt",
    "categories": lambda h: h.condition_key,
    "mask": lambda h: h.root / "sub001/masks/25mm/vt.nii.gz",
}


@pytest.mark.parametrize("kind", HAXBY)
def test_haxby(haxby, assert_told, kind):
    read = (lambda: load_haxby("whole_brain", mask="vt", root=haxby.root)) if kind == "mask" else (
        lambda: first_run(haxby)
    )  # fmt: skip
    assert_told(HAXBY[kind](haxby), read, DataAccessError)


def test_arrays(tmp_path, assert_told):
    vectors = np.random.default_rng(2).normal(size=(2, 500, 512))
    vectors /= np.linalg.norm(vectors, axis=-1, keepdims=True)
    file = tmp_path / "features_clip.npy"
    np.save(file, vectors.astype(np.float32))
    assert_told(file, lambda: load_clip_pairs(tmp_path), DataAccessError)


def test_matlab(tmp_path, assert_told):
    file = tmp_path / "one.mat"
    scipy.io.savemat(file, {"RDMs": np.array([(1,)], dtype=[("RDM", "O")])})
    assert_told(file, lambda: _read_mat(file, ("RDMs",)), DataAccessError)


@pytest.mark.parametrize("read", [lambda f: list(raw_lines(f)), read_json])
def test_text(tmp_path, assert_told, read):
    file = tmp_path / "some.json"
    file.write_text('{"a": 1}')
    assert_told(file, lambda: read(file), DataAccessError)


def test_a_damaged_file_is_still_said_to_be_damaged(haxby):
    file = haxby.bold(2)
    file.write_bytes(file.read_bytes()[:-40])
    with pytest.raises(
        DataFormatError, match=r"bold_1slice.*truncated or damaged.*again"
    ) as caught:
        list(load_haxby_runs("slice", root=haxby.root))
    assert not isinstance(caught.value, DataAccessError)


def test_text_of_another_encoding_is_not_called_damaged(haxby):
    events = haxby.run(1) / "bold_events.tsv"
    events.write_bytes(events.read_bytes().replace(b"face", "fac\xe9".encode("latin-1")))
    with pytest.raises(DataFormatError, match=r"not UTF-8 text; save it as UTF-8") as caught:
        first_run(haxby)
    assert "damaged" not in str(caught.value)
