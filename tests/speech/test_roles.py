import random
from collections.abc import Sequence

import pytest

from aftercall.demo import scripts
from aftercall.model import Direction, Role, Turn
from aftercall.speech.roles import decide

INBOUND = (
    ("B", "Thank you for calling Larch Cycles, this is Ines, how can I help you?"),
    ("A", "Hello, I'm calling because my new bike still doesn't brake properly."),
    ("B", "I'm sorry to hear that. Can I have your order number, please?"),
    ("A", "It is on my invoice, wait, four one seven."),
    ("B", "Let me check that for you. We can send a mechanic on Monday, is there anything else I can do for you?"),
    ("A", "No, that was all, thanks for your help."),
)
OUTBOUND = (
    ("B", "Hello?"),
    ("A", "Good morning, this is Ines from Larch Cycles, I am calling from the workshop about the repair."),
    ("B", "Oh yes, my bike, is it ready? Nobody told me."),
    ("A", "I apologise for the delay. We can bring it on Monday, can I have your address?"),
)
AMBIGUOUS = (("A", "Hello?"), ("B", "Hello, can you hear me?"), ("A", "Yes."), ("B", "Fine, until tomorrow then."))


def turns(lines: Sequence[tuple[str, str]], *, swapped: bool = False) -> list[Turn]:
    return [
        Turn(
            speaker={"A": "B", "B": "A"}.get(speaker, speaker) if swapped else speaker,
            role=None,
            start_s=5.0 * number,
            end_s=5.0 * number + 4,
            text=text,
        )
        for number, (speaker, text) in enumerate(lines)
    ]


def misheard(text: str, share: float, chance: random.Random, vocabulary: Sequence[str]) -> str:
    """The text as a bad recogniser writes it: of so many words half are left out, half replaced."""
    heard = []
    for word in text.lower().replace(",", "").replace(".", "").replace("?", "").split():
        luck = chance.random()
        if luck > share / 2:
            heard.append(chance.choice(vocabulary) if luck < share else word)
    return " ".join(heard)


# ---- a person ---------------------------------------------------------------------------------------------------


def test_what_a_person_chose_is_never_overruled() -> None:
    decision = decide(turns(INBOUND), "inbound", caller="A", chosen={"A": "agent", "B": "customer"})

    assert decision.roles == {"A": "agent", "B": "customer"}
    assert decision.reason == "Chosen by a person."


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({"A": "agent"}, {"A": "agent", "B": "customer"}),
        ({"B": "agent"}, {"A": "customer", "B": "agent"}),
        ({"A": "agent", "B": "agent"}, {"A": "agent", "B": "agent"}),
    ],
)
def test_where_one_is_chosen_the_other_one_follows(chosen: dict[str, Role], expected: dict[str, Role]) -> None:
    assert decide(turns(AMBIGUOUS), "internal", chosen=chosen).roles == expected


# ---- the PBX ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("direction", "caller", "expected"),
    [
        ("inbound", "A", {"A": "customer", "B": "agent"}),
        ("inbound", "B", {"A": "agent", "B": "customer"}),
        ("outbound", "A", {"A": "agent", "B": "customer"}),
        ("outbound", "B", {"A": "customer", "B": "agent"}),
    ],
)
def test_who_dialled_and_which_way_gives_the_roles(direction: Direction, caller: str, expected: dict[str, str]) -> None:
    decision = decide(turns(AMBIGUOUS), direction, caller=caller)

    assert decision.roles == expected
    assert decision.reason == "The PBX says who dialled."


@pytest.mark.parametrize("direction", ["internal", "conference"])
def test_among_ourselves_nobody_is_agent_or_customer(direction: Direction) -> None:
    assert decide(turns(INBOUND), direction, caller="A").roles == {"A": None, "B": None}


def test_when_the_words_say_clearly_the_opposite_the_channels_look_swapped() -> None:
    decision = decide(turns(INBOUND, swapped=True), "inbound", caller="A")

    assert decision.roles == {"A": "agent", "B": "customer"}
    assert decision.channels_look_swapped
    assert decision.reason.startswith("The channels look swapped: speaker A says “")


def test_a_few_words_are_not_enough_to_overrule_the_pbx() -> None:
    lines = (INBOUND[0], ("A", "Wrong number."))

    decision = decide(turns(lines, swapped=True), "inbound", caller="A")

    assert decision.roles == {"A": "customer", "B": "agent"}
    assert not decision.channels_look_swapped


