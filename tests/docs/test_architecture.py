"""The pages for contributors name every package, and name nothing that does not exist."""

from __future__ import annotations

import ast
import pkgutil
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "interlocus"
ARCHITECTURE, CONTRIBUTING = ROOT / "docs" / "architecture.md", ROOT / "CONTRIBUTING.md"
PACKAGES = sorted(path.parent.name for path in SOURCE.glob("*/__init__.py"))
PATH = re.compile(r"(?P<path>\w+(?:/[\w.]+)+)(?::(?P<name>\w+))?")
"""A path of at least two parts, relative to the repository or to `src/interlocus`, and a name that the file defines."""


def _quoted(page: Path) -> list[str]:
    """What a page quotes as code, without blocks of commands."""
    text = re.sub(r"```.*?```", "", page.read_text(), flags=re.DOTALL)
    return re.findall(r"`([^`\n]+)`", text)


def _paths(page: Path) -> list[tuple[str, str | None]]:
    found = [PATH.fullmatch(text) for text in _quoted(page)]
    return [(match["path"], match["name"]) for match in found if match]


def _defined(file: Path) -> set[str]:
    """Names of the functions and classes at the top of a file."""
    definitions = (ast.FunctionDef, ast.ClassDef)
    return {node.name for node in ast.parse(file.read_text()).body if isinstance(node, definitions)}


def test_the_architecture_names_every_package_in_its_table():
    named = re.findall(r"^\| `(\w+)` \|", ARCHITECTURE.read_text(), flags=re.MULTILINE)
    assert sorted(named) == PACKAGES


def test_the_pages_name_paths():
    assert len(_paths(ARCHITECTURE)) > 15
    assert _paths(CONTRIBUTING)


@pytest.mark.parametrize("page", [ARCHITECTURE, CONTRIBUTING], ids=lambda page: page.stem)
def test_paths_that_a_page_names_exist(page):
    for path, name in _paths(page):
        file = next((root / path for root in (SOURCE, ROOT) if (root / path).exists()), None)
        assert file is not None, path
        assert name is None or name in _defined(file), f"{path}:{name}"


@pytest.mark.parametrize("page", [ARCHITECTURE, CONTRIBUTING], ids=lambda page: page.stem)
def test_dotted_names_that_a_page_names_exist(page):
    for dotted in re.findall(r"\binterlocus(?:\.\w+)+", page.read_text()):
        pkgutil.resolve_name(dotted)


@pytest.mark.parametrize("page", [ARCHITECTURE, CONTRIBUTING], ids=lambda page: page.stem)
def test_classes_that_a_page_names_exist(page):
    classes = set[str]().union(*map(_defined, SOURCE.rglob("*.py")))
    for text in _quoted(page):
        if re.fullmatch(r"(?:[A-Z][a-z]+)+", text):
            assert text in classes, text
