"""Laws of every control in the registry; a new control is tested by being registered."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest
from control_contexts import alignment_of, context_of, effect_with, portfolio_of
from networks_by_hand import hand_wired, known_subspace

from interlocus.controls import power
from interlocus.controls._base import AbstractControl, Evidence, EvidenceContext
from interlocus.controls.criteria import Thresholds
from interlocus.controls.nulls import negative_controls
from interlocus.controls.power import PlantedResult
from interlocus.core.plugins import CONTROLS
from interlocus.tasks import HierarchicalEquality

TASK = HierarchicalEquality(item_width=2)
NAMES = list(CONTROLS)
SITES = ("layer1", "layer3")
"""At layer 1 the variables are found; behind layer 3 everything is linear."""


def control_of(name: str) -> AbstractControl:
    return CONTROLS.get(name)()


@pytest.fixture(scope="session")
def measured():
    """For each control and site its results for two networks. Nothing is trained: that would take minutes."""
    networks = hand_wired(item_width=2).select([0, 0])
    rows = {"layer1": known_subspace(item_width=2), "layer3": known_subspace(item_width=1)[:, :1, :2]}
    results: dict[tuple[str, str], list[object]] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(power, "measure_planted", planted)
        patch.setattr(negative_controls, "unused_copies_like", lambda *_, **__: SimpleNamespace(admitted=()))
        for site in SITES:
            context = context_of(
                networks,
                TASK,
                site=site,
                alignments=[alignment_of(networks[0], TASK, rows[site], site=site), None],
                controls=NAMES,
                portfolio=portfolio_of(rivals=("symmetric",)),
            )
            for name in NAMES:
                results[name, site] = control_of(name).measure(context)
    return results


def planted(portfolio, task, likes, site, kind, *, thresholds) -> PlantedResult:
    """Three of sixteen planted variables are found."""
    return PlantedResult(kind=kind, planted=(1.0,) * 16, best=(1.0,) * 16, hits=(True,) * 3 + (False,) * 13, left_out=0)


def evidence_context(variable: str = "left") -> EvidenceContext:
    return EvidenceContext(
        variable=variable,
        inside=(effect_with(0.98, operand_leakage=0.01),),
        null_level=0.6,
        impossible=None,
        thresholds=Thresholds(),
    )


def check_evidence(rows: list[Evidence]) -> None:
    for row in rows:
        assert isinstance(row, Evidence)
        assert row.control
        assert row.text[0].isupper() or row.text[0].isdigit() or row.text.startswith("R²")
        assert row.text.endswith(".")
        assert row.passes in (True, False, None)


@pytest.mark.parametrize("name", NAMES)
def test_a_control_is_registered_under_its_name(name):
    assert control_of(name).name == name


@pytest.mark.parametrize("name", NAMES)
def test_its_description_is_a_clause_that_may_name_thresholds(name):
    text = control_of(name).description.format(**Thresholds().model_dump())
    assert text[0].islower()
    assert not text.endswith(".")
    assert len(text.split()) > 4
    assert "{" not in text


@pytest.mark.parametrize("site", SITES)
@pytest.mark.parametrize("name", NAMES)
def test_it_gives_one_result_for_each_network(measured, name, site):
    assert len(measured[name, site]) == 2


@pytest.mark.parametrize("name", NAMES)
def test_a_result_is_the_same_after_it_was_stored(measured, name):
    results = [result for site in SITES for result in measured[name, site] if result is not None]
    assert results  # every control can be measured at one of the sites
    for result in results:
        control = control_of(name)
        assert control.from_json(json.loads(json.dumps(control.to_json(result)))) == result


@pytest.mark.parametrize("name", NAMES)
def test_it_says_what_its_result_means_and_what_a_missing_one_does(measured, name):
    for variable in ("left", "right", "another variable"):
        context = evidence_context(variable)
        check_evidence(control_of(name).evidence(None, context))
        for site in SITES:
            for result in measured[name, site]:
                check_evidence(control_of(name).evidence(result, context))


@pytest.mark.parametrize("name", NAMES)
def test_no_two_controls_share_the_name_of_their_evidence(measured, name):
    def titles(control: str) -> set[str]:
        results = [None, *measured[control, "layer1"], *measured[control, "layer3"]]
        return {row.control for result in results for row in control_of(control).evidence(result, evidence_context())}

    assert all(not titles(name) & titles(other) for other in NAMES if other != name)
