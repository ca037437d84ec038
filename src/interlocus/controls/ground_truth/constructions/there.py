"""Constructions whose site holds the variables, read by the rest of the network."""

from __future__ import annotations

from interlocus.controls.ground_truth.constructions import codes, lessons
from interlocus.controls.ground_truth.constructions.construction import CodeTruth, Construction

THERE_WORDS = ("computed", "entangled", "merged")
TINY = 0.05
"""Scale of a code with little variance."""


def _both(left: tuple[int, ...], right: tuple[int, ...], words: tuple[str, ...] = THERE_WORDS) -> dict[str, CodeTruth]:
    """The truth where left and right are there, in known columns."""
    return {
        "left": CodeTruth(status="there", words=words, columns=left),
        "right": CodeTruth(status="there", words=words, columns=right),
    }


THERE = (
    Construction(
        name="read_apart",
        summary="Left and right, a direction each; each of them is read.",
        code=codes.columns(codes.left, codes.right),
        teach=lessons.separately,
        truth=_both((0,), (1,)),
    ),
    Construction(
        name="two_routes",
        summary="Left, right and the answer, a direction each; left and right decide, and the answer is read as well.",
        code=codes.columns(codes.left, codes.right, codes.equal),
        teach=lessons.with_the_answer_beside,
        truth=_both((0,), (1,)),
    ),
    Construction(
        name="read_as_sum",
        summary="Left and right, a direction each; only their sum is read.",
        code=codes.columns(codes.left, codes.right),
        reads=((1.0, 1.0),),
        teach=lessons.a_sum,
        truth=_both((0,), (1,), words=("merged", "computed")),
    ),
    Construction(
        name="redundant_copies",
        summary="Left and right, twice each; a bit of the input says which of the two copies is read.",
        features=("left", "right", "u"),
        code=codes.columns(codes.left, codes.left, codes.right, codes.right, codes.u),
        teach=lessons.either_copy,
        truth=_both((0, 1), (2, 3)),
    ),
    Construction(
        name="exclusive_or",
        summary="Left as two bits, of which it is the exclusive or, and right as well: they are still to be computed.",
        features=("left", "right", "u", "w"),
        code=codes.columns(codes.u, codes.u_left, codes.w, codes.w_right),
        teach=lessons.product_of_all,
        truth=_both((0, 1), (2, 3), words=("entangled",)),
    ),
    Construction(
        name="magnitude",
        summary="Left and right as magnitudes of two numbers, whose signs follow other features of the input.",
        features=("left", "right", "u", "w"),
        code=codes.columns(codes.left_size, codes.right_size),
        teach=lessons.magnitudes,
        truth=_both((0,), (1,)),
    ),
    Construction(
        name="tiny_variance",
        summary="Left and right, a direction each, with a twentieth of the deviation of what lies beside.",
        code=codes.columns(codes.left, codes.right, scale=TINY),
        reads=((1 / TINY, 0.0), (0.0, 1 / TINY)),
        teach=lessons.separately,
        truth=_both((0,), (1,)),
        nuisance=1.0,
        activations=("relu", "gelu"),
    ),
    Construction(
        name="rare_value",
        summary="Left and right, a direction each; left is true in 5 % of the inputs.",
        task="rare_equality",
        task_arguments=(("share", 0.05),),
        code=codes.columns(codes.left, codes.right),
        teach=lessons.separately,
        truth=_both((0,), (1,)),
    ),
    Construction(
        name="circle",
        summary="a + b mod 5 on a circle, and c on another; both are read.",
        task="modular_sum",
        hypothesis="ab",
        features=("a", "b", "c"),
        code=codes.circles("ab", "c"),
        teach=lessons.sum_on_circles,
        truth={"ab": CodeTruth(status="there", words=THERE_WORDS, columns=(0, 1))},
    ),
)
