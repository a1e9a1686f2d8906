"""Subscriptions and webhook deliveries of commands."""

import errno
import socket

import pytest

from collector.cli import listening
from collector.cli.accounts import open_accounts
from collector.errors import Fatal, Retryable, UsageError
from collector.mist.envelope import Data
from tests.support.installation import installation


class Consumer:
    """Counts messages; `message` raises `error` if it is set."""

    def __init__(self, error=None, channels=None):
        self.messages = []
        self.error = error
        self._channels = channels

    def add_inventory(self, account):
        self.inventory = account.inventory

    def channels(self, account):
        return account.channels() if self._channels is None else self._channels

    def check_selection(self, channels, *, webhooks):
        if not channels and not webhooks:
            raise listening.nothing_to_subscribe()

    def progress(self):
        return ""

    def message(self, message):
        self.messages.append(message)
        if self.error is not None:
            raise self.error

    def delivery(self, body):
        self.messages.append(body)


async def test_messages_reach_the_consumer(tmp_path, monkeypatch, capsys):
    async with installation(tmp_path, monkeypatch, speed=10.0) as here:
        await here.init(webhook=False)
        consumer = Consumer()
        await listening.consume(here.config(), None, consumer, seconds=2.0)
        assert consumer.inventory
        assert any(isinstance(message, Data) for message in consumer.messages)
        assert here.cloud.stream.clients == 0
        printed = capsys.readouterr().err
        assert "No webhook deliveries: webhooks are disabled in the configuration." in printed
        assert "Subscribing to " in printed


@pytest.mark.parametrize("error", [BrokenPipeError(errno.EPIPE, "Broken pipe"), OSError(errno.ENOSPC, "full")])
async def test_output_that_cannot_be_written_ends_the_command(tmp_path, monkeypatch, error):
    async with installation(tmp_path, monkeypatch, speed=10.0) as here:
        await here.init(webhook=False)
        with pytest.raises(OSError, match=r"Broken pipe|full") as raised:
            await listening.consume(here.config(), None, Consumer(error), seconds=0.0)
        assert raised.value is error


async def test_a_message_that_cannot_be_handled_is_skipped(tmp_path, monkeypatch, capsys):
    async with installation(tmp_path, monkeypatch, speed=10.0) as here:
        await here.init(webhook=False)
        consumer = Consumer(KeyError("a bug"))
        await listening.consume(here.config(), None, consumer, seconds=2.0)
        assert len(consumer.messages) > 1
        assert "warning: messages skipped because of an internal error: {'KeyError': " in capsys.readouterr().err


async def test_a_stream_that_rejects_the_connection(tmp_path, monkeypatch):
    async with installation(tmp_path, monkeypatch) as here:
        await here.init(webhook=False)
        await here.cloud.fault("handshake_status", status=403)
        with pytest.raises(Fatal, match="the stream rejects the connection: "):
            await listening.consume(here.config(), None, Consumer(), seconds=30.0)


async def test_a_stream_that_cannot_be_reached(tmp_path, monkeypatch):
    async with installation(tmp_path, monkeypatch) as here:
        await here.init(webhook=False)
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        loaded = here.config(MIST_COLLECTOR__ACCOUNTS__0__STREAM_URL=f"ws://127.0.0.1:{port}/api-ws/v1/stream")
        with pytest.raises(Retryable, match="the stream cannot be reached: "):
            await listening.consume(loaded, None, Consumer(), seconds=60.0)


async def test_nothing_to_subscribe_to(tmp_path, monkeypatch):
    async with installation(tmp_path, monkeypatch) as here:
        await here.init(webhook=False)
        with pytest.raises(UsageError, match="the configuration subscribes to no channel"):
            await listening.consume(here.config(), None, Consumer(channels=[]), seconds=1.0)


async def test_an_address_of_webhooks_that_is_in_use(tmp_path, monkeypatch):
    async with installation(tmp_path, monkeypatch) as here:
        await here.init()
        async with listening.webhook_deliveries(here.config(), lambda _body: None) as problem:
            assert problem == ""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            loaded = here.config(MIST_COLLECTOR__WEBHOOK__LISTEN=f"127.0.0.1:{taken.getsockname()[1]}")
            async with listening.webhook_deliveries(loaded, lambda _body: None) as problem:
                assert "the port is already in use" in problem


async def test_selected_channels(tmp_path, monkeypatch):
    async with installation(tmp_path, monkeypatch) as here:
        await here.init(webhook=False)
        async with open_accounts(here.config()) as accounts:
            await accounts[0].read_inventory()
            selected = accounts[0].channels()[:1]
            async with listening.subscriptions(
                here.config(), accounts, lambda _message: None, lambda _account: selected
            ) as statuses:
                assert [list(status.subscriptions) for status in statuses] == [selected]
