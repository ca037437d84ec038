"""Laws of the registries."""

from __future__ import annotations

import inspect
import subprocess
import sys
from typing import NamedTuple

import pytest

from interlocus.core import plugins, registry
from interlocus.core.errors import UnknownNameError
from interlocus.core.plugins import FEATURIZERS, STARTS, TASKS
from interlocus.core.registry import PluginEntry, Registry

REGISTRIES = [value for value in vars(plugins).values() if isinstance(value, Registry)]
ENTRIES = [pytest.param(kind, name, id=f"{kind.kind}-{name}") for kind in REGISTRIES for name in kind]


class Point(NamedTuple):
    """The attributes of an entry point that a registry reads."""

    name: str
    value: str
    dist: None = None


@pytest.fixture
def third_party(monkeypatch):
    """Entry points of another package: two featurizers, one under a built-in name."""
    points = [Point("root", "math:sqrt"), Point("rotation", "math:cos")]
    monkeypatch.setattr(registry, "entry_points", lambda group: points if group == "interlocus.featurizers" else [])


def test_each_kind_has_one_registry():
    assert len({kind.kind for kind in REGISTRIES}) == len(REGISTRIES) >= 5


@pytest.mark.parametrize(("kind", "name"), ENTRIES)
def test_every_plug_in_loads_and_has_a_summary_and_a_docstring(kind, name):
    entry = kind.entries()[name]
    assert entry.summary.strip()
    assert "\n" not in entry.summary
    loaded = kind.get(name)
    made = loaded.func if entry.arguments else loaded  # a partial, where the entry has arguments
    assert inspect.isclass(made) or inspect.isfunction(made)
    assert made.__doc__
    assert made is (entry.load().func if entry.arguments else entry.load())


@pytest.mark.parametrize("kind", [TASKS, FEATURIZERS, STARTS], ids=lambda kind: kind.kind)
def test_a_plug_in_has_the_name_that_it_is_registered_under(kind):
    assert {name: kind.get(name)().name for name in kind} == {name: name for name in kind}


@pytest.mark.parametrize("kind", REGISTRIES, ids=lambda kind: kind.kind)
def test_an_unknown_name_lists_all_names_and_suggests_a_similar_one(kind, fails):
    for name in kind:
        with fails(UnknownNameError, f"Did you mean {name!r}?", kind.kind, *kind):
            kind.get(name + "x")


def test_plug_ins_of_other_packages_are_found(third_party):
    assert {"identity", "rotation", "linear", "root"} <= set(FEATURIZERS)
    assert FEATURIZERS.get("root")(4) == 2
    assert "root" not in set(STARTS)


def test_plug_ins_of_other_packages_do_not_replace_built_in_ones(third_party):
    assert FEATURIZERS.get("rotation")().name == "rotation"


def test_a_plug_in_is_imported_only_when_it_is_used():
    lazy = Registry("thing", {"broken": PluginEntry(target="interlocus.nowhere:Nothing", summary="does not exist")})
    assert list(lazy) == ["broken"]
    with pytest.raises(ModuleNotFoundError):
        lazy.get("broken")


def test_listing_does_not_import_torch():
    code = "import sys; from interlocus.core.plugins import TASKS; list(TASKS); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
