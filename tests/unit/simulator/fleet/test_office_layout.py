from random import Random

import pytest

from collector.simulator.fleet.office_layout import CORRIDOR_Y, ENTRANCE, ROOMS, STAIRS, path_to_corridor, walls
from collector.simulator.fleet.sites import HEIGHT_M, WIDTH_M, SimulatedZone


def zone(room):
    return SimulatedZone(id=room.name, name=room.name, outline_m=room.outline)


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_points_of_a_room_are_inside_its_outline(room):
    rng = Random(1)
    assert all(zone(room).contains(*room.random_point(rng)) for _ in range(100))


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: room.name)
def test_a_path_to_the_corridor_leads_through_the_door(room):
    start = room.random_point(Random(1))
    assert path_to_corridor(room, start) == [start, room.door, (room.door[0], CORRIDOR_Y)]


def test_the_entrance_and_the_stairs_are_outside_of_every_zone():
    for point in (ENTRANCE, STAIRS):
        assert not any(zone(room).contains(*point) for room in ROOMS)
        assert 0 <= point[0] <= WIDTH_M
        assert 0 <= point[1] <= HEIGHT_M
    assert path_to_corridor(None, ENTRANCE) == [ENTRANCE]


def test_walls_are_the_closed_outlines_of_the_rooms_other_than_the_corridor():
    segments = walls()
    assert len(segments) == sum(len(room.outline) for room in ROOMS[:-1])
    assert {start for start, _ in segments} == {end for _, end in segments}
