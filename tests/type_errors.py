"""mypy's errors, which may only become fewer: `python -m tests.type_errors` compares them with type_errors.txt.

`--write` writes that file anew, where there are not more of them in all.
"""

import re
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BASELINE = Path(__file__).with_suffix(".txt")  # a line a file: how many errors, and its name


def found() -> Counter[str]:
    """How many errors mypy finds, by file. Raises RuntimeError with its own words where it cannot check."""
    done = subprocess.run([sys.executable, "-m", "mypy"], cwd=ROOT, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        raise RuntimeError(done.stdout + done.stderr)
    return counted(done.stdout)


def counted(output: str) -> Counter[str]:
    """How many errors mypy's output has, by file."""
    return Counter(path.replace("\\", "/") for path in re.findall(r"^(\S+):\d+: error: ", output, re.M))


def read(text: str) -> Counter[str]:
    """The baseline's counts by file."""
    return Counter({name: int(count) for count, name in map(str.split, text.splitlines())})


def written(counts: Mapping[str, int]) -> str:
    """The baseline of these counts."""
    return "".join(f"{count:4} {name}\n" for name, count in sorted(counts.items()))


def differences(now: Counter[str], before: Counter[str]) -> list[str]:
    """A line for each file that has another number of errors than the baseline."""
    return [
        f"{name}: {now[name]} type errors, {before[name]} in the baseline"
        for name in sorted({*now, *before})
        if now[name] != before[name]
    ]


def main(arguments: list[str]) -> int:
    """The command; returns the exit code, 1 where errors differ from the baseline, or where there are more to write."""
    now, before = found(), read(BASELINE.read_text(encoding="utf-8"))
    print(f"{now.total()} type errors, {before.total()} in the baseline")
    if arguments == ["--write"]:
        if now.total() > before.total():
            print("there are more than before: mend them first (python -m mypy)")
            return 1
        BASELINE.write_text(written(now), encoding="utf-8")
        return 0
    lines = differences(now, before)
    if lines:
        print("\n".join(lines))
        print("More: see python -m mypy. Fewer, or of a file that was renamed: python -m tests.type_errors --write")
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
