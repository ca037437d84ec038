"""A study as a person writes it: what is read, what is changed, and what is refused."""

from __future__ import annotations

import json

import pydantic
import pytest
import yaml
from typer.testing import CliRunner

from interlocus.cli.list_plugins import shipped_studies
from interlocus.cli.main import app
from interlocus.core.errors import SpecificationError, UnknownNameError
from interlocus.networks.mlp.training import RECIPES
from interlocus.studies.plan import jobs
from interlocus.studies.spec.networks import NetworkGroup, TaskSpec
from interlocus.studies.spec.study import Study

SMALL = """
name: small
networks:
  - {name: relu, activation: relu, count: 2}
  - {name: untrained, activation: sigmoid, hidden: [8, 8], count: 5, trained: false}
sites: [input, layer2]
searches:
  - {hypotheses: [both], sizes: [1, 4], featurizers: [rotation, identity]}
  - {hypotheses: [left, right], sizes: [8]}
starts: {random: 3}
phases: [{steps: 500}, {loss: bounded, sampling: balanced, steps: 20}]
"""


@pytest.fixture
def study() -> Study:
    return Study.parse(SMALL, "small.yaml")


@pytest.mark.parametrize("name", list(shipped_studies()))
def test_shipped_studies_load_and_their_title_is_a_question(name):
    study = Study.load(name)
    assert study.name == name
    assert study.title == shipped_studies()[name]
    assert study.title.endswith("?")


@pytest.mark.parametrize("name", list(shipped_studies()))
def test_a_study_survives_being_written_out(name):
    study = Study.load(name)
    again = Study.parse(yaml.safe_dump(study.to_dict()), "again")
    assert again == study
    assert again.fingerprint == study.fingerprint
    assert Study.model_validate(study.to_dict()) == study


@pytest.mark.parametrize("name", list(shipped_studies()))
def test_the_cost_of_a_shipped_study_is_known_beforehand(name):
    """Counting needs every site, start, loss and featurizer to exist."""
    result = CliRunner().invoke(app, ["study", name, "--dry-run", "--json"])
    assert result.exit_code == 0, result.output
    cost = json.loads(result.output)
    planned = jobs(Study.load(name))
    assert cost["trials"] == sum(len(job.trials) for job in planned)
    assert cost["searches"] >= cost["trials"]
    assert cost["searching_seconds"] > 0


def test_a_study_survives_a_file(study, tmp_path):
    for ending in ("yaml", "yml"):
        (tmp_path / f"study.{ending}").write_text(yaml.safe_dump(study.to_dict()))
        assert Study.load(tmp_path / f"study.{ending}") == study
        assert Study.load(str(tmp_path / f"study.{ending}")) == study


def test_a_missing_key_has_its_default(study):
    assert study.networks[0].hidden == (16, 16, 16)
    assert study.searches[1].featurizers == ("rotation",)
    assert study.to_dict()["budget"]["batch"] == study.budget.batch
    assert study.phases[0].loss == "cross_entropy"


def test_the_order_of_keys_does_not_matter():
    data = yaml.safe_load(SMALL)
    turned = dict(reversed(data.items()))
    assert Study.parse(yaml.safe_dump(turned, sort_keys=False), "x").fingerprint == Study.parse(SMALL, "x").fingerprint


@pytest.mark.parametrize(
    "assignment", ["seed=1", "budget.batch=64", "networks.0.count=3", "starts.random=4", "title=x"]
)
def test_another_study_has_another_fingerprint(study, assignment):
    assert study.with_values([assignment]).fingerprint != study.fingerprint


def test_no_assignment_gives_the_same_study(study):
    assert study.with_values([]) == study


def test_values_are_set_where_the_path_leads(study):
    changed = study.with_values(
        [
            "seed=7",
            "budget.batch=64",
            "networks.1.count=4",
            "networks.1.learning_rate=0.5",
            "phases.0.sampling=balanced",
            "searches.0.sizes=[2, 3]",
            "searches.1.sizes.0=5",
            "starts.covariance=1",
            "task.item_width=2",
            "sites=[layer1]",
        ]
    )
    assert changed.seed == 7
    assert changed.budget == study.budget.model_copy(update={"batch": 64})
    assert changed.networks[0] == study.networks[0]
    assert changed.networks[1].count == 4
    assert changed.networks[1].learning_rate == 0.5
    assert changed.phases[0].sampling == "balanced"
    assert changed.searches[0].sizes == (2, 3)
    assert changed.searches[1].sizes == (5,)
    assert changed.starts == {"random": 3, "covariance": 1}
    assert changed.task.build().input_width == 8
    assert changed.sites == ("layer1",)


