"""The control `code_fit`: what a site answers like."""

from __future__ import annotations

from dataclasses import replace

import pytest
from control_contexts import alignment_of, context_of, evidence_of, observation_of, portfolio_of
from networks_by_hand import hand_wired, known_subspace

from interlocus.controls.codes.candidate_codes import NOTHING
from interlocus.controls.codes.code_fit import CodeFit, CodeFitResult, fit_code
from interlocus.controls.ground_truth.hand_wired import count_only
from interlocus.core.errors import AlignmentError, SpecificationError
from interlocus.featurizers import Frames
from interlocus.tasks import HierarchicalEquality

TASK = HierarchicalEquality()


def test_a_network_that_carries_the_count_is_fitted_by_its_code():
    made = count_only(TASK, site="layer2", code="pair", count=1)
    network, alignment = made.networks[0], made.alignments[0]
    exact = fit_code(alignment, network, TASK)
    assert exact.likeliest == "both_equal+none_equal"
    assert exact.shares[exact.likeliest] > 0.95
    rows = alignment.frames.write
    for directions in (rows, 0 * rows):
        wrong = replace(
            alignment,
            hypothesis="both",
            variables=("left", "right"),
            frames=Frames(read=directions, write=directions),
        )
        fitted_code = fit_code(wrong, network, TASK, rivals=("symmetric",))
        assert fitted_code.shares["left+right"] < 0.1
    assert fitted_code.likeliest == NOTHING  # nothing is read, nothing is written
    assert fitted_code.shares[NOTHING] > 0.95


def test_interventions_that_cannot_be_enumerated_are_refused(fails):
    made = count_only(TASK, site="layer2", count=1)
    alignment = replace(made.alignments[0], hypothesis="left", variables=("left",))
    with fails(SpecificationError, "do not follow"):
        fit_code(alignment, made.networks[0], TASK, rivals=("identity",))
    with fails(AlignmentError, "another"):
        fit_code(replace(alignment, network="no"), made.networks[0], TASK)


def fitted(network, alignment):
    portfolio = portfolio_of(rivals=("symmetric",))
    (code,) = CodeFit().measure(
        context_of(network, TASK, site=alignment.site, alignments=[alignment], portfolio=portfolio)
    )
    return code


def test_a_site_that_holds_the_variables_answers_as_if_it_held_them():
    network = hand_wired()
    code = fitted(network, alignment_of(network, TASK, known_subspace(), site="layer1"))
    assert (code.featurizer, code.size) == ("rotation", 8)
    assert code.shares["left+right"] > 0.95
    assert sum(code.shares.values()) == pytest.approx(1)


def test_a_site_that_holds_the_count_does_not_answer_as_if_it_held_left_and_right():
    made = count_only(TASK, site="layer2", code="pair", count=1)
    network, rows = made.networks[0], made.alignments[0].frames.write
    code = fitted(network, alignment_of(network, TASK, rows, site="layer2", featurizer="linear"))
    assert code.shares["left+right"] < 0.1


def test_a_vector_has_no_code():
    network, (variable, *_) = hand_wired(), TASK.hypothesis("difference").variables
    alignment = alignment_of(
        network, TASK, known_subspace()[:1], site="layer1", hypothesis="difference", variables=[variable]
    )
    assert fitted(network, alignment) is None
    assert CodeFit().measure(context_of(network, TASK, site="layer1")) == [None]


def test_its_evidence_names_codes_of_some_share_and_decides_nothing():
    shares = {"left+right": 0.9, "output": 0.09, "guess": 0.01}
    code = CodeFitResult(featurizer="rotation", size=2, shares=shares)
    (row,) = evidence_of(observation_of(results={"code_fit": code}), "code fit")
    assert "left+right 0.90, output 0.09" in row.text
    assert "guess" not in row.text
    assert row.passes is None
