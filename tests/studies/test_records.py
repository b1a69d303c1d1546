"""Recorded studies are read in one way: what is no record is named, with how to make it."""

from __future__ import annotations

import pytest

from sdc_helpers.datasets.errors import DataFormatError
from sdc_helpers.studies import gap_finetuning, settings_study, type_one
from sdc_helpers.studies._records import reading_record
from sdc_helpers.studies.curriculum_grid import load_grid, read_result

READERS = {
    "sdc concepts settings": settings_study.load_outcomes,
    "sdc gap finetune": gap_finetuning.load_finetuning,
    "sdc nulls type-one": type_one.load_type_one,
    "sdc curriculum grid": load_grid,
    "curriculum grid": read_result,
}


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"made": 1, "cells": 3}', "\ufeff{}"])
@pytest.mark.parametrize("command", READERS)
def test_what_is_no_record_is_named_with_the_command_that_makes_it(tmp_path, command, content):
    file = tmp_path / "record.json"
    file.write_text(content, encoding="utf-8")
    with pytest.raises(DataFormatError, match=rf"record\.json is no .*{command}"):
        READERS[command](file)


def test_what_the_block_takes_is_given(tmp_path):
    (tmp_path / "a.json").write_text('{"made": "today"}')
    with reading_record(tmp_path / "a.json", "thing", "a command") as content:
        assert content == {"made": "today"}
