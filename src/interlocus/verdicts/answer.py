"""The answer for a whole network, from the verdicts on its variables."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from interlocus.verdicts.verdict import Verdict
from interlocus.verdicts.words import EXCHANGEABLE, FOUND, NOT_USED, Answer


def answer(verdicts: Sequence[Sequence[Verdict]], rivals: Sequence[Sequence[Verdict]] = ()) -> Answer:
    """What the verdicts on all variables say of a network.

    A rival counts at a site only if no variable of the hypothesis is there or earlier, even in part: an intermediate
    that is computed from the variables, such as their sum, lies on the way that the hypothesis describes.

    A network goes straight to the end if the output is found at a hidden site at which, as at every earlier one, the
    variables are shown to be missing. Later sites may be undecided.

    Args:
        verdicts: From `judge_network`, for the hypothesis of the study.
        rivals: The same for hypotheses that describe other routes to the output, at some of these sites.
    """
    hidden_rows = [row for row in verdicts if row and row[0].observation.hidden]
    hidden = [[verdict.word for verdict in row] for row in hidden_rows]
    before = itertools.takewhile(
        lambda row: all(verdict.word not in (*EXCHANGEABLE, "partial") for verdict in row), hidden_rows
    )
    without_variables = {row[0].observation.site for row in before}
    words = [word for row in hidden for word in row]
    if "not-learned" in words:
        return "not-learned"
    if any(all(word in EXCHANGEABLE for word in row) for row in hidden):
        return "hierarchical"
    if any(
        verdict.word in FOUND and verdict.observation.site in without_variables for row in rivals for verdict in row
    ):
        return "other-route"
    if any(word in (*EXCHANGEABLE, "partial") for word in words):
        return "partly-hierarchical"
    missing = itertools.takewhile(lambda row: all(word in NOT_USED for word in row), hidden)
    if any("bypassed" in row for row in missing):
        return "straight-to-the-end"
    return "undecided"
