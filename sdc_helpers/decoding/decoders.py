"""Contrastive decoders: from responses to the direction of an embedding."""

from __future__ import annotations

from dataclasses import fields
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from sklearn.utils.validation import check_is_fitted, validate_data

from sdc_helpers._checks import check_count, check_device, unit_rows
from sdc_helpers.decoding._base import Decoder, as_trials

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sdc_helpers.decoding._runs import DecoderRuns, TrainingPlan

_LEAK = 0.01  # slope of LeakyReLU below 0, as torch has it
_N_ROWS = 4096  # trials decoded at a time


class ContrastiveDecoder(Decoder):
    """Decode embeddings from responses by contrast with the other images of a batch.

    Linear, or with one hidden layer and LeakyReLU; the output has unit length. The loss is the
    symmetric InfoNCE of decoded and true embeddings; trials of the same image in one batch are
    not negatives of each other. Gaussian noise is added to the responses in every step. Several
    runs, which differ in initial weights, order of trials and noise, are trained together, and
    their weights are averaged (with a hidden layer: their predictions). The defaults are those of
    the 2025 study of shared decodable concepts.

    Parameters
    ----------
    hidden : int or None, default=None
        Number of units of the hidden layer; None makes a linear decoder.
    temperature : float, default=0.03
        Temperature tau, by which the cosines are divided.
    lr : float, default=1e-4
        Learning rate of Adam.
    batch_size : int, default=128
        Number of trials in a step. An epoch takes every trial once but for the last short batch.
    n_steps : int, default=5001
        Number of steps.
    input_noise : float, default=1.0
        Standard deviation of the noise added to each response; the responses are z-scored.
    n_runs : int, default=50
        Number of runs. Run r is the same run, but for rounding, whatever `n_runs` is.
    early_stopping : {None, "top_1", "loss"}, default=None
        Score of the validation fold by which each run keeps a copy of its best weights; None
        keeps the last ones. A run is over when it did not improve `patience` times in a row.
    patience : int, default=10
        Number of evaluations without improvement after which a run is over.
    evaluate_every : int, default=100
        Number of steps between rows of the history.
    device : str, default="cpu"
        Torch device to compute on.
    random_state : int, numpy.random.RandomState, None or sequence of int, default=0
        Source of the seeds of the runs, or one seed for each run.

    Attributes
    ----------
    coef_ : float32 array of shape (n_voxels, n_dims)
        Mean of the runs' weights, unscaled. Rows are voxels: the transpose of what scikit-learn's
        linear models have. Not defined with a hidden layer.
    intercept_ : float32 array of shape (n_dims,)
        Mean of the runs' biases. Not defined with a hidden layer.
    coef_runs_ : float32 array of shape (n_runs, n_voxels, n_dims)
        Weights of each run. Not defined with a hidden layer.
    intercept_runs_ : float32 array of shape (n_runs, n_dims)
        Biases of each run. Not defined with a hidden layer.
    layers_ : list of (weights, biases)
        Weights and biases of each layer, of shape (n_runs, n_in, n_out) and (n_runs, n_out).
    history_ : pandas.DataFrame
        One row a run and evaluation: run, step, loss (mean since the row before),
        validation_top_1, validation_loss (over batches of the fold, without noise) and
        validation_cosine; NaN without a validation fold.
    best_step_ : int64 array of shape (n_runs,)
        Step at which the kept weights stood.
    run_seeds_ : list of int
        Seed of each run.
    n_dims_ : int
        Number of dimensions of the embeddings.
    n_features_in_ : int
        Number of voxels.

    See Also
    --------
    RidgeDecoder : Ridge regression, much faster to fit.
    score_decoding : Further scores, with intervals and chance.
    activation_patterns : What the weights say of each voxel.

    Examples
    --------
    Responses of 20 voxels that are linear in the embeddings, with noise:

    >>> import numpy as np
    >>> from sdc_helpers.decoding import ContrastiveDecoder
    >>> rng = np.random.default_rng(0)
    >>> embeddings = rng.normal(size=(50, 4))
    >>> embeddings /= np.linalg.norm(embeddings, axis=1, keepdims=True)
    >>> items = np.repeat(np.arange(50), 3)  # three trials of each of 50 images
    >>> X = embeddings[items] @ rng.normal(size=(4, 20)) + 0.5 * rng.normal(size=(150, 20))
    >>> Y = embeddings[items]
    >>> train = items < 40
    >>> decoder = ContrastiveDecoder(
    ...     n_runs=2, n_steps=100, batch_size=32, lr=0.01, temperature=0.1
    ... ).fit(X[train], Y[train], items=items[train])
    >>> decoder.coef_.shape
    (20, 4)
    >>> decoder.score(X[~train], Y[~train], items[~train]) > 0.8  # chance is 1 / 10
    True
    """

    _reads_batches = True

    def __init__(
        self,
        hidden: int | None = None,
        *,
        temperature: float = 0.03,
        lr: float = 1e-4,
        batch_size: int = 128,
        n_steps: int = 5001,
        input_noise: float = 1.0,
        n_runs: int = 50,
        early_stopping: str | None = None,
        patience: int = 10,
        evaluate_every: int = 100,
        device: str = "cpu",
        random_state: int | np.random.RandomState | Sequence[int] | None = 0,
    ) -> None:
        self.hidden = hidden
        self.temperature = temperature
        self.lr = lr
        self.batch_size = batch_size
        self.n_steps = n_steps
        self.input_noise = input_noise
        self.n_runs = n_runs
        self.early_stopping = early_stopping
        self.patience = patience
        self.evaluate_every = evaluate_every
        self.device = device
        self.random_state = random_state

    def fit(
        self,
        X: np.ndarray,
        Y: np.ndarray,
        *,
        items: np.ndarray | None = None,
        validation: tuple | None = None,
        allow_shared_images: bool = False,
        checkpoint: str | Path | None = None,
        checkpoint_every: int = 1000,
        progress: Callable[[int, int], object] | None = None,
    ) -> ContrastiveDecoder:
        """Train the runs.

        Parameters
        ----------
        X : array of shape (n_trials, n_voxels), or MappedTrials
            Responses, z-scored within sessions; used as float32. Of `MappedTrials` (see
            `sdc_helpers.decoding.mapped_trials`) a batch at a time is read from the disk.
        Y : array of shape (n_trials, n_dims)
            Embedding of the image of each trial, unit length.
        items : array of shape (n_trials,), optional
            Image of each trial, integers or strings. Without it, trials with equal rows of Y
            show one image.
        validation : tuple (X, Y) or (X, Y, items), optional
            Held-out trials of other images, with arrays like those of the training trials.
        allow_shared_images : bool, default=False
            Whether images may be in both folds.
        checkpoint : path, optional
            Folder for checkpoints. The state of the training is kept there, and a training that was
            interrupted goes on from it as if it had not been; a finished one is read.
        checkpoint_every : int, default=1000
            Number of steps between two savings.
        progress : callable, optional
            Called now and then as ``progress(done, total)``, in steps of groups of runs.

        Returns
        -------
        ContrastiveDecoder
            The decoder itself, fitted.

        Raises
        ------
        ValueError
            If a parameter is out of range, the device is not available, responses or embeddings are
            not finite or do not match, embeddings are not unit length or differ within an image,
            a fold has too few trials or images, folds share images, the checkpoint belongs to
            another training, or the loss becomes infinite.
        """
        from sdc_helpers.decoding import _runs

        plan = self._plan(validation is not None)
        check_count("checkpoint_every", checkpoint_every, 1)
        device = check_device(self.device)
        seeds = _runs.run_seeds(self.random_state, self.n_runs)
        train, held_out = self._folds(X, Y, items, validation, allow_shared_images)
        if plan.batch_size > len(train.X):
            raise ValueError(
                f"batch_size={plan.batch_size}: there are only {len(train.X)} training "
                "trials, so no batch would ever be full. Lower it."
            )
        size = _runs.runs_at_once(train.X.shape[1], train.Y.shape[1], plan, device)
        starts = range(0, self.n_runs, size)
        checksum = None if checkpoint is None else _runs.checksum(train, held_out)
        trained, kept = [], []
        for group, first in enumerate(starts):
            training = _runs.Training(
                train, held_out, plan, seeds[first : first + size], device, checksum
            )
            path = (
                None if checkpoint is None else Path(checkpoint) / f"runs_{first:04d}.safetensors"
            )
            done, total = group * plan.n_steps, len(starts) * plan.n_steps
            report = None if progress is None else _offset(progress, done, total)
            kept.append(_arrays(training.run(path, checkpoint_every, report)))
            trained.append(training.summary())  # not its gradients and moments
        self._keep(trained, kept, seeds)
        self.n_dims_ = train.Y.shape[1]
        return self

    def predict(self, X: np.ndarray) -> np.ndarray:
        """Decode responses.

        Parameters
        ----------
        X : array of shape (n_trials, n_voxels)
            Responses, z-scored as those of the training trials.

        Returns
        -------
        float32 array of shape (n_trials, n_dims)
            Decoded embeddings, unit length: predictions of the averaged weights, or with a hidden
            layer the direction of the mean of the runs' unit predictions.

        Raises
        ------
        ValueError
            If X has another number of voxels than in `fit` or is not finite.
        """
        check_is_fitted(self)
        X = validate_data(self, as_trials("X", X), reset=False, dtype=np.float32)
        if len(self.layers_) == 1:
            return unit_rows(X @ self.coef_ + self.intercept_)
        return np.concatenate(
            [self._predict_hidden(X[i : i + _N_ROWS]) for i in range(0, len(X), _N_ROWS)]
        )

    @property
    def coef_runs_(self) -> np.ndarray:
        """Weights of each run, (n_runs, n_voxels, n_dims)."""
        return self._only_layer("coef_runs_")[0]

    @property
    def intercept_runs_(self) -> np.ndarray:
        """Biases of each run, (n_runs, n_dims)."""
        return self._only_layer("intercept_runs_")[1]

    @property
    def coef_(self) -> np.ndarray:
        """Mean of the runs' weights, (n_voxels, n_dims), one row a voxel."""
        self._only_layer("coef_")
        return self._means[0]

    @property
    def intercept_(self) -> np.ndarray:
        """Mean of the runs' biases, (n_dims,)."""
        self._only_layer("intercept_")
        return self._means[1]

    def _only_layer(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        check_is_fitted(self)
        if len(self.layers_) > 1:
            raise AttributeError(
                f"{name} is not defined with a hidden layer (hidden={self.hidden}): no one row of "
                "weights belongs to a voxel. The weights of each layer are in layers_."
            )
        return self.layers_[0]

    def _predict_hidden(self, X: np.ndarray) -> np.ndarray:
        total = 0.0
        for run in range(len(self.run_seeds_)):
            h = X
            for number, (weights, biases) in enumerate(self.layers_):
                h = np.maximum(h, _LEAK * h) if number else h
                h = h @ weights[run] + biases[run]
            total = total + unit_rows(h)
        return unit_rows(total)

    def _plan(self, has_validation: bool) -> TrainingPlan:
        """Return the parameters, checked."""
        from sdc_helpers.decoding._runs import TrainingPlan

        for name in ("batch_size", "n_steps", "n_runs", "patience", "evaluate_every"):
            check_count(name, getattr(self, name), 2 if name == "batch_size" else 1)
        if self.hidden is not None:
            check_count("hidden", self.hidden, 1)
        for name in ("temperature", "lr", "input_noise"):
            value = getattr(self, name)
            number = isinstance(value, Real) and not isinstance(value, bool)
            if not (number and 0 <= value < np.inf) or (value == 0 and name != "input_noise"):
                least = "0 or more" if name == "input_noise" else "above 0"
                raise ValueError(f"{name}={value!r}: expected a finite number {least}.")
        if self.early_stopping not in (None, "top_1", "loss"):
            raise ValueError(
                f"early_stopping={self.early_stopping!r}: expected None, 'top_1' or 'loss'."
            )
        if self.early_stopping is not None and not has_validation:
            raise ValueError(
                f"early_stopping={self.early_stopping!r} needs validation=(X, Y, items) in fit."
            )
        values = {field.name: getattr(self, field.name) for field in fields(TrainingPlan)}
        for name, value in values.items():  # numpy's numbers would not go into a checkpoint
            if isinstance(value, Real):
                values[name] = int(value) if isinstance(value, Integral) else float(value)
        return TrainingPlan(**values)

    def _keep(self, trained: list, kept: list, seeds: list[int]) -> None:
        """Put the groups of runs together and store what was learned."""
        import pandas as pd

        self.layers_ = [
            tuple(np.concatenate(parts) for parts in zip(*layer, strict=True))
            for layer in zip(*kept, strict=True)
        ]
        self._means = [values.mean(axis=0) for values in self.layers_[0]]
        rows, best, first = [], [], 0
        for history, best_step in trained:
            rows += [{**row, "run": first + row["run"]} for row in history]
            best += best_step
            first += len(best_step)
        self.history_ = pd.DataFrame(rows)
        self.best_step_ = np.array(best)
        self.run_seeds_ = seeds


def _arrays(runs: DecoderRuns) -> list[tuple[np.ndarray, np.ndarray]]:
    """Weights (n_runs, n_in, n_out) and biases (n_runs, n_out) of each layer."""
    return [
        (weight.detach().cpu().mT.numpy(), bias.detach().cpu()[..., 0].numpy())
        for weight, bias in zip(runs.weights, runs.biases, strict=True)
    ]


def _offset(
    progress: Callable[[int, int], object], done: int, total: int
) -> Callable[[int], object]:
    return lambda step: progress(done + step, total)
