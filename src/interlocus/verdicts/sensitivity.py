"""How words and answers change with the thresholds from which a variable counts as found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from interlocus.controls.criteria import Thresholds
from interlocus.verdicts.answer import answer
from interlocus.verdicts.network import NetworkVerdict
from interlocus.verdicts.rules import judge_network
from interlocus.verdicts.verdict import Verdict

OTHER_BARS = ((0.90, 0.80), (0.93, 0.86), (0.95, 0.90), (0.97, 0.93), (0.98, 0.95))
"""Thresholds of the IIA and of the worst transition, from lenient to strict."""


def bar_name(found: float, worst_transition: float) -> str:
    """A pair of thresholds as text.

    >>> bar_name(0.9, 0.8)
    '.90/.80'

    Args:
        found: Threshold of the IIA.
        worst_transition: Threshold of the worst transition.
    """
    return f"{found:.2f}/{worst_transition:.2f}".replace("0.", ".")


def judged_by_bar(network: NetworkVerdict, *, competence: float, thresholds: Thresholds) -> dict[str, NetworkVerdict]:
    """Judge a network again with other thresholds of the IIA and of the worst transition.

    Args:
        network: The verdict on the network; its observations are judged again.
        competence: Accuracy below which nothing is claimed, from 0 to 1.
        thresholds: The study's thresholds, which stay as they are but for these two.

    Returns:
        For each pair of `OTHER_BARS` the verdict on the network.
    """
    judged: dict[str, NetworkVerdict] = {}
    for found, worst_transition in OTHER_BARS:
        changed = thresholds.model_copy(
            update={
                "found": found,
                "worst_transition": worst_transition,
                "value_change": min(thresholds.value_change, worst_transition),
            }
        )
        sites, rivals = (
            judge_network(
                network.accuracy,
                [[verdict.observation for verdict in row] for row in rows],
                competence=competence,
                thresholds=changed,
            )
            for rows in (network.sites, network.rivals)
        )
        judged[bar_name(found, worst_transition)] = replace(
            network,
            answer=answer(sites, rivals),
            sites=tuple(map(tuple, sites)),
            rivals=tuple(map(tuple, rivals)),
        )
    return judged


def with_other_words(network: NetworkVerdict, *, competence: float, thresholds: Thresholds) -> NetworkVerdict:
    """The same verdicts, each with the words that it would have at other thresholds; the arguments are the same."""
    judged = judged_by_bar(network, competence=competence, thresholds=thresholds)

    def marked(row: Sequence[Verdict], others: Mapping[str, Sequence[Verdict]]) -> tuple[Verdict, ...]:
        return tuple(
            replace(verdict, other_words={bar: other[place].word for bar, other in others.items()})
            for place, verdict in enumerate(row)
        )

    return replace(
        network,
        other_answers={bar: other.answer for bar, other in judged.items()},
        sites=tuple(
            marked(row, {bar: other.sites[place] for bar, other in judged.items()})
            for place, row in enumerate(network.sites)
        ),
    )
