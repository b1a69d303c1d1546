"""Weights of ResNet18: the seed, a round trip through files, and every way a file can be wrong."""

from __future__ import annotations

import hashlib
import pickle

import pytest

from sdc_helpers.embeddings import WeightsError, load_resnet18
from sdc_helpers.embeddings._checkpoints import published_checkpoint, read_state_dict

torch = pytest.importorskip("torch")


@pytest.fixture(scope="module")
def state():
    return {key: value.clone() for key, value in load_resnet18("random", 7).state_dict().items()}


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """Return the folder in which torch keeps checkpoints, an empty one here."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    return tmp_path / "torch" / "hub" / "checkpoints"


@pytest.fixture
def small():
    """Return the state dict of a network of a few hundred bytes."""
    return torch.nn.Sequential(torch.nn.Conv2d(3, 2, 1), torch.nn.BatchNorm2d(2)).state_dict()


def save(state, path):
    if path.suffix == ".safetensors":
        from safetensors.torch import save_file

        save_file(state, path)
    else:
        torch.save(state, path)
    return path


def assert_equal(model, state):
    found = model.state_dict()
    assert found.keys() == state.keys()
    assert all(torch.equal(found[key], state[key]) for key in state)


def test_seed_determines_the_untrained_network(state):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    model = load_resnet18("random", seed=7)
    assert torch.equal(torch.get_rng_state(), before)
    assert_equal(model, state)
    assert not torch.equal(load_resnet18("random", seed=8).conv1.weight, state["conv1.weight"])
    assert not model.training
    assert not any(parameter.requires_grad for parameter in model.parameters())


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_round_trip_through_a_file(state, tmp_path, suffix):
    path = save(state, tmp_path / f"copy{suffix}")
    assert_equal(load_resnet18(path), state)
    assert_equal(load_resnet18(str(path), seed=1), state)
    path.unlink()  # 45 MB


def test_counters_of_batches_may_be_missing_and_halves_are_widened(state, tmp_path):
    halves = {key: value.half() for key, value in state.items() if value.is_floating_point()}
    path = save(halves, tmp_path / "half.pth")
    model = load_resnet18(path)
    path.unlink()
    assert model.conv1.weight.dtype == torch.float32
    assert torch.equal(model.conv1.weight, halves["conv1.weight"].float())


def test_another_network_is_refused(tmp_path):
    from torchvision.models import squeezenet1_1

    path = save(squeezenet1_1(weights=None).state_dict(), tmp_path / "squeezenet.pth")
    with pytest.raises(WeightsError, match=r"squeezenet\.pth .* missing \(conv1\.weight"):
        load_resnet18(path)
    path.unlink()


def without(state, key):
    return {name: value for name, value in state.items() if name != key}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda s: without(s, "1.running_var"), r"1 missing \(1\.running_var\)"),
        (lambda s: {f"module.{k}": v for k, v in s.items()}, r"module\.0\.weight.*\.\.\.\)"),
        (lambda s: {**s, "0.bias": s["0.bias"][:1]}, r"1 of another shape \(0\.bias\)"),
        (lambda s: {**s, "0.bias": s["0.bias"] / 0}, r"1 not finite \(0\.bias\)"),
        (lambda s: {"state_dict": s, "epoch": 3}, "no flat state dict"),
        (lambda s: list(s.values()), "no flat state dict"),
        (lambda s: {}, r"missing .*\.\.\.\)"),
    ],
)
def test_a_state_dict_that_does_not_fit_is_refused(small, tmp_path, change, message):
    path = save(change(small), tmp_path / "other.pth")
    with pytest.raises(WeightsError, match=message) as caught:
        read_state_dict(path, small)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("damage", ["truncated", "noise", "empty"])
def test_damaged_files_are_named(small, tmp_path, suffix, damage):
    path = save(small, tmp_path / f"damaged{suffix}")
    content = path.read_bytes()
    damaged = {"truncated": content[: len(content) // 2], "noise": b"\x07" * 999, "empty": b""}
    path.write_bytes(damaged[damage])
    with pytest.raises(WeightsError, match="cannot be read") as caught:
        load_resnet18(path)
    assert str(path) in str(caught.value)


class Bomb:
    """An object whose unpickling would leave a trace."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return (open, (self.trace, "w"))


@pytest.mark.parametrize("as_plain_pickle", [False, True])
def test_pickled_objects_are_never_run(tmp_path, as_plain_pickle):
    path, trace = tmp_path / "bomb.pth", tmp_path / "trace"
    bomb = {"conv1.weight": Bomb(str(trace))}
    if as_plain_pickle:
        path.write_bytes(pickle.dumps(bomb, protocol=2))
    else:
        torch.save(bomb, path)
    with pytest.raises(WeightsError, match="never loaded"):
        load_resnet18(path)
    assert not trace.exists()


@pytest.mark.parametrize("weights", ["imagnet", "no/such/file.pth", 3, None])
def test_unknown_weights_say_what_is_possible(weights):
    with pytest.raises(WeightsError, match=r"'random', 'imagenet' or"):
        load_resnet18(weights)


def test_a_folder_or_another_kind_of_file_is_no_checkpoint(tmp_path):
    (tmp_path / "weights.npz").write_bytes(b"")
    for path in (tmp_path, tmp_path / "weights.npz"):
        with pytest.raises(WeightsError, match=r"is no checkpoint file.*\.safetensors"):
            load_resnet18(path)


@pytest.mark.parametrize("seed", [-1, 1.0, True, "0", 2**63])
def test_bad_seeds_are_refused(seed):
    with pytest.raises(ValueError, match="seed"):
        load_resnet18("random", seed=seed)


def test_unknown_device_is_refused():
    with pytest.raises(ValueError, match=r"abacus.*available: cpu"):
        load_resnet18("random", device="abacus")


def test_offline_says_which_file_goes_where(cache, monkeypatch):
    from urllib.error import URLError

    def unreachable(*_args, **_kwargs):
        raise URLError("Name or service not known")

    monkeypatch.setattr(torch.hub, "download_url_to_file", unreachable)
    with pytest.raises(WeightsError, match="Name or service not known") as caught:
        load_resnet18("imagenet")
    message = str(caught.value)
    assert str(cache / "resnet18-f37072fd.pth") in message
    assert "path of a local copy" in message


def test_published_file_is_fetched_once_and_verified_each_time(cache, tmp_path, monkeypatch):
    content = b"weights" * 1000
    source = tmp_path / f"net-{hashlib.sha256(content).hexdigest()[:8]}.pth"
    source.write_bytes(content)
    path = published_checkpoint(source.as_uri())
    assert path == cache / source.name
    assert path.read_bytes() == content
    source.unlink()
    assert published_checkpoint(source.as_uri()) == path  # from the cache
    path.write_bytes(content[:-1])
    with pytest.raises(WeightsError, match="is damaged") as caught:
        published_checkpoint(source.as_uri())
    assert str(path) in str(caught.value)


def test_a_damaged_download_leaves_nothing_in_the_cache(cache, tmp_path):
    source = tmp_path / "net-00000000.pth"
    source.write_bytes(b"not what the name says")
    with pytest.raises(WeightsError, match="could not be downloaded"):
        published_checkpoint(source.as_uri())
    assert list(cache.iterdir()) == []


def test_a_damaged_imagenet_file_in_the_cache_is_never_used(cache):
    cache.mkdir(parents=True)
    (cache / "resnet18-f37072fd.pth").write_bytes(b"half a download")
    with pytest.raises(WeightsError, match="Delete the file and run again"):
        load_resnet18("imagenet")
