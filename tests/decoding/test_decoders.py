from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from sdc_helpers.decoding import ContrastiveDecoder, _runs, distinct_embeddings, score_decoding
from sdc_helpers.decoding._inputs import make_folds
from sdc_helpers.decoding._networks import ORDER, DecoderRuns

QUICK = {"lr": 3e-3, "batch_size": 32, "n_steps": 40, "n_runs": 3, "evaluate_every": 10}


def unit(values):
    return values / np.linalg.norm(values, axis=-1, keepdims=True)


def quick(**changes):
    return ContrastiveDecoder(**{**QUICK, **changes})


def fitted(folds, **changes):
    train, validation = folds
    return quick(**changes).fit(train.X, train.Y, items=train.items, validation=tuple(validation))


# The training


def test_training_equals_one_written_by_hand(folds):
    """Three steps of one linear decoder without noise: numpy, loops and Adam's formulas."""
    train, _ = folds
    decoder = quick(n_steps=3, n_runs=1, input_noise=0.0, random_state=[11]).fit(
        train.X, train.Y, items=train.items
    )
    start = DecoderRuns((200, 16), [11])
    W = start.weights[0][0].detach().double().requires_grad_()
    b = start.biases[0][0, :, 0].detach().double().requires_grad_()
    order = np.random.default_rng([11, ORDER, 0]).permutation(len(train.X))
    moments = [[torch.zeros_like(p), torch.zeros_like(p)] for p in (W, b)]
    losses = []
    for step in range(3):
        rows = order[32 * step : 32 * (step + 1)]
        X, Y = torch.from_numpy(train.X[rows]).double(), torch.from_numpy(train.Y[rows]).double()
        decoded = X @ W.T + b
        logits = (decoded / decoded.norm(dim=1, keepdim=True)) @ Y.T / 0.03
        loss = 0.0
        for i in range(32):
            keep = [j for j in range(32) if j == i or train.items[rows[j]] != train.items[rows[i]]]
            loss = loss + torch.log(torch.exp(logits[i, keep] - logits[i, i]).sum()) / 64
            loss = loss + torch.log(torch.exp(logits[keep, i] - logits[i, i]).sum()) / 64
        losses.append(loss.item())
        gradients = torch.autograd.grad(loss, (W, b))
        with torch.no_grad():
            for p, g, (m, s) in zip((W, b), gradients, moments, strict=True):
                m.mul_(0.9).add_(0.1 * g)
                s.mul_(0.999).add_(0.001 * g**2)
                rate = m / (1 - 0.9 ** (step + 1))
                p -= 3e-3 * rate / ((s / (1 - 0.999 ** (step + 1))).sqrt() + 1e-8)
    np.testing.assert_allclose(decoder.coef_runs_[0], W.detach().numpy().T, atol=2e-5)
    np.testing.assert_allclose(decoder.intercept_runs_[0], b.detach().numpy(), atol=2e-5)
    assert decoder.history_["loss"].tolist() == [pytest.approx(np.mean(losses), rel=1e-5)]


@pytest.mark.parametrize("hidden", [None, 12])
@pytest.mark.parametrize("at_once", [3, 2])
def test_a_run_is_the_same_whatever_other_runs_are_trained_with_it(
    folds, hidden, at_once, monkeypatch
):
    monkeypatch.setattr(_runs, "runs_at_once", lambda *_: at_once)
    options = {"hidden": hidden, "early_stopping": "loss", "n_steps": 20, "evaluate_every": 5}
    together = fitted(folds, **options)
    assert len(set(together.run_seeds_)) == 3
    for run, seed in enumerate(together.run_seeds_):
        alone = fitted(folds, **options, n_runs=1, random_state=[seed])
        for several, single in zip(together.layers_, alone.layers_, strict=True):
            np.testing.assert_allclose(several[0][run], single[0][0], atol=1e-4)
            np.testing.assert_allclose(several[1][run], single[1][0], atol=1e-4)
        assert alone.best_step_[0] == together.best_step_[run]
        history = together.history_.query("run == @run").drop(columns="run")
        np.testing.assert_allclose(history, alone.history_.drop(columns="run"), atol=1e-3)
    spread = np.ptp(together.layers_[0][0], axis=0)
    assert np.mean(spread > 0.01) > 0.9  # the runs are not each other's copies