def test_words_that_lean_the_other_way_a_little_do_not_overrule_the_pbx() -> None:
    lines = [*AMBIGUOUS, ("A", "Have a nice day. " + "la " * 30), ("B", "Yes " + "la " * 30)]

    assert decide(turns(lines), "inbound", caller="A").roles == {"A": "customer", "B": "agent"}


# ---- the words --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize("direction", ["inbound", "unknown"])
def test_what_is_said_tells_the_agent(direction: Direction, swapped: bool) -> None:
    decision = decide(turns(INBOUND, swapped=swapped), direction)

    agent, customer = ("A", "B") if swapped else ("B", "A")
    assert decision.roles == {agent: "agent", customer: "customer"}
    assert decision.reason.startswith(f"By what is said: speaker {agent} says “thank you for calling” and speaker ")


@pytest.mark.parametrize("swapped", [False, True])
def test_on_an_outbound_call_the_one_who_rings_from_a_firm_is_the_agent(swapped: bool) -> None:
    agent, customer = ("B", "A") if swapped else ("A", "B")

    assert decide(turns(OUTBOUND, swapped=swapped), "outbound").roles == {agent: "agent", customer: "customer"}


@pytest.mark.parametrize("direction", ["inbound", "outbound", "unknown"])
def test_a_role_is_not_guessed_from_who_speaks_first_alone(direction: Direction) -> None:
    decision = decide(turns(AMBIGUOUS), direction)

    assert decision.roles == {"A": None, "B": None}
    assert decision.reason == "What is said does not tell who is the agent."


def test_who_speaks_first_tips_the_scale() -> None:
    lines = (("A", "Hello."), ("B", "Hello."), ("A", "Have a good day."))

    assert decide(turns(lines), "unknown").roles["A"] is None
    assert decide(turns(lines), "inbound").roles["A"] == "agent"


def test_the_same_words_over_and_over_count_twice_at_most() -> None:
    often = [("A", "Have a nice day.")] * 9

    assert decide(turns([("B", "Hello."), *often, ("B", "Have a nice day.")]), "unknown").roles["A"] is None


def test_words_of_another_language_decide_nothing() -> None:
    decision = decide(turns(INBOUND), "inbound", language="de")

    assert decision.roles == {"A": None, "B": None}
    assert "English only" in decision.reason


def test_a_british_or_american_tag_is_english() -> None:
    assert decide(turns(INBOUND), "inbound", language="en-GB").roles["B"] == "agent"


def test_an_unseparated_call_has_no_roles() -> None:
    lines = [("unknown", text) for _, text in INBOUND]

    assert decide(turns(lines), "inbound").roles == {"A": None, "B": None}


def test_a_call_without_a_word_has_no_roles() -> None:
    assert decide([], "inbound").roles == {"A": None, "B": None}


# ---- many calls, heard badly ------------------------------------------------------------------------------------

WITH_CUSTOMER = [each for each in scripts.all_scripts() if each.kind != "internal" and each.sound != "none"]


def direction_of(script: scripts.Script) -> Direction:
    return "outbound" if script.kind == "out" else "inbound"


def agent_of(script: scripts.Script) -> str:
    return "AB"[script.audio_channel("agent")]


def lines_of(script: scripts.Script) -> list[tuple[str, str]]:
    return [("AB"[script.audio_channel(line.part)], line.text) for line in script.lines]


@pytest.mark.parametrize("script", WITH_CUSTOMER, ids=lambda script: script.key)
def test_the_demos_calls_are_understood(script: scripts.Script) -> None:
    assert decide(turns(lines_of(script)), direction_of(script)).roles[agent_of(script)] == "agent"


def test_with_three_words_in_ten_misheard_a_role_is_missing_more_often_than_wrong() -> None:
    vocabulary = [word for script in WITH_CUSTOMER for line in script.lines for word in line.text.lower().split()]
    chance, right, wrong, n_calls = random.Random(7), 0, 0, 0
    for script in WITH_CUSTOMER * 20:
        lines = [(speaker, misheard(text, 0.3, chance, vocabulary)) for speaker, text in lines_of(script)]
        role = decide(turns(lines), direction_of(script)).roles[agent_of(script)]
        right, wrong, n_calls = right + (role == "agent"), wrong + (role == "customer"), n_calls + 1

    assert right > 0.7 * n_calls
    assert wrong < 0.02 * n_calls
