"""A user's own folder: what is read in each format, and every problem with its file and remedy."""

from __future__ import annotations

import shutil

import numpy as np
import pandas as pd
import pytest
import torch
from own_folders import N_DIMENSIONS, N_STIMULI, N_VOXELS, Folder, write_table
from safetensors.torch import save_file
from typer.testing import CliRunner

from sdc_helpers.cli import app
from sdc_helpers.studies.own_check import check_own_data
from sdc_helpers.studies.own_data import open_own_data, read_own_data
from sdc_helpers.studies.own_files import OwnDataError, read_matrix, read_table


@pytest.fixture
def folder(tmp_path):
    return Folder(tmp_path / "study")


# ---------------------------------------------------------------------- what is there


def test_everything_in_the_folder_comes_out(folder):
    data = open_own_data(folder.root)
    assert (data.kind, data.stimuli.tolist()) == ("simulated", folder.names)
    np.testing.assert_allclose(data.embeddings, folder.embeddings, rtol=1e-6)
    anna, ben = data.participants.values()
    assert (anna.name, ben.name) == ("anna", "ben")
    assert anna.responses.shape == (2 * N_STIMULI, N_VOXELS)
    assert anna.stimuli.tolist() == [folder.names[k] for k in folder.order]
    assert anna.rois.tolist() == ["left"] * 5 + ["right"] * 5 + [""] * 2
    assert ben.rois is None
    assert data.captions[0] == "a picture_00"
    assert data.texts.shape == data.embeddings.shape


def test_voxels_are_z_scored_within_runs_and_constant_ones_left_out(folder):
    folder.responses["anna"][folder.runs == "2", 3] = 7.0
    np.save(folder.root / "anna.npy", folder.responses["anna"])
    anna = open_own_data(folder.root).participants["anna"]
    assert anna.n_excluded == 1
    assert anna.rois.tolist() == ["left"] * 4 + ["right"] * 5 + [""] * 2
    kept = np.delete(folder.responses["anna"], 3, axis=1)
    for run in "12":
        part = kept[folder.runs == run]
        expected = (part - part.mean(axis=0)) / part.std(axis=0)
        np.testing.assert_allclose(anna.responses[folder.runs == run], expected, atol=1e-5)


def test_stimuli_are_joined_by_name_and_not_by_place(folder):
    backwards = np.arange(N_STIMULI)[::-1]
    np.save(folder.root / "embeddings.npy", folder.embeddings[backwards])
    write_table(folder.root / "stimuli.tsv", stimulus=[folder.names[k] for k in backwards])
    data = open_own_data(folder.root)
    ben = data.participants["ben"]
    found = data.embeddings[data.rows_of(ben.stimuli)]
    np.testing.assert_allclose(found, folder.embeddings[folder.order], rtol=1e-6)


def save_npz(file, array):
    np.savez(file, other=np.zeros(3), rows=array)


def save_csv(file, array):
    pd.DataFrame(array).assign(stimulus=range(len(array))).to_csv(file, index=False)


def save_tensors(file, array):
    save_file({"rows": torch.tensor(array).to(torch.bfloat16)}, file)


def save_parquet(file, array):
    pd.DataFrame(array, columns=[f"d{k}" for k in range(array.shape[1])]).to_parquet(file)


@pytest.mark.parametrize(
    ("ending", "save", "key", "tolerance"),
    [
        (".npy", np.save, None, 1e-6),
        (".npz", save_npz, "rows", 1e-6),
        (".csv", save_csv, None, 1e-6),
        (".safetensors", save_tensors, None, 0.02),
        (".parquet", save_parquet, None, 1e-6),
    ],
)
def test_a_matrix_is_the_same_in_every_format(folder, tmp_path, ending, save, key, tolerance):
    file = tmp_path / f"matrix{ending}"
    save(file, folder.embeddings)
    matrix, names = read_matrix(file, key)
    assert matrix.dtype == np.float32
    np.testing.assert_allclose(matrix, folder.embeddings, atol=tolerance)
    assert (names is None) == (ending != ".csv")
    assert names is None or names.tolist() == [str(k) for k in range(N_STIMULI)]


