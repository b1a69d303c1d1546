"""A decoder with a hidden layer against a linear one, chosen on validation pictures."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from sdc_helpers._checks import unit_rows
from sdc_helpers.decoding import ContrastiveDecoder
from sdc_helpers.studies import hidden_decoder
from sdc_helpers.studies.component_study import ComponentStudy
from sdc_helpers.studies.hidden_decoder import choose_decoder, decoder_path, gain_of_hidden

N_DIMS, N_VOXELS = 4, 24
SIDES = {"train": slice(0, 240), "validation": slice(240, 300), "test": slice(300, 360)}


class _Data:
    """Voxels that answer to the embedding, or to products of its signs, which no line reads."""

    def __init__(self, seed, folded):
        rng = np.random.default_rng(seed)
        self.embeddings = unit_rows(rng.normal(size=(360, N_DIMS))).astype(np.float32)
        cause = self.embeddings
        if folded:  # the sign of each dimension is seen beside that of the next only
            turned = np.sign(np.roll(cause, 1, axis=1))
            cause = np.column_stack([cause * turned, turned])
        weights = rng.normal(size=(cause.shape[1], N_VOXELS))
        responses = cause @ weights + 0.1 * rng.normal(size=(360, N_VOXELS))
        self.responses = ((responses - responses.mean(0)) / responses.std(0)).astype(np.float32)

    def fold(self, side):
        rows = SIDES[side]
        return self.responses[rows], self.embeddings[rows], np.arange(360)[rows]

    mapped_fold = fold  # nothing lies on a disk


DECODER = ContrastiveDecoder(
    lr=0.02, temperature=0.1, batch_size=64, n_steps=120, n_runs=2, input_noise=0.1
)


def _study(folded, seed=0):
    data = {name: _Data(10 * seed + number, folded) for number, name in enumerate("ab")}
    course = clone(DECODER).set_params(n_steps=1)  # what these decode is not asked here
    decoders = {name: clone(course).fit(*one.fold("train")[:2]) for name, one in data.items()}
    return ComponentStudy(SimpleNamespace(data=data), decoders)


@pytest.fixture(autouse=True)
def _nothing_is_kept(monkeypatch, tmp_path):
    monkeypatch.setenv("SDC_DATA", str(tmp_path))


def test_a_path_has_a_row_an_evaluation():
    slow = clone(DECODER).set_params(lr=0.01, n_steps=240)
    path = decoder_path(_study(False).data, slow, sizes=(None, 8), noises=(0.1, 1.0))
    assert len(path) == 2 * 2 * hidden_decoder._EVALUATIONS
    assert set(path["hidden"]) == {0, 8}
    assert path["n_steps"].max() == slow.n_steps
    assert path["top_1"].between(0, 1).all()
    assert path.groupby("n_steps")["top_1"].mean().iloc[-1] > 0.2  # chance is 1 / 60


def test_the_best_row_is_chosen_and_of_equals_the_first():
    path = pd.DataFrame(
        {"hidden": [8, 8, 16, 0], "input_noise": [1.0, 2.0, 1.0, 1.0], "n_steps": [10, 20, 10, 30],
         "top_1": [0.1, 0.3, 0.3, 0.2]}
    )  # fmt: skip
    chosen = choose_decoder(path, DECODER)
    assert (chosen.hidden, chosen.input_noise, chosen.n_steps) == (8, 2.0, 20)
    assert chosen.n_runs == DECODER.n_runs
    assert choose_decoder(path.assign(top_1=[0, 0, 0, 1.0]), DECODER).hidden is None
    with pytest.raises(ValueError, match="no row with a top_1"):
        choose_decoder(path.assign(top_1=np.nan), DECODER)


@pytest.mark.parametrize("seed", range(3))
def test_a_hidden_layer_wins_where_signs_must_be_undone_and_not_on_lines(seed):
    folded, linear = (
        gain_of_hidden(_study(one, seed), DECODER, sizes=(64,), noises=(0.1, 0.5))
        for one in (True, False)
    )
    assert folded["gain"] > linear["gain"]
    assert folded["gain"] > 0.05
    assert linear["gain"] < 0.05
    assert folded["hidden"]["hidden"] == 64
    assert folded["linear"]["hidden"] is None
    assert folded["gain"] == pytest.approx(np.mean(folded["gains"]))
    assert set(folded["by_noise"]) == {"0.1", "0.5"}