def test_setting_values_leaves_the_study_as_it_was(study):
    study.with_values(["budget.batch=64", "networks.0.count=3", "starts.covariance=1"])
    assert study == Study.parse(SMALL, "small.yaml")


def test_a_later_assignment_overrides(study):
    assert study.with_values(["seed=1", "seed=2"]).seed == 2


def test_a_study_is_frozen(study):
    with pytest.raises(pydantic.ValidationError):
        study.seed = 3


def test_the_quick_version_searches_the_same_in_fewer_steps(study):
    quick = Study.load("equality").quick()
    whole = Study.load("equality")
    quick.check()
    assert quick.name != whole.name
    assert quick.fingerprint != whole.fingerprint
    assert (quick.sites, quick.searches, quick.task, quick.seed) == (
        whole.sites,
        whole.searches,
        whole.task,
        whole.seed,
    )
    assert set(quick.starts) == set(whole.starts)
    assert set(quick.starts.values()) == {1}
    assert [group.name for group in quick.networks] == [group.name for group in whole.networks]
    assert all(group.count <= 3 for group in quick.networks)
    assert quick.phases[0].steps < whole.phases[0].steps
    assert quick.budget.batch < whole.budget.batch
    assert {*whole.controls} - {*quick.controls} == {"power"}


def test_the_quick_version_is_never_larger(study):
    small = study.with_values(["networks.0.count=1", "phases.1.steps=2", "budget.batch=8"]).quick()
    assert [group.count for group in small.networks] == [1, 3]
    assert [phase.steps for phase in small.phases] == [250, 2]
    assert small.budget.batch == 8


def test_a_group_names_its_networks_and_sites():
    group = NetworkGroup(name="r", hidden=(3, 4), count=12)
    assert group.networks[0] == "r-00"
    assert len(set(group.networks)) == 12
    assert list(group.sites(TaskSpec().build())) == ["input", "layer1", "layer2"]


def test_a_group_is_trained_as_usual_unless_it_says_otherwise():
    assert NetworkGroup(name="s", activation="sigmoid").source.recipe == RECIPES["sigmoid"]
    changed = NetworkGroup(name="s", activation="sigmoid", learning_rate=0.1, steps=9).source.recipe
    assert (changed.learning_rate, changed.steps, changed.gain) == (0.1, 9, RECIPES["sigmoid"].gain)


def test_the_keys_of_a_task_are_its_arguments():
    task = TaskSpec.model_validate({"name": "hierarchical_equality", "item_width": 3, "items": "uniform"}).build()
    assert (task.input_width, task.items) == (12, "uniform")


NAMES = {
    "study": ("equalty", "Did you mean 'equality'?"),
    "task.name=hierarchical_equalty": ("task", "Did you mean 'hierarchical_equality'?"),
    "task.item_widht=3": ("argument", "Did you mean 'item_width'?"),
    "sites=[layr1]": ("site", "Did you mean 'layer1'?"),
    "sites=[layer9]": ("site", "this study"),
    "searches.0.featurizers=[rotatoin]": ("featurizer", "Did you mean 'rotation'?"),
    "searches.0.hypotheses=[lfet]": ("hypothesis", "Did you mean 'left'?"),
    "networks.0.activation=tanhh": ("activation", "Did you mean 'tanh'?"),
    "starts.covarianc=1": ("start", "Did you mean 'covariance'?"),
    "phases.0.loss=cross_entrpy": ("loss", "Did you mean 'cross_entropy'?"),
    "networks.2.count=3": ("entry", "0, 1"),
    "controls=[powr]": ("control", "Did you mean 'power'?"),
    "networks.x.count=3": ("entry", "0, 1"),
}


@pytest.mark.parametrize("assignment", [name for name in NAMES if "=" in name])
def test_an_unknown_name_is_refused_with_a_near_one(study, assignment, fails):
    with fails(UnknownNameError, *NAMES[assignment]):
        study.with_values([assignment])


