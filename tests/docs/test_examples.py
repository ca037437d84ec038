"""The examples run without changes."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

import interlocus as il

EXPECTED_OUTPUT = {"own_hypothesis": "left at codes: computed", "own_network": "this network is hierarchical"}
"""What an example has to print; the others print an IIA."""
EXAMPLES = sorted((Path(__file__).parents[2] / "examples").glob("*.py"))


@pytest.mark.slow
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs_to_its_end(path, unchecked, capsys):
    runpy.run_path(str(path), run_name="__main__")
    assert EXPECTED_OUTPUT.get(path.stem, "IIA") in capsys.readouterr().out


def test_there_are_examples():
    assert EXAMPLES


def test_the_task_of_the_guide_passes_the_check():
    text = (Path(__file__).parents[2] / "docs" / "own_network.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", text, flags=re.DOTALL)
    names: dict = {}
    exec(next(block for block in blocks if "class Between" in block), names)
    checked = il.check_task(names["Between"]())
    assert set(checked.chance_levels) == {"rises", "goes_on"}
