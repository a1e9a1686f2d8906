from collector.simulator.fleet import FleetPlan, StreamMessage, WebhookEvent
from collector.simulator.fleet.context import FleetContext, Schedule


def test_calls_run_in_the_order_of_time_then_of_scheduling():
    schedule, calls = Schedule(0.0), []
    for name, at in (("c", 2.0), ("a", 1.0), ("b", 1.0), ("never", 3.5)):
        schedule.call_at(at, lambda now, name=name: calls.append((name, now)))
    schedule.run_until(3.0)
    assert calls == [("a", 1.0), ("b", 1.0), ("c", 2.0)]
    assert schedule.now == 3.0


def test_a_call_can_schedule_another_call_in_the_same_run():
    schedule, calls = Schedule(0.0), []
    schedule.call_at(1.0, lambda now: schedule.call_at(now + 1.0, calls.append))
    schedule.run_until(2.0)
    assert calls == [2.0]


def test_a_call_for_the_past_runs_at_once():
    schedule, calls = Schedule(10.0), []
    schedule.call_at(5.0, calls.append)
    schedule.run_until(10.0)
    assert calls == [10.0]


def test_messages_are_kept_in_the_order_of_sending():
    context = FleetContext(FleetPlan())
    context.send_message("/channel", {"a": 1}, "ap", "m", 1.0)
    context.send_event("audits", {"b": 2}, 2.0)
    assert context.messages == [
        StreamMessage("/channel", {"a": 1}, "ap", "m", 1.0),
        WebhookEvent("audits", {"b": 2}, 2.0),
    ]


def test_one_alarm_in_four_is_updated_one_cycle_later():
    context = FleetContext(FleetPlan(start=0.0, cadence_s=30.0))
    for number in range(4):
        context.send_alarm({"id": str(number), "count": 1, "last_seen": 0}, 0.0)
    context.schedule.run_until(30.0)
    updates = [one for one in context.messages if one.payload.get("update")]
    assert len(context.messages) == 5
    assert [(one.at, one.payload["count"], one.payload["last_seen"]) for one in updates] == [(30.0, 2, 30)]
    assert [alarm["id"] for alarm in context.alarms] == ["0", "1", "2", "3"]
