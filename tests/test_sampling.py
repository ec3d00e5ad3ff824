"""Shares in which a store's shapes are drawn."""

from pathlib import Path

import pytest
import torch

from wala_blender.training.data.dataset import Entry
from wala_blender.training.data.sampling import GENERATED_SHARE, draw_shares
from wala_blender.training.tree_batches import TreeBatches


def entry(identifier: str, head: str, **more) -> Entry:
    return Entry(identifier, Path("x.npz"), 3, "train", head, head, **more)


def test_common_nouns_are_drawn_more_often_but_less_than_in_proportion():
    entries = [entry(f"kit/chair{i}", "chair") for i in range(16)] + [entry("kit/lamp", "lamp")]
    shares = draw_shares(entries)
    assert float(shares.sum()) == pytest.approx(1)
    assert float(shares[:16].sum() / shares[16]) == pytest.approx(4)


def test_thin_shapes_are_drawn_twice_as_often_where_asked():
    entries = [entry("kit/a", "pole", solid=0.02), entry("kit/b", "pole", solid=0.5), entry("kit/c", "pole")]
    shares = draw_shares(entries, thin=2.0)
    assert shares.tolist() == pytest.approx([0.5, 0.25, 0.25])
    assert draw_shares(entries).tolist() == pytest.approx([1 / 3] * 3)


def test_generated_shapes_are_a_third_at_most():
    entries = [entry(f"generated/table-{i}", f"table{i}") for i in range(50)] + [
        entry("kit/chair", "chair"),
        entry("kit/lamp", "lamp"),
    ]
    shares = draw_shares(entries)
    assert float(shares[:50].sum()) == pytest.approx(GENERATED_SHARE) and float(shares.sum()) == pytest.approx(1)
    few = draw_shares([entry("generated/a", "a"), *(entry(f"kit/{i}", f"{i}") for i in range(9))])
    assert few.tolist() == pytest.approx([0.1] * 10)
    assert float(draw_shares(entries[:50]).sum()) == pytest.approx(1)  # nothing else to draw


def test_nameless_shapes_count_as_one_noun_a_collection():
    entries = [entry(f"kit/{i}", f"head{i}", named=False) for i in range(9)] + [entry("kit/chair", "chair")]
    assert float(draw_shares(entries)[:9].sum()) == pytest.approx(0.75)


def test_batches_of_trees_follow_the_shares():
    entries = [entry(f"kit/{i}", f"{i}") for i in range(4)]
    batches = TreeBatches(entries, 8, slice(0, 8), False, torch.tensor([0.0, 0.5, 0.5, 0.0]))
    picks = [pick for step in range(40) for pick in batches.picks(step)]
    assert {e.id for e, _ in picks} == {"kit/1", "kit/2"} and {variant for _, variant in picks} == {0, 1, 2}
    assert batches.picks(3) == batches.picks(3)
    assert 100 < sum(e.id == "kit/1" for e, _ in picks) < 220
