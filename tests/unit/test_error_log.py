"""Exceptions are logged once; lines of generated code are named."""

from __future__ import annotations

import structlog

from collector.error_log import ErrorLog, GeneratedLine, generated_line, origin_of
from collector.metrics.writer import register_source


def caught(function, *arguments) -> Exception:
    try:
        function(*arguments)
    except Exception as error:  # noqa: BLE001 - whatever the function raises
        return error
    raise AssertionError("nothing was raised")


def fail() -> None:
    raise KeyError("x")


def generated(kind: str):
    source = "def write_box(call):\n    call()  # box.lid\n"
    names: dict = {}
    exec(compile(source, register_source(kind, source), "exec"), names)  # noqa: S102 - text of this test
    return names["write_box"]


def test_each_distinct_exception_is_logged_once():
    errors, other = ErrorLog(), lambda: 1 / 0
    with structlog.testing.capture_logs() as logs:
        assert [errors.log("failed", caught(function), task="t") for function in (fail, fail, other)] == [
            True,
            False,
            True,
        ]
    assert [(line["event"], line["error"], line["task"]) for line in logs] == [
        ("failed", "KeyError", "t"),
        ("failed", "ZeroDivisionError", "t"),
    ]


def test_the_number_of_distinct_exceptions_is_limited():
    errors = ErrorLog(max_distinct=1)
    with structlog.testing.capture_logs():
        assert errors.log("failed", caught(fail))
        assert not errors.log("failed", caught(lambda: 1 / 0))


def test_the_origin_is_the_innermost_line():
    assert origin_of(caught(fail)) == f"fail:{fail.__code__.co_firstlineno + 1}"
    assert origin_of(KeyError()) == "unknown"


def test_a_line_of_generated_code_above_the_origin():
    error = caught(generated("test:box"), fail)
    assert origin_of(error).startswith("fail:")
    assert generated_line(error) == GeneratedLine("test:box", "write_box:2: call()  # box.lid")


def test_no_generated_code():
    assert generated_line(caught(fail)) is None
    assert generated_line(KeyError()) is None


def test_a_secret_is_masked_in_the_traceback():
    token = "kW9zQ2hX7bTtVn5cRj3mLp8yGf4sDa6e"

    def reject() -> None:
        raise ValueError(f"bad header {token}")

    with structlog.testing.capture_logs() as logs:
        ErrorLog().log("failed", caught(reject), secret=token)
    assert token not in str(logs)
    assert "bad header ***" in logs[0]["trace"]


def test_the_message_of_a_parser_is_left_out():
    with structlog.testing.capture_logs() as logs:
        ErrorLog().log("failed", caught(int, "the payload"), quote=False)
    assert "the payload" not in str(logs)