def test_more_runs_leave_the_first_ones_as_they_were():
    for seed in (0, 5):
        assert _runs.run_seeds(seed, 7)[:3] == _runs.run_seeds(seed, 3)
    assert _runs.run_seeds(1, 3) != _runs.run_seeds(0, 3)


def training_of(folds, **changes):
    train, _ = folds
    fold, _ = make_folds(tuple(train), None, False)
    plan = quick(**changes)._plan(False)
    return fold, _runs.Training(fold, None, plan, [3, 4], torch.device("cpu"))


def test_every_epoch_takes_each_trial_once_but_for_the_short_batch(folds):
    fold, training = training_of(folds, batch_size=50)
    n_batches = len(fold.X) // 50
    epochs = []
    for _ in range(2):
        rows = []
        for _ in range(n_batches):
            rows.append(training._batch())
            training.step += 1
        epochs.append(torch.cat(rows, dim=1))
        for own in epochs[-1]:
            assert len(set(own.tolist())) == n_batches * 50
    assert not torch.equal(epochs[0], epochs[1])
    assert not torch.equal(epochs[0][0], epochs[0][1])


def test_noise_is_fresh_standard_normal_for_each_step_and_run(folds):
    fold, training = training_of(folds, input_noise=2.0)
    rows = training._batch()
    noise = [
        (training._fill_inputs(rows) - torch.from_numpy(fold.X)[rows]).numpy() for _ in range(3)
    ]
    noise = np.stack(noise) / 2  # (steps, runs, batch, voxels)
    n = noise.size
    assert abs(noise.mean()) < 4.5 / math.sqrt(n)
    assert abs((noise**2).mean() - 1) < 4.5 * math.sqrt(2 / n)
    assert abs((noise**4).mean() - 3) < 4.5 * math.sqrt(96 / n)
    flat = noise.reshape(6, -1)
    correlations = np.corrcoef(flat)[np.triu_indices(6, 1)]
    assert np.abs(correlations).max() < 4.5 / math.sqrt(flat.shape[1])


def test_far_above_chance_and_at_chance_for_shuffled_pictures(folds):
    train, validation = folds
    gallery = distinct_embeddings(validation.Y, validation.items)
    scores = []
    for shuffle in (False, True):
        names, first = np.unique(train.items, return_index=True)
        pictures = train.Y[first]
        if shuffle:
            pictures = np.random.default_rng(0).permutation(pictures)
        Y = pictures[np.searchsorted(names, train.items)]
        decoder = quick(batch_size=128, n_steps=120).fit(train.X, Y, items=train.items)
        scores.append(score_decoding(decoder.predict(validation.X), validation.items, *gallery))
    assert scores[0].top_k[1].low > 5 * scores[0].top_k[1].chance
    assert scores[0].cosine.low > 0.3
    assert scores[1].top_k[1].low < scores[1].top_k[1].chance + 0.02
    assert abs(scores[1].two_versus_two.value - 0.5) < 0.15


# What is kept


def test_early_stopping_keeps_a_copy_of_the_best_weights(folds):
    decoder = fitted(
        folds, early_stopping="top_1", lr=0.03, n_steps=200, evaluate_every=5, patience=4
    )
    validation = folds[1]
    for run in range(3):
        history = decoder.history_.query("run == @run").set_index("step")
        top_1 = history["validation_top_1"]
        best = decoder.best_step_[run]
        assert top_1[best] == top_1.loc[: best + 5 * 4].max()
        assert top_1[best] > top_1.loc[: best - 1].max()
        predicted = unit(validation.X @ decoder.coef_runs_[run] + decoder.intercept_runs_[run])
        gallery = distinct_embeddings(validation.Y, validation.items)
        score = score_decoding(predicted, validation.items, *gallery, ks=[1], n_bootstrap=1)
        assert score.top_k[1].value == pytest.approx(top_1[best], abs=1e-6)
        assert score.cosine.value == pytest.approx(history["validation_cosine"][best], abs=1e-5)
    last = decoder.history_["step"].max()
    assert last == decoder.best_step_.max() + 20  # the last run waited four evaluations
    assert (decoder.best_step_ < last).all()


