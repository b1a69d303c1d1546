"""Loading a CLIP: what is trained, what is random, and every way in which weights can be wrong."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import re
import warnings

import numpy as np
import pytest

from sdc_helpers.embeddings import WeightsError, embed_images, load_clip

torch = pytest.importorskip("torch")
open_clip = pytest.importorskip("open_clip")
pytestmark = pytest.mark.usefixtures("_tiny_is_known")


@pytest.fixture
def state(tiny):
    return {key: value.clone() for key, value in tiny.model.state_dict().items()}


def save(state, path):
    if path.suffix == ".safetensors":
        from safetensors.torch import save_file

        save_file(state, path)
    else:
        torch.save(state, path)
    return path


def assert_holds(clip, state):
    found = clip.model.state_dict()
    assert found.keys() == state.keys()
    assert all(torch.equal(found[key], state[key]) for key in state)


# --------------------------------------------------------------------- untrained


def test_seed_decides_the_untrained_network(state):
    before = torch.get_rng_state()
    clip = load_clip("tiny", "random", seed=5)
    assert torch.equal(torch.get_rng_state(), before)
    assert_holds(clip, state)
    assert clip.weights == "random, seed 5"
    other = load_clip("tiny", "random", seed=6)
    assert not torch.equal(other.model.visual.conv1.weight, clip.model.visual.conv1.weight)
    assert not clip.model.training
    assert not any(parameter.requires_grad for parameter in clip.model.parameters())


def test_a_clip_says_what_it_is(tiny):
    assert (tiny.name, tiny.dimension, tiny.image_size) == ("tiny", 24, 32)
    assert tiny.device == torch.device("cpu")
    assert tiny.logit_scale == pytest.approx(1 / 0.07)
    tokens = tiny.tokenize(["a cat", "two dogs on a long, long, long, long, long, long beach"])
    assert tokens.shape == (2, 12)
    assert tokens.dtype == torch.int64


@pytest.mark.parametrize("weights", ["course", "openai", "", None, 3, "no/such/file.pt", True])
def test_untrained_is_never_what_one_gets_by_accident(weights):
    with pytest.raises(WeightsError, match=r"neither a file nor published for tiny.*'random'"):
        load_clip("tiny", weights)


def test_backbones_are_not_fetched_behind_the_back(monkeypatch):
    import timm

    asked = []
    create = timm.create_model

    def recording(name, pretrained=False, **options):
        asked.append(pretrained)
        return create(name, pretrained=False, **options)

    monkeypatch.setattr(timm, "create_model", recording)
    config = copy.deepcopy(open_clip.get_model_config("tiny"))
    config["vision_cfg"] = {
        "timm_model_name": "test_vit",
        "timm_model_pretrained": True,
        "timm_pool": "token",
        "image_size": 160,
    }
    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, "backbone", config)
    assert load_clip("backbone", "random").image_size == 160
    assert asked == [False]


def test_an_architecture_that_needs_more_is_named(monkeypatch):
    monkeypatch.setattr(open_clip.hf_model, "transformers", None)
    with pytest.raises(ValueError, match=r"cannot be built here \(roberta-base: .*transformers"):
        load_clip("roberta-ViT-B-32", "random")


@pytest.mark.parametrize(("name", "near"), [("vit-b32", "ViT-B-32"), ("tyni", "tiny"), (None, "")])
def test_unknown_architectures_come_with_near_names(name, near):
    with pytest.raises(ValueError, match=rf"no known architecture.*course-small.*{near}"):
        load_clip(name, "random")


@pytest.mark.parametrize("seed", [-1, 1.0, True, "0", 2**63])
def test_bad_seeds_are_refused(seed):
    with pytest.raises(ValueError, match="seed"):
        load_clip("tiny", "random", seed=seed)


def test_unknown_device_is_refused():
    with pytest.raises(ValueError, match=r"abacus.*available: cpu"):
        load_clip("tiny", "random", device="abacus")


# --------------------------------------------------------------------- files


@pytest.mark.parametrize("suffix", [".pt", ".safetensors", ".bin"])
def test_round_trip_through_a_file(state, tmp_path, suffix):
    path = save(state, tmp_path / f"copy{suffix}")
    clip = load_clip("tiny", path, seed=9)
    assert_holds(clip, state)
    assert clip.weights == str(path)
    assert_holds(load_clip("tiny", str(path)), state)


def test_a_training_checkpoint_of_several_processes_in_half_precision(state, tmp_path):
    halves = {key: value.half() for key, value in state.items()}
    wrapped = {f"module.{key}": value for key, value in halves.items()}
    path = save({"epoch": 3, "state_dict": wrapped}, tmp_path / "epoch_3.pt")
    assert_holds(load_clip("tiny", path), {key: value.float() for key, value in halves.items()})


def widen_positions(state):
    key = "visual.positional_embedding"
    return {**state, key: torch.cat([state[key], state[key]])}


def with_nan(state):
    return {**state, "logit_scale": state["logit_scale"] * torch.nan}


def without_text(state):
    return {key: value for key, value in state.items() if not key.startswith("transformer")}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (widen_positions, r"of another shape \(visual\.positional_embedding\)"),
        (with_nan, r"not finite \(logit_scale\)"),
        (without_text, r"missing \(transformer"),
        (lambda state: {**state, "head": torch.ones(3)}, r"unknown to it \(head\)"),
        (lambda state: {"epoch": 3, "name": "x"}, r"holds no state dict|cannot be read"),
        (lambda state: {}, "cannot be read"),
    ],
)
def test_weights_of_another_architecture_are_refused(state, tmp_path, change, message):
    path = save(change(state), tmp_path / "other.pt")
    with pytest.raises(WeightsError, match=message) as caught:
        load_clip("tiny", path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("suffix", [".pt", ".safetensors"])
@pytest.mark.parametrize("damage", ["truncated", "noise", "empty"])
def test_damaged_files_are_named(state, tmp_path, suffix, damage):
    path = save(state, tmp_path / f"damaged{suffix}")
    content = path.read_bytes()
    damaged = {"truncated": content[: len(content) // 2], "noise": b"\x07" * 999, "empty": b""}
    path.write_bytes(damaged[damage])
    with pytest.raises(WeightsError, match=r"cannot be read.*damaged") as caught:
        load_clip("tiny", path)
    assert str(path) in str(caught.value)


class Bomb:
    """An object whose unpickling would leave a trace."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return (open, (self.trace, "w"))


