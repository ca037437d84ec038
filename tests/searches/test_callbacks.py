"""Callbacks: they see every validation, and change nothing."""

from __future__ import annotations

import itertools
import pickle
import struct
import sys
from pathlib import Path

import pytest
import torch
from tiny import TINY

import interlocus as il
from interlocus.core.errors import SpecificationError
from interlocus.searches.callbacks import Validation
from interlocus.studies.run import run_study
from interlocus.studies.spec.study import Study

TASK = il.tasks.HierarchicalEquality(item_width=2)
PHASES = (il.Phase(steps=40), il.Phase(steps=20, loss="bounded"))


def searched(on_validation=None) -> il.SearchResult:
    return il.search(
        il.networks.MLP.untrained(TASK, hidden=(8, 8), count=2),
        TASK,
        hypothesis="both",
        site="layer1",
        sizes=(1, 2),
        starts={"random": 1, "covariance": 1},
        phases=PHASES,
        budget=il.Budget(pool=1024, held_out=1024, batch=64, validation=256, test=600, check_every=20),
        on_validation=on_validation,
    )


def spoil(seen: Validation) -> None:
    """What a careless callback may do."""
    seen.iia.fill_(1.0)
    seen.best.zero_()
    seen.alive.fill_(False)
    torch.rand(3)


@pytest.fixture(scope="module")
def alone() -> il.SearchResult:
    return searched()


def test_a_search_that_is_watched_is_the_same_to_the_bit(alone):
    watched = searched(spoil)
    assert watched.to_rows() == alone.to_rows()
    for one, other in zip(watched.results, alone.results, strict=True):
        assert one.sizes == other.sizes
        for here, there in zip(one.frames, other.frames, strict=True):
            for name, tensor in here.tensors().items():
                assert torch.equal(tensor, there.tensors()[name])


def test_every_validation_is_seen_in_order():
    seen: list[Validation] = []
    found = searched(seen.append)
    assert [(one.phase, one.step) for one in seen] == [(0, 20), (0, 40), (1, 60)]
    last = seen[-1]
    assert last.networks == (0, 1)
    assert last.hypotheses == ("both", "both")
    assert [tuple(search) for search in last.searches] == [
        (size, start, 0) for size in (1, 2) for start in ("random", "covariance")
    ]
    for before, after in itertools.pairwise(seen):
        assert bool((after.best >= before.best).all())
    kept = [restart.validation for f in found.results for entry in f.sizes for restart in entry.restarts]
    assert last.best.flatten().tolist() == pytest.approx(kept)


def scalars(folder: Path) -> dict[tuple[str, int], float]:
    """What the event files hold: records are a length, its checksum, that many bytes, and theirs."""
    event_pb2 = pytest.importorskip("tensorboardX.proto.event_pb2")
    found = {}
    for path in folder.glob("*tfevents*"):
        data = path.read_bytes()
        while data:
            (length,) = struct.unpack("<Q", data[:8])
            event = event_pb2.Event.FromString(data[12 : 12 + length])
            found |= {(value.tag, event.step): value.simple_value for value in event.summary.value}
            data = data[16 + length :]
    return found


def test_tensorboard_gets_a_curve_a_search(tmp_path):
    seen: list[Validation] = []
    board = il.TensorBoard(tmp_path)

    def both(validation: Validation) -> None:
        seen.append(validation)
        board(validation)

    searched(both)
    board.close()
    drawn = scalars(tmp_path)
    assert len(drawn) == sum(one.iia.numel() for one in seen)
    at_end = drawn["both.layer1.rotation/1/2.covariance.0", 60]
    assert at_end == pytest.approx(float(seen[-1].iia[1, 3]))


def test_a_study_is_watched_by_the_names_of_its_networks_in_other_processes_too(tmp_path):
    study = Study.parse(TINY, "tiny")
    run_study(study, tmp_path / "run", on_validation=il.TensorBoard(tmp_path / "board"))
    networks = {name.split("/")[1] for name, _ in scalars(tmp_path / "board")}
    assert networks == {name for group in study.networks for name in group.networks}
    board = pickle.loads(pickle.dumps(il.TensorBoard(tmp_path / "other")))
    assert board.folder == tmp_path / "other"


def test_without_tensorboardx_it_is_said_before_any_search(tmp_path, monkeypatch, fails):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with fails(SpecificationError, "tensorboardX", "interlocus[tensorboard]"):
        il.TensorBoard(tmp_path)


def test_tables_of_other_libraries_hold_the_same(alone, monkeypatch, fails):
    frame, cube = alone.to_pandas(), alone.to_xarray()
    assert frame.to_dict("records") == alone.to_rows()
    assert cube.iia.dims == ("network", "size")
    assert cube.iia.values == pytest.approx(alone.iia)
    assert cube.attrs["hypothesis"] == "both"
    for package in ("pandas", "xarray"):
        monkeypatch.setitem(sys.modules, package, None)
    with fails(SpecificationError, "pandas", "pip install"):
        alone.to_pandas()
    with fails(SpecificationError, "xarray", "pip install"):
        alone.to_xarray()


def test_a_run_is_a_table_too_and_what_was_not_searched_is_missing(tmp_path):
    run = run_study(Study.parse(TINY, "tiny"), tmp_path)
    frame, cube = run.to_pandas(), run.to_xarray()
    assert len(frame) == len(run.table)
    row = run.table[5]
    place = {name: getattr(row, name) for name in ("network", "site", "hypothesis", "featurizer", "size")}
    assert float(cube.iia.sel(place)) == row.iia
    assert int(cube.iia.notnull().sum()) == len(run.table)
    said = run.to_pandas("verdicts")
    assert list(said.verdict) == [one.word for net in run.verdicts for site in net.sites for one in site]
