"""Families of named shapes, and the source of generated shapes of a store."""

import json

import numpy as np
import pytest

from wala_blender.errors import InputError
from wala_blender.training.data.build import build
from wala_blender.training.data.captions import carries, clean
from wala_blender.training.data.dataset import load_tree, read_index
from wala_blender.training.data.mesh_datasets import read_records, shape_of
from wala_blender.training.data.procedural.families import FAMILIES, named

IN_PIECES = {"mushroom"}  # some of it are groups


@pytest.mark.parametrize("name", FAMILIES)
def test_a_family_makes_solid_shapes_in_one_piece_with_captions(name):
    shapes = [named(name, seed) for seed in range(2)]
    for shape in shapes:
        field = shape.field(48)
        assert (field < 0).mean() > 3e-4
        assert name in IN_PIECES or shape.in_one_piece()
        assert shape.caption and shape.head in shape.caption.split() and shape.caption not in shape.synonyms
        assert all(clean(caption) != "object" for caption in (shape.caption, *shape.synonyms))
    assert np.array_equal(named(name, 1).field(32), shapes[1].field(32))
    assert not np.array_equal(shapes[0].field(32), shapes[1].field(32))


def test_captions_say_what_a_family_is():
    for name in ("table", "chair", "house", "sword", "lamp", "tree", "car", "ship"):
        shape = named(name, 3)
        assert any(carries(caption, name) for caption in (shape.caption, *shape.synonyms)), name


def test_generated_records_are_the_same_each_time_and_composites_only_where_unnamed_is_asked():
    plain, mixed = read_records("procedural:20"), read_records("procedural:20", unnamed=True)
    assert len(plain) == len(mixed) == 20 and all(record.named for record in plain)
    assert [record.named for record in mixed] == [True, False] * 10
    assert read_records("procedural:20", "train") + read_records("procedural:20", "validation") != []
    assert shape_of(mixed[0]).caption == mixed[0].caption and shape_of(mixed[1]).caption == ""
    with pytest.raises(InputError, match="no number"):
        read_records("procedural:many")


def test_a_store_takes_generated_shapes_like_a_collection(tmp_path):
    report = build("procedural:2", tmp_path, jobs=1, unnamed=True)
    assert report["kept"] == 2, report["reasons"]
    lines = [json.loads(line) for line in (tmp_path / "index.jsonl").read_text().splitlines()]
    (table,) = [line for line in lines if line["named"]]
    assert table["id"] == "generated/table-0" and table["synonyms"] and 0 < table["solid"] < 1
    entries = [entry for split in {line["split"] for line in lines} for entry in read_index(tmp_path, split)]
    entry = next(entry for entry in entries if entry.named)
    assert entry.synonyms == tuple(table["synonyms"]) and entry.solid == table["solid"]
    assert load_tree(entry, 0).shape == (64, 46, 46, 46)