@pytest.mark.parametrize("as_plain_pickle", [False, True])
def test_pickled_objects_are_never_run(tmp_path, as_plain_pickle):
    path, trace = tmp_path / "bomb.pt", tmp_path / "trace"
    bomb = {"state_dict": {"logit_scale": Bomb(str(trace))}}
    if as_plain_pickle:
        path.write_bytes(pickle.dumps(bomb, protocol=2))
    else:
        torch.save(bomb, path)
    with pytest.raises(WeightsError, match="never loaded"):
        load_clip("tiny", path)
    assert not trace.exists()


@pytest.mark.filterwarnings("ignore:.torch.jit:FutureWarning")
def test_archives_with_code_are_not_run_and_named(tmp_path):
    path = tmp_path / "openai.pt"
    torch.jit.save(torch.jit.script(torch.nn.Linear(2, 2)), path)
    with pytest.raises(WeightsError, match="TorchScript archive"):
        load_clip("tiny", path)


def test_other_files_and_folders_are_no_weights(tmp_path):
    (tmp_path / "weights.npz").write_bytes(b"")
    for path in (tmp_path, tmp_path / "weights.npz"):
        with pytest.raises(WeightsError, match=r"is no file of weights.*\.safetensors"):
            load_clip("tiny", path)


# --------------------------------------------------------------------- published weights

TAG = {
    "hf_hub": "nobody/tiny/",
    "url": "",
    "mean": (0.5, 0.4, 0.3),
    "std": (0.1, 0.2, 0.3),
    "interpolation": "bilinear",
    "resize_mode": "squash",
    "quick_gelu": True,
}


