"""Many runs of one notebook: grids, points, what they cost, and one table of what came of them.

The runs themselves are started by Snakemake (``workflow/Snakefile``), on this machine or on a
cluster.
"""

from sdc_helpers.sweeps.grid import Grid, grid_from_words, read_grid, spread, write_grid
from sdc_helpers.sweeps.page import Setting, best_of, settings_of, write_page
from sdc_helpers.sweeps.plan import Point, SweepPlan, load_plan, plan_sweep, point_name, write_plan
from sdc_helpers.sweeps.scheduling import Schedule, schedule
from sdc_helpers.sweeps.shares import Shares, shares_of
from sdc_helpers.sweeps.table import collect, count_states, write_parquet, write_table

__all__ = [
    "Grid",
    "Point",
    "Schedule",
    "Setting",
    "Shares",
    "SweepPlan",
    "best_of",
    "collect",
    "count_states",
    "grid_from_words",
    "load_plan",
    "plan_sweep",
    "point_name",
    "read_grid",
    "schedule",
    "settings_of",
    "shares_of",
    "spread",
    "write_grid",
    "write_page",
    "write_parquet",
    "write_plan",
    "write_table",
]