def test_embeddings_and_rows_may_be_parquet(folder):
    """As pandas writes them: names as an index, whole numbers, columns that may be empty."""
    expected = open_own_data(folder.root)
    table = pd.DataFrame(folder.embeddings, index=pd.Index(folder.names, name="stimulus"))
    table.rename(columns=str).astype({"0": "Float64"}).to_parquet(folder.root / "own.parquet")
    stimuli = [folder.names[k] for k in folder.order]
    rows = pd.DataFrame({"stimulus": stimuli, "run": folder.runs.astype(int), "note": None})
    rows["stimulus"] = rows["stimulus"].astype("category")
    rows["session"] = pd.array([1] * len(rows), dtype="Int64")
    rows.to_parquet(folder.root / "ben.parquet")
    folder.study(
        ('"embeddings.npy"\nstimuli = "stimuli.tsv"', '"own.parquet"'), ("ben.tsv", "ben.parquet")
    )
    data = open_own_data(folder.root)
    assert data.stimuli.tolist() == folder.names
    np.testing.assert_array_equal(data.embeddings, expected.embeddings)
    ben, same = data.participants["ben"], expected.participants["ben"]
    assert ben.stimuli.tolist() == same.stimuli.tolist() == stimuli
    assert set(ben.sessions) == {"1"}
    assert ben.runs.tolist() == [f"1 {run}" for run in same.runs]
    np.testing.assert_array_equal(ben.responses, same.responses)


NUMBERS = {"d0": [0.5, 1.5], "d1": [2.0, 3.0]}


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({**NUMBERS, "d1": ["high", "low"]}, "column 'd1' holds text.*Leave that column out"),
        ({"vector": [[0.5, 1.5], [2.0, 3.0]]}, r"column 'vector' holds lists.*numpy\.stack"),
        ({**NUMBERS, "d1": pd.array([2, None], dtype="Int64")}, "1 of 2 rows hold NaN.*row 1"),
    ],
)
def test_parquet_without_numbers_is_named(tmp_path, columns, said):
    file = tmp_path / "own.parquet"
    pd.DataFrame({"stimulus": ["a", "b"], **columns}).to_parquet(file)
    with pytest.raises(OwnDataError, match=rf"own\.parquet: .*{said}"):
        read_matrix(file)


@pytest.mark.parametrize("content", [b"stimulus,d0\na,1\n", b"", b"PAR1", "cut"])
def test_what_is_not_parquet_is_told_as_a_matrix_and_as_a_table(tmp_path, content):
    file = tmp_path / "own.parquet"
    pd.DataFrame({"stimulus": ["a", "b"], **NUMBERS}).to_parquet(file)
    file.write_bytes(file.read_bytes()[:-40] if content == "cut" else content)
    for read in (read_matrix, lambda file: read_table(file, "stimulus")):
        with pytest.raises(OwnDataError, match=r"own\.parquet: it cannot be read as Parquet \(.+"):
            read(file)


# ---------------------------------------------------------------------- what is wrong


def no_description(folder):
    (folder.root / "study.toml").unlink()


def misspelt_field(folder):
    folder.study(("[design]\nzscore", "[design]\nzscores"))


def file_that_is_not_there(folder):
    (folder.root / "ben.npy").unlink()


def objects_in_an_array(folder):
    np.save(folder.root / "anna.npy", np.array([{"a": 1}, [2]], dtype=object), allow_pickle=True)


def array_cut_short(folder):
    file = folder.root / "embeddings.npy"
    file.write_bytes(file.read_bytes()[:400])


def nan_in_responses(folder):
    folder.responses["ben"][5, 2] = np.nan
    np.save(folder.root / "ben.npy", folder.responses["ben"])


def too_few_rows(folder):
    write_table(folder.root / "anna.tsv", stimulus=folder.names, run=["1"] * N_STIMULI)


def column_of_another_name(folder):
    write_table(folder.root / "ben.tsv", image=[folder.names[k] for k in folder.order])


def stimulus_without_embedding(folder):
    stimuli = [folder.names[k] for k in folder.order]
    folder.rows("ben", stimulus=["a stranger", *stimuli[1:]])


def label_for_each_row_and_not_each_voxel(folder):
    write_table(folder.root / "anna_rois.tsv", roi=["left"] * (2 * N_STIMULI))


def stimulus_named_twice(folder):
    write_table(folder.root / "stimuli.tsv", stimulus=[*folder.names[:-1], folder.names[0]])


def texts_of_another_space(folder):
    np.save(folder.root / "texts.npy", folder.embeddings[:, :4])


def no_run_for_z_scores(folder):
    write_table(folder.root / "anna.tsv", stimulus=[folder.names[k] for k in folder.order])


def series_out_of_order(folder):
    folder.study(("[design]", "[design]\ntime_ordered = true"))
    folder.rows("ben", run=["1", "2"] * N_STIMULI)


def classes_instead_of_stimuli(folder):
    folder.rows("anna", stimulus=[folder.names[k % 3] for k in folder.order])


