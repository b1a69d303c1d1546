"""5,000 SIFT descriptors of real pictures, the small brother of a usual benchmark of search."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sdc_helpers.datasets.errors import DataFormatError, require_file, unreadable
from sdc_helpers.datasets.registry import fetch

DATASET = "sift5k"
FILE = "sift-dataset-5k.tsv"
N_VECTORS, N_FEATURES = 5_000, 128


def load_sift5k(root: str | Path | None = None) -> np.ndarray:
    """Load the descriptors, without the identifier in the file's last column.

    Read as a feature the identifier would be the distance: it runs to thousands.

    Parameters
    ----------
    root : str or pathlib.Path, optional
        Folder that holds ``sift-dataset-5k.tsv``. By default the registered file, fetched if
        necessary.

    Returns
    -------
    float32 array of shape (5000, 128)
        Whole numbers from 0 to 255.

    Raises
    ------
    DataUnavailableError
        If `root` is not given and the file is neither on disk nor can be fetched.
    DataFormatError
        If the file is missing in `root` or is not what it should be.
    """
    file = (fetch(DATASET) if root is None else Path(root).expanduser()) / FILE
    require_file(file, f"the descriptors (`sdc data fetch {DATASET}`)")
    import pandas as pd

    try:
        table = pd.read_csv(file, sep="\t", header=None, dtype=float).to_numpy()
    except (ValueError, OSError) as error:
        raise unreadable(file, error, "read as a table of numbers") from error
    vectors = table[:, :N_FEATURES]
    is_right = (
        table.shape == (N_VECTORS, N_FEATURES + 1)
        and (vectors == vectors.round()).all()
        and vectors.min() >= 0
        and vectors.max() <= 255
    )
    if not is_right:
        raise DataFormatError(
            f"{file} holds a table of shape {table.shape}; expected ({N_VECTORS}, "
            f"{N_FEATURES + 1}): whole numbers from 0 to 255 and an identifier. Fetch it again "
            f"with `sdc data fetch {DATASET}`."
        )
    return np.ascontiguousarray(vectors, dtype=np.float32)
