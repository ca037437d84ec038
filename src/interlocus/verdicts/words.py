"""The words that verdicts use: one table for variables, one for whole networks.

A new word is one entry here, its rule in `interlocus.verdicts.rules`, and its rows in docs/meaning.md and
docs/verdicts.md. The page, its legend and CSS, the terminal, the answers and the confusion table of the battery all
read these tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Word = Literal[
    "computed", "entangled", "merged", "partial", "unused", "bypassed", "consumed", "absent", "undecided", "not-learned"
]
"""The verdict on one variable at one site."""

FOUND: tuple[Word, ...] = ("computed", "entangled")
"""The rest of the network reads the variable itself."""
EXCHANGEABLE: tuple[Word, ...] = (*FOUND, "merged")
"""The variable can be exchanged at the site."""
MISSING: tuple[Word, ...] = ("absent", "consumed", "bypassed")
NOT_USED: tuple[Word, ...] = (*MISSING, "unused")
"""The searches, which find planted variables, exchange this one nowhere at the site."""

Answer = Literal[
    "hierarchical", "partly-hierarchical", "other-route", "straight-to-the-end", "undecided", "not-learned"
]
"""The answer for a whole network."""

Colour = Literal["green", "pale-green", "yellow", "olive", "violet", "orange", "blue", "grey", "dashed", "outlined"]
"""How a mark is coloured; `report/page/templates/report.css` defines each colour for light and for dark pages."""


@dataclass(frozen=True, kw_only=True)
class VerdictWord:
    """One verdict word.

    Args:
        word: The word, as `verdict.json` stores it.
        symbol: One character that stands for the word in a mark; unique among the verdict words.
        colour: Colour of the mark, a name that `report.css` defines.
        explanation: One sentence for people, printed where the word first appears.
    """

    word: Word
    symbol: str
    colour: Colour
    explanation: str


@dataclass(frozen=True, kw_only=True)
class AnswerWord:
    """One answer for a network.

    Args:
        word: The word, as `verdict.json` stores it.
        symbol: One character that stands for the word in a mark; unique among the answers.
        colour: Colour of the mark, a name that `report.css` defines.
        explanation: One sentence for people, printed where the word first appears.
        predicate: The same as a predicate in the plural, to follow "4 of 10 networks".
    """

    word: Answer
    symbol: str
    colour: Colour
    explanation: str
    predicate: str


_VERDICT_WORDS = (
    VerdictWord(
        word="computed",
        symbol="C",
        colour="green",
        explanation="The variable is here; the rest of the network uses it and nothing of what it is computed from.",
    ),
    VerdictWord(
        word="entangled",
        symbol="E",
        colour="pale-green",
        explanation="The variable is here and used, but its features also carry the operands it is computed from.",
    ),
    VerdictWord(
        word="merged",
        symbol="M",
        colour="olive",
        explanation="The variable can be exchanged here, but the rest of the network reads only a combination of it "
        "with others.",
    ),
    VerdictWord(
        word="partial",
        symbol="P",
        colour="yellow",
        explanation="Scores exceed every chance level in both directions of change, but not the threshold for found.",
    ),
    VerdictWord(
        word="unused",
        symbol="U",
        colour="violet",
        explanation="The variable can be decoded here, but no exchange of it changes the answer as it should.",
    ),
    VerdictWord(
        word="bypassed",
        symbol="B",
        colour="orange",
        explanation="The variable is neither here nor at an earlier hidden site, but the output is already here.",
    ),
    VerdictWord(
        word="consumed",
        symbol="X",
        colour="blue",
        explanation="The variable is no longer here; it was found at an earlier hidden site.",
    ),
    VerdictWord(
        word="absent",
        symbol="A",
        colour="grey",
        explanation="No searched featurizer and size finds the variable here, but planted variables are found.",
    ),
    VerdictWord(
        word="undecided",
        symbol="?",
        colour="dashed",
        explanation="The scores and controls do not decide; the verdict lists what would.",
    ),
    VerdictWord(
        word="not-learned",
        symbol="–",
        colour="outlined",
        explanation="The network does not solve the task, so nothing is claimed about it.",
    ),
)

_ANSWER_WORDS = (
    AnswerWord(
        word="hierarchical",
        symbol="H",
        colour="green",
        explanation="All variables of the hypothesis can be exchanged at one hidden site.",
        predicate="compute all hypothesised variables before the output",
    ),
    AnswerWord(
        word="partly-hierarchical",
        symbol="h",
        colour="yellow",
        explanation="Some variables of the hypothesis are found at a hidden site, or all of them only in part.",
        predicate="compute some hypothesised variables, or all of them partly",
    ),
    AnswerWord(
        word="other-route",
        symbol="O",
        colour="violet",
        explanation="The variables of a rival are found at a hidden site, and these neither there nor earlier.",
        predicate="take another route",
    ),
    AnswerWord(
        word="straight-to-the-end",
        symbol="S",
        colour="orange",
        explanation="No variable of the hypothesis is used at a hidden site, and the output appears without them.",
        predicate="go straight to the output",
    ),
    AnswerWord(
        word="undecided",
        symbol="?",
        colour="dashed",
        explanation="The verdicts on the variables do not decide.",
        predicate="are undecided",
    ),
    AnswerWord(
        word="not-learned",
        symbol="–",
        colour="outlined",
        explanation="The network does not solve the task, so nothing is claimed about it.",
        predicate="do not solve the task",
    ),
)

VERDICT_WORDS: Mapping[Word, VerdictWord] = MappingProxyType({entry.word: entry for entry in _VERDICT_WORDS})
"""Every verdict word, from the one that says most about a variable to the one that says least."""

ANSWER_WORDS: Mapping[Answer, AnswerWord] = MappingProxyType({entry.word: entry for entry in _ANSWER_WORDS})
"""Every answer, in the order in which answers are listed."""

_RANKS: Mapping[str, int] = {word: rank for rank, word in enumerate(VERDICT_WORDS)}


def rank(word: str) -> int:
    """The place of a verdict word in `VERDICT_WORDS`: 0 says most about the variable.

    >>> rank("computed"), rank("not-learned")
    (0, 9)
    """
    return _RANKS[word]


def least_known(words: Iterable[Word]) -> Word:
    """The word that says least. It summarises several variables of one site.

    >>> least_known(["computed", "undecided", "absent"])
    'undecided'
    """
    return max(words, key=rank)
