"""Export and answers: an exported folder holds no truth, its networks run with torch alone, and answers come back."""

from __future__ import annotations

import csv
import dataclasses
import importlib.util
import json
import sys

import pytest
import torch
from safetensors.torch import load_file

from interlocus.controls.ground_truth.constructions import CODED
from interlocus.controls.ground_truth.constructions.perceptrons import CODED_SITE
from interlocus.core.errors import RunFolderError, SpecificationError
from interlocus.studies.calibration import export
from interlocus.studies.calibration.answers_file import read_answers
from interlocus.studies.calibration.battery import battery
from interlocus.studies.calibration.export import export_battery, exported_ids
from interlocus.studies.calibration.scoring import score_answers
from interlocus.studies.spec.networks import GroundTruthSpec, NetworkGroup

SEED = 41


def _few(**arguments):
    """Perceptrons of one construction, and a module that is not taught, which takes no time."""
    planned = battery(**{**arguments, "scale": "small"})
    study = planned.studies["hierarchical_equality"]
    coded = next(group for group in study.networks if group.at == (CODED_SITE,) and group.trained)
    alone = coded.model_copy(
        update={"count": 2, "ground_truth": coded.ground_truth.model_copy(update={"construction": "read_apart"})}
    )
    module = GroundTruthSpec(construction="read_apart", site="code", body="residual")
    untaught = NetworkGroup(name="residual", ground_truth=module, count=1, at=("code",), trained=False)
    studies = {"hierarchical_equality": study.model_copy(update={"networks": (alone, untaught)})}
    return dataclasses.replace(planned, studies=studies)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("exported") / "battery"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export, "battery", _few)
        export_battery(folder, scale="small", seed=SEED)
    return folder


@pytest.fixture(scope="module")
def loader(exported):
    sys.path.insert(0, str(exported))
    spec = importlib.util.spec_from_file_location("exported_load", exported / "load.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    yield module
    sys.path.remove(str(exported))
    sys.modules.pop("architectures", None)


def test_no_file_names_a_construction_but_as_a_word_of_prose(exported):
    manifest = (exported / "manifest.json").read_text()
    assert not any(name in manifest for name in CODED)
    for name in json.loads(manifest)["networks"]:
        content = (exported / "networks" / f"{name}.safetensors").read_bytes()
        assert not any(construction.encode() in content for construction in CODED)


def test_exported_networks_solve_their_task_with_torch_alone(exported, loader):
    manifest = json.loads((exported / "manifest.json").read_text())
    assert len({entry["architecture"] for entry in manifest["networks"].values()}) == 2
    for name, entry in manifest["networks"].items():
        examples = load_file(exported / "tasks" / f"{entry['task']}.safetensors")
        network = loader.load(str(exported), name)
        with torch.no_grad():
            states = network.to_site(examples["inputs"])
            answers = network.from_site(states).argmax(1)
        assert states.shape[1] == entry["width"]
        if "body" not in entry:
            assert (answers == examples["class"]).float().mean() > 0.98


def test_the_manifest_describes_the_causal_model(exported):
    task = json.loads((exported / "manifest.json").read_text())["tasks"]["hierarchical_equality"]
    output = task["variables"][task["output"]]
    assert output["parents"] == ["left", "right"]
    assert sorted(output["mechanism"]) == [[0, 0, 1], [0, 1, 0], [1, 0, 0], [1, 1, 1]]


def test_a_folder_with_files_is_refused(exported):
    with pytest.raises(RunFolderError, match="not empty"):
        export_battery(exported, scale="small", seed=SEED)


def _words(truths):
    """The right word of every variable, and wrong ones for the first network that holds none."""
    ids = exported_ids(truths, seed=SEED)
    words = {
        ids[truth.network, truth.site]: {name: one.words[0] for name, one in truth.variables.items()}
        for truth in truths
    }
    wrong = next(truth for truth in truths if truth.can_err and truth.statuses == {"not there"})
    words[ids[wrong.network, wrong.site]] = dict.fromkeys(wrong.variables, "computed")
    return words


@pytest.mark.parametrize("form", ["json", "csv"])
def test_answers_come_back_with_their_rates(tmp_path, form):
    truths = battery(scale="small", seed=SEED).truths
    path, words = tmp_path / f"answers.{form}", _words(truths)
    if form == "json":
        path.write_text(json.dumps(words))
    else:
        with path.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["network", "variable", "word", "iia"])
            writer.writerows([name, key, word, ""] for name, of in words.items() for key, word in of.items())
    card = score_answers(path.name, truths, read_answers(path, truths, seed=SEED))
    assert card.false_finding.counts["networks"] == 1
    assert card.false_absence.counts["networks"] == 0
    assert sum(row.outcomes.get("right", 0) for row in card.rows) == len(truths) - 1


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ('{"n0": {"left": "computed"}}', "no such network"),
        ("[1]", "cannot be read"),
        ("{", "cannot be read"),
    ],
)
def test_files_with_mistakes_are_refused(tmp_path, content, match):
    path = tmp_path / "answers.json"
    path.write_text(content)
    with pytest.raises(SpecificationError, match=match):
        read_answers(path, battery(scale="small", seed=SEED).truths, seed=SEED)


@pytest.mark.parametrize(
    ("entry", "match"),
    [
        ({"left": "there"}, "verdict word"),
        ({"middle": "computed"}, "asked about"),
        ({"left": {"word": "computed", "iia": "x"}}, "number"),
    ],
)
def test_words_and_variables_that_do_not_exist_are_refused(tmp_path, entry, match):
    truths = battery(scale="small", seed=SEED).truths
    truth = next(one for one in truths if set(one.variables) == {"left", "right"})
    path = tmp_path / "answers.json"
    path.write_text(json.dumps({exported_ids(truths, seed=SEED)[truth.network, truth.site]: entry}))
    with pytest.raises(SpecificationError, match=match):
        read_answers(path, truths, seed=SEED)
