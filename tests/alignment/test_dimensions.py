import csv
import json
import pickle

import pytest
from edges import same_answers

import interlocus as il
from interlocus.alignment.dimensions import (
    UnequalSize,
    check_size_fits,
    equal_size,
    features_of,
    parse_size,
    size_for,
    size_of_features,
)
from interlocus.core.errors import SpecificationError, UnknownNameError
from interlocus.networks import MLP
from interlocus.report.page.page import write_report
from interlocus.searches.budget import Budget, Phase
from interlocus.studies.run import Run, run_study
from interlocus.studies.spec.study import Study
from interlocus.tasks import HierarchicalEquality

BOTH = ("left", "right")
TASK = HierarchicalEquality()
SMALL = Budget(pool=2048, held_out=1024, partners=256, batch=64, check_every=20, validation=256, test=600)
STUDY = """
name: unequal
task: {name: hierarchical_equality, item_width: 2}
networks: [{name: relu, activation: relu, hidden: [8, 8], count: 2, steps: 60}]
sites: [layer1]
searches:
  - {hypotheses: [both], sizes: [4, {right: 2, left: 4}, 3], featurizers: [rotation, rotation_overlapping]}
starts: {random: 1, covariance: 1}
phases: [{steps: 20}]
controls: []
budget: {pool: 2048, held_out: 1024, partners: 256, batch: 64, check_every: 20, validation: 256, test: 600}
"""


@pytest.mark.parametrize(
    ("written", "size"),
    [
        (4, 4),
        ({"right": 2, "left": 4}, UnequalSize("4+2")),
        ({"left": 3, "right": 3}, 3),
        ("4+2", UnequalSize("4+2")),
        ("4", 4),
    ],
)
def test_a_size_is_an_integer_where_variables_have_equally_many_and_text_in_their_order_otherwise(written, size):
    read = size_for(written, BOTH, "both")
    assert read == size
    assert type(read) is type(size)
    assert parse_size(json.loads(json.dumps(read))) == size
    assert pickle.loads(pickle.dumps(read)) == size
    assert size_of_features(features_of(read, 2)) == size


def test_sizes_stand_in_the_order_of_their_means():
    wanted = [1, UnequalSize("1+2"), 2, UnequalSize("2+4"), UnequalSize("4+2"), 4, UnequalSize("1+8")]
    assert sorted([wanted[place] for place in (4, 6, 0, 2, 5, 1, 3)]) == wanted
    assert UnequalSize("4+2") > 3 > UnequalSize("4+1")
    assert UnequalSize("4+2") != 3
    assert max(8, UnequalSize("7+8")) == 8
    assert [equal_size(size) for size in (3, UnequalSize("4+2"), {"left": 9, "right": 6}, UnequalSize("1+2"))] == [
        3,
        3,
        7,
        1,
    ]


def test_sizes_that_cannot_be_meant_are_refused(fails):
    with fails(UnknownNameError, "'lefft'", "Did you mean 'left'", "'both'"):
        size_for({"lefft": 2, "right": 2}, BOTH, "both")
    with fails(SpecificationError, "no number for right"):
        size_for({"left": 2}, BOTH, "both")
    with fails(SpecificationError, "3 numbers", "left, right"):
        size_for("1+2+3", BOTH, "both")
    with fails(SpecificationError, "'4,2'", "4+2"):
        size_for("4,2", BOTH, "both")
    for size in (0, UnequalSize("0+2")):
        with fails(SpecificationError, f"Size {size}", "at least one"):
            check_size_fits(size, BOTH, where="'both' at 'layer1'", width=16)
    with fails(SpecificationError, "12+6", "18 directions", "add up to 16"):
        check_size_fits(UnequalSize("12+6"), BOTH, where="'both' at 'layer1'", width=16)
    with fails(SpecificationError, "17 directions", "up to 16"):
        check_size_fits(17, BOTH, where="'both' at 'layer1'", width=16, overlapping=True)
    check_size_fits(UnequalSize("12+4"), BOTH, where="'both' at 'layer1'", width=16)
    check_size_fits(16, BOTH, where="'both' at 'layer1'", width=16, overlapping=True)


