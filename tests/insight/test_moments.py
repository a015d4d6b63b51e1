"""Key moments: quotes with their time, who promised what by when."""

from datetime import UTC, datetime

import pytest

from aftercall.insight.moments import key_moments, outcome_facts
from aftercall.model import CallFacts, KeyMoment, Role, Transcript, Turn

#: A Wednesday, 10:30 by the PBX's clock.
FACTS = CallFacts(direction="inbound", started_at=datetime(2026, 3, 11, 9, 30, tzinfo=UTC), utc_offset_min=60)
ROLES: dict[str, Role] = {"a": "agent", "c": "customer"}


def call(*lines: str, language: str = "en") -> Transcript:
    """Lines such as `c: my boiler is broken`; each takes five seconds."""
    turns = []
    for number, line in enumerate(lines):
        who, _, text = line.partition(": ")
        turns.append(
            Turn(
                speaker={"a": "A", "c": "B"}.get(who, "unknown"),
                role=ROLES.get(who),
                start_s=number * 5.0,
                end_s=number * 5.0 + 4,
                text=text,
            )
        )
    return Transcript(engine="test", model="test", language=language, speakers="stereo", turns=tuple(turns))


def of_kind(transcript: Transcript, kind: str, facts: CallFacts = FACTS) -> list[KeyMoment]:
    return [each for each in key_moments(transcript, facts).moments if each.kind == kind]


BOILER = call(
    "a: Thank you for calling Acme Heating, how can I help?",
    "c: Hello. I'm calling because my boiler has stopped working since Sunday.",
    "a: I'm sorry to hear that. Which boiler model do you have?",
    "c: It is the small boiler in the kitchen, the engineer installed it last winter.",
    "a: The engineer can look at the boiler in the kitchen, the model is still under warranty.",
    "c: Good, because the warranty was the reason I bought that boiler model.",
    "a: I'll send an engineer tomorrow morning.",
    "c: Could you call me back before he comes?",
    "a: Yes. I can't call you back today, but we will call you tomorrow at nine.",
    "c: Thank you, that is very helpful.",
    "a: Goodbye.",
)
PLAIN = call(
    "a: thank you for calling how can i help",
    "c: yeah hi i got a bill that is much higher than last month and i want to know why",
    "a: let me check that for you",
    "c: i never changed my plan so the bill should be the same as always",
    "a: the bill includes a fee for the second line that was added in march",
    "c: okay i'll send you the form on friday",
    "a: i will get back to you within two days",
    "c: thanks a lot bye",
)


def test_the_reason_is_the_customers_own_words() -> None:
    (reason,) = of_kind(BOILER, "reason")
    assert (reason.quote, reason.turn, reason.speaker) == (
        "I'm calling because my boiler has stopped working since Sunday.", 1, "customer",
    )  # fmt: skip
    assert 5 < reason.start_s < reason.end_s <= 9


def test_a_reason_is_found_without_any_full_stop() -> None:
    (reason,) = of_kind(PLAIN, "reason")
    assert reason.turn == 1


def test_on_an_outbound_call_the_agent_says_why() -> None:
    said = call(
        "c: Hello, who is it please and what do you want from me today?",
        "a: This is Acme Heating, I'm calling about the yearly service of your boiler.",
        "c: I need to look into my calendar for that, one moment please.",
    )
    (reason,) = of_kind(said, "reason", CallFacts(direction="outbound"))
    assert (reason.turn, reason.speaker) == (1, "agent")


def test_promises_have_an_owner_and_a_date() -> None:
    found = [(each.owner, each.due, each.due_words) for each in of_kind(BOILER, "promise")]
    assert found[0] == ("agent", "2026-03-12", "tomorrow morning")
    plain = [(each.owner, each.due) for each in of_kind(PLAIN, "promise")]
    assert plain == [("customer", "2026-03-13"), ("agent", "2026-03-13")]


def test_a_request_is_an_action_of_the_other() -> None:
    (action,) = of_kind(BOILER, "action")
    assert (action.owner, action.speaker, action.quote) == (
        "agent",
        "customer",
        "Could you call me back before he comes?",
    )


