"""What keeps the load on one PBX low."""

import asyncio

import pytest

from aftercall.jobs import gate
from aftercall.jobs.gate import Gate, Pace, Rest

pytestmark = pytest.mark.anyio


async def _visit(door: Gate, rank: float, order: list[float], *, hold: asyncio.Event | None = None) -> None:
    async with door.pass_through(rank):
        order.append(rank)
        if hold:
            await hold.wait()


async def test_the_newest_comes_first_however_long_others_wait() -> None:
    door, order, hold = Gate(1), list[float](), asyncio.Event()
    tasks = [asyncio.create_task(_visit(door, 0, order, hold=hold))]
    await asyncio.sleep(0)
    tasks += [asyncio.create_task(_visit(door, rank, order)) for rank in (3, 1, 9, 5)]
    await asyncio.sleep(0)
    hold.set()
    await asyncio.gather(*tasks)
    assert order == [0, 9, 5, 3, 1]


async def test_never_more_than_allowed_are_inside() -> None:
    door, inside, most = Gate(2), 0, 0

    async def visit() -> None:
        nonlocal inside, most
        async with door.pass_through(1):
            inside += 1
            most = max(most, inside)
            await asyncio.sleep(0)
            inside -= 1

    await asyncio.gather(*(visit() for _ in range(20)))
    assert most == 2


async def test_a_wider_gate_lets_the_waiting_through_at_once() -> None:
    door, order, hold = Gate(1), list[float](), asyncio.Event()
    tasks = [asyncio.create_task(_visit(door, rank, order, hold=hold)) for rank in (1, 2, 3)]
    await asyncio.sleep(0)
    assert len(order) == 1
    door.resize(3)
    await asyncio.sleep(0)
    assert len(order) == 3
    hold.set()
    await asyncio.gather(*tasks)


async def test_a_visitor_who_gives_up_takes_no_place() -> None:
    door, order, hold = Gate(1), list[float](), asyncio.Event()
    first = asyncio.create_task(_visit(door, 1, order, hold=hold))
    await asyncio.sleep(0)
    impatient = asyncio.create_task(_visit(door, 2, order))
    await asyncio.sleep(0)
    impatient.cancel()
    hold.set()
    await first
    await _visit(door, 3, order)
    assert order == [1, 3]


async def test_one_who_is_stopped_the_moment_his_turn_comes_gives_it_back() -> None:
    door, order, hold = Gate(1), list[float](), asyncio.Event()
    first = asyncio.create_task(_visit(door, 1, order, hold=hold))
    await asyncio.sleep(0)
    unlucky = asyncio.create_task(_visit(door, 2, order))
    await asyncio.sleep(0)
    hold.set()
    await first
    unlucky.cancel()
    await asyncio.gather(unlucky, return_exceptions=True)
    await asyncio.wait_for(_visit(door, 3, order), 5)
    assert order[-1] == 3


async def test_without_a_limit_nobody_waits() -> None:
    pace = Pace()
    for _ in range(100):
        await pace.wait(1, lambda: None)


async def test_at_a_pace_each_waits_for_his_moment_the_newest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    now, order, pass_time = 100.0, list[tuple[float, float]](), asyncio.sleep

    async def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds
        await pass_time(0)

    monkeypatch.setattr(gate.asyncio, "sleep", sleep)
    monkeypatch.setattr(gate.time, "monotonic", lambda: now)
    pace = Pace()

    async def take(rank: float) -> None:
        await pace.wait(rank, lambda: 30)
        order.append((rank, now))

    await asyncio.gather(*(take(rank) for rank in (5, 1, 3, 9)))
    assert order == [(5, 100), (1, 102), (9, 104), (3, 106)]


async def test_a_pace_that_is_lifted_lets_the_waiting_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "LOOK_EVERY_S", 0.01)
    pace, per_min = Pace(), 1
    await pace.wait(1, lambda: per_min)
    waiting = asyncio.create_task(pace.wait(1, lambda: per_min))
    await asyncio.sleep(0.05)
    assert not waiting.done()
    per_min = 100_000
    await asyncio.wait_for(waiting, 5)


def test_failures_side_by_side_count_as_one_and_later_ones_double_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(gate.time, "monotonic", lambda: now)
    rest = Rest()
    rest.failed()
    rest.failed()
    assert rest.left_s == gate.SHORTEST_REST_S
    now += gate.SHORTEST_REST_S
    assert rest.left_s == 0
    rest.failed()
    assert rest.left_s == 2 * gate.SHORTEST_REST_S
    rest.worked()
    assert rest.left_s == 0
