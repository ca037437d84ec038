"""Laws of how objects present themselves."""

import contextlib
import io
from html.parser import HTMLParser

import pytest
import torch
from IPython.core.interactiveshell import InteractiveShell
from rich.console import Console

import interlocus as il
from interlocus.core.display import MAX_ROWS, AbstractDisplayable, Display

HOSTILE = "<script>alert(1)</script>[bold]&"


@pytest.fixture(scope="module")
def run(tiny_run):
    return tiny_run


@pytest.fixture(scope="module")
def result():
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


def objects(run, result) -> list[AbstractDisplayable]:
    model = result.task.model
    return [
        result,
        result.best(network=0, size=2),
        result.hypothesis,
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


def test_a_notebook_displays_html_and_a_terminal_one_line(run, result):
    shell = InteractiveShell.instance()
    try:
        for displayable in objects(run, result):
            formats, _ = shell.display_formatter.format(displayable)
            assert Tags(formats["text/html"]).tags.count("div") == 1
            assert formats["text/plain"] == repr(displayable) == displayable.display().title
            assert "\n" not in repr(displayable)
            assert len(str(displayable).splitlines()) > 1
    finally:
        InteractiveShell.clear_instance()


def test_displaying_prints_nothing(run, result):
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
        for displayable in objects(run, result):
            assert repr(displayable)
            assert str(displayable)
            assert displayable._repr_html_()
    assert not printed.getvalue()


def test_rich_and_plain_text_agree(result):
    console = Console(width=100, file=io.StringIO(), color_system=None, highlight=False)
    console.print(result)
    lines = console.file.getvalue().splitlines()
    assert [line.rstrip() for line in lines] == str(result).splitlines()


def test_displayed_scores_are_the_measured_ones(result):
    mean_row, *rows = result.display().rows
    assert [row[0] for row in rows] == ["0", "1"]
    assert [float(cell) for row in rows for cell in row[1:]] == pytest.approx(result.iia.flatten(), abs=5.1e-4)
    assert float(mean_row[1].split()[0]) == pytest.approx(result.iia[:, 0].mean(), abs=5.1e-4)


def test_a_model_is_drawn_and_variables_of_the_hypothesis_are_marked(result):
    page = Tags(result.hypothesis._repr_html_())
    assert "svg" in page.tags
    assert {"a", "b", "c", "d", "left", "right", "output"} <= set(page.words)
    marked = [row[0] for row in result.hypothesis.display().rows if row[3]]
    assert marked == ["left", "right"]


def test_text_cannot_be_read_as_markup():
    display = Display(title=HOSTILE, columns=(HOSTILE,), rows=((HOSTILE,),), notes=(HOSTILE,))
    page = Tags(display.html())
    assert "script" not in page.tags
    assert "".join(page.words) == 4 * HOSTILE
    assert display.text().count(HOSTILE) == 4
    model = il.CausalModel(
        [
            il.Variable(name=HOSTILE),
            il.Variable(name="y", parents=(HOSTILE,), mechanism=torch.ones_like, values=(0, 1)),
        ],
        output="y",
    )
    assert "script" not in Tags(model._repr_html_()).tags


def test_a_long_table_is_cut_off_with_a_note():
    display = Display(title="long", columns=("row",), rows=[(f"row {i}",) for i in range(MAX_ROWS + 3)])
    assert Tags(display.html()).tags.count("tr") == MAX_ROWS + 1
    for text in (display.html(), display.text()):
        assert "3 more rows are not shown." in text
        assert f"row {MAX_ROWS}" not in text
