"""A run's log as a table."""

import json

import pytest

from wala_blender.cli.main import main
from wala_blender.errors import InputError
from wala_blender.training.log_summary import curve, read_log, table_of


def test_numbers_are_averaged_over_stretches_of_time():
    lines = [{"minutes": m, "samples": 100 * m, "loss": 10.0 - m} for m in range(1, 9)] + [
        {"minutes": 8, "samples": 800, "validation_iou": 0.5}
    ]
    assert curve(lines, parts=2) == [
        {"minutes": 4, "samples": 400, "loss": 7.5},
        {"minutes": 8, "samples": 800, "loss": 3.5, "validation_iou": 0.5},
    ]
    assert [row["minutes"] for row in curve(lines[6:7] + lines[7:8], parts=10)] == [
        7,
        8,
    ]  # a stretch without a line has no row


def test_several_runs_are_one_table(tmp_path, capsys):
    for name, said in (("a", {"loss": 1.0, "validation_iou": 0.25}), ("b", {"loss": 0.5})):
        (tmp_path / name).mkdir()
        (tmp_path / name / "log.jsonl").write_text(json.dumps({"minutes": 1.0, "samples": 2000} | said) + "\n")
    assert (
        main(["train", "curves", str(tmp_path / "a"), str(tmp_path / "b"), "--numbers", "validation_iou", "loss"]) == 0
    )
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "| run | minutes | samples | validation_iou | loss |" and len(lines) == 4
    assert lines[2].endswith("| 1.0 | 2,000 | 0.2500 | 1.0000 |") and lines[3].endswith("| 1.0 | 2,000 |  | 0.5000 |")
    with pytest.raises(InputError, match="no run has a number 'speed'"):
        table_of({"a": curve(read_log(tmp_path / "a"))}, ["speed"])
    with pytest.raises(InputError, match="missing or empty"):
        read_log(tmp_path)
