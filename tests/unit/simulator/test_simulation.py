from collector.simulator.pace import Pace

from tests.support.clock import ManualClock


async def test_time_runs_as_fast_as_told():
    clock = ManualClock()
    pace = Pace(clock, start=100.0, speed=60.0)
    await clock.advance(2.0)
    assert pace.now() == 220.0


async def test_a_paused_world_stands_still_and_goes_on_from_there():
    clock = ManualClock()
    pace = Pace(clock, start=0.0, speed=1.0)
    await clock.advance(5.0)
    pace.pause()
    await clock.advance(50.0)
    assert pace.now() == 5.0
    assert pace.paused
    pace.resume()
    await clock.advance(1.0)
    assert pace.now() == 6.0


async def test_a_skip_moves_a_paused_world():
    pace = Pace(ManualClock(), start=0.0, speed=0.0)
    pace.pause()
    pace.skip(30.0)
    assert pace.now() == 30.0
    pace.resume()
    assert pace.now() == 30.0
