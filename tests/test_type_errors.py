"""The baseline of mypy's errors: what is counted, and what is told of it."""

from collections import Counter

from type_errors import counted, differences, read, written

OUTPUT = """wala_blender/a.py:3: error: Item "None" of "X | None" has no attribute "y"  [union-attr]
wala_blender/a.py:3: note: See the documentation
wala_blender\\b.py:10: error: Name "z" is not defined  [name-defined]
wala_blender/a.py:9: error: Incompatible return value type  [return-value]
Found 3 errors in 2 files (checked 9 source files)
"""


def test_errors_are_counted_by_file_on_every_system():
    assert counted(OUTPUT) == {"wala_blender/a.py": 2, "wala_blender/b.py": 1}


def test_a_baseline_comes_back():
    counts = counted(OUTPUT)
    assert read(written(counts)) == counts


def test_more_and_fewer_errors_are_told():
    lines = differences(Counter(a=2, b=1, d=3), Counter(a=1, b=1, c=4, d=3))
    assert lines == ["a: 2 type errors, 1 in the baseline", "c: 0 type errors, 4 in the baseline"]
