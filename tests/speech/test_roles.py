import pytest

from aftercall.model import Direction
from aftercall.speech.roles import roles


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
    assert roles(direction, caller=caller) == expected


@pytest.mark.parametrize("direction", ["inbound", "outbound", "internal", "unknown"])
def test_a_role_is_never_guessed(direction: Direction) -> None:
    assert roles(direction) == {"A": None, "B": None}


@pytest.mark.parametrize("direction", ["internal", "conference", "unknown"])
def test_among_ourselves_nobody_is_agent_or_customer(direction: Direction) -> None:
    assert roles(direction, caller="A") == {"A": None, "B": None}
