"""The log: stable keys, one line an event, and no secret whatever is logged."""

import io
import json
import logging

import pytest
import structlog

from collector import log

TOKEN = "kx7Qm2" + "tokenTOKEN" * 8
ORG = "2818e386-8dec-2562-9ede-5b8a0fbbdc71"


@pytest.fixture
def written():
    """Set the log up on a buffer; restore what the test run had."""
    root = logging.getLogger()
    kept = root.handlers[:], root.level, structlog.get_config()
    quiet = {name: logging.getLogger(name).level for name in log._LIBRARY_LEVELS}
    yield io.StringIO()
    root.handlers[:], root.level = kept[0], kept[1]
    structlog.configure(**kept[2])
    logging.captureWarnings(capture=False)
    for name, level in quiet.items():
        logging.getLogger(name).setLevel(level)


def lines(written):
    return [json.loads(line) for line in written.getvalue().splitlines()]


def test_json_lines_have_stable_keys(written):
    log.configure("info", "json", written)
    structlog.get_logger().info("stream_broke", connection="main/0", after_s=3.5)
    structlog.get_logger().debug("not written")
    (line,) = lines(written)
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "stream_broke", "level": "info", "connection": "main/0", "after_s": 3.5}


def test_what_libraries_log_takes_the_same_way(written):
    log.configure("info", "json", written)
    logging.getLogger("aiohttp.server").error("token=%s", TOKEN)
    logging.getLogger("aiohttp.access").info("a line a request is nobody's wish")
    (line,) = lines(written)
    assert line["logger"] == "aiohttp.server"
    assert line["event"] == "token=***"


def test_console_lines_are_for_people(written):
    log.configure("warning", "console", written)
    structlog.get_logger().warning("stream_broke", connection="main/0", token=TOKEN)
    (line,) = written.getvalue().splitlines()
    assert "stream_broke" in line
    assert "connection=main/0" in line
    assert TOKEN not in line


@pytest.mark.parametrize("form", ["json", "console"])
def test_a_traceback_holds_neither_locals_nor_secrets(written, form):
    log.configure("info", form, written)

    def failing():
        secret_local = "local-value-of-a-frame"
        raise ValueError(f"Authorization: Token {TOKEN}", len(secret_local))

    try:
        failing()
    except ValueError:
        structlog.get_logger().exception("failed")
        logging.getLogger("x").exception("failed")
    text = written.getvalue()
    assert text.count("Traceback") == 2
    assert TOKEN not in text
    assert "= local" not in text
    assert "local-value-of-a-frame" not in text.replace('secret_local = "local-value-of-a-frame"', "")


@pytest.mark.parametrize(
    "value",
    [
        f"Authorization: Token {TOKEN}",
        "Authorization: Token short-one",
        "a Bearer abcdef1234567890",
        '{"token": "hunter2hunter2"}',
        "secret=hunter2hunter2&x=1",
        "X-Mist-Signature-v2: 00ff00ff00ff",
        "wss://user:hunter2hunter2@host/path",
        TOKEN,
        "0123456789abcdef" * 4,
        TOKEN.encode(),
        {"headers": [{"Authorization": "hunter2hunter2"}]},
        {"webhook_secret": "hunter2hunter2", "API-Key": "hunter2hunter2", "password": "hunter2hunter2"},
        ValueError(f"token {TOKEN}"),
    ],
)
def test_what_looks_like_a_secret_is_masked(value):
    redacted = json.dumps(log.redact(value))
    assert "***" in redacted
    for secret in (TOKEN, "hunter2", "short-one", "abcdef123", "00ff00ff", "0123456789abcdef"):
        assert secret not in redacted


@pytest.mark.parametrize(
    "value",
    [
        f"/sites/{ORG}/stats/devices",
        "5c5b350e0001",
        f"https://api.mist.com/api/v1/orgs/{ORG}/inventory?vc=true&page=2",
        {"token_file": "/etc/mist-collector/token", "secret_files": 2, "org_id": ORG, "connected": True, "age_s": 1.5},
        "the token refused by Mist was main's",
        "tokens are read from files",
        None,
        7,
    ],
)
def test_what_an_operator_needs_is_left_alone(value):
    assert log.redact(value) == value


def test_deep_values_end():
    endless = []
    endless.append(endless)
    assert "..." in json.dumps(log.redact(endless))
