from __future__ import annotations

import numpy as np
import pytest
from sklearn.cross_decomposition import CCA

from sdc_helpers.concepts import (
    CanonicalComponents,
    EncodingComponents,
    PrincipalComponents,
    subspace_agreement,
)


def pairs(seed=0, n=300, n_dims=6):
    """Correlated true embeddings, and noisy decoded ones of other means."""
    rng = np.random.default_rng(seed)
    true = rng.standard_normal((n, n_dims)) @ rng.standard_normal((n_dims, n_dims)) + 3
    decoded = true @ rng.standard_normal((n_dims, n_dims)) + 4 * rng.standard_normal((n, n_dims))
    return true, decoded - 5


@pytest.mark.parametrize("side", ["true", "decoded"])
def test_principal_components_by_the_covariance(side):
    true, decoded = pairs()
    model = PrincipalComponents(3, side).fit(true, decoded)
    covariance = np.cov(true if side == "true" else decoded, rowvar=False)
    values, vectors = np.linalg.eigh(covariance)
    cosines = np.abs(np.einsum("kd,dk->k", model.components_, vectors[:, ::-1][:, :3]))
    np.testing.assert_allclose(cosines, 1)
    np.testing.assert_allclose(
        model.explained_variance_ratio_, values[::-1][:3] / values.sum(), rtol=1e-9
    )
    np.testing.assert_array_equal(model.mean_, true.mean(axis=0))
    np.testing.assert_allclose(
        model.transform(true), (true - true.mean(axis=0)) @ model.components_.T
    )


def test_what_is_decoded_shows_in_the_decoded_side_alone():
    rng = np.random.default_rng(0)
    true = rng.standard_normal((500, 8))
    decoded = true * (np.arange(8) < 3) + 0.3 * rng.standard_normal((500, 8))
    known = np.eye(8)[:3]
    found = {side: PrincipalComponents(3, side).fit(true, decoded) for side in ("true", "decoded")}
    assert subspace_agreement(found["decoded"].components_, known) > 0.95
    assert subspace_agreement(found["true"].components_, known) < 0.95


def test_canonical_correlations_of_scikit_learn():
    true, decoded = pairs()
    model = CanonicalComponents(4).fit(true, decoded)
    theirs = CCA(4, max_iter=10_000, tol=1e-12).fit(true, decoded)
    u, v = theirs.transform(true, decoded)
    expected = [np.corrcoef(u[:, k], v[:, k])[0, 1] for k in range(4)]
    np.testing.assert_allclose(model.correlations_, expected, atol=1e-5)
    ours, others = model.transform(true), model.transform_decoded(decoded)
    np.testing.assert_allclose(np.cov(ours, rowvar=False, bias=True), np.eye(4), atol=1e-9)
    np.testing.assert_allclose(np.cov(others, rowvar=False, bias=True), np.eye(4), atol=1e-9)
    np.testing.assert_allclose(ours.T @ others / len(true), np.diag(model.correlations_), atol=1e-9)
    np.testing.assert_allclose(others.mean(axis=0), 0, atol=1e-9)


def test_canonical_scores_do_not_depend_on_the_coordinates():
    true, decoded = pairs()
    rng = np.random.default_rng(1)
    mix, other = rng.standard_normal((6, 6)), rng.standard_normal((6, 6))
    model = CanonicalComponents(3).fit(true, decoded)
    mixed = CanonicalComponents(3).fit(true @ mix, decoded @ other)
    np.testing.assert_allclose(mixed.correlations_, model.correlations_, rtol=1e-8)
    signs = np.sign((mixed.transform(true @ mix) * model.transform(true)).sum(axis=0))
    np.testing.assert_allclose(
        mixed.transform_decoded(decoded @ other) * signs,
        model.transform_decoded(decoded),
        atol=1e-7,
    )


def test_weights_of_canonical_scores():
    true, decoded = pairs()
    plain = CanonicalComponents(4).fit(true, decoded)
    weighted = CanonicalComponents(4, "correlation").fit(true, decoded)
    rho = plain.correlations_
    expected = np.sqrt(rho / (1 - rho**2))
    np.testing.assert_allclose(weighted.transform(true), plain.transform(true) * expected)
    np.testing.assert_allclose(
        weighted.transform_decoded(decoded), plain.transform_decoded(decoded) * expected
    )
    np.testing.assert_allclose(weighted.components_, plain.components_)


