"""The rules of verdicts agree with the tables of docs/verdicts.md, row by row; no network is run."""

import itertools
from dataclasses import replace
from pathlib import Path

import pytest

from interlocus.controls.criteria import Effect, Thresholds
from interlocus.controls.power import Power
from interlocus.controls.used_subspace import UsedSubspaceResult
from interlocus.verdicts.answer import answer
from interlocus.verdicts.observation import SiteObservation, UsedSubspaceEvidence
from interlocus.verdicts.rules import judge_network
from interlocus.verdicts.verdict import Verdict
from interlocus.verdicts.words import FOUND, NOT_USED

PAGE = Path(__file__).parents[2] / "docs" / "verdicts.md"
THRESHOLDS = Thresholds()


def _tables() -> list[list[dict[str, str]]]:
    tables = []
    for part in PAGE.read_text().split("<!-- the tests read this table -->")[1:]:
        lines = itertools.takewhile(lambda line: line.startswith("|"), part.strip().splitlines())
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
        tables.append([dict(zip(rows[0], row, strict=True)) for row in rows[2:]])
    return tables


SITES, NETWORKS = _tables()


def _effect(iia: float, worst_transition: float, value_change: float, *, leakage: float | None = None) -> Effect:
    return Effect(
        featurizer="rotation",
        size=4,
        iia=iia,
        low=iia - 0.01,
        high=min(1.0, iia + 0.01),
        worst_transition=worst_transition,
        value_change=value_change,
        single=iia,
        joint=iia,
        answer_change_rate=0.5,
        operand_leakage=leakage,
    )


def _observation(row: dict[str, str], site: str = "layer2") -> SiteObservation:
    leakage = float(row["R²"]) if row["R²"] else None
    used = None
    if row["inside"] != "–":
        inside = () if row["inside"] == "too small" else (_effect(*map(float, row["inside"].split()), leakage=leakage),)
        output = {1: float(row["output"])} if row["output"] else {}
        used = UsedSubspaceEvidence(rank=3, width=16, agreement=0.9995, effects=inside, output=output)
    found = [int(word) for word in row["power"].split() if word.isdigit()]
    return SiteObservation(
        site=site,
        variable="left",
        hidden=site != "input",
        effects=(_effect(float(row["IIA"]), float(row["worst transition"]), float(row["value change"])),),
        no_effect=0.5,
        one_directional=0.708,
        null=None if row["null level"] == "–" else float(row["null level"]),
        linear_ceiling=float(row["linear ceiling"]) if row["linear ceiling"] else None,
        used=used,
        decodable=float(row["decoded"]) if row["decoded"] else None,
        kept_by_values=float(row["kept"]) if row["kept"] else None,
        power=Power(kind="neuron_blocks", found=found[0], of=found[1], found_inside=found[0], of_inside=found[1])
        if found
        else None,
        results={}
        if used is None
        else {
            "used_subspace": UsedSubspaceResult(rank=3, width=16, agreement=0.9995, agreement_at_mean=0.9995, found={})
        },
    )


def _judged(*seen: SiteObservation, accuracy: float = 0.999) -> list[Verdict]:
    rows = judge_network(accuracy, [[one] for one in seen], competence=0.99, thresholds=THRESHOLDS)
    return [verdict for (verdict,) in rows]


def _row(**cells: str) -> dict[str, str]:
    """The first row of the table with these cells."""
    return next(row for row in SITES if all(row[name] == cell for name, cell in cells.items()))


def _earlier(word: str) -> SiteObservation:
    """A row of the table that has this word without an earlier site."""
    row = next(row for row in SITES if row["verdict"] == word and not row["earlier"])
    return _observation(row, "layer1")


@pytest.mark.parametrize("row", SITES, ids=lambda row: row["situation"])
def test_each_situation_gets_the_word_of_its_row(row):
    before = [_earlier(row["earlier"])] if row["earlier"] else []
    judged = _judged(*before, _observation(row), accuracy=float(row["accuracy"]))
    assert [verdict.word for verdict in judged] == [*([row["earlier"]] if before else []), row["verdict"]]


@pytest.mark.parametrize("row", SITES, ids=lambda row: row["situation"])
def test_a_verdict_names_missing_evidence_if_and_only_if_it_is_undecided(row):
    before = [_earlier(row["earlier"])] if row["earlier"] else []
    verdict = _judged(*before, _observation(row), accuracy=float(row["accuracy"]))[-1]
    assert bool(verdict.missing_evidence) == (row["verdict"] == "undecided")