def same_participant_twice(folder):
    folder.study(('name = "ben"', 'name = "anna"'))


def one_axis_only(folder):
    np.save(folder.root / "ben.npy", np.arange(20.0))


def two_arrays_and_no_key(folder):
    np.savez(folder.root / "two.npz", a=folder.embeddings, b=folder.embeddings)
    folder.study(('"embeddings.npy"', '"two.npz"'))


BROKEN = {
    no_description: ("study.toml", "export-own"),
    misspelt_field: ("study.toml", "'design.zscores' is unknown"),
    file_that_is_not_there: ("ben.npy", "Put the file there"),
    objects_in_an_array: ("anna.npy", "Save numbers"),
    array_cut_short: ("embeddings.npy", "Write it again"),
    nan_in_responses: ("ben.npy", "Leave out those rows"),
    too_few_rows: ("anna.tsv", "Write one row for each row"),
    column_of_another_name: ("ben.tsv", "Name the column stimulus"),
    stimulus_without_embedding: ("ben.tsv", "'a stranger'"),
    label_for_each_row_and_not_each_voxel: ("anna_rois.tsv", "one row a column"),
    stimulus_named_twice: ("stimuli.tsv", "Keep one row a stimulus"),
    texts_of_another_space: ("texts.npy", "Embed the texts with the same model"),
    no_run_for_z_scores: ("anna.tsv", "set design.zscore"),
    series_out_of_order: ("ben.tsv", "in the order of time"),
    classes_instead_of_stimuli: ("anna.tsv", "not its class"),
    same_participant_twice: ("study.toml", "a name of its own"),
    one_axis_only: ("ben.npy", "reshape"),
    two_arrays_and_no_key: ("two.npz", '`key = "NAME"`'),
}


@pytest.mark.parametrize("damage", BROKEN, ids=lambda damage: damage.__name__)
def test_a_problem_is_named_with_its_file_and_its_remedy(folder, damage):
    damage(folder)
    file, words = BROKEN[damage]
    reading = read_own_data(folder.root)
    assert reading.data is None
    assert [problem.file for problem in reading.problems] == [file]
    (problem,) = reading.problems
    assert words in str(problem)
    assert problem.remedy
    with pytest.raises(OwnDataError, match=file.replace(".", r"\.")):
        open_own_data(folder.root)


def test_all_problems_are_found_in_one_run(folder):
    several = (
        objects_in_an_array, column_of_another_name, texts_of_another_space,
        label_for_each_row_and_not_each_voxel,
    )  # fmt: skip
    for damage in several:
        damage(folder)
    too_few_rows(folder)
    answer = CliRunner().invoke(app, ["data", "check", str(folder.root)])
    assert answer.exit_code == 1
    named = [line.split(": ")[1] for line in answer.output.splitlines() if line[:8] == "Problem "]
    assert sorted(named) == ["anna.npy", "ben.tsv", "texts.npy"]
    np.save(folder.root / "anna.npy", folder.responses["anna"])
    found = {problem.file for problem in check_own_data(folder.root).problems}
    assert found == {"anna.tsv", "anna_rois.tsv", "ben.tsv", "texts.npy"}
    assert "problems; nothing is run" in answer.output


def test_a_folder_that_fits_is_told_what_is_shuffled_and_what_is_skipped(folder):
    folder.study(('texts = "texts.npy"\n', ""))
    answer = CliRunner().invoke(app, ["data", "check", str(folder.root)])
    assert answer.exit_code == 0, answer.output
    assert "sdc run 18 -p folder=" in answer.output
    assert "each row is another stimulus" in answer.output
    assert "no gap" in answer.output


def test_too_few_stimuli_to_split_are_a_problem_too(folder):
    for name in ("anna", "ben"):
        folder.rows(name, stimulus=[folder.names[k % 9] for k in folder.order])
    check = check_own_data(folder.root)
    assert [problem.file for problem in check.problems] == ["study.toml"]
    assert "More stimuli are needed" in check.to_text()


def test_nothing_is_exported_over_what_is_there(folder):
    before = sorted(folder.root.iterdir())
    answer = CliRunner().invoke(app, ["data", "export-own", str(folder.root)])
    assert answer.exit_code != 0
    assert sorted(folder.root.iterdir()) == before


def test_a_folder_may_be_moved(folder, tmp_path):
    moved = tmp_path / "elsewhere"
    shutil.move(folder.root, moved)
    assert open_own_data(moved).embeddings.shape == (N_STIMULI, N_DIMENSIONS)