def test_an_unknown_study_is_refused_with_a_near_one(fails):
    with fails(UnknownNameError, *NAMES["study"]):
        Study.load("equalty")


def test_an_unknown_value_of_an_argument_is_refused_with_a_near_one(study, fails, unchecked):
    with fails(UnknownNameError, "Did you mean 'uniform'?"):
        study.with_values(["task.items=uniformly"])


KEYS = {
    "tilte=x": "title",
    "networks.0.cuont=3": "count",
    "searches.0.sizez=[1]": "sizes",
    "phases.0.stpes=3": "steps",
    "budget.bach=3": "batch",
}


@pytest.mark.parametrize("assignment", KEYS)
def test_an_unknown_key_is_refused_with_a_near_one(study, assignment):
    with pytest.raises(SpecificationError) as caught:
        study.with_values([assignment])
    assert caught.value.hint == f"Did you mean {KEYS[assignment]!r}?"


VALUES = {
    "seed": "no equals sign",
    "seed=abc": "seed is 'abc' in --set. It must be a whole number.",
    "seed.x=3": "'seed'",
    "networks=[]": "networks",
    "networks.0.count=0": "networks[0].count is 0 in --set. It must be 1 or more.",
    "networks.0.count=many": "'many'",
    "networks.0.name=../x": "networks[0].name is '../x' in --set. It may contain letters, digits, '-' and '_' only",
    "networks.0.name=untrained": "'untrained'",
    "networks.0.weight_decay=-1": "It must be 0 or more",
    "networks.0.weight_decay=.nan": "finite number",
    "searches=[]": "searches is [] in --set. It must have at least 1 entry.",
    "searches.0.sizes=[0]": "searches[0].sizes[0] is 0",
    "searches.1.hypotheses=[left, left]": "left.rotation",
    "phases.0.sampling=blanced": "Did you mean 'balanced'?",
    "phases.0.learning_rate=0": "It must be greater than 0",
    "starts.random=0": "starts.random is 0",
    "budget.solved=2": "budget.solved is 2 in --set. It must be 1 or less.",
    "competence=-1": "competence is -1",
    "task.item_width=0": "item_width is 0",
}


@pytest.mark.parametrize("assignment", VALUES)
def test_a_value_that_is_not_allowed_is_refused(study, assignment, fails):
    with fails(SpecificationError, VALUES[assignment]):
        study.with_values([assignment])


@pytest.mark.parametrize(
    ("assignment", "words"),
    [
        ("searches.0.sizes=[9]", ["Size 9", "'both'", "2 variables", "'input'", "up to 8"]),
        ("searches.0.sizes=[5]", ["Size 5", "'layer2'", "8 wide", "up to 4"]),
        ("searches.1.sizes=[9]", ["Size 9", "'left'", "'layer2'", "up to 8"]),
        ("task.item_width=1", ["Size 4", "'input'", "4 wide", "up to 2"]),
        ("networks.1.hidden=[8, 3]", ["Size 4", "'layer2'", "3 wide", "up to 1"]),
    ],
)
def test_sizes_that_do_not_fit_a_site_are_refused(study, assignment, words, fails):
    with fails(SpecificationError, *words):
        study.with_values([assignment])


def test_sizes_that_fill_a_site_are_allowed(study):
    study.with_values(["sites=[input]", "searches.0.sizes=[8]", "searches.1.sizes=[16]"])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("a: [1", ["small.yaml", "YAML"]),
        ("a: b: c", ["small.yaml", "YAML"]),
        ("- 1\n- 2", ["small.yaml", "list"]),
        ("only words", ["small.yaml", "str"]),
        ("", ["small.yaml", "NoneType"]),
        ("name: x", ["small.yaml has no key 'networks'"]),
        (SMALL + "rivasl: []", ["small.yaml has the key 'rivasl'", "Did you mean 'rivals'?"]),
        (SMALL.replace("count: 2", "cuont: 2"), ["networks[0].cuont", "Did you mean 'count'?"]),
        (SMALL.replace("name: relu, ", ""), ["'networks[0].name'"]),
        (SMALL + "task: [hierarchical_equality]", ["task"]),
        (SMALL + "budget: {batch: 10, 7: 3}", ["budget"]),
        (SMALL + "budget: 3", ["budget is 3 in small.yaml", "mapping"]),
        (SMALL.replace("sites: [input, layer2]", "sites: input"), ["sites is 'input' in small.yaml", "list"]),
    ],
)
def test_text_that_is_not_a_study_is_refused(text, words, fails):
    with fails(SpecificationError, *words):
        Study.parse(text, "small.yaml")


