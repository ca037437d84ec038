"""Scores of the same interventions that were worked out in two ways."""

from __future__ import annotations

from interlocus.alignment.metrics import Score


def same_answers(one: Score, other: Score, *, edge: int = 2) -> bool:
    """Whether the same was asked and answered, but for a few answers on the edge between two classes.

    Products of stacks of other heights round in another way, by 1e-7 of a logit or so, which decides an answer whose
    logits are that near: one in a hundred thousand. Whatever else goes wrong changes far more of them.
    """
    if [cell[:2] + cell[3:] for cell in _cells(one)] != [cell[:2] + cell[3:] for cell in _cells(other)]:
        return False
    moved = sum(abs(a[2] - b[2]) for a, b in zip(_cells(one), _cells(other), strict=True))
    return (
        max(
            moved,
            abs(one.answer_change_rate - other.answer_change_rate) * one.count,
            abs(one.solved_count - other.solved_count),
        )
        <= edge
    )


def _cells(score: Score) -> list[tuple[str, str, int, int]]:
    return [(cell.kind, cell.change, cell.hits, cell.count) for cell in score.cells]
