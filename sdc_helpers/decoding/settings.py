"""The decoder that chapters 05 to 07 share, and the space of embeddings that it decodes to.

In a space whose directions carry very different variance, decoder weights of different concepts
all lean towards the few strong directions. So the course decodes the leading principal components
of the embeddings at equal variance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from sdc_helpers.datasets.splits import Split
    from sdc_helpers.decoding.decoders import ContrastiveDecoder
    from sdc_helpers.decoding.participants import ImageEmbeddings

N_COMPONENTS = 40
"""Principal components of the course's embeddings that are decoded."""
_SIZES = {  # steps and runs
    "smoke": {"n_steps": 100, "n_runs": 2},
    "workshop": {"n_steps": 300, "n_runs": 6},
    "full": {"n_steps": 400, "n_runs": 20},
}


def course_decoder(profile: str = "workshop", **changes: Any) -> ContrastiveDecoder:
    """Return the course's contrastive decoder, unfitted.

    Linear. It differs from the 2025 study of shared decodable concepts because the simulated
    participants have a tenth of its voxels and trials: more input noise, a larger learning rate
    and temperature, fewer steps and runs. They were first settled on the simulation of seed 0 with
    its planted truth in view; ``sdc concepts settings`` then held input noise and the number of
    components against others by a criterion that needs no truth, on three seeds: see chapter 06.

    Parameters
    ----------
    profile : {"smoke", "workshop", "full"}
        How long to train.
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


@dataclass(frozen=True, eq=False)
class WhiteSpace:
    """Leading principal components of embeddings, at equal variance.

    Attributes
    ----------
    mean : float array of shape (n_dims,)
        Taken off first.
    axes : float array of shape (n_dims, n_components)
        Principal axes, each over the standard deviation along it.
    explained : float
        Share of the variance that they carry.
    """

    mean: np.ndarray
    axes: np.ndarray
    explained: float

    def transform(self, vectors: np.ndarray) -> np.ndarray:
        """Return embeddings in this space at unit length, float32 (n, n_components).

        Texts have another mean than images (the modality gap): take it off before, and add
        `mean`.
        """
        white = (np.asarray(vectors, dtype=float) - self.mean) @ self.axes
        return (white / np.linalg.norm(white, axis=1, keepdims=True)).astype(np.float32)

    def directions(self, concepts: np.ndarray) -> np.ndarray:
        """Return directions of this space as unit directions of the embeddings, (n, n_dims).

        The inner product of centred embeddings with the one is that of their white coordinates
        with the other, up to a positive factor.
        """
        back = np.asarray(concepts, dtype=float) @ self.axes.T
        return back / np.linalg.norm(back, axis=1, keepdims=True)


def white_space(vectors: np.ndarray, n_components: int = N_COMPONENTS) -> WhiteSpace:
    """Find the white space of some embeddings.

    Parameters
    ----------
    vectors : array of shape (n, n_dims)
        Embeddings of the training images, each once.
    n_components : int
        Principal components to keep.

    Returns
    -------
    WhiteSpace

    Raises
    ------
    ValueError
        If there are not as many components with variance, or a value is not finite.
    """
    vectors = np.asarray(vectors, dtype=float)
    if vectors.ndim != 2 or not np.isfinite(vectors).all():
        raise ValueError(f"vectors has shape {vectors.shape}; expected finite rows.")
    mean = vectors.mean(axis=0)
    covariance = np.cov(vectors - mean, rowvar=False, bias=True).reshape(len(mean), -1)
    variances, axes = np.linalg.eigh(covariance)
    variances, axes = variances[::-1], axes[:, ::-1]
    n_found = int(np.sum(variances > 1e-10 * variances[0]))
    if not 1 <= n_components <= n_found:
        raise ValueError(
            f"n_components={n_components!r}: the {len(vectors)} embeddings have {n_found} "
            "principal components; expected a number from 1 to that."
        )
    axes, kept = axes[:, :n_components], variances[:n_components]
    axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(n_components)])
    return WhiteSpace(mean, axes / np.sqrt(kept), float(kept.sum() / variances.sum()))


def whiten(
    embeddings: ImageEmbeddings, split: Split, n_components: int = N_COMPONENTS
) -> tuple[ImageEmbeddings, WhiteSpace]:
    """Bring embeddings into the white space of everybody's training images.

    Parameters
    ----------
    embeddings : ImageEmbeddings
        Of every image that was seen.
    split : Split
        Images that are training images of anybody, and held out for nobody, make the space.
    n_components : int
        Principal components to keep.

    Returns
    -------
    ImageEmbeddings
        Unit length in the white space.
    WhiteSpace

    Raises
    ------
    ValueError
        As `white_space`.
    """
    from sdc_helpers.decoding.participants import ImageEmbeddings

    def images(side: str) -> np.ndarray:
        return np.concatenate([split[name].images(side) for name in split.participants])

    held_out = np.concatenate([images("validation"), images("test")])
    own = np.setdiff1d(images("train"), held_out)
    space = white_space(embeddings.of(own), n_components)
    return ImageEmbeddings(embeddings.image_ids, space.transform(embeddings.vectors)), space
