"""What a hidden layer gives a decoder, each kind at the settings that validation pictures choose.

The 2023 study decodes through 5,000 hidden units. Held against a linear decoder whose noise suits
another study, it would win or lose by the noise: both kinds choose theirs in the same way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import clone

from sdc_helpers.studies.participants import fit_decoders

if TYPE_CHECKING:
    import pandas as pd

    from sdc_helpers.decoding.decoders import ContrastiveDecoder
    from sdc_helpers.studies.component_study import ComponentStudy
    from sdc_helpers.studies.participants import ParticipantData

SIZES = (32, 128, 512)
"""Units of the hidden layer that are tried."""
NOISES = (2.0, 4.0, 8.0)
"""Standard deviations of the input noise that are tried, in those of a response."""
_EVALUATIONS = 6  # of each training, at equal distances


def decoder_path(
    data: Mapping[str, ParticipantData],
    decoder: ContrastiveDecoder,
    *,
    sizes: Sequence[int | None] = SIZES,
    noises: Sequence[float] = NOISES,
) -> pd.DataFrame:
    """Train decoders of several sizes and input noises, one run of each, and follow them.

    Parameters
    ----------
    data : mapping of str to ParticipantData
        Participants who choose for all.
    decoder : ContrastiveDecoder
        Unfitted; its other parameters hold for every size and noise.
    sizes : sequence of int or None
        Hidden units; None is the linear decoder.
    noises : sequence of float
        Standard deviations of the input noise.

    Returns
    -------
    pandas.DataFrame
        One row a size, noise and evaluation: hidden (0 for the linear decoder), input_noise,
        n_steps (where the training stood) and top_1, the share of validation trials that are
        identified, mean over participants.
    """
    import pandas as pd

    every = max(1, decoder.n_steps // _EVALUATIONS)
    tables = []
    for hidden in sizes:
        for noise in noises:
            one = clone(decoder).set_params(
                hidden=hidden, input_noise=noise, n_runs=1, evaluate_every=every
            )
            history = pd.concat([d.history_ for d in fit_decoders(data, one, cache=False).values()])
            top_1 = history.groupby("step")["validation_top_1"].mean()
            tables.append(
                pd.DataFrame({"hidden": hidden or 0, "input_noise": noise, "n_steps": top_1.index,
                              "top_1": top_1.to_numpy()})
            )  # fmt: skip
    return pd.concat(tables, ignore_index=True)


def choose_decoder(path: pd.DataFrame, decoder: ContrastiveDecoder) -> ContrastiveDecoder:
    """Give a decoder the size, the noise and the end that identify most validation trials.

    Where the training ends is the early stopping: one step for all participants and runs. Among
    equals the first row of the path is taken, so the smaller and the shorter.

    Parameters
    ----------
    path : pandas.DataFrame
        Of ``decoder_path``.
    decoder : ContrastiveDecoder
        Unfitted; it is not changed.

    Returns
    -------
    ContrastiveDecoder
        Unfitted, with its own number of runs.

    Raises
    ------
    ValueError
        If the path has no row, or none with an accuracy.
    """
    if path["top_1"].isna().all():
        raise ValueError(
            "path has no row with a top_1; expected those of decoder_path, with validation trials."
        )
    best = path.loc[path["top_1"].idxmax()]
    return clone(decoder).set_params(
        hidden=int(best["hidden"]) or None,
        input_noise=float(best["input_noise"]),
        n_steps=int(best["n_steps"]),
    )


def gain_of_hidden(
    study: ComponentStudy,
    decoder: ContrastiveDecoder,
    *,
    sizes: Sequence[int] = SIZES,
    noises: Sequence[float] = NOISES,
) -> dict[str, Any]:
    """Hold a decoder with a hidden layer against a linear one, both chosen on validation pictures.

    Every other participant chooses; all are compared, on test pictures.

    Parameters
    ----------
    study : ComponentStudy
        Participants, with the decoders of the course.
    decoder : ContrastiveDecoder
        Unfitted; what is not chosen is taken from it.
    sizes, noises : sequences
        See ``decoder_path``.

    Returns
    -------
    dict
        "gain", top-1 of the hidden layer less that of the linear one, mean over participants;
        "gains", the same by participant; "over_course", less that of the study's own decoders;
        "hidden" and "linear", what was chosen (hidden, input_noise, n_steps); "by_noise", what the
        best hidden layer identified more of the validation trials at each noise.
    """
    from sdc_helpers.studies.component_study import ComponentStudy

    choosing = {name: study.data[name] for name in list(study.data)[::2]}
    kinds: dict[str, Sequence[int | None]] = {"hidden": sizes, "linear": (None,)}
    chosen, top_1, validation = {}, {}, {}
    for kind, own in kinds.items():
        path = decoder_path(choosing, decoder, sizes=own, noises=noises)
        best = choose_decoder(path, decoder)
        fitted = ComponentStudy(study.concepts, fit_decoders(study.data, best))
        top_1[kind] = fitted.top_1()
        chosen[kind] = {k: getattr(best, k) for k in ("hidden", "input_noise", "n_steps")}
        validation[kind] = path.groupby("input_noise")["top_1"].max()
    gains = top_1["hidden"] - top_1["linear"]
    by_noise = validation["hidden"] - validation["linear"]
    return {
        "gain": float(np.mean(gains)),
        "gains": gains.tolist(),
        "over_course": float(np.mean(top_1["hidden"] - study.top_1())),
        "by_noise": {str(noise): float(gain) for noise, gain in by_noise.items()},
        **chosen,
    }
