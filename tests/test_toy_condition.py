"""A new condition is three files: those of tests/toy, laid into a copy of the packages."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from wala_blender.errors import CheckpointError
from wala_blender.models.checkpoint import save_components
from wala_blender.models.registry import find_row
from wala_blender.models.starter_config import StarterConfig
from wala_blender.models.starter_model import Starter
from wala_blender.models.trained_model import About, read_row, write_about
from wala_blender.networks.autoencoder import Autoencoder
from wala_blender.networks.configs import AutoencoderConfig, UViTConfig

ROOT = Path(__file__).resolve().parents[1]
TOY = ROOT / "tests/toy"
FILES = sorted(path.relative_to(TOY) for path in TOY.rglob("*.py"))
DENOISER = UViTConfig(
    width=32, blocks=1, heads=2, channels=16, patch=3, context_width=192, grid_channels=68, norm_groups=8
)
AUTOENCODER = AutoencoderConfig(widths=(8, 8, 8), norm_groups=4, quantized=False)
# Blender's modules outside Blender: whatever is asked of them is there
BPY = "from unittest.mock import MagicMock\nfor name in ('bpy', 'bpy.props', 'bpy.app', 'bpy.app.handlers', 'mathutils'):\n    sys.modules[name] = MagicMock()\n"


@pytest.fixture(scope="module")
def toy(tmp_path_factory) -> Path:
    """A folder with the packages and the toy condition's files."""
    folder = tmp_path_factory.mktemp("toy") / "extension"
    for package in ("wala_blender", "runtime", "operators"):
        shutil.copytree(ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    for file in FILES:
        shutil.copy(TOY / file, folder / file)
    return folder


def run(folder: Path, code: str) -> str:
    """What code prints in a process that sees the packages of that folder."""
    begin = f"import sys\nsys.path.insert(0, {str(folder)!r})\nfrom pathlib import Path\n"
    done = subprocess.run([sys.executable, "-c", begin + code], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def write_model(folder: Path, starter: StarterConfig, conditions: tuple[str, ...]) -> Path:
    """A model's folder as training writes it, its weights drawn."""
    folder.mkdir()
    like = find_row("starter")
    taken = {name: replace(like.conditions[name], detail=False) for name in conditions}
    torch.manual_seed(0)
    networks = {"autoencoder": Autoencoder(AUTOENCODER), "starter": Starter(starter)}
    with torch.no_grad():  # layers that begin at zero would hide what they read
        for parameter in networks["starter"].parameters():
            parameter += 0.02 * torch.randn_like(parameter)
    save_components(folder / "model.safetensors", networks, {}, torch.float16)
    shutil.copy(like.vocabulary, folder)
    write_about(folder, About(folder.name, "Mine", like.licence, taken, AUTOENCODER, starter))
    return folder


GENERATE = """
from wala_blender.pipeline import Pipeline, Settings
import numpy as np
def latent(model, condition, inputs):
    made, _ = Pipeline.load(model, "cpu").generate_latent(condition, inputs, Settings(model=model, steps=2))
    return made.double().sum().item()
"""


def test_the_toy_is_a_file_in_each_zone():
    assert [file.parts[:-2] for file in FILES] == [
        ("operators",),
        ("wala_blender", "conditions"),
        ("wala_blender", "training"),
    ]


def test_the_command_line_and_blender_have_it(toy):
    helped = run(
        toy,
        "from wala_blender.cli.main import main\ntry:\n    main(['generate', '--help'])\nexcept SystemExit:\n    print('torch' in sys.modules)",
    )
    assert "--ball RADIUS" in helped and helped.splitlines()[-1] == "False"
    given = run(
        toy,
        BPY
        + """
from types import SimpleNamespace
sys.path.append("..")
from extension.operators.conditions import CAPTURES
from wala_blender.conditions.inputs import load_condition
assert len({spec.number for spec in CAPTURES.values()}) == len({spec.order for spec in CAPTURES.values()}) == len(CAPTURES)
spec = CAPTURES["BALL"]
context = SimpleNamespace(scene=SimpleNamespace(cursor=SimpleNamespace(location=(0, 0, 0))))
settings = SimpleNamespace(radius=0.5)
assert not spec.choose(context, settings).missing
print(load_condition(spec.condition, spec.capture(context, settings).inputs, Path()))""",
    )
    assert given == "{'radius': 0.5}\n"


def test_models_from_before_it_was_there_load_beside_it(toy, tmp_path):
    exported = write_model(tmp_path / "exported", StarterConfig(DENOISER), ("points", "none"))
    older = tmp_path / "older"  # as it was before models said which encoders they have
    shutil.copytree(exported, older)
    about = json.loads((older / "about.json").read_text())
    assert about.pop("schema") == 1 and list(about["starter"].pop("encoders")) == [*StarterConfig().encoders]
    (older / "about.json").write_text(json.dumps(about))
    code = (
        GENERATE
        + f"""
starter = Pipeline.load("starter", "cpu")
assert "ball" not in starter.row.conditions and "ball" not in starter.denoiser.config.encoders
print(latent("starter", "none", {{}}))
points = {{"points": np.random.default_rng(0).normal(size=(64, 3))}}
print(latent({str(exported)!r}, "points", points), latent({str(older)!r}, "points", points))
"""
    )
    before, after = run(ROOT, code).split(), run(toy, code).split()
    assert before == after and before[1] == before[2]


def test_a_model_learns_it_and_older_versions_say_what_they_lack(toy, tmp_path):
    model = tmp_path / "round"
    code = (
        GENERATE
        + f"""
import torch
from test_toy_condition import AUTOENCODER, DENOISER, find_row, write_model
from types import SimpleNamespace
from wala_blender.conditions.specs import SPECS
from wala_blender.evaluation.inputs import trials_of
from wala_blender.evaluation.evaluate import RULES
from wala_blender.models.starter_config import StarterConfig, conditions_of, starter_encoders
from wala_blender.models.starter_model import Starter
from wala_blender.models.trained_model import About, read_row, write_about
from wala_blender.training.conditions import TRAININGS
from wala_blender.training.denoiser_training import DenoiserObjective, DenoiserTraining

config = StarterConfig(DENOISER, {{"ball": SPECS["ball"].encoder_config(), "text": starter_encoders()["text"]}})
assert list(conditions_of(config.encoders)) == ["text", "none", "ball"]
DenoiserTraining(model=config, condition_probabilities={{"ball": 1.0}})
try:
    DenoiserTraining(condition_probabilities={{"ball": 1.0}})
    raise SystemExit("the starter has no encoder of a ball")
except ValueError as error:
    assert "no encoder of it" in str(error)
batches = SimpleNamespace(latents=SimpleNamespace(occupancy=torch.ones(3, 1, 16, 16, 16)))
[radii] = TRAININGS["ball"].batch(batches, torch.tensor([0, 2]), None)
loss, _ = DenoiserObjective(Starter(config))({{"ball": (radii,)}}, torch.zeros(2, 4, 12, 12, 12), None, None, None)
loss.backward()

field = torch.ones(32, 32, 32)
field[8:24, 8:24, 8:24] = -1
[trial] = trials_of(["ball"], ()).values()
inputs = trial.make(SimpleNamespace(field=field), None)
assert abs(inputs["radius"] - 0.62) < 0.01 and trial.show(inputs) == ["radius 0.62"] and "ball" in RULES
assert (trial.evaluation.baselines(field, inputs, None)["round"] < 0).float().mean() > 0.1

like = find_row("starter")
folder = write_model(Path({str(model)!r}), config, ("text", "none"))
write_about(folder, About("round", "Round", like.licence, conditions_of(config.encoders), AUTOENCODER, config))
assert list(read_row(folder).starter.encoders) == ["ball", "text"]
print(latent(str(folder), "ball", {{"radius": 0.5}}) != latent(str(folder), "ball", {{"radius": 0.6}}))
"""
    )
    assert run(toy, f"sys.path.append({str(ROOT / 'tests')!r})\n" + code) == "True\n"
    with pytest.raises(CheckpointError, match="unknown encoder 'ball'"):
        read_row(model)


def test_a_model_of_a_newer_schema_is_refused(tmp_path):
    folder = write_model(tmp_path / "newer", StarterConfig(DENOISER), ("none",))
    about = json.loads((folder / "about.json").read_text())
    (folder / "about.json").write_text(json.dumps(about | {"schema": 2, "colours": {}}))
    with pytest.raises(CheckpointError, match=r"its schema is 2, expected 1 at most\. A newer WaLa made it"):
        read_row(folder)


def test_a_model_takes_no_condition_that_it_has_no_encoder_of(tmp_path):
    folder = write_model(tmp_path / "half", StarterConfig(DENOISER), ("points", "none"))
    about = json.loads((folder / "about.json").read_text())
    del about["starter"]["encoders"]["points"]
    (folder / "about.json").write_text(json.dumps(about))
    with pytest.raises(CheckpointError, match="its conditions are points"):
        read_row(folder)
    about["starter"]["encoders"]["sketch"]["out_width"] = 96
    (folder / "about.json").write_text(json.dumps(about))
    with pytest.raises(CheckpointError, match="the encoder sketch gives tokens of 96"):
        read_row(folder)
