"""In whom a component is: a condition that counts participants, which halves of them cannot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from sdc_helpers._checks import as_array
from sdc_helpers.concepts import shared_mask
from sdc_helpers.studies.component_study import SAME, ComponentStudy, Masks

if TYPE_CHECKING:
    import pandas as pd


def components_in_people(
    study: ComponentStudy,
    directions: np.ndarray,
    masks: Masks,
    loadings: Masks,
    side: str = "validation",
) -> pd.DataFrame:
    """Ask of every component and participant how well it is read there, and by how many voxels.

    Parameters
    ----------
    study : ComponentStudy
        Decoded participants.
    directions : array of shape (n_components, D)
        Components, two or more.
    masks, loadings : Masks
        Masks of the decoders, and of joint loadings.
    side : {"validation", "test"}
        Whose trials are read.

    Returns
    -------
    pandas.DataFrame
        One row a component and participant: component, participant, r (correlation of the decoded
        score with what of the true one the other components do not say), voxels and loaded (of the
        mask and of the joint loadings), takes_part (whether a quarter of the mask lies where
        somebody else has theirs, see ``shared_mask``).
    """
    import pandas as pd

    names = list(study.data)
    places = [study.concepts.positions(name) for name in names]
    there = shared_mask([masks.hard[name] for name in names], places, n_participants=2)
    directions = as_array("directions", directions)
    rows = []
    for column, name in enumerate(names):
        pairs = study.pairs(side, [name])
        r = _alone(pairs.true @ directions.T, pairs.decoded @ directions.T)
        for k, value in enumerate(r):
            rows.append(
                [k, name, value, int(masks.hard[name][k].sum()),
                 int(loadings.hard[name][k].sum()), bool(there.takes_part[k, column])]
            )  # fmt: skip
    columns = ["component", "participant", "r", "voxels", "loaded", "takes_part"]
    return pd.DataFrame(rows, columns=columns).sort_values(["component", "participant"])


def _alone(true: np.ndarray, decoded: np.ndarray) -> np.ndarray:
    """Correlate each decoded score with the residual of the true one over all others, (K,)."""
    true, decoded = true - true.mean(axis=0), decoded - decoded.mean(axis=0)
    values = []
    for k in range(true.shape[1]):
        others = np.delete(true, k, axis=1)
        left = true[:, k] - others @ np.linalg.lstsq(others, true[:, k], rcond=None)[0]
        length = np.linalg.norm(left) * np.linalg.norm(decoded[:, k])
        values.append(left @ decoded[:, k] / length if length > 0 else 0.0)
    return np.array(values)


def concept_of(study: ComponentStudy, directions: np.ndarray) -> list[str]:
    """Return which planted concept each component is, private ones too; "" where it is none.

    Parameters
    ----------
    study : ComponentStudy
        With planted truth.
    directions : array of shape (n_components, D)
        Components.

    Returns
    -------
    list of str
        Of the concept whose readout the score is most correlated with, by .8 at least.
    """
    r = study.planted_r(directions)
    return [row.idxmax() if row.max() >= SAME else "" for _, row in r.iterrows()]
