"""What the decoders have in common: checked folds and a score."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_array, validate_data

from sdc_helpers._checks import as_array
from sdc_helpers.decoding._inputs import Fold, make_folds, row_items
from sdc_helpers.decoding.mapped_trials import MappedTrials
from sdc_helpers.decoding.metrics import score_decoding
from sdc_helpers.decoding.repetitions import distinct_embeddings


class Decoder(BaseEstimator):
    """Base of the decoders, which add `fit` and `predict`."""

    _reads_batches = False  # whether MappedTrials stay on disk; otherwise they are loaded

    def score(self, X: np.ndarray, Y: np.ndarray, items: np.ndarray | None = None) -> float:
        """Return the top-1 accuracy of single trials among the distinct embeddings of Y.

        Parameters
        ----------
        X : array of shape (n_trials, n_voxels)
            Responses.
        Y : array of shape (n_trials, n_dims)
            Embedding of the image of each trial, unit length.
        items : array of shape (n_trials,), optional
            Image of each trial; without it, trials with equal rows of Y show one image.

        Returns
        -------
        float
            Share of trials whose own image is the nearest, from 0 to 1.

        Raises
        ------
        ValueError
            In the cases that `sdc_helpers.decoding.score_decoding` lists.
        """
        items = row_items(as_array("Y", Y)) if items is None else items
        gallery = distinct_embeddings(Y, items)
        score = score_decoding(self.predict(X), items, *gallery, ks=[1], n_bootstrap=1)
        return score.top_k[1].value

    def _folds(
        self, X: Any, Y: Any, items: Any, validation: tuple | None, allow_shared_images: bool
    ) -> tuple[Fold, Fold | None]:
        train = (*self._checked_trials(X, Y), items)
        if validation is None:
            return make_folds(train, None, allow_shared_images)
        if not isinstance(validation, (tuple, list)) or len(validation) not in (2, 3):
            raise ValueError("validation must be a tuple (X, Y) or (X, Y, items).")
        held_out = (
            self._checked_responses("validation X", validation[0]),
            _as_embeddings(
                check_array(as_trials("validation Y", validation[1]), input_name="validation Y")
            ),
            validation[2] if len(validation) == 3 else None,
        )
        return make_folds(train, held_out, allow_shared_images)

    def _checked_trials(self, X: Any, Y: Any) -> tuple[np.ndarray | MappedTrials, np.ndarray]:
        if isinstance(X, MappedTrials):
            self.n_features_in_ = X.shape[1]
            self.__dict__.pop("feature_names_in_", None)  # of an earlier fit
            Y = check_array(as_trials("Y", Y), input_name="Y", ensure_min_samples=2)
            return self._checked_responses("X", X), _as_embeddings(Y)
        X, Y = validate_data(
            self,
            as_trials("X", X),
            as_trials("Y", Y),
            multi_output=True,
            y_numeric=True,
            dtype=np.float32,
            ensure_min_samples=2,
        )
        return X, _as_embeddings(Y)

    def _checked_responses(self, name: str, X: Any) -> np.ndarray | MappedTrials:
        if isinstance(X, MappedTrials) and self._reads_batches:
            for block in X.blocks():
                check_array(block, input_name=name)
            return X
        X = X.load() if isinstance(X, MappedTrials) else as_trials(name, X)
        return validate_data(self, X, reset=False, dtype=np.float32)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        tags.target_tags.multi_output = True
        tags.target_tags.single_output = False
        return tags


def as_trials(name: str, values: Any) -> Any:
    """Return what scikit-learn may check further, which drops masks without a word.

    What it knows itself passes as it is: numpy arrays, data frames, whose columns have names, and
    sparse matrices, which it refuses.
    """
    known = type(values) is np.ndarray or values is None or hasattr(values, "toarray")
    array = values if known else as_array(name, values)
    return values if hasattr(values, "iloc") else array


def _as_embeddings(Y: np.ndarray) -> np.ndarray:
    if Y.ndim != 2:
        raise ValueError(f"Y must be 2-D, an embedding a row; got shape {Y.shape}.")
    return np.ascontiguousarray(Y, dtype=np.float32)
