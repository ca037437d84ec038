"""Every class of maps at every site, over trained networks and beside untrained ones."""

from __future__ import annotations

import pytest

from interlocus.studies.run import Run


@pytest.fixture(scope="module")
def run(tiny_run) -> Run:
    return tiny_run


def test_there_is_an_entry_for_each_featurizer_and_site_over_all_trained_groups(run):
    assert [(one.map, one.site) for one in run.methods] == [
        ("rotation", "input"),
        ("rotation", "layer1"),
        ("linear", "input"),
        ("linear", "layer1"),
    ]
    for one in run.methods:
        rows = [r for r in run.table if (r.featurizer, r.site, r.hypothesis) == (one.map, one.site, "both")]
        for group, found in (("relu", one.iia), ("blank", one.untrained)):
            sizes = {size: [r.iia for r in rows if (r.group, r.size) == (group, size)] for size in (1, 2)}
            assert found.value == pytest.approx(max(sum(own) / len(own) for own in sizes.values()))
        assert one.networks == 2


def test_time_is_that_of_the_records(run):
    spent = sum(record.seconds for record in run.records if record.trial.hypothesis == "both")
    assert sum(one.seconds for one in run.methods) == pytest.approx(spent)