def test_every_word_is_in_the_table_and_has_a_situation():
    text = PAGE.read_text()
    words = {row["verdict"] for row in SITES}
    assert words == {
        "computed",
        "entangled",
        "merged",
        "partial",
        "unused",
        "absent",
        "consumed",
        "bypassed",
        "undecided",
        "not-learned",
    }
    assert all(f"| `{word}` |" in text for word in words)


def _verdicts(words: str) -> list[list[Verdict]]:
    made = []
    for number, site in enumerate(words.split(";"), start=1):
        seen = _observation(SITES[0], f"layer{number}")
        made.append(
            [Verdict(observation=seen, word=word, effect=seen.effects[0], evidence=()) for word in site.split()]  # type: ignore[arg-type]
        )
    return made


@pytest.mark.parametrize("row", NETWORKS, ids=lambda row: row["situation"])
def test_each_network_gets_the_answer_of_its_row(row):
    assert answer(_verdicts(row["words"]), _verdicts(row["rival"]) if row["rival"] else ()) == row["answer"]


def test_a_variable_at_the_input_says_nothing_about_hidden_sites():
    found = _observation(_row(verdict="computed"), "input")
    (at_input,) = _judged(found)
    assert at_input.word == "entangled"
    missing = _observation(_row(verdict="undecided", power="3 of 16"), "input")
    assert _judged(missing)[0].word == "undecided"
    seen = _observation(_row(verdict="bypassed"), "layer1")
    assert [v.word for v in _judged(found, seen)] == ["entangled", "bypassed"], (
        "a variable at the input is not consumed"
    )
    assert answer([[v] for v in _judged(found)]) == "undecided"


@pytest.mark.parametrize("row", SITES, ids=lambda row: row["situation"])
def test_stricter_thresholds_claim_less(row):
    strict = Thresholds(found=0.999, worst_transition=0.998, power=0.99)
    seen = _observation(row)
    (usual,) = _judged(seen, accuracy=float(row["accuracy"]))
    ((judged,),) = judge_network(float(row["accuracy"]), [[seen]], competence=0.99, thresholds=strict)
    if judged.word in (*FOUND, "merged"):
        assert usual.word == judged.word
    if judged.word in NOT_USED:
        assert usual.word in NOT_USED


def test_the_evidence_says_where_the_used_subspace_has_no_room():
    (verdict,) = _judged(_observation(_row(verdict="merged", inside="too small")))
    used = next(row for row in verdict.evidence if row.control == "used subspace")
    assert used.passes is False
    assert "fewer than there are variables" in used.text


def test_the_effect_is_the_smallest_size_that_is_found():
    sizes = {1: 0.80, 2: 0.99, 4: 0.995}
    entries = tuple(
        Effect(**(vars(_effect(iia, iia - 0.02, iia - 0.02)) | {"size": size})) for size, iia in sizes.items()
    )
    seen = SiteObservation(**(vars(_observation(_row(verdict="computed"))) | {"effects": entries}))
    (verdict,) = _judged(seen)
    assert verdict.effect.size == 2


def test_contradicting_thresholds_are_refused(fails):
    from interlocus.core.errors import SpecificationError

    for name, value in (("worst_transition", 0.97), ("value_change", 0.95), ("found", 1.0), ("power", 0.0)):
        with fails(SpecificationError, name):
            Thresholds(**{name: value}).check()


@pytest.mark.parametrize(
    ("row", "field"),
    [({"inside": "too small", "output": ".60"}, "natural"), ({"situation": SITES[2]["situation"]}, "natural_inside")],
)
def test_what_works_only_with_states_that_do_not_occur_is_no_finding(row, field):
    seen = _observation(_row(**row))
    assert _judged(seen)[0].word in ("merged", "computed")
    unnatural = replace(seen, used=replace(seen.used, **{field: 0.64}))
    (verdict,) = _judged(unnatural)
    assert verdict.word == "undecided"
    assert "0.640" in verdict.missing_evidence[0]
    assert _judged(replace(seen, used=replace(seen.used, **{field: 0.99})))[0].word == _judged(seen)[0].word


def test_where_a_linear_map_works_only_with_states_that_do_not_occur_rotations_decide():
    seen = _observation(_row(situation="the same; the network uses more directions"))
    (oblique,) = seen.effects
    rotation = replace(_effect(0.60, 0.20, 0.20), featurizer="rotation")
    both = replace(
        seen,
        effects=(rotation, replace(oblique, featurizer="linear")),
        used=replace(seen.used, natural=0.64),
        decodable=0.5,
    )
    assert _judged(both)[0].word == "absent"
    assert _judged(replace(both, power=None))[0].word == "undecided"
    natural = replace(both, used=replace(both.used, natural=0.99))
    assert _judged(natural)[0].word == "merged"
