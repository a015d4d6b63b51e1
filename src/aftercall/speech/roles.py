"""This file says who of the speakers works here and who does not, where that is known."""

from aftercall.model import Direction, Role


def roles(direction: Direction, *, caller: str | None = None) -> dict[str, Role | None]:
    """The role of speakers `A` and `B`.

    Args:
        direction: which way the call went.
        caller: the speaker who is known to have dialled. A stereo recording alone does not tell which of its audio
            channels that is; whoever knows how the PBX wrote it says so here.
    Returns:
        On an inbound call the caller is the customer, on an outbound call the agent. None for both where the caller
        is not known, and on calls among ourselves, which have neither: a role is never guessed.
    """
    if caller is None or direction not in {"inbound", "outbound"}:
        return {"A": None, "B": None}
    customer_dialled = direction == "inbound"
    return {speaker: "customer" if (speaker == caller) == customer_dialled else "agent" for speaker in ("A", "B")}