def test_a_missing_file_is_refused(tmp_path, fails):
    with fails(SpecificationError, "nowhere.yaml"):
        Study.load(tmp_path / "nowhere.yaml")
    (tmp_path / "folder.yaml").mkdir()
    with fails(SpecificationError, "folder.yaml"):
        Study.load(tmp_path / "folder.yaml")


def test_two_groups_of_one_name_are_refused(fails):
    with fails(SpecificationError, "'relu'"):
        Study.parse(SMALL.replace("name: untrained", "name: relu"), "small.yaml")


@pytest.mark.parametrize(
    "assignment",
    [
        "oops.inner=1",
        "networks.0.oops.inner=1",
        "networks.².count=1",
        "seed=[1",
        "task.item_width=abc",
        "task.item_width=2.5",
        "searches.0.sizes=[]",
        "searches.0.hypotheses=[]",
        "searches.0.featurizers=[]",
        "searches.0.sizes=[2, 2]",
        "sites=[input, input]",
        "starts={}",
    ],
)
def test_an_assignment_that_makes_no_sense_is_refused(study, assignment, unchecked):
    with pytest.raises(SpecificationError):
        study.with_values([assignment])


def test_minimal_pairs_that_do_not_exist_are_refused(study):
    with pytest.raises(SpecificationError):
        study.with_values(["searches.0.hypotheses=[symmetric]", "phases=[{sampling: minimal_pairs}]"])


def test_a_binary_file_is_refused(tmp_path):
    (tmp_path / "study.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SpecificationError):
        Study.load(tmp_path / "study.yaml")


def test_a_task_may_be_written_as_its_name():
    short = Study.parse(SMALL.replace("task:", "# task:") + "task: hierarchical_equality\n", "x")
    assert short.task == TaskSpec(name="hierarchical_equality")


def test_without_sites_all_sites_of_all_groups_are_searched():
    mixed = """
networks:
  - {name: deep, hidden: [8, 8]}
  - {name: flat, hidden: [8]}
searches: [{hypotheses: [left], sizes: [2]}]
"""
    assert Study.parse(mixed, "x").sites == ("input", "layer1", "layer2")


def test_a_site_is_searched_in_the_groups_that_have_it():
    mixed = """
networks:
  - {name: deep, hidden: [8, 8]}
  - {name: flat, hidden: [8]}
sites: [layer1, layer2]
searches: [{hypotheses: [left], sizes: [2]}]
"""
    asked = {(job.group.name, job.site) for job in jobs(Study.parse(mixed, "x"))}
    assert asked == {("deep", "layer1"), ("deep", "layer2"), ("flat", "layer1")}


def test_a_ground_truth_makes_another_source():
    study = Study.parse(
        SMALL.replace("count: 2}", "count: 2, ground_truth: {construction: count_only, site: layer2}}"), "x"
    )
    assert study.networks[0].source.truth == "not there"
    with_typo = SMALL.replace("count: 2}", "count: 2, ground_truth: {constructoin: count_only, site: layer2}}")
    with pytest.raises(
        SpecificationError, match=r"networks\[0\]\.ground_truth\.constructo.*Did you mean 'construction'"
    ):
        Study.parse(with_typo, "x")


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ("options: {scale: 2}", ["sets options: scale", "not made by one"]),
        ("trained: false, until: 3", ["sets until", "not trained"]),
        ("network: shared_encoder, hidden: [3]", ["sets hidden", "perceptrons only"]),
        ("at: [layer7]", ["'layer7'", "network group relu"]),
    ],
)
def test_keys_that_contradict_each_other_are_refused(keys, words):
    with pytest.raises(SpecificationError) as caught:
        Study.parse(SMALL.replace("activation: relu, count: 2", keys), "x")
    assert all(word in str(caught.value) for word in words)
