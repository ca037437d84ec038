"""Pulling variables out of a file, from the command line and as a program."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from networks_by_hand import hand_wired, known_subspace, mean_coded
from typer.testing import CliRunner

import interlocus as il
from interlocus.alignment import tabular as module
from interlocus.alignment.from_directions import AlignmentTarget, from_directions
from interlocus.alignment.tabular import Rows
from interlocus.cli.loading import extract, load_fitted, load_network
from interlocus.cli.main import app
from interlocus.core import tensor_files as files
from interlocus.core.errors import AlignmentError
from interlocus.core.random import derived_generator
from interlocus.tasks import HierarchicalEquality

TASK = HierarchicalEquality()
SMALL = il.Budget(pool=8192, held_out=4096, partners=1, batch=128, check_every=25, validation=1024, test=3000)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A network, an alignment of it with read-outs, and inputs with their values."""
    folder = tmp_path_factory.mktemp("pulled")
    found = il.search(
        hand_wired(), TASK, hypothesis="left", site="input", sizes=(4,), starts={"covariance": 1},
        phases=(il.Phase(steps=1),), budget=SMALL,
    )  # fmt: skip
    found.best(network=0, size=4).save(folder / "left.safetensors")
    hand_wired().save(folder / "network.safetensors")
    pool = TASK.draw_examples(700, split="test", generator=derived_generator(5))
    np.save(folder / "inputs.npy", pool.inputs.numpy())
    np.savetxt(folder / "inputs.csv", pool.inputs.numpy(), delimiter=",", fmt="%.9g")
    np.save(folder / "values.npy", pool.values["left"].numpy())
    return folder


def command(folder, *arguments: str):
    files = [str(folder / "left.safetensors"), *arguments]
    return CliRunner().invoke(app, ["extract", *files, "--network", str(folder / "network.safetensors")])


def _same_values(read: np.ndarray, reading) -> None:
    """Wherever a value is likelier than another by more than rounding: parts of another length round otherwise."""
    clear = (reading.probability - 0.5 > 1e-4).numpy()
    assert clear.mean() > 0.99
    np.testing.assert_array_equal(read[clear], reading.value.numpy()[clear])


@pytest.mark.parametrize("kind", ["npy", "csv"])
def test_the_command_reads_what_python_reads(folder, kind, monkeypatch):
    monkeypatch.setattr(module, "ROWS_PER_READ", 256)
    out = folder / f"read-from-{kind}.npy"
    result = command(folder, str(folder / f"inputs.{kind}"), "--out", str(out))
    assert result.exit_code == 0, result.output
    read, inputs = np.load(out), torch.from_numpy(np.load(folder / "inputs.npy"))
    reading = il.Alignment.load(folder / "left.safetensors").extract(hand_wired(), inputs)["left"]
    np.testing.assert_array_equal(read["row"], np.arange(700))
    _same_values(read["left"], reading)
    np.testing.assert_allclose(read["left_features"], reading.features.numpy(), atol=1e-5)
    assert (read["left"] == np.load(folder / "values.npy")).mean() > 0.98


def test_text_goes_to_the_terminal(folder):
    result = command(folder, str(folder / "inputs.csv"))
    lines = result.stdout.splitlines()
    assert lines[0].startswith("row,left,left_probability,left_features_0")
    assert len(lines) == 701


def test_bad_rows_are_left_out_when_asked(folder):
    inputs = np.load(folder / "inputs.npy")
    inputs[3, 2] = np.nan
    np.save(folder / "bad.npy", inputs)
    strict = command(folder, str(folder / "bad.npy"), "--out", str(folder / "read.csv"))
    assert "Rows 3" in str(strict.exception)
    assert not list(folder.glob("read.csv*")), "half a file is left"
    skipping = command(folder, str(folder / "bad.npy"), "--out", str(folder / "read.csv"), "--skip-invalid-rows")
    assert skipping.exit_code == 0
    rows = (folder / "read.csv").read_text().splitlines()[1:]
    assert [line.split(",")[0] for line in rows[:4]] == ["0", "1", "2", "4"]


def test_an_alignment_without_read_outs_needs_a_run_folder(folder, fails):
    alignment = il.Alignment.load(folder / "left.safetensors")
    bare = il.Alignment(**{name: value for name, value in vars(alignment).items() if name != "read_outs"})
    bare.save(folder / "bare.safetensors")
    with fails(AlignmentError, "run folder"):
        load_fitted(folder / "bare.safetensors", hand_wired())


def test_another_network_is_refused(folder, fails):
    alignment = il.Alignment.load(folder / "left.safetensors")
    with fails(AlignmentError, "another"):
        list(extract(alignment, mean_coded(), Rows(path=folder / "inputs.npy")))


