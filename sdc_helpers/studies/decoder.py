"""The decoder of the chapters on shared concepts, and the space that it decodes to.

In a space whose directions carry very different variance, decoder weights of different concepts
all lean towards the few strong directions. So the course decodes the leading principal components
of the embeddings at equal variance.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sdc_helpers.embeddings.whitening import WhiteSpace, white_space

if TYPE_CHECKING:
    from sdc_helpers.datasets.splits import Split
    from sdc_helpers.decoding.decoders import ContrastiveDecoder
    from sdc_helpers.studies.participants import ImageEmbeddings

N_COMPONENTS = 40
"""Principal components of the course's embeddings that are decoded."""
_SIZES = {  # steps and runs
    "smoke": {"n_steps": 60, "n_runs": 2},
    "workshop": {"n_steps": 300, "n_runs": 6},
    "full": {"n_steps": 400, "n_runs": 20},
}


def course_decoder(profile: str = "workshop", **changes: Any) -> ContrastiveDecoder:
    """Return the course's contrastive decoder, unfitted.

    Linear. It differs from the 2025 study of shared decodable concepts because the simulated
    participants have a tenth of its voxels and trials: more input noise, a larger learning rate
    and temperature, fewer steps and runs. They were first settled on the simulation of seed 0 with
    its planted truth in view; ``sdc concepts settings`` then held input noise and the number of
    components against others by a criterion that needs no truth, on three seeds: see chapter 10.

    Parameters
    ----------
    profile : {"smoke", "workshop", "full"}
        Profile that decides how long it trains.
    **changes
        Parameters of `ContrastiveDecoder` that are to be others.

    Returns
    -------
    ContrastiveDecoder

    Raises
    ------
    ValueError
        If the profile is unknown.
    """
    from sdc_helpers.decoding.decoders import ContrastiveDecoder

    if profile not in _SIZES:
        raise ValueError(f"profile={profile!r}: expected one of {', '.join(_SIZES)}.")
    settings = {
        "temperature": 0.1,
        "lr": 5e-3,
        "batch_size": 128,
        "input_noise": 8.0,
        "evaluate_every": 100,
        "random_state": 0,
        **_SIZES[profile],
    }
    return ContrastiveDecoder(**{**settings, **changes})


def whiten(
    embeddings: ImageEmbeddings, split: Split, n_components: int = N_COMPONENTS
) -> tuple[ImageEmbeddings, WhiteSpace]:
    """Bring embeddings into the white space of everybody's training images.

    Parameters
    ----------
    embeddings : ImageEmbeddings
        Embeddings of every image that anybody saw.
    split : Split
        Images that are training images of anybody, and held out for nobody, make the space.
    n_components : int
        Principal components to keep.

    Returns
    -------
    ImageEmbeddings
        The same images in the white space, with unit length.
    WhiteSpace

    Raises
    ------
    ValueError
        If `white_space` refuses them.
    """
    from sdc_helpers.studies.participants import ImageEmbeddings

    def images(side: str) -> np.ndarray:
        return np.concatenate([split[name].images(side) for name in split.participants])

    held_out = np.concatenate([images("validation"), images("test")])
    own = np.setdiff1d(images("train"), held_out)
    space = white_space(embeddings.of(own), n_components)
    return ImageEmbeddings(embeddings.image_ids, space.transform(embeddings.vectors)), space
