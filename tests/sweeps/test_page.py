from __future__ import annotations

import numpy as np
import pytest
from made_up_runs import claim
from scipy.stats import t

from sdc_helpers.sweeps import best_of, collect, settings_of, write_page, write_table

VALUES = {(seed, size): seed / 10 + size / 100 for seed in (0, 1, 2) for size in (5, 9)}


@pytest.fixture
def done(folder, write_run):
    for (seed, size), value in VALUES.items():
        if (seed, size) != (2, 9):
            write_run(f"seed~{seed}__size~{size}", [claim("a.b", 0.5 + value)], seed=seed)
    write_run("seed~2__size~9", [], error="cell 4: <b>trouble</b>")
    return folder


def test_a_setting_has_the_mean_of_its_seeds_and_students_interval(done):
    small, large = settings_of(collect(done), "a.b")
    assert (small.name, large.name) == ("size=5", "size=9")
    assert (small.n_runs, small.n_points) == (3, 3)
    assert (large.n_runs, large.n_points) == (2, 3)
    values = np.array([0.55, 0.65, 0.75])
    half = t.ppf(0.975, 2) * values.std(ddof=1) / np.sqrt(3)
    assert small.interval.value == pytest.approx(0.65)
    assert small.interval.high == pytest.approx(0.65 + half)


def test_a_single_run_shows_the_interval_that_it_measured(folder, write_run):
    write_run("seed~0__size~5", [claim("a.b", 0.7)])
    small, large = settings_of(collect(folder), "a.b")
    assert (small.interval.low, small.interval.high) == pytest.approx((0.6, 0.8))
    assert large.interval is None
    assert best_of([small, large]) == ""  # nothing was chosen


def test_whoever_singles_one_out_says_how_many_were_tried(done):
    said = best_of(settings_of(collect(done), "a.b"))
    assert "size=5" in said
    assert "largest of 2 settings" in said
    assert "trying 6 points" in said


def test_the_page_opens_in_a_browser_and_counts(done, browser):
    table = collect(done)
    write_table(table, done)
    page = write_page(table, done)
    browser.open(page.as_uri())
    text = browser.evaluate("document.body.innerText")
    assert "5 complete, 1 failed" in text
    assert "6 rows" in text
    assert "<b>trouble</b>" in text  # shown, not obeyed
    assert "was found" not in text
    assert "found by trying 6 points" in text
    pictures = "[...document.images].map(i => [i.complete, i.naturalWidth > 100, i.alt])"
    [(complete, wide, alt)] = browser.evaluate(pictures)
    assert complete
    assert wide
    assert alt.startswith("Simulated numbers")
    assert browser.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert all(address.startswith(("file:", "data:")) for address in browser.requested)
