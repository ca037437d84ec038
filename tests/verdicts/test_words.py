"""The tables of words are complete, and every word is explained where people look for it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from interlocus.report.page.colours import word_css
from interlocus.verdicts.words import ANSWER_WORDS, VERDICT_WORDS, Answer, Colour, Word, least_known, rank

DOCS = Path(__file__).parents[2] / "docs" / "meaning.md"
CSS = Path(__file__).parents[2] / "src/interlocus/report/page/templates/report.css"
ALL_WORDS = [*VERDICT_WORDS.values(), *ANSWER_WORDS.values()]


def test_each_table_holds_every_word_of_its_type_in_its_order():
    assert tuple(VERDICT_WORDS) == get_args(Word)
    assert tuple(ANSWER_WORDS) == get_args(Answer)


@pytest.mark.parametrize("table", [VERDICT_WORDS, ANSWER_WORDS], ids=["verdicts", "answers"])
def test_symbols_are_single_characters_and_differ_within_a_table(table):
    symbols = [entry.symbol for entry in table.values()]
    assert len(set(symbols)) == len(symbols)
    assert all(len(symbol) == 1 for symbol in symbols)


@pytest.mark.parametrize("entry", ALL_WORDS, ids=lambda entry: f"{type(entry).__name__}-{entry.word}")
def test_an_explanation_is_one_sentence(entry):
    assert re.fullmatch(r"[A-Z][^.]+\.", entry.explanation)


def test_a_word_of_both_tables_looks_the_same_in_both():
    shared = set(VERDICT_WORDS) & set(ANSWER_WORDS)
    assert shared == {"undecided", "not-learned"}
    for word in shared:
        verdict, answer = VERDICT_WORDS[word], ANSWER_WORDS[word]
        assert (verdict.symbol, verdict.colour) == (answer.symbol, answer.colour)


def test_the_least_known_word_of_several_variables_is_the_one_of_the_highest_rank():
    ranks = [rank(word) for word in VERDICT_WORDS]
    assert ranks == list(range(len(ranks)))
    assert least_known(["computed", "undecided", "absent"]) == "undecided"
    assert least_known(["partial", "computed"]) == "partial"


def test_every_word_has_a_rule_in_the_css_and_every_colour_is_defined():
    rules = word_css()
    for word in {*VERDICT_WORDS, *ANSWER_WORDS}:
        assert f".mark.{word}," in rules
    for colour in get_args(Colour):
        assert len(re.findall(rf"--mark-{colour}: ", CSS.read_text())) == 2, colour  # light and dark


@pytest.mark.parametrize("word", sorted({*VERDICT_WORDS, *ANSWER_WORDS}))
def test_every_word_is_explained_in_the_guide(word):
    rows = [line for line in DOCS.read_text().splitlines() if line.startswith("| **")]
    assert any(f"**{word}**" in line.split("|")[1] for line in rows)
