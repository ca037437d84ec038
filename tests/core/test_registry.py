"""Laws of the registries."""

from __future__ import annotations

import inspect
import subprocess
import sys
from typing import NamedTuple

import pytest

from interlocus.core import registry
from interlocus.core.errors import UnknownNameError
from interlocus.core.plugins import FEATURIZERS, STARTS, TASKS
from interlocus.core.registry import PluginEntry, Registry

REGISTRIES = [value for value in vars(registry).values() if isinstance(value, Registry)]
ENTRIES = [pytest.param(r, name, id=f"{r.kind}-{name}") for r in REGISTRIES for name in r]


class Point(NamedTuple):
    """As much of an entry point as a registry looks at."""

    name: str
    value: str
    dist: None = None


@pytest.fixture
def foreign(monkeypatch):
    """Entry points of a third party for featurizers."""
    points = [Point("root", "math:sqrt"), Point("rotation", "math:cos")]
    monkeypatch.setattr(registry, "entry_points", lambda group: points if group == "interlocus.featurizers" else [])


def test_kinds_are_told_apart():
    assert len({one.kind for one in REGISTRIES}) == len(REGISTRIES) >= 5


@pytest.mark.parametrize(("one", "name"), ENTRIES)
def test_every_name_loads_and_says_what_it_is(one, name):
    entry = one.entries()[name]
    assert entry.summary.strip()
    assert "\n" not in entry.summary
    loaded = one.get(name)
    made = loaded.func if entry.arguments else loaded  # a class with the arguments that go with this name
    assert inspect.isclass(made) or inspect.isfunction(made)
    assert made.__doc__
    assert made is (entry.load().func if entry.arguments else entry.load())


@pytest.mark.parametrize("one", [TASKS, FEATURIZERS, STARTS], ids=lambda one: one.kind)
def test_what_is_registered_goes_by_its_name(one):
    assert {name: one.get(name)().name for name in one} == {name: name for name in one}


@pytest.mark.parametrize("one", REGISTRIES, ids=lambda one: one.kind)
def test_an_unknown_name_lists_the_known_and_suggests_a_near_one(one, fails):
    for name in one:
        with fails(UnknownNameError, f"Did you mean {name!r}?", one.kind, *one):
            one.get(name + "x")


def test_names_of_third_parties_are_found(foreign):
    assert {"identity", "rotation", "linear", "root"} <= set(FEATURIZERS)
    assert FEATURIZERS.get("root")(4) == 2
    assert "root" not in set(STARTS)


def test_names_of_third_parties_do_not_replace_shipped_ones(foreign):
    assert FEATURIZERS.get("rotation")().name == "rotation"


def test_a_target_is_loaded_when_it_is_asked_for_and_not_before():
    lazy = Registry("thing", {"broken": PluginEntry(target="interlocus.nowhere:Nothing", summary="is not there")})
    assert list(lazy) == ["broken"]
    with pytest.raises(ModuleNotFoundError):
        lazy.get("broken")


def test_listing_imports_nothing_heavy():
    code = "import sys; from interlocus.registry import TASKS; list(TASKS); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