@pytest.fixture
def published(monkeypatch, state, tmp_path):
    """Publish weights for tiny, trained with QuickGELU; return their file."""
    import huggingface_hub

    path = save(state, tmp_path / "open_clip_model.safetensors")
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED, "tiny", {"mine": TAG})
    monkeypatch.setattr(
        huggingface_hub,
        "try_to_load_from_cache",
        lambda repository, name: str(path) if (repository, name) == EXPECTED_FILE else None,
    )
    return path


EXPECTED_FILE = ("nobody/tiny", "open_clip_model.safetensors")


def activations(clip):
    modules = [*clip.model.visual.modules(), *clip.model.transformer.modules()]
    names = {type(module).__name__ for module in modules}
    return names & {"GELU", "QuickGELU"}


def test_published_weights_bring_their_activation_and_preprocessing(published, state, tiny):
    clip = load_clip("tiny", "mine")
    assert_holds(clip, state)
    assert activations(clip) == {"QuickGELU"}
    assert activations(tiny) == {"GELU"}
    found = dataclasses.asdict(clip.preprocess)
    assert found == {"size": 32, **{key: TAG[key] for key in TAG if key in found}}
    copied = load_clip("tiny", published, published_as="mine")
    assert copied.fingerprint == clip.fingerprint
    with pytest.warns(UserWarning, match="load 'tiny-quickgelu'"):
        plain = load_clip("tiny", published)
    assert plain.fingerprint == tiny.fingerprint != clip.fingerprint


def test_the_copy_of_published_weights_says_of_which(published):
    for weights, tag in ((published, "yours"), ("mine", "mine"), ("random", "mine")):
        with pytest.raises(WeightsError, match=r"goes with the path of a file.*mine"):
            load_clip("tiny", weights, published_as=tag)


def test_a_near_tag_is_suggested(published):
    with pytest.raises(WeightsError, match=r"'mien' is neither.*published ones \(mine\)"):
        load_clip("tiny", "mien")


def test_openai_weights_get_quickgelu_under_both_names():
    from sdc_helpers.embeddings._clip_weights import (
        architecture_config,
        published_tag,
        trained_config,
    )

    for name in ("ViT-B-32", "ViT-L-14", "RN50"):
        tag = published_tag(name, "openai")
        quick = architecture_config(f"{name}-quickgelu")
        assert trained_config(architecture_config(name), tag) == quick
        assert trained_config(quick, tag) == quick
    laion = published_tag("ViT-B-32", "laion2b_s34b_b79k")
    plain = architecture_config("ViT-B-32")
    assert trained_config(plain, laion) == plain


def test_offline_says_which_file_goes_where(monkeypatch):
    import huggingface_hub
    import requests

    def unreachable(*_args, **_kwargs):
        raise requests.ConnectionError("Name or service not known")

    def must_not_be_tried(*_args, **_kwargs):
        raise AssertionError("a long series of attempts")

    monkeypatch.setattr(requests, "head", unreachable)
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda *_: None)
    monkeypatch.setattr(open_clip.pretrained, "download_pretrained", must_not_be_tried)
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED, "tiny", {"mine": TAG})
    with pytest.raises(WeightsError, match="ConnectionError") as caught:
        load_clip("tiny", "mine")
    message = str(caught.value)
    assert "nobody/tiny/resolve/main/open_clip_model.safetensors" in message
    assert "published_as='mine'" in message


# --------------------------------------------------------------------- copies of known weights

PLAIN, QUICK = "ViT-B-32", "ViT-B-32-quickgelu"


@pytest.fixture
def small_b32(monkeypatch):
    """Make ViT-B-32 as small as tiny; what is published for it stays as open_clip knows it."""
    config = copy.deepcopy(open_clip.get_model_config("tiny"))
    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, PLAIN, config)
    monkeypatch.setitem(open_clip.factory._MODEL_CONFIGS, QUICK, {**config, "quick_gelu": True})


def warnings_of(name, path, **options):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        clip = load_clip(name, path, **options)
    return clip, [str(w.message) for w in caught if "GELU" in str(w.message)]


