"""Write a table of a sweep as Parquet; run by the sweeps' own environment, which has pyarrow.

``python parquet.py table.csv table.parquet '{"column": "float64", ...}'``
"""

import json
import sys
from pathlib import Path

from pyarrow import csv, parquet, type_for_alias


def convert(source: Path, target: Path, types: dict[str, str]) -> None:
    """Read a CSV file, its types given, and write it as Parquet, whole or not at all."""
    options = csv.ConvertOptions(
        column_types={name: type_for_alias(kind) for name, kind in types.items()},
        strings_can_be_null=True,
        null_values=[""],
        true_values=["True"],
        false_values=["False"],
        quoted_strings_can_be_null=False,
    )
    parse = csv.ParseOptions(newlines_in_values=True)
    table = csv.read_csv(source, convert_options=options, parse_options=parse)
    partial = target.with_name(f".{target.name}.partial")
    parquet.write_table(table, partial)
    partial.replace(target)


if __name__ == "__main__":
    convert(Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3]))
