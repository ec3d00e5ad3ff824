"""`wala models list`: the table of models with the state of each."""

import argparse
import json

from ..models.listing import describe_models
from ..models.records import models_folder

GIGABYTE = 1e9


def list_models(options: argparse.Namespace) -> int:
    """`wala models` and `wala models list`."""
    folder = models_folder()
    described = describe_models(folder)
    if options.json:
        print(json.dumps(described))
        return 0
    for row in described:
        print(f"{row['name']}: {row['title']}" + (f", version {row['version']}" if row["version"] else ""))
        for name, defaults in row["conditions"].items():
            if row["makes"] == "reconstructions":
                print(f"    {name:8} made again{', and varied' if row['cascade'] else ''}")
                continue
            scale = "no guidance" if defaults["scale"] is None else f"scale {defaults['scale']:g}"
            handed_on = f", makes {row['makes']} for {row['shape_model']}" if row["shape_model"] else ""
            print(f"    {name:8} {scale}, {defaults['steps']} steps{handed_on}")
        if row["memory"]:
            whole, offloaded, processor = (row["memory"][name] / GIGABYTE for name in ("cuda", "cuda_low", "cpu"))
            print(
                f"    needs about {whole:.1f} GB of graphics memory, {offloaded:.1f} GB in low-memory mode; {processor:.1f} GB on the CPU"
            )
        if row["problem"]:
            print(f"    cannot be used: {row['problem']}")
            continue
        print(f"    licence {row['licence']}{', non-commercial' if row['non_commercial'] else ''}; {_state(row)}")
    print(f"models folder: {folder}")
    return 0


def _state(row: dict) -> str:
    if row["installed"]:
        return f"installed: {row['converted'] or row['installed']}" + (f"; {row['checked']}" if row["checked"] else "")
    if row["repository"] is None:
        return (
            "its weights are not here: train it (docs/training.md, Levels)"
            if row["cascade"]
            else "its weights are missing"
        )
    return f"not fetched, about {row['size'] / GIGABYTE:.1f} GB: wala models fetch {row['name']}"
