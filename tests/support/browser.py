"""A real Chromium without a window, spoken to over its DevTools protocol; it may reach this machine only."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any, Self

from websockets.sync.client import connect

from tests.support.processes import WITHIN_S, Running, ask, eventually

if TYPE_CHECKING:
    from pathlib import Path

_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)

_KEYS = {
    "Tab": (9, ""),
    "Enter": (13, "\r"),
    "Escape": (27, ""),
    "Backspace": (8, ""),
    "ArrowUp": (38, ""),
    "ArrowDown": (40, ""),
    "Home": (36, ""),
    "End": (35, ""),
    "/": (191, "/"),
}


class Browser(Running):
    """Chromium with a profile of its own in `directory`; `page` opens a tab."""

    def __init__(self, program: str, directory: Path) -> None:
        command = [program, *_FLAGS, f"--user-data-dir={directory / 'profile'}", "about:blank"]
        super().__init__(command, directory, "chromium", HOME=str(directory))
        self.url = ""

    def __enter__(self) -> Self:
        super().__enter__()
        port = self.tells(r"DevTools listening on ws://127[.]0[.]0[.]1:([0-9]+)/")
        self.url = f"http://127.0.0.1:{port}"
        return self

    def page(self) -> Page:
        """A new tab."""
        tab = ask(f"{self.url}/json/new?about:blank", method="PUT").json()
        return Page(tab["webSocketDebuggerUrl"])


class Page:
    """One tab. `requested` are the addresses that it asked for, `said` what its console and its errors say."""

    def __init__(self, url: str) -> None:
        self._connecting = connect(url, max_size=None, open_timeout=WITHIN_S)
        self._last = 0
        self.requested: list[str] = []
        self.said: list[str] = []

    def __enter__(self) -> Self:
        self._socket = self._connecting.__enter__()
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.tell(f"{domain}.enable")
        return self

    def __exit__(self, *_: object) -> None:
        self._connecting.__exit__(None, None, None)

    def tell(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command and return its result."""
        self._last += 1
        self._socket.send(json.dumps({"id": self._last, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv(timeout=WITHIN_S))
            if message.get("id") == self._last:
                assert "error" not in message, message
                result: dict[str, Any] = message["result"]
                return result
            self._hear(message)

    def _hear(self, message: dict[str, Any]) -> None:
        parameters = message.get("params", {})
        match message.get("method"):
            case "Network.requestWillBeSent":
                self.requested.append(parameters["request"]["url"])
            case "Runtime.consoleAPICalled":
                self.said.append(json.dumps(parameters["args"]))
            case "Runtime.exceptionThrown":
                self.said.append(json.dumps(parameters["exceptionDetails"]))
            case "Log.entryAdded":
                self.said.append(parameters["entry"]["text"])

    def open(self, url: str) -> None:
        """Go there, and wait until it is loaded."""
        self.tell("Page.navigate", url=url)
        eventually(lambda: self.ask("document.readyState === 'complete' && location.href !== 'about:blank'"), url)

    def ask(self, expression: str) -> Any:
        """The value of an expression in the page."""
        answer = self.tell("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def press(self, key: str) -> None:
        """Press a key: one of `_KEYS`, or a character."""
        code, text = _KEYS.get(key) or (ord(key.upper()), key)
        for kind in ("keyDown", "keyUp"):
            event = {"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code}
            self.tell("Input.dispatchKeyEvent", **event, **({"text": text} if text and kind == "keyDown" else {}))

    def write(self, text: str) -> None:
        """Write into the field that has the focus."""
        self.tell("Input.insertText", text=text)

    def look(self, *, width: int, height: int, dark: bool = False, phone: bool = False) -> None:
        """Take this size, and this scheme of colours."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.tell("Emulation.setEmulatedMedia", features=[scheme])
        self.tell("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=phone)

    def picture(self) -> bytes:
        """What is seen, as PNG."""
        return base64.b64decode(self.tell("Page.captureScreenshot", format="png")["data"])
