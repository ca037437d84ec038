import contextlib
import io
from html.parser import HTMLParser

import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell
from rich.console import Console
from tiny import TINY

import interlocus as il
from interlocus.core.display import MAX_ROWS, Display
from interlocus.studies.run import run_study
from interlocus.studies.spec.study import Study

HOSTILE = "<script>alert(1)</script>[bold]&"


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return run_study(Study.parse(TINY, "tiny"), tmp_path_factory.mktemp("runs") / "tiny")


@pytest.fixture(scope="module")
def found():
    task = il.tasks.HierarchicalEquality(item_width=2)
    networks = il.networks.MLP.untrained(task, hidden=(8, 8), count=2)
    return il.search(
        networks,
        task,
        hypothesis="both",
        site="layer1",
        sizes=(1, 2),
        starts={"random": 1},
        phases=(il.Phase(steps=20),),
        budget=il.Budget(pool=1024, held_out=1024, batch=64, validation=256, test=600, check_every=20),
    )


def objects(run, found) -> list[object]:
    model = found.task.model
    return [
        found,
        found.best(network=0, size=2),
        found.hypothesis,
        model,
        run,
        run.verdicts[0],
        run.verdicts[0].sites[0][0],
    ]


class Tags(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)

    def handle_data(self, data):
        self.words.append(data)


def test_a_notebook_shows_each_as_html_and_a_terminal_as_one_line(run, found):
    shell = InteractiveShell.instance()
    try:
        for one in objects(run, found):
            shown, _ = shell.display_formatter.format(one)
            assert Tags(shown["text/html"]).tags.count("div") == 1
            assert shown["text/plain"] == repr(one) == one.display().title
            assert "\n" not in repr(one)
            assert len(str(one).splitlines()) > 1
    finally:
        InteractiveShell.clear_instance()


def test_showing_prints_nothing(run, found):
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        for one in objects(run, found):
            assert repr(one)
            assert str(one)
            assert one._repr_html_()
    assert not said.getvalue()


def test_rich_and_text_say_the_same(found):
    console = Console(width=100, file=io.StringIO(), color_system=None, highlight=False)
    console.print(found)
    said = console.file.getvalue().splitlines()
    assert [line.rstrip() for line in said] == str(found).splitlines()


def test_scores_that_are_shown_are_those_that_were_measured(found):
    head, *rows = found.display().rows
    assert [row[0] for row in rows] == ["0", "1"]
    assert [float(cell) for row in rows for cell in row[1:]] == pytest.approx(found.iia.flatten(), abs=5.1e-4)
    assert float(head[1].split()[0]) == pytest.approx(found.iia[:, 0].mean(), abs=5.1e-4)


def test_a_model_is_drawn_and_what_is_sought_is_marked(found):
    page = Tags(found.hypothesis._repr_html_())
    assert "svg" in page.tags
    assert {"a", "b", "c", "d", "left", "right", "output"} <= set(page.words)
    sought = [row[0] for row in found.hypothesis.display().rows if row[3]]
    assert sought == ["left", "right"]


def test_names_cannot_be_taken_for_anything_else():
    shown = Display(title=HOSTILE, columns=(HOSTILE,), rows=((HOSTILE,),), notes=(HOSTILE,))
    page = Tags(shown.html())
    assert "script" not in page.tags
    assert "".join(page.words) == 4 * HOSTILE
    assert shown.text().count(HOSTILE) == 4
    model = il.CausalModel(
        [
            il.Variable(name=HOSTILE),
            il.Variable(name="y", parents=(HOSTILE,), mechanism=torch.ones_like, values=(0, 1)),
        ],
        output="y",
    )
    assert "script" not in Tags(model._repr_html_()).tags


def test_a_long_table_is_cut_and_says_so():
    shown = Display(title="long", columns=("row",), rows=[(f"row {i}",) for i in range(MAX_ROWS + 3)])
    assert Tags(shown.html()).tags.count("tr") == MAX_ROWS + 1
    for text in (shown.html(), shown.text()):
        assert "3 more rows are not shown." in text
        assert f"row {MAX_ROWS}" not in text
