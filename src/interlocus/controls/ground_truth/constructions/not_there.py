"""Constructions whose site does not hold the variables, or holds them where nothing reads them."""

from __future__ import annotations

from collections.abc import Mapping

from interlocus.controls.ground_truth.constructions import codes, lessons
from interlocus.controls.ground_truth.constructions.construction import Construction, Truth

ABSENT = ("absent", "bypassed", "consumed")
UNREAD = (*ABSENT, "unused")
"""The word `unused` is right only where the variables can be decoded."""


def _neither(words: tuple[str, ...]) -> Mapping[str, Truth]:
    return {name: Truth(status="not there", words=words) for name in ("left", "right")}


NOT_THERE = (
    Construction(
        name="answer_beside",
        summary="Left, right and the answer, a direction each; only the answer is read.",
        code=codes.columns(codes.left, codes.right, codes.equal),
        reads=((0.0, 0.0, 1.0),),
        inert=(0, 1),
        teach=lessons.as_it_is,
        truth=_neither(UNREAD),
    ),
    Construction(
        name="masked_answer",
        summary="The answer as two bits, of which it is the exclusive or. Two directions are read.",
        features=("left", "right", "u"),
        code=codes.columns(codes.u, codes.u_equal),
        teach=lessons.product_of_all,
        truth=_neither(ABSENT),
    ),
    Construction(
        name="masked_answer_beside_copies",
        summary="The answer as two bits, which are read, and left and right beside it, which nothing reads.",
        features=("left", "right", "u"),
        code=codes.columns(codes.u, codes.u_equal, codes.left, codes.right),
        reads=((1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0)),
        inert=(2, 3),
        teach=lessons.product_of_all,
        truth=_neither(UNREAD),
    ),
    Construction(
        name="symmetric_pair",
        summary="Whether both pairs are equal and whether none is, a direction each; one that is true is enough.",
        code=codes.columns(codes.both_equal, codes.none_equal),
        teach=lessons.either_is_on,
        truth=_neither(ABSENT),
    ),
    Construction(
        name="symmetric_pair_beside_copies",
        summary="The same, and left and right beside them, which nothing reads.",
        code=codes.columns(codes.both_equal, codes.none_equal, codes.left, codes.right),
        reads=((1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0)),
        inert=(2, 3),
        teach=lessons.either_is_on,
        truth=_neither(UNREAD),
    ),
    Construction(
        name="cells",
        summary="One number for each of the four cells of left and right; the largest decides.",
        code=codes.cells,
        teach=lessons.largest_cell,
        truth=_neither(UNREAD),  # each variable can be decoded
    ),
    Construction(
        name="circle_of_the_answer",
        summary="Only the answer a + b + c mod 5, on a circle; asked is a + b mod 5. Two directions are read.",
        task="modular_sum",
        hypothesis="ab",
        features=("a", "b", "c"),
        code=codes.circles("abc"),
        teach=lessons.sum_on_circles,
        truth={"ab": Truth(status="not there", words=ABSENT)},
    ),
    Construction(
        name="circle_beside_a_copy",
        summary="The same, and a + b mod 5 on a circle beside it, which nothing reads.",
        task="modular_sum",
        hypothesis="ab",
        features=("a", "b", "c"),
        code=codes.circles("abc", "ab"),
        reads=((1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0)),
        inert=(2, 3),
        teach=lessons.sum_on_circles,
        truth={"ab": Truth(status="not there", words=UNREAD)},
    ),
)
