"""The battery: how large and how varied it is, that its truth is that of its networks, and a run of a small part."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from interlocus.controls.ground_truth.constructions import CODED
from interlocus.controls.ground_truth.constructions.perceptrons import CODED_SITE
from interlocus.searches.budget import Budget, Phase
from interlocus.studies.calibration import battery as module
from interlocus.studies.calibration.battery import SEALED_SEED, Battery, battery
from interlocus.studies.calibration.run import RESULTS, run_battery
from interlocus.studies.executors import Local

WHOLE = battery()
TRUTHS = WHOLE.truths


def test_the_battery_is_as_large_and_as_varied_as_it_has_to_be():
    can_err = [truth for truth in TRUTHS if truth.can_err]
    not_there = [truth for truth in can_err if truth.statuses == {"not there"}]
    assert len({truth.network for truth in TRUTHS}) >= 720
    assert len({truth.construction for truth in TRUTHS}) >= 16
    assert len({truth.construction for truth in can_err}) >= 17  # none of 17: at most 16.2 %
    assert len({truth.cell for truth in can_err}) >= 95  # none of 95: at most 3.1 %
    assert len({truth.network for truth in not_there}) >= 60
    assert {truth.construction for truth in TRUTHS} >= set(CODED)
    assert len({truth.architecture.split()[0] for truth in TRUTHS}) >= 6


def test_networks_and_sites_are_judged_once():
    places = [(truth.network, truth.site) for truth in TRUTHS]
    assert len(places) == len(set(places))


@pytest.mark.parametrize("weakened", [False, True])
@pytest.mark.parametrize("scale", ["whole", "small"])
def test_every_study_is_valid_and_asks_for_the_variables_of_its_truth(scale, weakened):
    planned = battery(scale=scale, weakened=weakened, seed=1)
    for study in planned.studies.values():
        study.check()
        variables = set(study.task.build().hypothesis(study.asked).variables)
        names = {name for group in study.networks for name in group.networks}
        assert all(set(truth.variables) == variables for truth in planned.truths if truth.network in names)


def test_the_weakened_search_has_networks_of_the_usual_one():
    weak = {(truth.network, truth.site) for truth in battery(weakened=True).truths}
    assert weak < {(truth.network, truth.site) for truth in TRUTHS}


def test_untrained_networks_of_every_architecture_are_searched_where_others_are():
    for study in WHOLE.studies.values():
        searched = {(group.source.architecture, site) for group in study.networks for site in group.at if group.trained}
        nulls = {
            (group.source.architecture, site) for group in study.networks for site in group.at if not group.trained
        }
        assert searched <= nulls


def _tiny(**arguments: object) -> Battery:
    """One construction and untrained networks, short searches, and no control that takes long."""
    whole = battery(**{**arguments, "scale": "small"})
    study = whole.studies["hierarchical_equality"]
    coded = next(group for group in study.networks if group.at == (CODED_SITE,) and group.trained)
    alone = coded.model_copy(
        update={"count": 2, "ground_truth": coded.ground_truth.model_copy(update={"construction": "symmetric_pair"})}
    )
    untrained = next(group for group in study.networks if group.at == (CODED_SITE,) and not group.trained)
    tiny = study.model_copy(
        update={
            "networks": (alone, untrained),
            "controls": ("probes",),
            "searches": (study.searches[0].model_copy(update={"sizes": (1,), "featurizers": ("rotation",)}),),
            "phases": (Phase(steps=30),),
            "budget": Budget(pool=2048, held_out=1024, test=500, batch=64),
        }
    )
    return dataclasses.replace(whole, studies={"hierarchical_equality": tiny})


def test_a_run_gives_cards_of_verdicts_and_of_other_ways(tmp_path, monkeypatch):
    import interlocus.studies.calibration.run as running

    monkeypatch.setattr(running, "battery", _tiny)
    done: list[str] = []

    def on_progress(search: str, name: str):
        done.append(f"{search}/{name}")
        return lambda progress: None

    result = run_battery(tmp_path, scale="small", seed=SEALED_SEED + 1, executor=Local, on_progress=on_progress)
    assert done == ["usual/hierarchical_equality", "weakened/hierarchical_equality"]
    assert set(result.cards) == {"usual", "weakened", "rotation", "rotation_untrained", "probe"}
    for card in result.cards.values():
        assert {row.construction for row in card.rows} == {"symmetric_pair", "untrained"}
    pair = next(row for row in result.cards["probe"].rows if row.construction == "symmetric_pair")
    assert sum(pair.outcomes.values()) == pair.networks == 2
    assert (tmp_path / RESULTS).is_file()
    before = (tmp_path / RESULTS).read_bytes()
    again = run_battery(tmp_path, scale="small", seed=SEALED_SEED + 1, executor=Local, on_progress=on_progress)
    assert not any(run.failures for run in again.runs.values())
    assert result.cards == again.cards  # a second call resumes, and finds everything there
    assert before


def test_groups_hold_equally_many_networks_of_each_construction():
    parts = [*module._batched([f"c{i}" for i in range(19)], 8)]
    assert sorted(name for part in parts for name in part) == sorted(f"c{i}" for i in range(19))
    assert max(map(len, parts)) - min(map(len, parts)) <= 1


def test_the_page_lists_every_construction_with_its_truth():
    page = (Path(__file__).parents[3] / "docs" / "battery.md").read_text()
    rows = {line.split("|")[1].strip(" `"): line for line in page.splitlines() if line.startswith("| `")}
    for name, construction in CODED.items():
        _, _, summary, status, words, can_err, _ = rows[name].split("|")
        assert summary.strip() == construction.summary
        assert all(truth.status in status for truth in construction.truth.values())
        assert set(words.strip().split(", ")) == {word for truth in construction.truth.values() for word in truth.words}
        assert (can_err.strip() == "yes") == construction.can_err
