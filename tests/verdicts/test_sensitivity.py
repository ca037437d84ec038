"""Words at other thresholds: the same observations, judged again."""

from __future__ import annotations

from control_contexts import effect_with, observation_of, used_with

from interlocus.controls.criteria import Thresholds
from interlocus.verdicts.answer import answer
from interlocus.verdicts.network import NetworkVerdict
from interlocus.verdicts.rules import judge_network
from interlocus.verdicts.sensitivity import OTHER_BARS, bar_name, with_other_words


def judged(low: float) -> NetworkVerdict:
    """A network in which the one variable is found with this lower end, in the full state and inside."""
    effect = effect_with(low, operand_leakage=0.0)
    seen = observation_of(effects=(effect,), used=used_with(effect), null=0.6)
    rows = judge_network(0.999, [[seen]], competence=0.99, thresholds=Thresholds())
    network = NetworkVerdict(
        network="n", group="g", accuracy=0.999, answer=answer(rows), sites=tuple(map(tuple, rows)), rivals=()
    )
    return with_other_words(network, competence=0.99, thresholds=Thresholds())


def test_a_word_is_what_the_rules_say_at_each_pair_of_thresholds():
    network = judged(0.96)
    ((verdict,),) = network.sites
    bars = [bar_name(*bar) for bar in OTHER_BARS]
    assert list(verdict.other_words) == bars
    assert [verdict.other_words[bar] for bar in bars] == ["computed", "computed", "computed", "partial", "partial"]
    assert [network.other_answers[bar] for bar in bars] == ["hierarchical"] * 3 + ["partly-hierarchical"] * 2


def test_only_a_word_that_a_threshold_decides_is_marked():
    ((verdict,),) = judged(0.96).sites
    assert "partial at .97/.93" in verdict.threshold_note
    ((clear,),) = judged(0.995).sites
    assert clear.threshold_note == ""
