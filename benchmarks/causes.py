"""Write one prediction per labelled case: ``python -m benchmarks.causes --set petshop --data DIR --out FILE``.

One line each: {"case", "ranking", "verdict", "confidence", "seconds"}. *ranking* is always filled,
*verdict* abstains. One configuration serves every set. The protocol stands in docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import importlib
import json
from dataclasses import asdict
from pathlib import Path

SETS = ("petshop", "robustspot", "nezha", "rootcausebench", "incidents")


def main() -> None:
    """Run one set over one folder and write its predictions."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--set", required=True, choices=SETS, dest="name", help="which set's layout the folder has")
    parser.add_argument("--data", required=True, type=Path, help="folder with the layout of that set")
    parser.add_argument("--out", required=True, type=Path, help="JSON-lines file to write")
    options = parser.parse_args()
    reader = importlib.import_module(f"benchmarks.sets.{options.name}")
    with options.out.open("w", encoding="utf-8") as out:
        for prediction in reader.predictions(options.data):
            out.write(json.dumps(asdict(prediction), ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
