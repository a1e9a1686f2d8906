"""Log lines are written by a thread; a descriptor that does not take them costs lines, not the caller."""

import os
import threading
from contextlib import suppress

import pytest

from collector.log_writer import MAX_LINE_BYTES, QUEUE_FULL, WRITE_FAILED, LogWriter


@pytest.fixture
def pipe():
    reader, writer = os.pipe()
    yield reader, writer
    for fd in (reader, writer):
        with suppress(OSError):
            os.close(fd)


def everything(reader):
    found = b""
    while chunk := os.read(reader, 65536):
        found += chunk
    return found


def test_lines_arrive_in_order(pipe):
    reader, fd = pipe
    writer = LogWriter(fd)
    expected = b"".join(b"line %d\n" % number for number in range(1000))
    for number in range(1000):
        writer.write(f"line {number}\n")
    writer.close()
    os.close(fd)
    assert everything(reader) == expected
    assert dict(writer.dropped) == {QUEUE_FULL: 0, WRITE_FAILED: 0}


def test_a_full_pipe_that_nobody_reads_costs_lines_and_blocks_nothing(pipe):
    _, fd = pipe
    writer = LogWriter(fd, max_pending_bytes=100_000)
    for _ in range(1000):
        writer.write("x" * 999 + "\n")
    assert writer.dropped[QUEUE_FULL] > 0
    writer.close(timeout_s=0.1)
    assert not any(thread.name == "log-writer" and thread.is_alive() for thread in threading.enumerate())


def test_what_was_queued_is_written_once_the_pipe_is_read_again(pipe):
    reader, fd = pipe
    writer = LogWriter(fd, max_pending_bytes=300_000)
    for number in range(200):
        writer.write(f"{number:999}\n")
    found = []
    thread = threading.Thread(target=lambda: found.append(everything(reader)))
    thread.start()
    writer.close(timeout_s=30.0)
    os.close(fd)
    thread.join()
    assert found[0].count(b"\n") == 200


@pytest.mark.parametrize("broken", ["pipe", "closed", "full"])
def test_a_descriptor_that_fails_is_counted(pipe, broken):
    reader, fd = pipe
    if broken == "pipe":
        os.close(reader)
    elif broken == "closed":
        os.close(fd)
    else:
        fd = os.open("/dev/full", os.O_WRONLY)
    writer = LogWriter(fd)
    writer.write("lost\n")
    writer.close()
    assert writer.dropped[WRITE_FAILED] == 1


def test_a_line_has_a_limit(pipe):
    reader, fd = pipe
    writer = LogWriter(fd)
    found = []
    thread = threading.Thread(target=lambda: found.append(everything(reader)))
    thread.start()
    writer.write("x" * (2 * MAX_LINE_BYTES))
    writer.close(timeout_s=30.0)
    os.close(fd)
    thread.join()
    assert len(found[0]) == MAX_LINE_BYTES
