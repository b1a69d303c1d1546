"""The small CLIP's words and files, and that the shipped weights are what their record says."""

from __future__ import annotations

import warnings

import pytest

from sdc_helpers.embeddings.small_clip import (
    COURSE_CLIPS,
    SMALL_CLIP_DIMENSION,
    SmallClipTokenizer,
    build_small_clip,
    small_clip_folder,
    small_clip_record,
    small_clip_tokenizer,
)

SENTENCES = ["A red apple.", "Two dogs on the beach, in daylight.", "A sign reading EXIT2."]


@pytest.fixture
def tokenizer():
    return SmallClipTokenizer.train(SENTENCES)


class TestTokenizer:
    def test_sentence_is_start_words_end_and_padding(self, tokenizer):
        row = tokenizer("A RED... apple!")[0].tolist()
        words = [tokenizer.words[number] for number in row]
        assert words == ["<start>", "a", "red", "apple", "<end>"] + ["<pad>"] * 27

    def test_end_has_the_highest_number_as_the_text_tower_finds_it_by(self, tokenizer):
        rows = tokenizer(SENTENCES)
        for row in rows:
            assert tokenizer.words[row.max()] == "<end>"
            assert (row == row.max()).sum() == 1

    def test_vocabulary_is_the_words_of_the_sentences_and_nothing_else(self, tokenizer):
        found = set(tokenizer.words) - {"<pad>", "<start>", "<unknown>", "<end>"}
        text = "a red apple two dogs on the beach in daylight sign reading exit2"
        assert found == set(text.split())

    def test_long_sentences_are_cut_and_still_end(self, tokenizer):
        for length in (32, 5):
            row = SmallClipTokenizer.train(SENTENCES, length)("red " * 100)[0]
            assert len(row) == length
            assert tokenizer.words[row[-1]] == "<end>"

    def test_unknown_words_are_named_in_a_warning(self, tokenizer):
        with pytest.warns(UserWarning, match="taken as unknown: ghost, unicorn"):
            rows = tokenizer(["a red unicorn", "two dogs", "a ghost"])
        assert tokenizer.words[rows[0, 3]] == "<unknown>"

    @pytest.mark.parametrize("text", ["zebra qwerty", "", " .,!"])
    def test_sentence_without_a_known_word_is_refused(self, tokenizer, text):
        with pytest.raises(ValueError, match="no word of"):
            tokenizer([text])

    @pytest.mark.parametrize("name", ["<start>", "<pad>", "<end>", "<unknown>"])
    def test_names_of_special_words_are_text(self, tokenizer, name):
        with pytest.warns(UserWarning, match=f"taken as unknown: {name[1:-1]}"):
            found, plain = tokenizer([f"a {name} apple", f"a {name[1:-1]} apple"])
        assert found.tolist() == plain.tolist()
        assert (found != found[-1]).sum() == 5

    @pytest.mark.parametrize("sentences", ["two dogs", [], ["a dog", None]])
    def test_training_asks_for_sentences(self, sentences):
        with pytest.raises(ValueError, match="sentences must"):
            SmallClipTokenizer.train(sentences)

    def test_what_is_no_string_is_refused(self, tokenizer):
        with pytest.raises(ValueError, match="must be strings; number 0 is 3"):
            tokenizer([3])

    def test_saved_and_read_it_is_the_same(self, tokenizer, tmp_path):
        tokenizer.save(tmp_path / "tokenizer.json")
        again = SmallClipTokenizer.load(tmp_path / "tokenizer.json")
        assert again.words == tokenizer.words
        assert (again(SENTENCES) == tokenizer(SENTENCES)).all()


class TestNetwork:
    def test_initial_values_follow_the_seed_and_leave_the_global_generator_alone(self):
        import torch

        before = torch.get_rng_state()
        first, same, other = (build_small_clip(20, seed) for seed in (1, 1, 2))
        assert torch.equal(torch.get_rng_state(), before)
        assert torch.equal(first.text_projection, same.text_projection)
        assert not torch.equal(first.text_projection, other.text_projection)

    @pytest.mark.parametrize("name", COURSE_CLIPS)
    def test_both_towers_end_in_the_same_dimension(self, name):
        import torch

        clip = build_small_clip(20, name=name).eval()
        with torch.no_grad():
            image = clip.encode_image(torch.zeros(2, 3, 64, 64))
            text = clip.encode_text(torch.full((2, COURSE_CLIPS[name].context_length), 19))
        assert image.shape == text.shape == (2, SMALL_CLIP_DIMENSION)
        assert len(clip.visual.attnpool.positional_embedding) == COURSE_CLIPS[name].places ** 2 + 1


@pytest.mark.parametrize("name", COURSE_CLIPS)
class TestShippedWeights:
    def test_they_are_small_enough_to_clone(self, name):
        assert (small_clip_folder(name) / "weights.safetensors").stat().st_size < 8_000_000

    def test_they_give_the_metrics_of_their_record(self, name):
        from sdc_helpers.embeddings import load_clip
        from sdc_helpers.studies.clip_training import QUICK
        from sdc_helpers.studies.scene_metrics import measure_on_scenes

        expected = small_clip_record(name)["quick_metrics"]
        found = measure_on_scenes(load_clip(name), **QUICK).to_dict()
        assert found.keys() == expected.keys()
        for measure, value in found.items():
            # 5 of 500 pictures: another Pillow draws some pixels differently
            tolerance = 0.01 if "rank" not in measure else 0.3
            assert value == pytest.approx(expected[measure], abs=tolerance), measure

    def test_the_record_is_good_enough_for_the_chapters(self, name):
        metrics = small_clip_record(name)["metrics"]
        assert metrics["zero_shot_place"] >= 5 / 8
        assert metrics["zero_shot_main_category"] >= 5 / 10
        assert metrics["one_caption_image_to_text_at_10"] >= 0.5

    def test_every_caption_word_of_new_scenes_is_known(self, name):
        from sdc_helpers.scenes import captions, generate_scenes

        texts = [text for of_scene in captions(generate_scenes(300, seed=5)) for text in of_scene]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            small_clip_tokenizer(name)(texts)


def test_the_finer_network_holds_more_of_every_factor_that_concepts_are_made_of():
    coarse, fine = (small_clip_record(name)["metrics"] for name in ("course-small", "course-fine"))
    for factor in ("face", "body", "food_round", "food_long", "food_warm", "word", "near",
                   "n_objects", "orientation_cos", "orientation_sin"):  # fmt: skip
        assert fine[f"probe_{factor}"] > coarse[f"probe_{factor}"], factor
    assert fine["effective_rank_images"] > coarse["effective_rank_images"]
