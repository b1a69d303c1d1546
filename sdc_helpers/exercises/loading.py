"""The exercises of the chapter on loading brain data."""

from __future__ import annotations

import numpy as np

from sdc_helpers.exercises.registry import Exercise, WrongAnswer

# --- 1. from the file to percent ----------------------------------------------------------------


def to_percent(stored: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Turn int16 betas (trials, Z, Y, X) into percent, (trials, voxels of the mask (X, Y, Z))."""
    volumes = stored.transpose(0, 3, 2, 1)
    return volumes[:, mask] / 300


def _not_scaled(stored: np.ndarray, mask: np.ndarray) -> np.ndarray:
    return to_percent(stored, mask) * 300


def _whole_percents(stored: np.ndarray, mask: np.ndarray) -> np.ndarray:
    return stored.transpose(0, 3, 2, 1)[:, mask] // 300


def _mask_turned(stored: np.ndarray, mask: np.ndarray) -> np.ndarray:
    return stored[:, mask.transpose(2, 1, 0)] / 300


def _mask_reshaped(stored: np.ndarray, mask: np.ndarray) -> np.ndarray:
    return stored[:, mask.reshape(stored.shape[1:])] / 300


def _stored_cases(rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray]]:
    cases = []
    for shape in ((4, 5, 3), (6, 2, 4)):
        mask = rng.random(shape) < 0.4
        mask[0, 0, 0] = mask[-1, 0, 1] = True
        stored = rng.integers(-1200, 1200, (7, *shape[::-1])).astype(np.int16)
        cases.append((stored, mask))
    return cases


# --- 2. the noise ceiling -----------------------------------------------------------------------


def single_trial_ceiling(z: np.ndarray) -> np.ndarray:
    """Noise ceiling in percent from z-scored betas (pictures, showings, voxels)."""
    noise = z.var(axis=1, ddof=1).mean(axis=0)
    signal = np.maximum(0, 1 - noise)
    return 100 * signal / (signal + noise)


def _variance_without_correction(z: np.ndarray) -> np.ndarray:
    noise = z.var(axis=1).mean(axis=0)
    signal = np.maximum(0, 1 - noise)
    return 100 * signal / (signal + noise)


def _over_pictures(z: np.ndarray) -> np.ndarray:
    noise = z.var(axis=0, ddof=1).mean(axis=0)
    signal = np.maximum(0, 1 - noise)
    return 100 * signal / (signal + noise)


def _for_the_mean_of_showings(z: np.ndarray) -> np.ndarray:
    noise = z.var(axis=1, ddof=1).mean(axis=0)
    signal = np.maximum(0, 1 - noise)
    return 100 * signal / (signal + noise / z.shape[1])


def _not_cut_at_zero(z: np.ndarray) -> np.ndarray:
    noise = z.var(axis=1, ddof=1).mean(axis=0)
    return 100 * (1 - noise)


def _ratio_of_standard_deviations(z: np.ndarray) -> np.ndarray:
    noise = z.var(axis=1, ddof=1).mean(axis=0)
    signal = np.maximum(0, 1 - noise)
    return 100 * np.sqrt(signal) / (np.sqrt(signal) + np.sqrt(noise))


def _showing_cases(rng: np.random.Generator) -> list[tuple[np.ndarray]]:
    cases = []
    for n_pictures in (12, 30):
        gains = np.array([0.0, 0.0, 0.4, 0.8, 1.2])
        z = gains * rng.normal(size=(n_pictures, 1, 5)) + rng.normal(size=(n_pictures, 3, 5))
        z[:, :, 0] *= 1.1  # noise alone, above the total of 1 once scaled
        cases.append(((z - z.mean((0, 1))) / z.std((0, 1)) * np.array([1.1, 1, 1, 1, 1]),))
    return cases


# --- 3. is it the same picture? -----------------------------------------------------------------


def share_seen_in_training(image_ids: np.ndarray, train: np.ndarray, test: np.ndarray) -> float:
    """Return the fraction of test trials whose picture is also a training picture."""
    return float(np.isin(image_ids[test], image_ids[train]).mean())


def _trials_in_common(image_ids: np.ndarray, train: np.ndarray, test: np.ndarray) -> float:
    return float((train & test).sum() / test.sum())


def _of_training_trials(image_ids: np.ndarray, train: np.ndarray, test: np.ndarray) -> float:
    return float(np.isin(image_ids[train], image_ids[test]).mean())


def _of_pictures(image_ids: np.ndarray, train: np.ndarray, test: np.ndarray) -> float:
    return float(np.isin(np.unique(image_ids[test]), image_ids[train]).mean())


def _trial_cases(rng: np.random.Generator) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    cases = []
    for n_test in (9, 15):
        image_ids = np.concatenate([rng.permutation(np.repeat(np.arange(1, 15), 3)), [99, 99]])
        order = rng.permutation(42)
        test = np.zeros(44, dtype=bool)
        test[order[:n_test]] = True
        test[42:] = True  # a picture that is in the test set alone
        cases.append((image_ids, ~test, test))
    return cases


EXERCISES = (
    Exercise(
        identifier="loading.to_percent",
        title="From the file to percent",
        minutes=10,
        difficulty=1,
        solution=to_percent,
        cases=_stored_cases,
        wrong_answers=(
            WrongAnswer(
                "not divided by 300",
                "These are the stored integers. 300 of them make one percent signal change.",
                _not_scaled,
            ),
            WrongAnswer(
                "whole percents",
                "Integer division threw away everything after the decimal point.",
                _whole_percents,
            ),
            WrongAnswer(
                "voxels in the file's order",
                "Right voxels, wrong order: you turned the mask to the file's axes, so the voxels "
                "come in the order (Z, Y, X). Turn the betas instead, and use the mask as it is.",
                _mask_turned,
            ),
            WrongAnswer(
                "mask reshaped",
                "reshape does not turn axes, it reads the same numbers in another shape: these are "
                "other voxels. Use transpose.",
                _mask_reshaped,
            ),
        ),
        hints=(
            "The file has the axes (trial, Z, Y, X), the mask (X, Y, Z).",
            "Keep the trial axis first and reverse the other three: transpose(0, 3, 2, 1).",
            "stored.transpose(0, 3, 2, 1)[:, mask] / 300",
        ),
    ),
    Exercise(
        identifier="loading.noise_ceiling",
        title="Write the noise ceiling",
        minutes=15,
        difficulty=2,
        solution=single_trial_ceiling,
        cases=_showing_cases,
        wrong_answers=(
            WrongAnswer(
                "variance without correction",
                "With three showings a variance divided by 3 is a third too small, and noise "
                "passes for signal. Divide by 2: ddof=1.",
                _variance_without_correction,
            ),
            WrongAnswer(
                "variance over pictures",
                "You took the variance over pictures, which is mostly signal. Noise is what "
                "differs between showings of the same picture.",
                _over_pictures,
            ),
            WrongAnswer(
                "ceiling of the mean",
                "This is the ceiling for the mean of the three showings. For single trials the "
                "noise is not divided.",
                _for_the_mean_of_showings,
            ),
            WrongAnswer(
                "not cut at zero",
                "Where the noise exceeds 1 your signal variance is negative: cut it at zero.",
                _not_cut_at_zero,
            ),
            WrongAnswer(
                "standard deviations",
                "The ceiling is a share of variance: do not take roots before the ratio.",
                _ratio_of_standard_deviations,
            ),
        ),
        hints=(
            "Noise: the variance over showings (axis 1, ddof=1), averaged over pictures.",
            "The betas are z-scored, so signal variance is 1 - noise, but not below zero.",
            "100 * signal / (signal + noise)",
        ),
    ),
    Exercise(
        identifier="loading.seen_before",
        title="Has the test set been seen?",
        minutes=10,
        difficulty=1,
        solution=share_seen_in_training,
        cases=_trial_cases,
        wrong_answers=(
            WrongAnswer(
                "trials instead of pictures",
                "You looked for trials that are on both sides. The leak is the picture: another "
                "showing of it.",
                _trials_in_common,
            ),
            WrongAnswer(
                "share of training trials",
                "This is the share of training trials. Ask how much of the test set is affected.",
                _of_training_trials,
            ),
            WrongAnswer(
                "share of pictures",
                "You counted each test picture once. Scores are averaged over trials: count those.",
                _of_pictures,
            ),
        ),
        hints=(
            "For each test trial: does its picture occur among the training trials' pictures?",
            "numpy.isin(a, b) says which elements of a are in b.",
            "np.isin(image_ids[test], image_ids[train]).mean()",
        ),
    ),
)