@pytest.mark.parametrize(
    ("line", "kind", "owner"),
    [
        ("a: I'll call you back tomorrow.", "promise", "agent"),
        ("a: i'll call you back tomorrow", "promise", "agent"),
        ("a: We will refund the whole amount to your card.", "promise", "agent"),
        ("a: I'm going to escalate this to the manager.", "promise", "agent"),
        ("a: Someone will get in touch with you.", "promise", "agent"),
        ("a: Let me check with my manager and call you back this afternoon.", "promise", "agent"),
        ("c: I'll send you the form.", "promise", "customer"),
        ("c: Could you please send me the invoice again?", "action", "agent"),
        ("c: please call me on monday", "action", "agent"),
        ("a: You need to send us a photo of the meter.", "action", "customer"),
        ("a: I can't call you back.", None, None),
        ("a: We won't send anybody.", None, None),
        ("a: Let me check that for you.", None, None),
        ("a: I'll be honest with you.", None, None),
        ("a: I called you back yesterday.", None, None),
        ("a: Shall I send you the form?", None, None),
        ("c: Could you hold the line?", None, None),
        ("a: They never call you back.", None, None),
    ],
)
def test_what_is_a_promise_and_what_is_asked(line: str, kind: str | None, owner: str | None) -> None:
    filler = "c: The weather here has been cold and wet all week and the garden looks sad without any sunshine at all."
    found = [each for each in key_moments(call(filler, filler, line), FACTS).moments if each.turn == 2]
    tasks = [(each.kind, each.owner) for each in found if each.kind in {"promise", "action"}]
    assert tasks == ([(kind, owner)] if kind else [])


def test_key_sentences_stand_apart_from_the_reason() -> None:
    found = of_kind(BOILER, "key sentence")
    assert 1 <= len(found) <= 2
    assert all(each.turn > 3 for each in found)


def test_the_last_word_is_the_customers() -> None:
    said = call(*(f"a: {each.text}" if each.role == "agent" else f"c: {each.text}" for each in BOILER.turns[:9]),
                "c: The kitchen door is open for him.", "a: Goodbye.")  # fmt: skip
    (last,) = of_kind(said, "last word")
    assert last.quote == "The kitchen door is open for him."


def test_every_moment_is_a_quote_with_its_second() -> None:
    for transcript in (BOILER, PLAIN):
        for each in key_moments(transcript, FACTS).moments:
            turn = transcript.turns[each.turn]
            assert each.quote in turn.text
            assert turn.start_s <= each.start_s < each.end_s <= turn.end_s


def test_a_short_call_has_none() -> None:
    found = key_moments(call("a: Hello?", "c: Sorry, wrong number."), FACTS)
    assert (found.moments, found.reason) == ((), "too short: fewer than 25 words")


def test_another_language_is_not_guessed_at() -> None:
    found = key_moments(
        call(*["c: Ich rufe wegen der Heizung an und hätte gern einen Termin."] * 4, language="de"), FACTS
    )
    assert (found.moments, found.reason) == ((), "language de is not covered")


def test_without_the_calls_date_a_promise_keeps_its_words() -> None:
    (first, *_) = of_kind(BOILER, "promise", CallFacts())
    assert (first.due, first.due_words) == (None, "tomorrow morning")


def test_speakers_not_separated_leave_the_owner_open() -> None:
    lines = [f"x: {turn.text}" for turn in BOILER.turns]
    assert {each.owner for each in of_kind(call(*lines), "promise")} == {"unknown"}


def test_facts_of_the_outcome() -> None:
    moments = key_moments(BOILER, FACTS).moments
    found = {each.fact: each.turn for each in outcome_facts(BOILER, FACTS, moments)}
    assert found == {"follow-up promised": 6, "customer thanked at the end": 9}
    missed = outcome_facts(call(), CallFacts(disposition="missed", transfers=1), ())
    assert [each.fact for each in missed] == ["not answered", "transferred"]
    assert [each.fact for each in outcome_facts(call(), CallFacts(disposition="voicemail"), ())] == ["voicemail"]


def test_having_somebody_else_call_is_a_promise_too() -> None:
    filler = "c: The weather here has been cold and wet all week and the garden looks sad without any sunshine at all."
    found = of_kind(call(filler, filler, "a: I will ask the manager to call you today."), "promise")
    assert [(each.owner, each.due_words) for each in found] == [("agent", "today")]