@pytest.mark.parametrize("featurizer", ["rotation", "linear", "frame", "coupling", "mask_rotation"])
@pytest.mark.parametrize(("left", "right"), [(4, 2), (1, 5), (12, 4)])
def test_each_variable_gets_as_many_features_as_it_should(featurizer, left, right, tmp_path):
    """However unequal they are, up to filling the site; through a file and back."""
    networks = MLP.untrained(TASK, count=1, seed=0)
    found = il.search(
        networks, TASK, hypothesis="both", site="layer1", sizes=(2, {"left": left, "right": right}),
        featurizer=featurizer, starts={"random": 1}, phases=(Phase(steps=3),), budget=SMALL,
    )  # fmt: skip
    best = found.best(network=0, size={"left": left, "right": right})
    if featurizer != "mask_rotation":  # which learns them
        assert best.sizes == {"left": left, "right": right}
    assert found.sizes == (2, f"{left}+{right}")
    assert found.score(network=0, size=f"{left}+{right}").count >= SMALL.test
    best.save(tmp_path / "unequal.safetensors")
    again = il.Alignment.load(tmp_path / "unequal.safetensors")
    assert again.sizes == best.sizes
    score = il.evaluate(again, networks, TASK, budget=SMALL)
    assert same_answers(score, found.score(network=0, size=f"{left}+{right}"))


def test_equal_sizes_by_name_are_the_equal_size():
    networks = MLP.untrained(TASK, count=1, seed=0)
    about = {"hypothesis": "both", "site": "layer1", "budget": SMALL, "phases": (Phase(steps=20),)}
    by_name = il.search(networks, TASK, sizes=({"left": 2, "right": 2},), **about)
    assert by_name.results[0].sizes == il.search(networks, TASK, sizes=(2,), **about).results[0].sizes


def test_a_study_with_sizes_of_each_variable(tmp_path):
    study = Study.parse(STUDY, "x")
    assert Study.parse(json.dumps(study.to_dict()), "x") == study
    assert study.sizes_of("both", "layer1") == (3, 4)
    run = run_study(study, tmp_path)
    assert not run.failures
    assert [row.size for row in run.table[:3]] == [3, "4+2", 4]
    with run.store.scores.open() as file:
        assert {row["size"] for row in csv.DictReader(file)} == {"3", "4+2", "4"}
    assert [entry.size for entry in run.lines[0].sizes] == [3, "4+2", 4]
    assert run.lines[0].enough in (3, "4+2", 4)
    assert Run.load(tmp_path).table == run.table
    path = tmp_path / "alignments" / "relu-00.layer1.both.rotation.safetensors"
    assert il.Alignment.load(path, size="4+2").sizes == {"left": 4, "right": 2}
    assert il.Alignment.load(path, size=4).sizes == {"left": 4, "right": 4}
    assert "layer1" in il.show(run)  # which of the sizes it names depends on the scores
    page = write_report(run).read_text()
    assert "size_curve_both" in {path.stem for path in tmp_path.rglob("*.svg")}
    assert "4+2" in page
    assert "left 4" in page  # in the words on methods


@pytest.mark.parametrize(
    ("sizes", "words"),
    [
        ("[0]", ["searches[0].sizes[0] is 0"]),
        ("[{left: 0, right: 2}]", ["searches[0].sizes[0].left is 0"]),
        ("[{left: 2, rigth: 2}]", ["'rigth'", "Did you mean 'right'"]),
        ("[{left: 2}]", ["no number for right"]),
        ("[{left: 6, right: 3}]", ["6+3", "9 directions", "add up to 8"]),
        ("[2, {left: 2, right: 2}]", ["size '2'", "twice"]),
        ("[two]", ["searches[0].sizes[0]"]),
    ],
)
def test_a_study_with_sizes_that_cannot_be_meant_is_refused(sizes, words):
    study = Study.parse(STUDY, "x")
    with pytest.raises(SpecificationError) as caught:
        study.with_values([f"searches.0.sizes={sizes}", "searches.0.featurizers=[rotation]"])
    assert all(word in str(caught.value) for word in words)
