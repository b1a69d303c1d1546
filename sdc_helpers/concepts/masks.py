"""Which voxels carry a component: masks in front of a frozen decoder.

Stage three of the method of Efird, Murphy, Zylberberg and Fyshe (2023). Their objective keeps few
voxels through which a component can still be read. Where many voxels say the same, as in a patch of
cortex, few are enough, or none: what is left out then is no less part of the patch. The objective
that is recommended here asks for the voxels *without which* the component cannot be read.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, clone

from sdc_helpers._checks import as_array, check_count, check_device
from sdc_helpers.concepts._component_inputs import as_items
from sdc_helpers.concepts._mask_inputs import check_trials

if TYPE_CHECKING:
    import pandas as pd

OBJECTIVES = ("remove", "keep", "both", "published")
GATES = ("hard_concrete", "clamped")
SPARSITIES = (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0)
"""Values of lambda that `sparsity_path` tries."""


class VoxelMask(BaseEstimator):
    """Find the voxels that carry each component, for a decoder that stays as it is.

    Minimised over the gates m of each component w, all components at once:

    - "remove": max(0, r(Y w, f(X * (1 - m)) w)) + lambda * share of open gates;
    - "keep": -r(Y w, f(X * m) w) + lambda * share;
    - "both": the sum of both correlation terms + lambda * share;
    - "published": -r(ReLU(Y w), ReLU(f(X * m) w)) + lambda * share.

    X are the responses, with fresh noise in every step, Y the embeddings of what was seen, f the
    decoder before its output is brought to unit length, and r the correlation over trials, which
    is 0 where a read-out does not vary. The defaults are what the course recommends for linear
    decoders; for a network ``sparsity=3``, ``noise=2`` and ``batch_size=100``. `published` gives
    the method of the paper.

    Parameters
    ----------
    objective : {"remove", "keep", "both", "published"}, default="remove"
        What is minimised.
    gates : {"hard_concrete", "clamped"}, default="hard_concrete"
        Random gates with logits from 0, whose expected share of open ones is counted, or plain
        numbers from .5, cut to 0 and 1 after each step.
    sparsity : float, default=2.0
        Lambda, the price of a mask of all voxels, in units of correlation. It decides the size of
        the mask and hardly the order of the voxels. The default suits patches of about a twentieth
        of the voxels; larger ones are too dear at it. `sparsity_path` chooses without truth.
    noise : float, default=4.0
        Standard deviation of the noise added to each response, in units of the responses.
    n_steps : int, default=100
        Number of steps.
    lr : float, default=0.1
        Learning rate of Adam.
    batch_size : int or None, default=None
        Number of trials in a step; None, or more than there are, takes all of them.
    device : str, default="cpu"
        Torch device to compute on.
    random_state : int, default=0
        Seed of gates, noise and batches, which all components share: a component's mask does not
        depend on which others are fitted beside it. Torch's own generators are left alone.

    Attributes
    ----------
    gates_ : float32 array of shape (n_components, n_voxels)
        Soft masks, from 0 to 1.
    mask_ : bool array of shape (n_components, n_voxels)
        Hard masks: gates of at least .5.
    history_ : pandas.DataFrame
        One row a step and component: step, component, loss, r_kept, r_left (each where the
        objective has it, under noise) and open, the expected share of open gates.
    n_features_in_ : int
        Number of voxels.

    See Also
    --------
    retained : What a mask keeps and leaves, beside other masks and random ones.
    sparsity_path : Masks over many values of lambda, scored on other pictures.
    loading_map : A simple map that does the same, at no cost.

    References
    ----------
    Efird, Murphy, Zylberberg, Fyshe (2023), arXiv 2306.03375.
    Louizos, Welling, Kingma (2018), arXiv 1712.01312.

    Examples
    --------
    Of 200 voxels ten answer to the one and ten to the other dimension of the embeddings:

    >>> import numpy as np
    >>> from sdc_helpers.concepts import VoxelMask
    >>> from sdc_helpers.decoding import RidgeDecoder
    >>> rng = np.random.default_rng(0)
    >>> angle = rng.uniform(0, 2 * np.pi, 300)
    >>> Y = np.column_stack([np.cos(angle), np.sin(angle)])
    >>> X = rng.normal(size=(300, 200))
    >>> X[:, :10] += Y[:, :1]
    >>> X[:, 10:20] += Y[:, 1:]
    >>> decoder = RidgeDecoder(alphas=[100.0]).fit(X[:200], Y[:200])
    >>> masks = VoxelMask().fit(X[200:], Y[200:], decoder, components=np.eye(2)).mask_
    >>> bool(masks[0, :10].mean() > 0.8), bool(masks[0, 10:].mean() < 0.05)
    (True, True)
    """

    def __init__(
        self,
        objective: str = "remove",
        gates: str = "hard_concrete",
        *,
        sparsity: float = 2.0,
        noise: float = 4.0,
        n_steps: int = 100,
        lr: float = 0.1,
        batch_size: int | None = None,
        device: str = "cpu",
        random_state: int = 0,
    ) -> None:
        self.objective = objective
        self.gates = gates
        self.sparsity = sparsity
        self.noise = noise
        self.n_steps = n_steps
        self.lr = lr
        self.batch_size = batch_size
        self.device = device
        self.random_state = random_state

    @classmethod
    def published(cls, **changes: Any) -> VoxelMask:
        """Return an estimator with the objective, gates and training of the paper.

        Parameters
        ----------
        **changes
            Parameters that are to be others.

        Returns
        -------
        VoxelMask
            Unfitted.
        """
        options: dict[str, Any] = {
            "objective": "published", "gates": "clamped", "sparsity": 5.0, "noise": 0.0,
            "n_steps": 1000, "lr": 0.002,
        }  # fmt: skip
        return cls(**{**options, **changes})

    def fit(
        self, responses: np.ndarray, embeddings: np.ndarray, decoder: Any, components: np.ndarray
    ) -> VoxelMask:
        """Fit a mask for each component.

        Parameters
        ----------
        responses : array of shape (n_trials, n_voxels)
            Responses of one participant, z-scored as those of the training trials, as a rule of
            the validation fold; used as float32.
        embeddings : array of shape (n_trials, n_dims)
            Embedding of the picture of each trial.
        decoder : fitted decoder, or pair of arrays
            A linear one with `coef_` whose rows are voxels, and `intercept_`; one with a hidden
            layer, with `layers_`, such as ``ContrastiveDecoder(hidden=...)``; or the weights,
            (n_voxels, n_dims), and biases, (n_dims,), of a linear one. It is not changed.
        components : array of shape (n_components, n_dims)
            Directions of the embedding; their length does not matter, their sign does.

        Returns
        -------
        VoxelMask
            The estimator itself, fitted.

        Raises
        ------
        ValueError
            If a parameter is out of range, the device is not available, shapes do not match, values
            are not finite, a voxel has one value in all trials, a component has one score on all
            trials or no direction, the decoder is not fitted, or its read-out does not vary.
        """
        import torch

        from sdc_helpers.concepts import _mask_training as training
        from sdc_helpers.concepts._frozen_decoders import freeze

        self._check_parameters()
        device = check_device(self.device)
        trials = check_trials(responses, embeddings, components)
        n_components, n_voxels = len(trials.components), trials.X.shape[1]
        readout = freeze(decoder, trials.components, n_voxels, device)
        x = torch.from_numpy(trials.X).to(device)
        scores = torch.from_numpy(trials.scores.astype(np.float32)).to(device)
        problem = training.Problem.of(readout, x, scores, self.objective)
        kinds: dict[str, Callable[..., training.Gates]] = {
            "hard_concrete": training.HardConcreteGates,
            "clamped": training.ClampedGates,
        }
        gates = kinds[self.gates](n_components, n_voxels, device)
        history = training.train(
            problem,
            gates,
            sparsity=self.sparsity,
            noise=self.noise,
            n_steps=self.n_steps,
            lr=self.lr,
            batch_size=self.batch_size,
            seed=int(self.random_state),
        )
        self.gates_ = gates.soft().cpu().numpy()
        self.mask_ = self.gates_ >= 0.5
        self.history_ = _as_table(history, n_components)
        self.n_features_in_ = n_voxels
        return self

    def _check_parameters(self) -> None:
        for name, known in (("objective", OBJECTIVES), ("gates", GATES)):
            if getattr(self, name) not in known:
                raise ValueError(
                    f"{name}={getattr(self, name)!r}: expected one of {', '.join(known)}."
                )
        for name in ("sparsity", "noise", "lr"):
            value = getattr(self, name)
            is_number = isinstance(value, Real) and not isinstance(value, bool)
            if not (is_number and 0 <= value < np.inf) or (value == 0 and name == "lr"):
                least = "above 0" if name == "lr" else "of 0 or more"
                raise ValueError(f"{name}={value!r}: expected a finite number {least}.")
        check_count("n_steps", self.n_steps, 1)
        check_count("random_state", self.random_state)
        if self.batch_size is not None:
            check_count("batch_size", self.batch_size, 3)


def sparsity_path(
    mask: VoxelMask,
    responses: np.ndarray,
    embeddings: np.ndarray,
    decoder: Any,
    components: np.ndarray,
    *,
    items: np.ndarray | None = None,
    sparsities: Sequence[float] = SPARSITIES,
    rng: np.random.Generator | int = 0,
) -> pd.DataFrame:
    """Fit masks for many values of lambda on either half of the pictures, scored on the other.

    Parameters
    ----------
    mask : VoxelMask
        The estimator whose `sparsity` is tried; it is not changed.
    responses, embeddings, decoder, components
        What `VoxelMask.fit` takes, of validation trials.
    items : array of shape (n_trials,), optional
        Picture of each trial, integers or strings. Without it, trials with equal embeddings show
        one picture.
    sparsities : sequence of float
        Values of lambda.
    rng : numpy.random.Generator or int, default=0
        Source of the halves, or its seed.

    Returns
    -------
    pandas.DataFrame
        One row a value and component: sparsity, component (its number), size (voxels of the hard
        mask), the correlations r_full without a mask, r_kept through the hard mask and r_left
        through all other voxels, means of both halves, each read on the pictures of the other; and
        agreement, Cohen's kappa of the masks of the two halves over voxels (0 where both are empty,
        or both everything).

    Raises
    ------
    ValueError
        If there is no value to try, there are fewer than two pictures, or what is given is refused
        by `VoxelMask.fit`.

    See Also
    --------
    choose_sparsity : The value that such a table speaks for.
    """
    import pandas as pd

    from sdc_helpers.concepts._frozen_decoders import Reader

    if not len(sparsities):
        raise ValueError("sparsities is empty; name one value of lambda or more.")
    trials = check_trials(responses, embeddings, components)
    Y = as_array("embeddings", embeddings, float)
    pictures = as_items("items", items, Y)
    order = np.random.default_rng(rng).permutation(pictures.max() + 1)
    if len(order) < 2:
        raise ValueError("items names one picture; expected two or more, to have two halves.")
    first = np.isin(pictures, order[: len(order) // 2])
    halves = [(trials.X[rows], Y[rows]) for rows in (first, ~first)]
    readers = [Reader(check_trials(*half, components), decoder) for half in halves]
    tables = []
    for value in sparsities:
        one = clone(mask).set_params(sparsity=value)
        masks = [one.fit(*half, decoder, components).mask_ for half in halves]
        swapped = list(zip(readers[::-1], masks, strict=True))
        table = {
            "sparsity": float(value),
            "component": np.arange(len(trials.components)),
            "size": np.mean(masks, axis=0).sum(axis=1),
            "r_full": np.mean([reader.unmasked for reader in readers], axis=0),
            "r_kept": np.mean([reader.through(own) for reader, own in swapped], axis=0),
            "r_left": np.mean([reader.through(~own) for reader, own in swapped], axis=0),
            "agreement": _kappa(*masks),
        }
        tables.append(pd.DataFrame(table))
    return pd.concat(tables, ignore_index=True)


def choose_sparsity(path: pd.DataFrame, by: str = "agreement") -> float:
    """Choose lambda by what two halves of the pictures say, without any truth.

    Parameters
    ----------
    path : pandas.DataFrame
        Table from `sparsity_path`, or tables of several participants put together.
    by : {"agreement", "difference"}, default="agreement"
        - "agreement": the value at which the masks of the halves agree best beyond chance. Where
          masks are too large, chance voxels enter that are others in each half; where they are too
          small, each half takes other voxels of a patch.
        - "difference": the value with the largest r_kept - r_left. A mask of all voxels keeps
          everything and leaves nothing, so that this favours large masks: of the course's simulated
          participants it takes the smallest value that is tried. For comparison.

    Returns
    -------
    float
        The value with the largest mean over all rows; of equals the largest.

    Raises
    ------
    ValueError
        If `by` is unknown, or the table lacks a column or has no row.

    Examples
    --------
    >>> import pandas as pd
    >>> from sdc_helpers.concepts import choose_sparsity
    >>> columns = ["sparsity", "r_kept", "r_left", "agreement"]
    >>> rows = [[0.5, 0.6, 0.1, 0.3], [2, 0.6, 0.3, 0.7], [4, 0.4, 0.5, 0.6]]
    >>> path = pd.DataFrame(rows, columns=columns)
    >>> choose_sparsity(path), choose_sparsity(path, by="difference")
    (2.0, 0.5)
    """
    if by not in ("agreement", "difference"):
        raise ValueError(f"by={by!r}: expected 'agreement' or 'difference'.")
    needed = {"agreement"} if by == "agreement" else {"r_kept", "r_left"}
    lacking = ({"sparsity"} | needed) - set(path.columns)
    if lacking or not len(path):
        raise ValueError(
            f"path has {len(path)} rows and lacks {sorted(lacking)}; expected a table that "
            "sparsity_path returned."
        )
    scores = path["agreement"] if by == "agreement" else path["r_kept"] - path["r_left"]
    means = scores.groupby(path["sparsity"]).mean().sort_index()
    return float(means.index[means.to_numpy() == means.max()][-1])


def _kappa(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Cohen's kappa of rows of two hard masks, 0 where it is not defined."""
    p, q = first.mean(axis=1), second.mean(axis=1)
    by_chance = p * q + (1 - p) * (1 - q)
    agreed = (first == second).mean(axis=1)
    return np.where(
        by_chance < 1, (agreed - by_chance) / np.where(by_chance < 1, 1 - by_chance, 1), 0
    )


def _as_table(history: list[dict[str, Any]], n_components: int) -> pd.DataFrame:
    """One row a step and component."""
    import pandas as pd
    import torch

    n_steps = len(history)
    table = {
        "step": np.repeat(np.arange(1, n_steps + 1), n_components),
        "component": np.tile(np.arange(n_components), n_steps),
    }
    for name in history[0]:
        table[name] = torch.cat([step[name] for step in history]).cpu().numpy()
    return pd.DataFrame(table)
