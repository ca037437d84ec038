"""Constructions whose site does not hold the variables, or holds them where nothing reads them."""

from __future__ import annotations

from collections.abc import Mapping

from interlocus.controls.ground_truth.constructions import codes, lessons
from interlocus.controls.ground_truth.constructions.construction import CodeTruth, Construction

ABSENT = ("absent", "bypassed", "consumed")
UNREAD = (*ABSENT, "unused")
"""The word `unused` is right only where the variables can be decoded."""

# Beside copies an exchange can do more than nothing. Where base and source differ in both variables, the differences
# tell the values of the base, so a map that sets what is read reaches an IIA of .92 over all kinds of interventions.


def _neither(words: tuple[str, ...]) -> Mapping[str, CodeTruth]:
    return {name: CodeTruth(status="not there", words=words) for name in ("left", "right")}


NOT_THERE = (
    Construction(
        name="answer_beside",
        used_rank=1,
        summary="Left, right and the answer, a direction each; only the answer is read.",
        code=codes.columns(codes.left, codes.right, codes.equal),
        reads=((0.0, 0.0, 1.0),),
        inert=(0, 1),
        teach=lessons.as_it_is,
        truth=_neither(UNREAD),
    ),
    Construction(
        name="masked_answer",
        used_rank=2,
        summary="The answer as two bits, of which it is the exclusive or. Two directions are read.",
        features=("left", "right", "u"),
        code=codes.columns(codes.u, codes.u_equal),
        teach=lessons.product_of_all,
        truth=_neither(ABSENT),
    ),
    Construction(
        name="masked_answer_beside_copies",
        used_rank=2,
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
        used_rank=2,
        summary="Whether both pairs are equal and whether none is, a direction each; one that is true is enough.",
        code=codes.columns(codes.both_equal, codes.none_equal),
        teach=lessons.either_is_on,
        truth=_neither(ABSENT),
    ),
    Construction(
        name="symmetric_pair_beside_copies",
        used_rank=2,
        summary="The same, and left and right beside them, which nothing reads.",
        code=codes.columns(codes.both_equal, codes.none_equal, codes.left, codes.right),
        reads=((1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0)),
        inert=(2, 3),
        teach=lessons.either_is_on,
        truth=_neither(UNREAD),
    ),
    Construction(
        name="doubly_masked_answer",
        used_rank=3,
        summary="The answer as three bits, of which it is the exclusive or. Three directions are read.",
        features=("left", "right", "u", "w"),
        code=codes.columns(codes.u, codes.w, codes.u_w_equal),
        teach=lessons.product_of_all,
        truth=_neither(ABSENT),
    ),
    Construction(
        name="doubly_masked_answer_beside_copies",
        used_rank=3,
        summary="The same, and left and right beside it, which nothing reads.",
        features=("left", "right", "u", "w"),
        code=codes.columns(codes.u, codes.w, codes.u_w_equal, codes.left, codes.right),
        reads=((1.0, 0.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0, 0.0)),
        inert=(3, 4),
        teach=lessons.product_of_all,
        truth=_neither(UNREAD),
    ),
    Construction(
        name="one_copy_beside_masked_answer",
        used_rank=2,
        summary="The answer as two bits, which are read, and left beside it, which nothing reads.",
        features=("left", "right", "u"),
        code=codes.columns(codes.u, codes.u_equal, codes.left),
        reads=((1.0, 0.0, 0.0), (0.0, 1.0, 0.0)),
        inert=(2,),
        teach=lessons.product_of_all,
        truth=_neither(UNREAD),
    ),
    Construction(
        name="answer_as_magnitudes",
        used_rank=2,
        summary="The answer as the magnitudes of two numbers, which count together; their signs follow other features.",
        features=("left", "right", "u", "w"),
        code=codes.columns(codes.answer_as_size, codes.answer_as_size_again),
        teach=lessons.large_together,
        truth=_neither(ABSENT),
    ),
    Construction(
        name="answer_as_magnitudes_beside_copies",
        used_rank=2,
        summary="The same, and left and right beside it, which nothing reads.",
        features=("left", "right", "u", "w"),
        code=codes.columns(codes.answer_as_size, codes.answer_as_size_again, codes.left, codes.right),
        reads=((1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0)),
        inert=(2, 3),
        teach=lessons.large_together,
        truth=_neither(UNREAD),
    ),
    Construction(
        name="answer_twice",
        used_rank=1,
        summary="The answer twice; a bit of the input says which of the two is read.",
        features=("left", "right", "u"),
        code=codes.columns(codes.equal, codes.equal, codes.u),
        teach=lessons.either_answer,
        truth=_neither(ABSENT),
    ),
    Construction(
        name="answer_twice_beside_copies",
        used_rank=1,
        summary="The same, and left and right beside it, which nothing reads.",
        features=("left", "right", "u"),
        code=codes.columns(codes.equal, codes.equal, codes.u, codes.left, codes.right),
        reads=((1.0, 0.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0, 0.0), (0.0, 0.0, 1.0, 0.0, 0.0)),
        inert=(3, 4),
        teach=lessons.either_answer,
        truth=_neither(UNREAD),
    ),
    Construction(
        name="answer_or_both_equal",
        used_rank=2,
        summary="The answer and whether both pairs are equal, a direction each; one that is true is enough.",
        code=codes.columns(codes.equal, codes.both_equal),
        teach=lessons.either_is_on,
        truth=_neither(ABSENT),
    ),
    Construction(
        name="circle_of_the_answer",
        used_rank=2,
        summary="Only the answer a + b + c mod 5, on a circle; asked is a + b mod 5. Two directions are read.",
        task="modular_sum",
        hypothesis="ab",
        features=("a", "b", "c"),
        code=codes.circles("abc"),
        teach=lessons.sum_on_circles,
        truth={"ab": CodeTruth(status="not there", words=ABSENT)},
    ),
    Construction(
        name="one_hot_of_the_answer",
        used_rank=4,
        summary="Only the answer a + b + c mod 5, one number for each value; asked is a + b mod 5.",
        task="modular_sum",
        hypothesis="ab",
        features=("a", "b", "c"),
        code=codes.one_hot("abc"),
        teach=lessons.sum_of_largest,
        truth={"ab": CodeTruth(status="not there", words=ABSENT)},
    ),
    Construction(
        name="another_sum",
        used_rank=4,
        summary="b + c mod 5 on a circle and a on another, which are read; asked is a + b mod 5.",
        task="modular_sum",
        hypothesis="ab",
        features=("a", "b", "c"),
        code=codes.circles("bc", "a"),
        teach=lessons.sum_on_circles,
        truth={"ab": CodeTruth(status="not there", words=ABSENT)},
    ),
    Construction(
        name="circle_beside_a_copy",
        used_rank=2,
        summary="The same, and a + b mod 5 on a circle beside it, which nothing reads.",
        task="modular_sum",
        hypothesis="ab",
        features=("a", "b", "c"),
        code=codes.circles("abc", "ab"),
        reads=((1.0, 0.0, 0.0, 0.0), (0.0, 1.0, 0.0, 0.0)),
        inert=(2, 3),
        teach=lessons.sum_on_circles,
        truth={"ab": CodeTruth(status="not there", words=UNREAD)},
    ),
)
