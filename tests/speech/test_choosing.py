import pytest

from aftercall.speech.choosing import CallTraits, Chosen, SpeechRule, choose

CALL = CallTraits(pbx_id="p1", direction="inbound", queue_or_group="Sales", extension="201", language="de-AT")


def test_without_rules_it_is_as_usual() -> None:
    assert choose(CALL, [], engine="parakeet", language="de") == Chosen(engine="parakeet", language="de", rule=None)


@pytest.mark.parametrize(
    ("rule", "fits"),
    [
        (SpeechRule(), True),
        (SpeechRule(pbx_id="p1"), True),
        (SpeechRule(pbx_id="p2"), False),
        (SpeechRule(direction="outbound"), False),
        (SpeechRule(queue_or_group="sales"), True),
        (SpeechRule(queue_or_group="support"), False),
        (SpeechRule(extension="201", direction="inbound"), True),
        (SpeechRule(extension="202"), False),
        (SpeechRule(spoken="de"), True),
        (SpeechRule(spoken="en"), False),
    ],
)
def test_every_condition_must_fit(rule: SpeechRule, fits: bool) -> None:
    assert rule.fits(CALL) is fits


def test_a_call_nobody_heard_before_fits_no_language() -> None:
    assert not SpeechRule(spoken="de").fits(CallTraits(pbx_id="p1"))


def test_the_first_rule_that_fits_decides_and_leaves_the_rest_as_usual() -> None:
    rules = [SpeechRule(pbx_id="p2", engine="x"), SpeechRule(language="fr"), SpeechRule(engine="y")]
    assert choose(CALL, rules, engine="usual") == Chosen(engine="usual", language="fr", rule=2)