def test_without_early_stopping_the_last_weights_are_kept(folds):
    with_fold, without = fitted(folds), quick().fit(*tuple(folds[0])[:2])
    np.testing.assert_array_equal(with_fold.coef_runs_, without.coef_runs_)
    assert without.history_["validation_top_1"].isna().all()
    assert with_fold.best_step_.tolist() == [40] * 3
    assert with_fold.history_["step"].unique().tolist() == [10, 20, 30, 40]
    losses = with_fold.history_.groupby("step")["loss"].mean()
    assert losses.iloc[-1] < losses.iloc[0]


def test_weights_are_averaged_and_predictions_have_unit_length(folds):
    _, validation = folds
    decoder = fitted(folds)
    assert decoder.coef_runs_.shape == (3, 200, 16)
    np.testing.assert_allclose(decoder.coef_, decoder.coef_runs_.mean(axis=0), atol=1e-7)
    np.testing.assert_allclose(decoder.intercept_, decoder.intercept_runs_.mean(0), atol=1e-7)
    predicted = decoder.predict(validation.X)
    np.testing.assert_allclose(np.linalg.norm(predicted, axis=1), 1, atol=1e-5)
    expected = unit(validation.X @ decoder.coef_ + decoder.intercept_)
    np.testing.assert_allclose(predicted, expected, atol=1e-5)
    assert decoder.n_features_in_ == 200
    assert decoder.n_dims_ == 16


def test_a_hidden_layer_averages_predictions_and_has_no_row_a_voxel(folds):
    decoder = fitted(folds, hidden=12)
    X = folds[1].X
    mean = np.zeros((len(X), 16))
    for run in range(3):
        (W1, b1), (W2, b2) = decoder.layers_
        h = X @ W1[run] + b1[run]
        mean += unit(np.where(h > 0, h, 0.01 * h) @ W2[run] + b2[run])
    np.testing.assert_allclose(decoder.predict(X), unit(mean), atol=1e-5)
    for name in ("coef_", "intercept_", "coef_runs_", "intercept_runs_"):
        with pytest.raises(AttributeError, match=f"{name} is not defined with a hidden layer"):
            getattr(decoder, name)


def test_equal_embeddings_are_one_image_where_items_are_not_given(folds):
    train, _ = folds
    named = quick(n_steps=5).fit(train.X, train.Y, items=train.items)
    unnamed = quick(n_steps=5).fit(train.X, train.Y)
    np.testing.assert_array_equal(named.coef_runs_, unnamed.coef_runs_)


def test_score_is_top_1_accuracy(folds):
    _, validation = folds
    decoder = fitted(folds)
    gallery = distinct_embeddings(validation.Y, validation.items)
    score = score_decoding(decoder.predict(validation.X), validation.items, *gallery)
    assert decoder.score(*validation) == score.top_k[1].value
    assert decoder.score(validation.X, validation.Y) == score.top_k[1].value


# Bad input


def wrong(Y, row=5, factor=2.0):
    Y = Y.copy()
    Y[row] *= factor
    return Y