OPENAI = ["openai.pt", "vit_b32_OpenAI.safetensors", "ViT-B-32.pt", "clip-openai-copy/model.pt"]
LAION = ["laion2b_s34b_b79k.pt", "CLIP-ViT-B-32-laion2B-s34B-b79K/open_clip_model.safetensors"]


@pytest.mark.usefixtures("small_b32")
@pytest.mark.parametrize("file", [*OPENAI, "mine.pt"])
def test_a_copy_that_may_be_openais_names_the_right_architecture(state, tmp_path, file):
    (tmp_path / file).parent.mkdir(exist_ok=True)
    path = save(state, tmp_path / file)
    clip, (message,) = warnings_of(PLAIN, path)
    assert activations(clip) == {"GELU"}
    assert str(path) in message
    right = re.search(r"load '([^']+)' \(in a chapter: -p clip_name=\1\)", message)[1]
    tag = re.search(r"published_as='([^']+)'", message)[1]
    assert (right, tag) == (QUICK, "openai")
    for followed in (warnings_of(right, path), warnings_of(PLAIN, path, published_as=tag)):
        assert activations(followed[0]) == {"QuickGELU"}
        assert followed[1] == []


@pytest.mark.usefixtures("small_b32")
@pytest.mark.parametrize("file", LAION)
def test_a_copy_of_weights_with_gelu_is_plain(state, tmp_path, file):
    (tmp_path / file).parent.mkdir(exist_ok=True)
    path = save(state, tmp_path / file)
    assert warnings_of(PLAIN, path)[1] == []
    (message,) = warnings_of(QUICK, path)[1]
    assert f"load '{PLAIN}'" in message
    assert "which were trained with GELU" in message


def test_where_no_published_weights_have_quickgelu_nothing_is_said(state, tmp_path):
    path = save(state, tmp_path / "openai.pt")
    assert warnings_of("tiny", path)[1] == []
    assert warnings_of("tiny-quickgelu", path)[1] == []


# --------------------------------------------------------------------- the course's own


@pytest.fixture
def course_folder(monkeypatch, tmp_path):
    """Return a folder with a tokenizer and initial values in place of the trained network."""
    from sdc_helpers.embeddings import small_clip

    tokenizer = small_clip.SmallClipTokenizer.train(["a red cat", "two dogs on a beach"])
    tokenizer.save(tmp_path / "tokenizer.json")
    model = small_clip.build_small_clip(len(tokenizer.words), seed=2)
    save(model.state_dict(), tmp_path / "weights.safetensors")
    monkeypatch.setattr(small_clip, "small_clip_folder", lambda name: tmp_path)
    return tmp_path


def test_the_course_clip_is_the_default(course_folder):
    clip = load_clip()
    assert (clip.name, clip.weights, clip.dimension, clip.image_size) == (
        "course-fine",
        "course",
        256,
        64,
    )
    images = np.random.default_rng(0).integers(0, 256, (3, 64, 64, 3), dtype=np.uint8)
    assert embed_images(clip, images).vectors.shape == (3, 256)
    assert clip.tokenize(["two red dogs"]).shape == (1, 32)
    assert load_clip(weights="random", seed=2).fingerprint == clip.fingerprint
    assert load_clip(weights="random", seed=3).fingerprint != clip.fingerprint
    copied = load_clip(weights=course_folder / "weights.safetensors")
    assert copied.fingerprint == clip.fingerprint


def test_weights_come_with_the_words_beside_them(course_folder, tmp_path):
    from sdc_helpers.embeddings import small_clip

    other = tmp_path / "other"
    other.mkdir()
    tokenizer = small_clip.SmallClipTokenizer.train(["a zebra and three cats in the snow"])
    model = small_clip.build_small_clip(len(tokenizer.words), seed=4, name="course-small")
    path = save(model.state_dict(), other / "weights.safetensors")
    with pytest.raises(WeightsError, match=r"of another shape \(token_embedding\.weight\)"):
        load_clip("course-small", path)
    tokenizer.save(other / "tokenizer.json")
    clip = load_clip("course-small", path)
    assert torch.equal(clip.tokenize(["three cats"]), tokenizer(["three cats"]))


