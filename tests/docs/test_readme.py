"""The code of the README runs."""

import re
from pathlib import Path

import pytest

README = Path(__file__).parents[2] / "README.md"


@pytest.mark.slow
def test_the_code_of_the_readme_runs(tmp_path, monkeypatch):
    """With two networks in place of ten."""
    monkeypatch.chdir(tmp_path)
    code = re.findall(r"```python\n(.*?)```", README.read_text(), re.S)[0]
    names: dict = {}
    exec(compile(code.replace("count=10", "count=2"), str(README), "exec"), names)
    assert names["result"].iia.shape == (2, 4)
    assert names["score"].iia == names["result"].iia[0, 3]
    assert (names["values"]["left"].value == names["truth"]).float().mean() > 0.9
    assert (tmp_path / "both.safetensors").is_file()