def with_nan(values):
    values = values.copy()
    values[3, 2] = np.nan
    return values


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (lambda t: {"X": with_nan(t.X)}, "Input X contains NaN"),
        (lambda t: {"Y": with_nan(t.Y)}, "contains NaN"),
        (lambda t: {"Y": t.Y[:-1]}, "inconsistent numbers of samples|rows|samples"),
        (lambda t: {"Y": t.Y[:, 0]}, "Y must be 2-D"),
        (lambda t: {"Y": wrong(t.Y)}, "Y must have rows of unit length.*row 5 has length 2"),
        (lambda t: {"items": t.items[1:]}, "items must name the image of each of the 720 rows"),
        (lambda t: {"items": np.arange(720) % 7}, "two embeddings of image"),
        (lambda t: {"Y": np.repeat(t.Y[:1], 720, axis=0), "items": None}, "trials show one image"),
    ],
)
def test_bad_trials_are_named(folds, changes, message):
    train, _ = folds
    given = {"X": train.X, "Y": train.Y, "items": train.items, **changes(train)}
    with pytest.raises(ValueError, match=message):
        quick().fit(given["X"], given["Y"], items=given["items"])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"n_runs": 0}, "n_runs=0: expected an integer of 1 or more"),
        ({"n_steps": 2.5}, "n_steps=2.5"),
        ({"batch_size": 1}, "batch_size=1: expected an integer of 2 or more"),
        ({"batch_size": 721}, "batch_size=721: there are only 720 training trials"),
        ({"hidden": 0}, "hidden=0"),
        ({"temperature": 0}, "temperature=0: expected a finite number above 0"),
        ({"lr": -1.0}, "lr=-1.0"),
        ({"input_noise": -0.1}, "input_noise=-0.1: expected a finite number 0 or more"),
        ({"input_noise": "1"}, "input_noise='1'"),
        ({"early_stopping": "best"}, "early_stopping='best': expected None, 'top_1' or 'loss'"),
        ({"early_stopping": "loss"}, "early_stopping='loss' needs validation="),
        ({"device": "abacus"}, "device='abacus' cannot be used here"),
        ({"device": "cuda:99"}, "device='cuda:99' cannot be used here"),
        ({"random_state": [1, 2]}, "one seed of 0 or more for each of the n_runs=3"),
    ],
)
def test_bad_parameters_are_named(folds, changes, message):
    with pytest.raises(ValueError, match=message):
        quick(**changes).fit(folds[0].X, folds[0].Y)


def test_a_validation_fold_of_training_images_is_an_error_unless_wanted(folds):
    train, validation = folds
    mixed = tuple(np.concatenate([a[:30], b]) for a, b in zip(train, validation, strict=True))
    n_shared = len(set(train.items[:30]))
    message = f"{n_shared} of {60 + n_shared} validation images are training images"
    with pytest.raises(ValueError, match=message):
        quick().fit(train.X, train.Y, items=train.items, validation=mixed)
    with pytest.raises(ValueError, match=message):
        quick().fit(train.X, train.Y, validation=mixed[:2])
    decoder = quick(n_steps=2).fit(
        train.X, train.Y, items=train.items, validation=mixed, allow_shared_images=True
    )
    assert decoder.history_["validation_top_1"].notna().all()


def test_a_wrong_validation_fold_is_named(folds):
    train, (X, Y, items) = folds
    for validation, message in (
        ((X, Y), "for neither"),
        (X, r"validation must be a tuple \(X, Y\)"),
        ((X[:, :9], Y, items), "9 features"),
        ((X, Y[:, :9], items), "validation Y must have rows of unit length"),
        ((X, unit(Y[:, :9]), items), "200 voxels and 9 dimensions"),
        ((X[1:], Y, items), "validation X has 179 trials, validation Y has 180"),
        ((X, Y, items[1:]), "validation items must name the image of each of the 180 rows"),
    ):
        with pytest.raises(ValueError, match=message):
            quick().fit(train.X, train.Y, items=train.items, validation=validation)


def test_a_loss_that_is_not_finite_ends_the_training(folds):
    with pytest.raises(ValueError, match=r"loss of run 0 is not finite at step 10\. Lower lr"):
        quick(temperature=1e-38).fit(folds[0].X, folds[0].Y)
