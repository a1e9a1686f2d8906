import structlog

from collector.error_log import ErrorLog

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
