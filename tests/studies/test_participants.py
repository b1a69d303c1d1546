"""What decoders are fitted to, read from files: voxels that were not measured are left out."""

from __future__ import annotations

import warnings

import h5py
import nibabel as nib
import numpy as np
import pytest

from sdc_helpers.datasets import NSD, split_sdc2025
from sdc_helpers.decoding import ContrastiveDecoder
from sdc_helpers.decoding.mapped_trials import MappedTrials
from sdc_helpers.studies.participants import ImageEmbeddings, fit_decoders, load_participants

N_IMAGES, N_SESSIONS, N_TRIALS = 20, 3, 20
GRID = (3, 4, 2)
IDS = np.arange(1, N_IMAGES + 1)


@pytest.fixture
def root(tmp_path):
    """Two participants who see 20 pictures three times each."""
    rng = np.random.default_rng(4)
    info = tmp_path / "nsddata/experiments/nsd/nsd_stim_info_merged.csv"
    info.parent.mkdir(parents=True)
    rows = "".join(f"{i - 1},{i},train2017,False\n" for i in IDS)
    info.write_text("nsdId,cocoId,cocoSplit,shared1000\n" + rows)
    for number in (1, 2):
        own = tmp_path / f"nsddata/ppdata/subj{number:02d}"
        (own / "func1pt8mm").mkdir(parents=True)
        (own / "behav").mkdir()
        mask = np.ones(GRID, np.uint8)
        mask[0, 0, 0] = 0
        nib.save(nib.Nifti1Image(mask, np.eye(4)), own / "func1pt8mm/brainmask.nii.gz")
        shown = rng.permutation(np.repeat(IDS, 3)).reshape(N_SESSIONS, N_TRIALS)
        lines = ["SUBJECT\tSESSION\tRUN\tTRIAL\t73KID"]
        for s, t in np.ndindex(shown.shape):
            lines.append(f"{number}\t{s + 1}\t1\t{t + 1}\t{shown[s, t]}")
        (own / "behav/responses.tsv").write_text("\n".join([*lines, ""]))
        betas_file(tmp_path, number, 1).parent.mkdir(parents=True)
        for session in range(1, N_SESSIONS + 1):
            data = (300 * rng.standard_normal((N_TRIALS, *GRID[::-1]))).astype("i2")
            with h5py.File(betas_file(tmp_path, number, session), "w") as handle:
                handle["betas"] = data
    return tmp_path


def betas_file(root, number, session):
    folder = f"nsddata_betas/ppdata/subj{number:02d}/func1pt8mm/betas_fithrf_GLMdenoise_RR"
    return root / folder / f"betas_session{session:02d}.hdf5"


def spoil(root, number, session, voxel, value=0):
    with h5py.File(betas_file(root, number, session), "r+") as handle:
        handle["betas"][(slice(None), *voxel[::-1])] = value


def load(root, cache=False, **options):
    nsd = NSD(root, cache=cache)
    vectors = np.eye(N_IMAGES, dtype=np.float32)
    split = split_sdc2025({s: nsd.trials(s) for s in nsd.participants}, 0, 4, 4)
    options = {"min_ceiling": -1, **options}
    return load_participants(nsd, ImageEmbeddings(IDS, vectors), split, **options)


def test_voxels_of_one_value_in_a_session_are_left_out_counted_and_named(root):
    before = load(root)["subj01"]
    assert before.excluded.shape == (0, 3)
    spoil(root, 1, 2, (2, 3, 1))
    spoil(root, 1, 3, (0, 1, 0), value=-7)
    with pytest.warns(UserWarning, match=r"left out: 2 of subj01\. They") as caught:
        data = load(root)
    assert len(caught) == 1
    one = data["subj01"]
    assert one.excluded.tolist() == [[0, 1, 0], [2, 3, 1]]
    assert not one.mask[tuple(one.excluded.T)].any()
    assert one.responses.shape[1] == one.mask.sum() == before.mask.sum() - 2
    assert np.isfinite(one.responses).all()
    kept = ~np.isin(np.flatnonzero(before.mask), np.flatnonzero(before.mask & ~one.mask))
    assert np.array_equal(one.responses, before.responses[:, kept])
    assert np.array_equal(one.ceiling, before.ceiling[kept])


def test_nothing_is_said_where_all_voxels_were_measured(root):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert all(len(one.excluded) == 0 for one in load(root).values())


def test_they_can_be_refused_and_the_advice_can_be_followed(root):
    spoil(root, 2, 1, (1, 1, 1))
    with pytest.raises(ValueError, match=r"1 of 23 voxels of subj02.*\(1, 1, 1\).*load_part"):
        load(root, bad_voxels="raise")
    with pytest.warns(UserWarning, match="1 of subj02"):
        load(root, bad_voxels="exclude")
    with pytest.raises(ValueError, match="bad_voxels='keep' is unknown"):
        load(root, bad_voxels="keep")


def test_a_table_that_lost_rows_is_held_against_the_betas(root):
    file = root / "nsddata/ppdata/subj01/behav/responses.tsv"
    file.write_text("".join(file.read_text().splitlines(keepends=True)[:-2]))
    with pytest.raises(ValueError, match=r"responses\.tsv has 18 trials of session 3.*has 20"):
        load(root)


def test_with_a_cache_the_trials_stay_on_the_disk_and_decoders_are_the_same(root, tmp_path):
    spoil(root, 1, 2, (2, 3, 1))
    with pytest.warns(UserWarning, match="left out"):
        loaded, mapped = load(root, min_ceiling=5), load(root, tmp_path / "cache", min_ceiling=5)
    decoder = ContrastiveDecoder(n_runs=2, n_steps=5, batch_size=8, evaluate_every=2)
    fits = [fit_decoders(data, decoder, cache=False) for data in (loaded, mapped)]
    for name, one in mapped.items():
        assert isinstance(one.responses, np.memmap)
        assert one.responses.flags.c_contiguous
        assert 0 < one.responses.shape[1] == one.mask.sum() < 23
        assert np.array_equal(one.responses, loaded[name].responses)
        assert isinstance(one.mapped_fold("train")[0], MappedTrials)
        assert np.array_equal(one.mapped_fold("test")[0].load(), loaded[name].fold("test")[0])
        assert np.array_equal(fits[0][name].coef_, fits[1][name].coef_)
        assert fits[0][name].history_.equals(fits[1][name].history_)


def test_kept_decoders_are_found_from_memory_and_from_disk(root, tmp_path, monkeypatch):
    decoder = ContrastiveDecoder(n_runs=1, n_steps=3, batch_size=8)
    first = fit_decoders(load(root), decoder, cache=tmp_path / "kept")
    monkeypatch.setattr("sdc_helpers.decoding._runs.Training._train_step", None)
    again = fit_decoders(load(root, tmp_path / "cache"), decoder, cache=tmp_path / "kept")
    for name, fitted in first.items():
        assert np.array_equal(fitted.coef_, again[name].coef_)


def test_decoders_that_cannot_be_kept_are_refused_before_training(root, tmp_path):
    (tmp_path / "file").touch()
    decoder = ContrastiveDecoder(n_runs=1, n_steps=3, batch_size=8)
    with pytest.raises(ValueError, match=r"file cannot be written to .*Set SDC_CACHE"):
        fit_decoders(load(root), decoder, cache=tmp_path / "file")
