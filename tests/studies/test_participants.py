"""The automatic cache of decoders: made again where it cannot be used, which is said once."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch

from sdc_helpers.decoding import ContrastiveDecoder
from sdc_helpers.studies.participants import fit_decoders
from sdc_helpers.training.state import TrainingStateError

RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 30)).astype(np.float32)
Y = RNG.standard_normal((60, 8))
Y = (Y / np.linalg.norm(Y, axis=1, keepdims=True)).astype(np.float32)
DECODER = ContrastiveDecoder(n_steps=20, n_runs=2, batch_size=8)


class Person:
    """Forty training trials and twenty others."""

    def __init__(self, shift: float = 0) -> None:
        self.responses = X + np.float32(shift)

    def fold(self, side: str) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rows = slice(0, 40) if side == "train" else slice(40, 60)
        return self.responses[rows], Y[rows], np.arange(60)[rows]


PEOPLE = {"a": Person(), "b": Person(1)}


def weights(folder, decoder=DECODER, **people):
    fitted = fit_decoders(people or PEOPLE, decoder, cache=folder)
    return [one.coef_ for one in fitted.values()]


def files(folder):
    return sorted(folder.glob("*/*.safetensors"))


@pytest.mark.filterwarnings("error")
def test_another_torch_has_entries_of_its_own(tmp_path, monkeypatch):
    before = weights(tmp_path)
    kept = {file: file.read_bytes() for file in files(tmp_path)}
    with monkeypatch.context() as patch:
        patch.setattr(torch, "__version__", "2.99.0")
        np.testing.assert_array_equal(weights(tmp_path), before)
    assert {file: file.read_bytes() for file in kept} == kept  # those of the first are still good
    assert len(files(tmp_path)) == 2 * len(kept)


@pytest.mark.filterwarnings("error")
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_another_device_has_entries_of_its_own(tmp_path):
    weights(tmp_path)
    cuda = ContrastiveDecoder(n_steps=20, n_runs=2, batch_size=8, device="cuda")
    weights(tmp_path, cuda)
    weights(tmp_path)
    assert len(files(tmp_path)) == 4


@pytest.mark.parametrize("damage", ["cut", "empty", "other header", "of another training"])
def test_what_cannot_be_used_is_made_again_and_said_once(damage, tmp_path):
    from safetensors.torch import save_file

    before = weights(tmp_path)
    for file in files(tmp_path):
        if damage == "cut":
            file.write_bytes(file.read_bytes()[:-100])
        elif damage == "empty":
            file.write_bytes(b"")
        elif damage == "other header":
            save_file({"x": torch.ones(1)}, file, metadata={"training_state": "{"})
        else:
            DECODER.fit(X[:30], Y[:30], checkpoint=tmp_path / "else")
            file.write_bytes((tmp_path / "else/runs_0000.safetensors").read_bytes())
    with pytest.warns(UserWarning, match="trained again") as said:
        np.testing.assert_array_equal(weights(tmp_path), before)
    assert len(said) == 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(weights(tmp_path), before)


def test_a_checkpoint_that_was_asked_for_is_refused(tmp_path):
    DECODER.fit(X, Y, checkpoint=tmp_path)
    with pytest.raises(TrainingStateError, match="belongs to another training"):
        DECODER.fit(X[:50], Y[:50], checkpoint=tmp_path)