@pytest.mark.parametrize("file", ["weights.safetensors", "tokenizer.json"])
def test_missing_parts_of_the_course_clip_are_named(course_folder, file):
    (course_folder / file).unlink()
    with pytest.raises(WeightsError, match=rf"{file} is missing"):
        load_clip()


def test_the_course_clip_has_no_published_weights(course_folder):
    with pytest.raises(WeightsError, match=r"'openai' is neither.*\(course\)"):
        load_clip("course-small", "openai")
    with pytest.raises(ValueError, match="published_as"):
        load_clip("course-small", published_as="openai")


# --------------------------------------------------------------------- identity and input


def test_fingerprint_follows_weights_activation_and_preprocessing(tiny, tmp_path, state):
    changed = copy.deepcopy(tiny)
    assert changed.fingerprint == tiny.fingerprint
    with torch.no_grad():
        changed.model.visual.proj[0, 0] += 1e-3
    assert changed.fingerprint != tiny.fingerprint
    other_size = dataclasses.replace(tiny.preprocess, resize_mode="squash")
    assert dataclasses.replace(tiny, preprocess=other_size).fingerprint != tiny.fingerprint
    path = save(state, tmp_path / "same.pt")
    assert load_clip("tiny-quickgelu", path).fingerprint != tiny.fingerprint


@pytest.mark.parametrize("shape", [(48, 32), (100, 77), (20, 31), (32, 32)])
@pytest.mark.parametrize("resize_mode", ["shortest", "squash"])
@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
def test_preprocessing_is_that_of_open_clip_within_a_grey_level(
    tiny, shape, resize_mode, interpolation
):
    from open_clip.transform import PreprocessCfg, image_transform_v2
    from PIL import Image

    rng = np.random.default_rng(1)
    # nothing overshoots 0 or 255, where PIL cuts between its two passes and torch does not
    images = rng.integers(80, 176, (5, *shape, 3), dtype=np.uint8)
    ours = dataclasses.replace(
        tiny.preprocess, resize_mode=resize_mode, interpolation=interpolation
    )
    theirs = image_transform_v2(
        PreprocessCfg(size=32, resize_mode=resize_mode, interpolation=interpolation),
        is_train=False,
    )
    expected = torch.stack([theirs(Image.fromarray(image)) for image in images])
    std = torch.tensor(ours.std)[:, None, None]
    levels = ((ours(images) - expected) * std * 255).abs()
    # PIL rounds between its passes too: 0.5 x 1.3 (sum of the absolute weights) + 0.5 + 0.5 < 2
    assert levels.max() < (1e-3 if shape == (32, 32) else 1.001)


def test_floats_are_pictures_from_0_to_1(tiny, pictures):
    expected = tiny.preprocess(pictures)
    found = tiny.preprocess(pictures / 255)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    large = np.random.default_rng(2).integers(0, 256, (40, 50, 60, 3), dtype=np.uint8)
    one_by_one = torch.cat([tiny.preprocess(image[None]) for image in large])
    assert torch.equal(tiny.preprocess(large), one_by_one)


def test_unknown_preprocessing_is_refused(tiny):
    with pytest.raises(ValueError, match="interpolation"):
        dataclasses.replace(tiny.preprocess, interpolation="nearest")
    with pytest.raises(ValueError, match="resize_mode"):
        dataclasses.replace(tiny.preprocess, resize_mode="longest")


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ("a cat", r"pass \['a cat'\]"),
        ([], "at least one"),
        (["a cat", None], "number 1 is None"),
        ([b"a cat"], "number 0"),
        (7, "got int"),
    ],
)
def test_bad_texts_are_refused(tiny, texts, message):
    with pytest.raises(ValueError, match=message):
        tiny.tokenize(texts)


def test_a_tokenizer_that_cannot_be_had_says_so_when_it_is_needed(tiny, pictures):
    def unavailable():
        raise NameError("AutoTokenizer")

    clip = dataclasses.replace(tiny, _make_tokenizer=unavailable)
    assert len(embed_images(clip, pictures)) == 7
    with pytest.raises(ValueError, match=r"tokenizer of tiny.*transformers"):
        clip.tokenize(["a cat"])
