"""What the Haxby reader says about bad arguments and about files that are not what they say."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from sdc_helpers.datasets import (
    DataFormatError,
    block_means,
    category_model,
    load_haxby,
    load_haxby_runs,
)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"view": "sagittal"}, r"view='sagittal'.*'slice', 'whole_brain'"),
        ({"view": "whole_brain", "mask": "v1"}, r"mask='v1'.*'brain', 'gray', 'vt'"),
        ({"view": "slice", "mask": "vt"}, r"mask='vt' belongs to view='whole_brain'"),
        ({"mean_run": 13}, r"mean_run=13 is unknown"),
        ({"min_mean": np.nan}, r"min_mean=nan"),
        ({"min_mean": "high"}, r"min_mean='high'"),
        ({"min_mean": 1e9}, r"leave no voxel"),
        ({"shift_s": -1.0}, r"shift_s=-1.0"),
        ({"shift_s": np.nan}, r"shift_s=nan"),
        ({"shift_s": "5"}, r"shift_s='5'"),
        ({"shift_s": 30.0}, r"shift_s=30: the block at 14 s.*smaller shift"),
    ],
)
def test_bad_arguments(haxby, arguments, match):
    with pytest.raises(ValueError, match=match):
        load_haxby(root=haxby.root, **arguments)


def test_unknown_run_is_refused_at_the_call(haxby):
    with pytest.raises(ValueError, match=r"runs=4 is unknown; expected one of \[1, 2, 3\]"):
        load_haxby_runs(runs=[1, 4], root=haxby.root)


def test_block_without_a_volume():
    with pytest.raises(ValueError, match="at least one volume"):
        block_means(np.zeros((10, 2)), [2.0], [0.0], tr=2.0)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        (([],), r"expected \(n,\) with n >= 1"),
        ((["face"], ["house"]), r"\['face'\], which names does not list"),
        ((["face"], ["face", "face"]), "a name twice"),
    ],
)
def test_bad_categories(arguments, match):
    with pytest.raises(ValueError, match=match):
        category_model(*arguments)


def break_shape(haxby) -> str:
    haxby.write_bold(2, np.ones((4, 2, 1, 20), np.int16))
    return r"run002.bold_1slice.*shape \(4, 2, 1\).*not lie on the grid of .*run001.*\(4, 3, 1\)"


def break_volumes(haxby) -> str:
    haxby.write_bold(2, np.ones((4, 3, 1, 10), np.int16))
    return r"run002.bold_events\.tsv: a block ends at 30 s.*10 volumes and ends at 20 s"


def break_dimensions(haxby) -> str:
    haxby.write_bold(2, np.ones((4, 3, 1), np.int16))
    return r"run002.bold_1slice.*expected \(x, y, z, volumes\)"


def break_tr(haxby) -> str:
    data = np.ones((4, 3, 1, 20), np.int16)
    haxby.write_bold(2, data, tr=3.0)
    return r"run002.bold_1slice.*header says 3 s a volume, scan_key.txt says 2 s"


def break_nan(haxby) -> str:
    data = np.full((4, 3, 1, 20), np.nan, np.float32)
    haxby.write_bold(2, data)
    return r"run002.bold_1slice.*finite real numbers"


def break_not_nifti(haxby) -> str:
    haxby.bold(2).write_bytes(b"<html>not found</html>")
    return r"run002.bold_1slice\.nii\.gz cannot be read as NIfTI"


def break_gzipped_text(haxby) -> str:
    haxby.bold(2).write_bytes(gzip.compress(b"hello" * 500))
    return r"run002.bold_1slice\.nii\.gz cannot be read as NIfTI"


def break_truncated(haxby) -> str:
    file = haxby.bold(2)
    file.write_bytes(file.read_bytes()[:-60])
    return r"run002.bold_1slice\.nii\.gz cannot be read as NIfTI"


def break_no_bold(haxby) -> str:
    haxby.bold(2).unlink()
    return r"run002.bold_1slice\.nii\.gz is not there"


def break_late_event(haxby) -> str:
    haxby.write_events(3, [*haxby.events, (36.0, 6.0, "cat")])
    return r"run003.bold_events\.tsv: a block ends at 42 s"


def break_early_event(haxby) -> str:
    haxby.write_events(3, [(-2.0, 6.0, "cat"), *haxby.events])
    return r"run003.bold_events\.tsv, line 2: onset '-2.0'"


def break_category(haxby) -> str:
    haxby.write_events(3, [*haxby.events, (32.0, 2.0, "dog")])
    return r"run003.bold_events\.tsv, line 5: unknown category 'dog'.*house, cat, face"


def break_number(haxby) -> str:
    haxby.write_events(3, [("soon", 6.0, "cat")])
    return r"run003.bold_events\.tsv, line 2: onset 'soon'"


def break_short_row(haxby) -> str:
    haxby.write_events(3, [(4.0,)])
    return r"run003.bold_events\.tsv: the last line '4\.0' has 1 fields where the header has 3"


def break_columns(haxby) -> str:
    haxby.write_events(3, haxby.events, header=("time", "length", "what"))
    return r"run003.bold_events\.tsv: columns are \['time', 'length', 'what'\]"


def break_no_events(haxby) -> str:
    haxby.write_events(3, [])
    return r"run003.bold_events\.tsv: no events"


def break_events_binary(haxby) -> str:
    (haxby.run(3) / "bold_events.tsv").write_bytes(b"\xff\xfe\x00\x80")
    return r"run003.bold_events\.tsv cannot be read as text"


def break_scan_key(haxby) -> str:
    (haxby.root / "scan_key.txt").write_text("TR fast\n")
    return r"scan_key\.txt: expected a line `TR <seconds>`"


def break_condition_key(haxby) -> str:
    haxby.condition_key.write_text("house cat\n")
    return r"condition_key\.txt: expected lines"


def break_no_runs(haxby) -> str:
    (haxby.root / "sub001" / "BOLD").rename(haxby.root / "elsewhere")
    return r"BOLD holds no folder task001_run001"


BREAKAGES = [value for name, value in sorted(globals().items()) if name.startswith("break_")]


@pytest.mark.parametrize("damage", BREAKAGES, ids=lambda f: f.__name__.removeprefix("break_"))
def test_bad_file_is_named(haxby, damage):
    match = damage(haxby)
    with pytest.raises(DataFormatError, match=match):
        load_haxby(root=haxby.root)


@pytest.mark.parametrize(
    ("mask", "match"),
    [
        (np.ones((3, 3, 3), np.int16), r"vt\.nii\.gz \(shape \(3, 3, 3\).*grid of .*\(2, 2, 3\)"),
        (np.zeros((2, 2, 3), np.int16), r"vt\.nii\.gz: the mask is empty"),
    ],
)
def test_bad_mask(haxby, mask, match):
    haxby.write_mask("vt", mask)
    with pytest.raises(DataFormatError, match=match):
        load_haxby("whole_brain", mask="vt", root=haxby.root)
