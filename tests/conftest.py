"""What all tests share: shapes are checked, one thread, and a way to state what a good error is."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import jaxtyping
import pytest
import torch

if TYPE_CHECKING:
    from run_watching import WatchedRun

    from interlocus.networks import MLP
    from interlocus.studies.run import Run
    from interlocus.tasks import HierarchicalEquality


def _modules() -> list[str]:
    """The modules of the package, without importing any."""
    spec = find_spec("interlocus")
    assert spec is not None
    assert spec.origin is not None
    root = Path(spec.origin).parent
    paths = (path.relative_to(root.parent).with_suffix("") for path in root.rglob("*.py"))
    names = {".".join(path.parts).removesuffix(".__init__") for path in paths} - {"interlocus"}
    return sorted(names)


# before anything of the package is imported; the package itself is left out, for its name would take all modules in
jaxtyping.install_import_hook(_modules(), "beartype.beartype")
torch.set_num_threads(1)

Fails = Callable[..., AbstractContextManager[pytest.ExceptionInfo[Exception]]]


@pytest.fixture
def fails() -> Fails:
    """`with fails(Error, "word"): …`, for an error of that class and no other, that says all it should.

    Every message says what was found, why it cannot work and what to do, and contains the words.
    """

    @contextmanager
    def check(kind: type[Exception], *words: str) -> Iterator[pytest.ExceptionInfo[Exception]]:
        with pytest.raises(kind) as caught:
            yield caught
        error = caught.value
        assert type(error) is kind
        parts = [error.found, error.why, error.hint]
        for part in parts:
            assert part == part.strip()
            assert part[-1] in ".?"
            assert len(part.split()) >= 3
        assert str(error) == " ".join(parts)
        for word in words:
            assert word in str(error)

    return check


@pytest.fixture(scope="session")
def narrow_mlp() -> tuple[HierarchicalEquality, MLP]:
    """Hierarchical equality of items two wide, and one trained network, so that tests train it only once."""
    from interlocus.networks import MLP
    from interlocus.networks.mlp.training import RECIPES, Recipe
    from interlocus.tasks import HierarchicalEquality

    task = HierarchicalEquality(item_width=2)
    return task, MLP.train(task, count=1, recipe=Recipe(learning_rate=3e-3, steps=1000, gain=RECIPES["relu"].gain))


@pytest.fixture(scope="session")
def tiny_run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The finished run of `tiny.TINY`, for tests that only read it; `tiny_folder` is a copy for the others."""
    from tiny import TINY

    from interlocus.studies.run import run_study
    from interlocus.studies.spec.study import Study

    return run_study(Study.parse(TINY, "tiny"), tmp_path_factory.mktemp("runs") / "tiny")


@pytest.fixture
def tiny_folder(tiny_run: Run, tmp_path: Path) -> Path:
    """A copy of the folder of `tiny_run`, which a test may change."""
    return shutil.copytree(tiny_run.store.folder, tmp_path / "tiny")


@pytest.fixture(scope="session")
def controlled(tmp_path_factory: pytest.TempPathFactory) -> WatchedRun:
    """The run of `tiny.CONTROLLED`, with its progress and the record files that it parsed; tests only read it."""
    from run_watching import watched_run
    from tiny import CONTROLLED

    from interlocus.studies.spec.study import Study

    return watched_run(Study.parse(CONTROLLED, "controlled"), tmp_path_factory.mktemp("runs") / "controlled")


@pytest.fixture(scope="session")
def controlled_run(controlled: WatchedRun) -> Run:
    """The finished run of `tiny.CONTROLLED`, with records of every kind but planted networks; tests only read it."""
    return controlled.run


@pytest.fixture
def unchecked() -> Iterator[None]:
    """No beartype: what the library itself says to a wrong argument, as people see it."""
    before = jaxtyping.config.jaxtyping_disable
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", before)
