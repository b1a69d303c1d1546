"""The one door of arrays: what comes in as what, what is refused, and what stays lazy."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps
from scipy.sparse import coo_matrix, csr_array

import sdc_helpers
from sdc_helpers._checks import (
    as_array,
    as_native,
    as_tensor,
    check_device,
    check_finite,
    check_share,
    check_unit_rows,
    unit_rows,
)
from sdc_helpers.alignment import cka

PACKAGE = Path(sdc_helpers.__file__).parent
A = np.arange(6.0).reshape(3, 2)


@given(
    st.data(),
    nps.arrays(
        st.sampled_from([np.float64, np.float32, np.int64, bool]),
        nps.array_shapes(max_dims=3, max_side=4),
    ),
)
def test_any_mask_is_refused_and_an_empty_one_changes_nothing(data, values):
    mask = data.draw(nps.arrays(bool, values.shape))
    array = np.ma.MaskedArray(values, mask)
    if mask.any():
        for nested in (array, [array], [[array]]):
            with pytest.raises(ValueError, match=f"{mask.sum()} masked values"):
                as_array("x", nested)
    else:
        found = as_array("x", array)
        assert type(found) is np.ndarray
        np.testing.assert_array_equal(found, values)


class Lazy:
    """Gives its values when asked, masked ones among them, as readers of climate data do."""

    def __init__(self, values):
        self.values = values

    def __array__(self, dtype=None, copy=None):
        return self.values


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (A.tolist(), A),
        (torch.from_numpy(A).requires_grad_(), A),
        (torch.from_numpy(A).to(torch.bfloat16), A.astype(np.float32)),
        ([torch.ones(2, requires_grad=True)] * 2, np.ones((2, 2), np.float32)),
        (Lazy(A), A),
        (pd.DataFrame(A), A),
        (pd.DataFrame({"a": pd.array([1, 2], dtype="Int64"), "b": [0.5, 1]}), [[1, 0.5], [2, 1]]),
        (pd.Series([1, 2], dtype="Int64", index=[5, 4]), [1, 2]),
        (pd.Series([1.0, np.nan]), [1, np.nan]),
        (np.array([1, 2.5], dtype=object), [1, 2.5]),
        (np.matrix(A), A),
        (pd.Categorical(["b", "a"]), ["b", "a"]),
        (np.array(["b", "a"], dtype=np.dtypes.StringDType()), ["b", "a"]),
        (("b", np.str_("a")), ["b", "a"]),
    ],
)
def test_what_comes_in(values, expected):
    found = as_array("x", values)
    assert type(found) is np.ndarray
    assert found.dtype.kind in "fiU"
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (Lazy(np.ma.masked_less(A, 1)), "x has 1 masked values.*x.filled"),
        ([1.0, np.ma.masked], "1 masked values"),
        (torch.masked.as_masked_tensor(torch.ones(2), torch.tensor([True, False])), "1 masked"),
        (pd.Series([1, None], dtype="Int64"), "x has 1 missing values"),
        (pd.DataFrame({"a": pd.array([1, None], dtype="boolean")}), "1 missing"),
        (pd.Series(["a", None], dtype="string"), "1 missing"),
        (pd.Categorical(["a", None]), "1 missing"),
        (np.array(["a", np.nan], dtype=object), "1 missing"),
        (["a", np.nan], "1 missing"),
        ([1.0, None], "1 missing"),
        (["a", 1], "x mixes text with int"),
        (csr_array(A), r"x is sparse; make it dense first, with x.toarray\(\)"),
        (coo_matrix(A), "x is sparse"),
        (torch.from_numpy(A).to_sparse(), "x is sparse or nested"),
        (A * 1j, "x must hold real numbers, got complex128"),
        (pd.to_datetime(["2020-01-01"]), "x must hold real numbers, got datetime64"),
        ([[1.0], [1.0, 2.0]], "the rows differ in length"),
        ({"a": 1}, "objects such as dict"),
        (np.array([[1], [2, 3]], dtype=object), "objects such as list"),
    ],
)
@pytest.mark.filterwarnings("ignore:The PyTorch API of MaskedTensors")
def test_what_is_refused(values, message):
    for door in (as_array, as_native, as_tensor):
        with pytest.raises(ValueError, match=message):
            door("x", values)


def test_numbers_are_not_made_of_text_nor_whole_ones_of_fractions():
    with pytest.raises(ValueError, match="real numbers, got <U1"):
        as_array("x", ["1", "2"], float)
    with pytest.raises(ValueError, match=r"whole numbers, got 1\.5"):
        as_array("x", [1.0, 1.5], np.int64)
    assert as_array("x", [1.0, 2.0], np.int64).dtype == np.int64


def test_nothing_is_copied_and_memory_maps_stay_on_the_disk(tmp_path):
    assert as_array("x", A) is A
    assert np.shares_memory(as_array("x", np.ma.MaskedArray(A)), A)
    assert as_native("x", tensor := torch.from_numpy(A)) is tensor
    np.save(tmp_path / "a.npy", A)
    mapped = np.load(tmp_path / "a.npy", mmap_mode="r")
    assert isinstance(as_array("x", mapped).base, np.memmap)


def test_an_open_hdf5_dataset_is_read(tmp_path):
    other = np.random.default_rng(0).standard_normal((8, 3))
    X = np.random.default_rng(1).standard_normal((8, 3))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        dataset = file.create_dataset("x", data=X, chunks=(4, 3), compression="gzip")
        assert cka(dataset, other) == cka(X, other.tolist())
        # a frame lies column by column, so that sums are rounded in another order
        assert cka(pd.DataFrame(X), other) == pytest.approx(cka(X, other), rel=1e-12)


def test_rows_of_length_one():
    rows = unit_rows(A + 1)
    check_unit_rows("x", rows)
    check_unit_rows("x", torch.from_numpy(rows))
    check_unit_rows("x", np.full((2, 2), np.nan))  # a diverged run of a grid
    half = rows * 1.005
    check_unit_rows("x", half, torch.bfloat16)
    for wrong in (half, torch.from_numpy(half)):
        with pytest.raises(ValueError, match=r"within 0\.001; row \d has length 1\.005"):
            check_unit_rows("x", wrong)
    assert unit_rows(np.zeros((1, 2))).tolist() == [[0, 0]]
    with pytest.raises(ValueError, match="vector 0 is zero"):
        unit_rows(np.zeros((1, 2)), "x")


def test_shares_devices_and_finite_numbers():
    assert check_share("level", np.float32(0.5)) == 0.5
    for value, ends in ((0, "neither"), (1, "neither"), (0, "upper"), (np.nan, "both")):
        with pytest.raises(ValueError, match=r"level=.*expected a number"):
            check_share("level", value, ends)
    for value in (True, "0.5", None):
        with pytest.raises(ValueError, match="level="):
            check_share("level", value, "both")
    assert check_device("cpu") == torch.device("cpu")
    with pytest.raises(ValueError, match=r"device='abacus' cannot be used here; available: cpu"):
        check_device("abacus")
    check_finite("x", A)
    with pytest.raises(ValueError, match=r"x holds NaN or infinite values in 1 of 3 rows.* row 2"):
        check_finite("x", np.where(A == 5, np.inf, A))


def test_checks_need_neither_torch_nor_pandas():
    code = "import sdc_helpers._checks, sys; print({'torch', 'pandas'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


# what may stay as it is: results of our own, indices that our own loops draw, arrays of Axes
OTHERS = {
    "alignment/_shuffles.py": 1,
    "curriculum/training.py": 1,
    "embeddings/encode.py": 1,
    "plotting/brain.py": 1,
    "plotting/concept_figures.py": 1,
    "plotting/pictures.py": 1,
    "training/batches.py": 1,
}


def test_no_other_door_is_opened():
    """A bare ``numpy.asarray`` or ``torch.as_tensor`` drops masks: `as_array` and `as_tensor`."""
    found = {}
    folders = "alignment concepts contrastive curriculum decoding embeddings neighbours plotting"
    folders += " training"
    for file in [f for name in folders.split() for f in (PACKAGE / name).glob("*.py")]:
        calls = [n.func for n in ast.walk(ast.parse(file.read_text())) if isinstance(n, ast.Call)]
        names = [f"{f.value.id}.{f.attr}" for f in calls
                 if isinstance(f, ast.Attribute) and isinstance(f.value, ast.Name)]  # fmt: skip
        bare = sum(n in ("np.asarray", "np.asanyarray", "torch.as_tensor") for n in names)
        if bare:
            found[f"{file.parent.name}/{file.name}"] = bare
    losses = found.pop("contrastive/losses.py", 0)  # of a temperature, which is a number
    assert losses <= 1
    assert found == OTHERS
