"""Exceptions are logged once, without secrets; lines of generated code are named."""

import pytest
import structlog

from collector.error_log import ErrorLog, GeneratedLine, generated_line, origin_of, source_line
from collector.metrics.writer import register_source

TOKEN = "kW9zQ2hX7bTtVn5cRj3mLp8yGf4sDa6e"


def fail(text):
    raise ZeroDivisionError(text)


def raised(text=""):
    try:
        fail(text)
    except ZeroDivisionError as error:
        return error


def test_each_distinct_exception_is_logged_once():
    log = ErrorLog()
    with structlog.testing.capture_logs() as lines:
        assert log.log("failed", raised("a"), task="x")
        assert not log.log("failed", raised("b"))
        assert log.log("failed", ZeroDivisionError())  # from elsewhere
        assert log.log("other", raised())
    assert [(line["event"], line["error"], line["where"].partition(":")[0]) for line in lines] == [
        ("failed", "ZeroDivisionError", "fail"),
        ("failed", "ZeroDivisionError", "unknown"),
        ("other", "ZeroDivisionError", "fail"),
    ]
    assert lines[0]["task"] == "x"
    assert "raise ZeroDivisionError(text)" in lines[0]["trace"]


def test_the_number_of_distinct_exceptions_is_bounded():
    log = ErrorLog(max_distinct=2)
    with structlog.testing.capture_logs() as lines:
        for event in "abcd":
            log.log(event, raised())
    assert [line["event"] for line in lines] == ["a", "b"]


def test_a_secret_is_masked_in_the_traceback():
    with structlog.testing.capture_logs() as lines:
        ErrorLog().log("failed", raised(f"bad header {TOKEN}"), secret=TOKEN)
    assert TOKEN not in str(lines)
    assert "bad header ***" in lines[0]["trace"]


def generated(kind: str):
    source = "def write_box(call):\n    call()  # box.lid\n"
    names: dict = {}
    exec(compile(source, register_source(kind, source), "exec"), names)  # noqa: S102 - text of this test
    return names["write_box"]


def test_the_origin_is_the_innermost_line():
    assert origin_of(raised()) == f"fail:{fail.__code__.co_firstlineno + 1}"
    assert origin_of(KeyError()) == "unknown"


def test_a_line_of_generated_code_above_the_origin():
    with pytest.raises(ZeroDivisionError) as caught:
        generated("test:box")(lambda: fail("x"))
    error = caught.value
    assert origin_of(error).startswith("fail:")
    assert generated_line(error) == GeneratedLine("test:box", "write_box:2: call()  # box.lid")


def test_the_innermost_line_of_code():
    assert source_line(raised()) == "raise ZeroDivisionError(text)"
    assert source_line(KeyError()) == ""


def test_no_generated_code():
    assert generated_line(raised()) is None
    assert generated_line(KeyError()) is None