def test_a_network_of_somebody_is_built_by_its_code(folder, tmp_path):
    """The same parameters in a module of torch's; it is said that code is run."""
    (tmp_path / "mine.py").write_text(
        """
import torch
from interlocus.networks import MLP, Module

def build():
    own = MLP.load(PATH)
    layers = []
    for weight, bias in zip(own.weights, own.biases):
        linear = torch.nn.Linear(weight.shape[2], weight.shape[1])
        linear.weight.data, linear.bias.data = weight[0], bias[0]
        layers += [linear, torch.nn.ReLU()]
    return Module(torch.nn.Sequential(*layers[:-1]), sites={"first": "1"})

def wants(task):
    return build()
""".replace("PATH", repr(str(folder / "network.safetensors")))
    )
    network = load_network(f"{tmp_path}/mine.py:build", TASK)
    place = AlignmentTarget(network, TASK, "both", "first")
    alignment = from_directions(place, known_subspace(), None).fitted(network, TASK)
    alignment.save(tmp_path / "both.safetensors")
    asked = [
        "extract",
        str(tmp_path / "both.safetensors"),
        str(folder / "inputs.npy"),
        "--out",
        str(tmp_path / "r.npy"),
    ]
    result = CliRunner().invoke(app, [*asked, "--network", f"{tmp_path}/mine.py:build"])
    assert result.exit_code == 0, result.output
    assert "This runs code" in result.stderr
    assert (np.load(tmp_path / "r.npy")["left"] == np.load(folder / "values.npy")).mean() > 0.98
    wants = CliRunner().invoke(app, [*asked, "--network", f"{tmp_path}/mine.py:wants"])
    assert "--task" in str(wants.exception)
    given = CliRunner().invoke(app, [*asked, "--network", f"{tmp_path}/mine.py:wants", "--task", TASK.name])
    assert given.exit_code == 0, given.output
    (tmp_path / "module.safetensors").write_bytes(network.to_bytes())
    module = CliRunner().invoke(app, [*asked, "--network", str(tmp_path / "module.safetensors")])
    assert "file.py:function" in str(module.exception)


@pytest.mark.parametrize("damage", ["cut short", "maps", "fields", "read-outs", "numbers"])
def test_a_damaged_file_is_said(folder, tmp_path, damage, fails):
    path = tmp_path / "bad.safetensors"
    if damage == "cut short":
        path.write_bytes((folder / "left.safetensors").read_bytes()[:300])
    else:
        tensors, about = files.read(folder / "left.safetensors", "interlocus.alignment/1", AlignmentError, "")
        if damage == "maps":
            tensors["write.4"] = tensors["write.4"][:, :3]
        elif damage == "fields":
            del about["alignment"]["site"]
        elif damage == "read-outs":
            tensors["read_out.4.left.quadratic"] = torch.zeros(2, 3, 3)
        else:
            tensors["read.4"] = tensors["read.4"] * torch.nan
        path.write_bytes(files.to_bytes(tensors, about))
    with fails(AlignmentError, "cannot be read" if damage == "cut short" else "damaged"):
        il.Alignment.load(path)


def test_a_file_that_cannot_be_written_is_said(folder, tmp_path, fails):
    alignment = il.Alignment.load(folder / "left.safetensors")
    (tmp_path / "file").write_text("")
    with fails(AlignmentError, "cannot be written"):
        alignment.save(tmp_path / "file" / "left.safetensors")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_how_well_it_is_read_is_kept(folder, tmp_path):
    alignment = il.Alignment.load(folder / "left.safetensors")
    score = il.evaluate(alignment, hand_wired(), TASK, budget=SMALL)
    assert alignment.read_accuracy["left"] >= score.iia - 0.02
    _, about = files.read(folder / "left.safetensors", "interlocus.alignment/1", AlignmentError, "")
    assert about["version"] == il.__version__
    assert {"network", "site", "task", "hypothesis"} <= set(about["alignment"])


@pytest.mark.slow
def test_a_program_gives_the_same_without_this_package(folder):
    alignment = il.Alignment.load(folder / "left.safetensors")
    il.export(alignment, hand_wired(), folder / "left.pt2")
    script = f"""
import sys, numpy as np, torch
program = torch.export.load({str(folder / "left.pt2")!r}).module()
value, probability, features = program(torch.from_numpy(np.load({str(folder / "inputs.npy")!r})))["left"]
np.savez({str(folder / "program.npz")!r}, value=value, probability=probability.detach(), features=features.detach())
assert not any(name.startswith("interlocus") for name in sys.modules)
"""
    subprocess.run([sys.executable, "-W", "ignore", "-c", script], check=True)
    reading = alignment.extract(hand_wired(), torch.from_numpy(np.load(folder / "inputs.npy")))["left"]
    program = np.load(folder / "program.npz")
    # a program is compiled on its own, and may round in its own way
    for name in ("probability", "features"):
        np.testing.assert_allclose(program[name], getattr(reading, name).numpy(), rtol=1e-4, atol=1e-4)
    _same_values(program["value"], reading)
