"""Activations layer by layer: against a forward pass written out by hand, and at every door."""

from __future__ import annotations

import gc
import sys
import tempfile
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from sdc_helpers.embeddings import (
    RESNET18_LAYERS,
    iter_layer_activations,
    load_resnet18,
    preprocess,
)

torch = pytest.importorskip("torch")
F = torch.nn.functional


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    """Keep torch to one thread: waiting for threads costs more than these small passes."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(11).integers(0, 256, (5, 60, 48, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def resnet():
    """Return an untrained ResNet18 whose batch norms differ from the identity."""
    model = load_resnet18("random", seed=3)
    generator = torch.Generator().manual_seed(4)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                shape = module.weight.shape
                module.weight.copy_(0.5 + torch.rand(shape, generator=generator))
                module.bias.copy_(0.2 * torch.randn(shape, generator=generator))
                module.running_mean.copy_(0.2 * torch.randn(shape, generator=generator))
                module.running_var.copy_(0.5 + torch.rand(shape, generator=generator))
    return model


@pytest.fixture(scope="module")
def tiny():
    """Return a cheap network with an in-place ReLU and layers of very different width."""
    torch.manual_seed(5)
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 16, stride=16),
        torch.nn.BatchNorm2d(4),
        torch.nn.ReLU(inplace=True),
        torch.nn.AdaptiveAvgPool2d(2),
        torch.nn.Flatten(),
        torch.nn.Linear(16, 3),
    )


TINY_LAYERS = ("0", "1", "2", "3", "5")


def written_out(model, batch):
    """Compute the outputs of ResNet18 with functions only, nothing in place (He et al. 2016)."""
    w = model.state_dict()
    out = {}

    def conv(name, x, stride, padding):
        out[name] = F.conv2d(x, w[f"{name}.weight"], stride=stride, padding=padding)
        return out[name]

    def norm(name, x):
        scale = w[f"{name}.weight"] / torch.sqrt(w[f"{name}.running_var"] + 1e-5)
        shift = w[f"{name}.bias"] - w[f"{name}.running_mean"] * scale
        out[name] = x * scale[:, None, None] + shift[:, None, None]
        return out[name]

    def positive(x):
        return torch.maximum(x, torch.zeros_like(x))

    x = positive(norm("bn1", conv("conv1", batch, 2, 3)))
    x = out["maxpool"] = F.max_pool2d(x, 3, stride=2, padding=1)
    for stage in (1, 2, 3, 4):
        for block in (0, 1):
            at = f"layer{stage}.{block}"
            stride = 2 if stage > 1 and block == 0 else 1
            shortcut = x
            if stride == 2:
                shortcut = norm(
                    f"{at}.downsample.1", conv(f"{at}.downsample.0", x, stride, padding=0)
                )
            y = positive(norm(f"{at}.bn1", conv(f"{at}.conv1", x, stride, 1)))
            y = norm(f"{at}.bn2", conv(f"{at}.conv2", y, 1, 1))
            x = out[at] = positive(y + shortcut)
    out["avgpool"] = x.mean(dim=(2, 3))
    out["fc"] = out["avgpool"] @ w["fc.weight"].T + w["fc.bias"]
    return {name: value.reshape(len(batch), -1).numpy() for name, value in out.items()}


def assert_same(found, expected):
    assert list(found) == list(expected)
    for name, values in expected.items():
        assert_allclose(found[name], values, rtol=1e-4, atol=1e-4 * np.abs(values).max())


def test_the_twenty_layers_run_in_the_order_listed(resnet):
    assert len(set(RESNET18_LAYERS)) == 20
    assert RESNET18_LAYERS[:2] == ("conv1", "maxpool")
    order = []
    handles = [
        module.register_forward_hook(lambda *_, name=name: order.append(name))
        for name, module in resnet.named_modules()
        if name in RESNET18_LAYERS
    ]
    resnet(torch.zeros(1, 3, 224, 224))
    for handle in handles:
        handle.remove()
    assert tuple(order) == RESNET18_LAYERS


def test_all_layers_equal_a_forward_pass_written_out(resnet, images):
    found = dict(iter_layer_activations(resnet, images, batch_size=2))
    by_hand = written_out(resnet, preprocess(images))
    assert_same(found, {name: by_hand[name] for name in RESNET18_LAYERS})
    channels = {1: 64, 2: 128, 3: 256, 4: 512}
    for name, values in found.items():
        assert values.dtype == np.float32
        assert len(values) == len(images)
        if name.startswith("layer"):
            stage = int(name[5])
            assert values.shape[1] == channels[stage] * (112 // 2**stage) ** 2
    assert found["conv1"].shape[1] == 64 * 112 * 112 == 802_816
    assert found["maxpool"].shape[1] == 64 * 56 * 56
    assert found["avgpool"].shape[1] == 512
    assert found["fc"].shape[1] == 1000


def test_outputs_that_the_network_overwrites_are_recorded_before(resnet, images):
    layers = ["bn1", "layer1.0.bn1", "layer1.0.bn2", "layer2.0.downsample.1", "layer2.0"]
    found = dict(iter_layer_activations(resnet, images[:2], layers))
    by_hand = written_out(resnet, preprocess(images[:2]))
    assert_same(found, {name: by_hand[name] for name in layers})
    assert found["bn1"].min() < 0  # the in-place ReLU after it would leave nothing negative
    assert found["layer2.0"].min() == 0


def test_groups_and_files_give_the_same_arrays(resnet, images):
    everything = dict(iter_layer_activations(resnet, images))
    n_bytes = {name: values.nbytes for name, values in everything.items()}
    bound = n_bytes["maxpool"]  # conv1 is above it, every other layer is not
    for name, values in iter_layer_activations(resnet, images, max_bytes=bound):
        assert isinstance(values, np.memmap) == (name == "conv1")
        assert_array_equal(values, everything[name])


@settings(deadline=None, max_examples=25)
@given(
    layers=st.lists(st.sampled_from(TINY_LAYERS), min_size=1, unique=True),
    max_bytes=st.integers(1, 20_000) | st.just(float("inf")),
    batch_size=st.integers(1, 7),
)
def test_any_grouping_batching_and_order_agree(tiny, images, layers, max_bytes, batch_size):
    with torch.inference_mode():
        x, expected = preprocess(images), {}
        tiny.eval()
        for name, module in tiny.named_children():
            x = module(x.clone())
            expected[name] = x.reshape(len(images), -1).numpy()
    found = list(iter_layer_activations(tiny, images, layers, max_bytes, batch_size))
    assert [name for name, _ in found] == layers
    for name, values in found:
        assert isinstance(values, np.memmap) == (expected[name].nbytes > max_bytes)
        assert_allclose(values, expected[name], rtol=1e-4, atol=1e-5)


def test_as_few_passes_as_the_bound_allows(tiny, images):
    n_passes = []
    handle = tiny.register_forward_pre_hook(lambda *_: n_passes.append(1))
    wide, narrow = 4 * 14 * 14 * 4 * len(images), 16 * 4 * len(images)
    for max_bytes, expected in [
        (1e9, 1),  # everything at once
        (2 * wide + narrow, 2),  # 0 1 | 2 3 5
        (wide + narrow, 3),  # 0 | 1 | 2 3
    ]:
        n_passes.clear()
        list(
            iter_layer_activations(tiny, images, TINY_LAYERS[:4], max_bytes, batch_size=len(images))
        )
        assert len(n_passes) == 1 + expected  # one more, with one image, to count features
    handle.remove()


def test_a_pass_ends_at_the_last_layer_needed(tiny, images):
    reached = []
    handle = tiny[5].register_forward_hook(lambda *_: reached.append(1))
    list(iter_layer_activations(tiny, images, ["0", "2"], batch_size=len(images)))
    handle.remove()
    assert len(reached) == 1  # only while counting features


def test_stored_activations_stay_within_the_bound(resnet, images):
    max_bytes = 12e6
    total = 0
    tracemalloc.start()  # counts numpy's memory, not torch's
    try:
        for _, values in iter_layer_activations(resnet, images, max_bytes=max_bytes, batch_size=2):
            total += values.nbytes
            del values
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert total > 3 * max_bytes
    assert peak < max_bytes + 2e6


@pytest.mark.parametrize("leave_by", ["the end", "closing", "an error"])
def test_no_file_is_left(tiny, images, tmp_path, monkeypatch, leave_by):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    iterator = iter_layer_activations(tiny, images, max_bytes=1, layers=TINY_LAYERS)
    _, values = next(iterator)
    assert isinstance(values, np.memmap)
    if leave_by == "the end":
        assert len(list(iterator)) == 4
    elif leave_by == "closing":
        iterator.close()
    else:
        with pytest.raises(KeyError):
            iterator.throw(KeyError("in the loop of the caller"))
    assert list(tmp_path.iterdir()) == []
    assert np.isfinite(values).all()  # still readable by who holds it
    del values, iterator
    gc.collect()
    if sys.platform == "linux":
        assert str(tmp_path) not in Path("/proc/self/maps").read_text()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_full_disk_names_the_layer_and_the_way_out(tiny, images, monkeypatch):
    def on_a_full_disk(**_):
        return Path("/dev/full").open("r+b", buffering=0)

    monkeypatch.setattr(tempfile, "TemporaryFile", on_a_full_disk)
    with pytest.raises(OSError, match=r"layer '1' needs .* TMPDIR"):
        list(iter_layer_activations(tiny, images, ["1"], max_bytes=1))


def test_model_is_left_as_it_was(tiny, images):
    tiny.train()
    tiny[3].eval()
    before = {key: value.clone() for key, value in tiny.state_dict().items()}
    first = dict(iter_layer_activations(tiny, images, TINY_LAYERS))
    assert tiny.training
    assert tiny[1].training
    assert not tiny[3].training
    for key, value in tiny.state_dict().items():
        assert torch.equal(value, before[key])
    with pytest.raises(ValueError, match="images"):
        iter_layer_activations(tiny, images[:0], TINY_LAYERS)
    iterator = iter_layer_activations(tiny, images, TINY_LAYERS, max_bytes=1)
    next(iterator)
    iterator.close()
    assert not any(module._forward_hooks for module in tiny.modules())
    tiny.eval()
    for name, values in iter_layer_activations(tiny, images, TINY_LAYERS):
        assert_array_equal(values, first[name])


def test_hooks_are_removed_when_the_network_fails(images):
    def fail(*_):
        raise ArithmeticError

    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Identity())
    model[1].register_forward_pre_hook(fail)
    with pytest.raises(ArithmeticError):
        iter_layer_activations(model, images, ["0"])
    assert not model[0]._forward_hooks


def test_preprocess_crops_and_standardises(images):
    square = np.random.default_rng(2).integers(0, 256, (2, 256, 300, 3), dtype=np.uint8)
    found = preprocess(square)
    assert found.dtype == torch.float32
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    expected = (square[:, 16:240, 38:262] / 255 - mean) / std
    assert_allclose(found.numpy(), expected.transpose(0, 3, 1, 2), rtol=0, atol=1e-5)
    assert preprocess(images).shape == (5, 3, 224, 224)


def test_preprocess_resizes_the_shorter_side_like_pillow():
    from PIL import Image

    image = np.random.default_rng(6).integers(0, 256, (90, 60, 3), dtype=np.uint8)
    resized = np.asarray(Image.fromarray(image).resize((256, 384), Image.Resampling.BILINEAR))
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    found = preprocess(image[None])[0].numpy().transpose(1, 2, 0)
    grey_levels = 255 * (found * std + mean)
    assert_allclose(grey_levels, resized[80:304, 16:240].astype(float), rtol=0, atol=1.01)


def test_images_may_be_read_only_and_strided(images):
    view = images[::-1, :, ::-1]
    view.flags.writeable = False
    assert torch.equal(preprocess(view), preprocess(np.ascontiguousarray(view)))


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        ([[0, 1]], r"shape \(1, 2\)"),
        (np.zeros((2, 8, 8, 3)), "float64"),
        (np.zeros((2, 8, 8, 3), np.float32), "times 255"),
        (np.zeros((8, 8, 3), np.uint8), r"\(8, 8, 3\)"),
        (np.zeros((2, 3, 8, 8), np.uint8), r"\(2, 3, 8, 8\)"),
        (np.zeros((2, 8, 8, 4), np.uint8), r"\(2, 8, 8, 4\)"),
        (np.zeros((0, 8, 8, 3), np.uint8), "no image"),
        (np.zeros((2, 0, 8, 3), np.uint8), "no image"),
    ],
)
def test_bad_images_are_refused(tiny, bad, message):
    with pytest.raises(ValueError, match=message):
        preprocess(bad)
    with pytest.raises(ValueError, match=message):
        iter_layer_activations(tiny, bad, ["0"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layers": ["layer1.0.con1"]}, r"layer1\.0\.con1.*nearest are layer1\.0\.conv1"),
        ({"layers": "conv1"}, "string 'conv1'"),
        ({"layers": []}, "at least one"),
        ({"layers": ["conv1", "conv1"]}, "each once"),
        ({"layers": [""]}, "unknown"),
        ({"layers": ["layer1.0.relu"]}, r"'layer1\.0\.relu' gives 2 rows for 1 images"),
        ({"max_bytes": 0}, "max_bytes"),
        ({"max_bytes": float("nan")}, "max_bytes"),
        ({"batch_size": 0}, "batch_size"),
        ({"batch_size": 2.5}, "batch_size"),
        ({"device": "abacus"}, "abacus.*available: cpu"),
        ({"device": "meta"}, "meta.*available: cpu"),
        ({"device": "cuda:99"}, "cuda:99.*available: cpu"),
    ],
)
def test_bad_arguments_are_refused_at_the_call(resnet, images, arguments, message):
    with pytest.raises(ValueError, match=message):
        iter_layer_activations(resnet, images[:1], **arguments)


class Pair(torch.nn.Module):
    def forward(self, x):
        return x, x


class Rows(torch.nn.Module):
    def forward(self, x):
        return x.reshape(-1, 224)


class Unused(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.spare = torch.nn.Identity()

    def forward(self, x):
        return x


@pytest.mark.parametrize(
    ("model", "layer", "message"),
    [
        (torch.nn.Sequential(Pair()), "0", "'0' returns tuple"),
        (torch.nn.Sequential(Rows()), "0", "'0' gives 672 rows"),
        (Unused(), "spare", "'spare' gives 0 rows"),
    ],
)
def test_layers_without_one_row_an_image_are_refused(images, model, layer, message):
    with pytest.raises(ValueError, match=message):
        iter_layer_activations(model, images, [layer])


@pytest.mark.parametrize("max_bytes", [1e9, 1])
def test_a_layer_that_some_images_skip_is_no_matrix(images, max_bytes):
    class Picky(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.bright_only = torch.nn.Flatten()

        def forward(self, x):
            return self.bright_only(x) if x.mean() > 0 else x

    mixed = images.copy()
    mixed[0], mixed[3] = 255, 0
    with pytest.raises(ValueError, match="'bright_only' gives 4 rows for 5 images"):
        list(iter_layer_activations(Picky(), mixed, ["bright_only"], max_bytes, batch_size=1))
