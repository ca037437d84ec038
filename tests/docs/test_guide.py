"""The guide: its code runs, its links lead somewhere, and it is built without warnings."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from importlib.metadata import EntryPoint
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest
import torch
import yaml
from torch import nn

import interlocus as il
from interlocus.core import plugins, registry
from interlocus.core.random import derived_generator
from interlocus.searches.starts import StartContext

ROOT = Path(__file__).parents[2]
PAGES = sorted(path for path in (ROOT / "docs").glob("*.md") if path.name not in {"LOG.md", "benchmarks.md"})
EXAMPLES = "\n".join(path.read_text() for path in sorted((ROOT / "examples").glob("*.py")))
"""Tests run the examples (test_examples.py), so a block that is part of one runs as well."""
OUTSIDE = re.compile(
    r"""(?:<(?:script|img|iframe|source)[^>]*\ssrc|<link[^>]*\shref|@import|url\()[=\s("']*(?:https?:)?//"""
)
"""Matches what a browser fetches from another server when it opens a page, but not links that a reader follows."""


def _blocks(page: Path) -> list[str]:
    return re.findall(r"```python\n(.*?)```", page.read_text(), re.S)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_the_code_of_a_page_is_part_of_an_example_or_runs_by_itself(page):
    for block in _blocks(page):
        if block.strip("\n") not in EXAMPLES:
            exec(compile(block, str(page), "exec"), {"il": il, "my_module": nn.Sequential(nn.Linear(2, 2))})


def test_the_guide_has_code():
    assert sum(len(_blocks(page)) for page in PAGES) > 15


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_of_a_page_lead_to_files_that_exist(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if not target.startswith(("http", "#")):
            assert (page.parent / target.partition("#")[0]).exists(), target


def test_every_page_is_in_the_list_of_pages():
    config = yaml.safe_load((ROOT / "mkdocs.yml").read_text())
    listed = set(re.findall(r"[\w/]+\.md", str(config["nav"])))
    assert listed == {path.name for path in (ROOT / "docs").glob("*.md")}


def test_a_network_and_a_hypothesis_of_the_user_get_a_verdict_in_fewer_than_sixty_lines():
    lines = (ROOT / "examples" / "own_hypothesis.py").read_text().splitlines()
    assert sum(bool(line.strip()) and not line.startswith("#") for line in lines) < 60


def _defined(example: str) -> ModuleType:
    """The imports, classes and functions of an example; the rest of it is not run."""
    path = ROOT / "examples" / f"{example}.py"
    tree = ast.parse(path.read_text())
    kept = (ast.Import, ast.ImportFrom, ast.ClassDef, ast.FunctionDef)
    tree.body = [node for node in tree.body if isinstance(node, kept)]
    module = ModuleType(f"guide_{example}")
    exec(compile(tree, str(path), "exec"), module.__dict__)
    return module


@pytest.mark.parametrize(
    ("known", "name", "example"),
    [
        pytest.param(plugins.FEATURIZERS, "within", "add_featurizer", id="featurizer"),
        pytest.param(plugins.STARTS, "loudness", "add_start", id="start"),
        pytest.param(plugins.TASKS, "between", "add_task", id="task"),
    ],
)
def test_the_plug_ins_of_the_guide_are_found_by_their_entry_points(monkeypatch, known, name, example):
    """The entry point is that of the page, and the example takes the place of a package."""
    page = (ROOT / "docs" / f"{example}.md").read_text()
    found = re.search(r'entry-points\."([\w.]+)"\]\n(\w+) = "[\w.]+:(\w+)"', page)
    assert found is not None
    group, written, made = found.groups()
    assert (group, written) == (f"interlocus.{known.plural}", name)
    module = _defined(example)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    point = EntryPoint(name=written, value=f"{module.__name__}:{made}", group=group)
    monkeypatch.setattr(registry, "entry_points", lambda group: [point] if group == point.group else [])
    assert name in known
    assert known.get(name)().name == name


def test_the_featurizer_of_the_guide_has_the_gradient_of_its_maps():
    module = _defined("add_featurizer")
    assert module.check(module.Within(first=2)) < 1e-6


def test_the_start_of_the_guide_gives_variables_different_neurons():
    context = StartContext(
        activations=torch.randn(400, 6, generator=derived_generator(0)) * torch.tensor([1, 9, 1, 1, 1, 1.0]),
        values=torch.randint(2, (2, 400), generator=derived_generator(1)),
    )
    rows = torch.cat(_defined("add_start").Loudness().directions(context, (2, 3), derived_generator(2)))
    assert torch.equal(rows @ rows.T, torch.eye(5))


def test_a_study_can_use_the_task_of_the_guide_from_its_file():
    text = f"""
    task: {{name: "{ROOT / "examples" / "add_task.py"}:Between", gap: 0.2}}
    networks: [{{name: relu, hidden: [4], count: 1}}]
    searches: [{{hypotheses: [steps], sizes: [1]}}]
    """
    task = il.Study.parse(text, "a test").task.build()
    assert task.gap == 0.2
    assert set(il.check_task(task).chance_levels) == {"steps", "first", "output"}


@pytest.mark.slow
@pytest.mark.skipif(find_spec("zensical") is None, reason="zensical is not installed: pip install -e '.[docs]'")
def test_the_guide_is_built_without_warnings_and_fetches_nothing(tmp_path):
    for name in ("docs", "src"):
        shutil.copytree(ROOT / name, tmp_path / name)
    shutil.copy(ROOT / "mkdocs.yml", tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "zensical", "build", "--strict"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    built = sorted((tmp_path / "site").rglob("*.html"))
    assert len(built) > len(PAGES)
    for page in built:
        assert not OUTSIDE.search(page.read_text()), page.name
    assert "Search a site of trained networks" in (tmp_path / "site" / "reference.html").read_text()


def test_fetched_resources_are_distinguished_from_links():
    assert OUTSIDE.search('<script src="https://elsewhere.org/x.js">')
    assert OUTSIDE.search('<link rel="stylesheet" href="//elsewhere.org/x.css">')
    assert OUTSIDE.search("@font-face { src: url(https://elsewhere.org/x.woff) }")
    assert not OUTSIDE.search('<a href="https://elsewhere.org">')
