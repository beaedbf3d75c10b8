from peerpost_relay.wheel import NOWHERE, Wheel


class Visitor:
    def __init__(self, wheel: Wheel) -> None:
        self.slot = NOWHERE
        self.wheel = wheel
        self.visits: list[int] = []

    def visit(self) -> None:
        self.visits.append(self.wheel.now)


def turn(wheel: Wheel, ticks: int) -> None:
    for _ in range(ticks):
        wheel.advance()


def test_a_placed_object_is_visited_once_after_its_ticks() -> None:
    wheel = Wheel(tick_seconds=1, longest_seconds=10)
    visitor = Visitor(wheel)
    wheel.place(visitor, 3)
    turn(wheel, 30)
    assert visitor.visits == [3]


def test_placing_again_moves_the_visit() -> None:
    wheel = Wheel(tick_seconds=1, longest_seconds=10)
    visitor = Visitor(wheel)
    wheel.place(visitor, 3)
    turn(wheel, 2)
    wheel.place(visitor, 10)
    turn(wheel, 30)
    assert visitor.visits == [12]


def test_a_removed_object_is_not_visited() -> None:
    wheel = Wheel(tick_seconds=1, longest_seconds=10)
    visitor = Visitor(wheel)
    wheel.place(visitor, 3)
    wheel.remove(visitor)
    wheel.remove(visitor)
    turn(wheel, 30)
    assert visitor.visits == []


def test_a_longer_wait_than_the_wheel_is_held_to_its_length() -> None:
    wheel = Wheel(tick_seconds=1, longest_seconds=10)
    visitor = Visitor(wheel)
    wheel.place(visitor, 1_000)
    turn(wheel, 11)
    assert visitor.visits == [10]


def test_spans_are_rounded_up_to_ticks() -> None:
    wheel = Wheel(tick_seconds=0.5, longest_seconds=10)
    assert [wheel.ticks(seconds) for seconds in (0.01, 0.5, 0.6, 10)] == [1, 1, 2, 20]