def test_perfect_correlations_have_no_weight():
    true, _ = pairs()
    assert CanonicalComponents(2).fit(true, true).correlations_ == pytest.approx([1, 1])
    with pytest.raises(ValueError, match="2 scores are perfectly correlated"):
        CanonicalComponents(2, "correlation").fit(true, true)


def participants(seed=0, n_pictures=200, n_voxels=40, noise=1.0):
    rng = np.random.default_rng(seed)
    embeddings, responses = {}, {}
    for who, n in {"a": n_pictures, "b": n_pictures - 50}.items():
        embeddings[who] = rng.standard_normal((n, 8))
        weights = rng.standard_normal((3, n_voxels))
        responses[who] = embeddings[who][:, 2:5] @ weights + noise * rng.standard_normal(
            (n, n_voxels)
        )
    return embeddings, responses


def test_encoding_weights_span_what_voxels_answer_to():
    embeddings, responses = participants()
    model = EncodingComponents(3).fit(embeddings, responses)
    assert subspace_agreement(model.components_, np.eye(8)[2:5]) > 0.99
    assert list(model.alphas_) == ["a", "b"]
    assert (np.diff(model.singular_values_) <= 0).all()
    np.testing.assert_allclose(model.components_ @ model.components_.T, np.eye(3), atol=1e-12)
    stacked = np.concatenate(list(embeddings.values()))
    np.testing.assert_allclose(model.mean_, stacked.mean(axis=0))


def test_encoding_weights_with_one_penalty_by_hand():
    embeddings, responses = participants()
    model = EncodingComponents(3, [5.0]).fit(embeddings, responses)
    weights = []
    for who in embeddings:
        Y = embeddings[who] - embeddings[who].mean(axis=0)
        X = responses[who] - responses[who].mean(axis=0)
        weights.append(np.linalg.solve(Y.T @ Y + 5 * np.eye(8), Y.T @ X).T)
    values = np.linalg.svd(np.concatenate(weights), compute_uv=False)
    np.testing.assert_allclose(model.singular_values_, values[:3], rtol=1e-8)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (PrincipalComponents(7), "n_components=7: decoded .* varies in 6 dimensions"),
        (PrincipalComponents(0), "n_components=0"),
        (PrincipalComponents(2, "both"), "side='both'"),
        (CanonicalComponents(7), "n_components=7: true .* varies in 6 dimensions"),
        (CanonicalComponents(2, "rho"), "weighting='rho'"),
    ],
)
def test_parameters(model, message):
    with pytest.raises(ValueError, match=message):
        model.fit(*pairs())


@pytest.mark.parametrize("model", [PrincipalComponents(1), CanonicalComponents(1)])
def test_embeddings_that_do_not_vary(model):
    with pytest.raises(ValueError, match=r"n_components=1: .* varies in 0 dimensions"):
        model.fit(np.ones((9, 3)), np.ones((9, 3)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"alphas": []}, r"alphas=\[\]"),
        ({"alphas": [1.0, -1.0]}, "expected positive finite numbers"),
        ({"n_components": 0}, "n_components=0"),
        ({"n_components": 9}, "n_components=9: the encoding weights of 80 voxels span 8"),
    ],
)
def test_parameters_of_encoding(change, message):
    with pytest.raises(ValueError, match=message):
        EncodingComponents(**{"n_components": 2, **change}).fit(*participants())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda e, r: {"embeddings": e["a"]}, "embeddings is ndarray; expected a mapping"),
        (lambda e, r: {"responses": {}}, "responses is dict; expected a mapping"),
        (lambda e, r: {"responses": {"a": r["a"]}}, "embeddings are of a, b and responses of a"),
        (
            lambda e, r: {"responses": {**r, "b": r["a"]}},
            r"embeddings\['b'\] has 150 rows and responses\['b'\] 200",
        ),
        (
            lambda e, r: {"embeddings": {**e, "b": e["b"][:, 1:]}},
            r"embeddings\['b'\] has 7 columns; expected 8",
        ),
        (lambda e, r: {"responses": {**r, "b": r["b"] * np.nan}}, r"responses\['b'\] holds NaN"),
    ],
)
def test_participants_that_do_not_match(change, message):
    embeddings, responses = participants()
    arguments = {"embeddings": embeddings, "responses": responses}
    with pytest.raises(ValueError, match=message):
        EncodingComponents(2).fit(**{**arguments, **change(embeddings, responses)})
