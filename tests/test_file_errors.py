"""What the system says of a file, put into words."""

from __future__ import annotations

import errno
import os
import zlib
from contextlib import contextmanager

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from sdc_helpers._file_errors import access_problem, speaks_of_damage

NUMBERS = sorted(set(errno.errorcode) - {errno.ENODEV})  # which a folder mapped to memory gives


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    found = tmp_path_factory.mktemp("files") / "whole.bin"
    found.write_bytes(b"whole")
    return found


@given(number=st.sampled_from(NUMBERS))
def test_no_number_of_the_system_is_called_damage(file, number):
    said = access_problem(file, OSError(number, "as the system puts it", str(file)))
    assert str(file) in said
    assert said.endswith(".")
    assert "damaged" not in said.replace("need not be damaged", "")
    assert "ownload" not in said


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.EACCES, "no permission"),
        (errno.EAGAIN, "another process holds it locked"),
        (errno.EMFILE, "too many files are open"),
        (errno.ENFILE, "too many files are open"),
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "the disk is full"),
        (errno.ESTALE, "network folder that holds it no longer answers"),
        (errno.EIO, "the disk or the network folder that holds it fails"),
        (errno.ENOMEM, "the memory is full"),
    ],
)
def test_a_number_is_understood_wherever_it_stands(file, number, words):
    """As h5py, safetensors and a chain of exceptions give it."""
    wrapped = RuntimeError("reading failed")
    wrapped.__cause__ = OSError(number, "so")
    for error in (
        OSError(number, "so"),
        OSError(f"Unable to open file (errno = {number}, error message = 'so')"),
        RuntimeError(f"so (os error {number})"),
        wrapped,
    ):
        assert words in access_problem(file, error)


def test_another_file_that_is_meant_is_named(file):
    other = file.with_name("mirror.bin")
    assert access_problem(file, FileNotFoundError(errno.ENOENT, "no", str(other))) == (
        f"{other} cannot be read: it is not there."
    )
    said = access_problem(file, OSError("unable to open external file, errno = 2"))
    assert "it refers to another file that is not there" in said


def test_what_speaks_of_the_content_is_no_problem_of_access(file):
    for error in (ValueError("bad"), zlib.error("Error -3"), EOFError(), OSError("truncated file")):
        assert access_problem(file, error) == ""
        assert speaks_of_damage(file, error)
    assert not speaks_of_damage(file, OSError("something new"))


def test_words_in_the_path_say_nothing(tmp_path):
    file = tmp_path / "truncated plugin, filter required.h5"
    file.write_bytes(b"x")
    error = OSError(f"cannot use {file}")
    assert access_problem(file, error) == ""
    assert not speaks_of_damage(file, error)


@contextmanager
def nobody():
    """Be a user who may not read others' files; root may read all."""
    user = os.geteuid()
    try:
        if user == 0:
            os.seteuid(65534)
        yield
    finally:
        os.seteuid(user)


def training_state(path):
    from sdc_helpers.training.state import load_training_state, save_training_state

    module = torch.nn.Linear(2, 2)
    save_training_state(path, {"module": module}, {}, {})
    return lambda: load_training_state(path, {"module": module}, {})


def state_dict(path):
    from sdc_helpers.embeddings._checkpoints import read_state_dict

    state = torch.nn.Linear(2, 2).state_dict()
    torch.save(state, path)
    return lambda: read_state_dict(path, state)


def safe_state_dict(path):
    from safetensors.torch import save_file

    from sdc_helpers.embeddings._checkpoints import read_state_dict

    state = torch.nn.Linear(2, 2).state_dict()
    save_file(state, path)
    return lambda: read_state_dict(path, state)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (training_state, "state.safetensors"),
        (state_dict, "weights.pt"),
        (safe_state_dict, "weights.safetensors"),
    ],
)
def test_weights_and_states_that_may_not_be_read_are_not_called_damaged(tmp_path, make, name):
    path = tmp_path / name
    read = make(path)
    read()
    path.chmod(0)
    with nobody(), pytest.raises(ValueError, match="no permission to read it") as caught:
        read()
    assert "damaged" not in str(caught.value)
    assert "Delete" not in str(caught.value)
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:20])
    with pytest.raises(ValueError, match="damaged"):
        read()
