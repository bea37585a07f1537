"""Headless Chromium over its debugging pipe, where it is installed: no driver is needed."""

import base64
import itertools
import json
import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless=new", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-extensions",
    "--disable-background-networking", "--disable-component-update", "--remote-debugging-pipe",
)  # fmt: skip


def installed() -> str | None:
    """The browser on PATH, None if there is none."""
    return next((found for name in NAMES if (found := shutil.which(name))), None)


class Browser:
    """One page in a browser of its own; a context manager.

    errors: what the console and the page itself complained of.
    """

    def __init__(self, program: str, profile: Path) -> None:
        told, self._to = os.pipe()
        self._from, tells = os.pipe()
        # Chromium reads from descriptor 3 and writes to 4.
        shell = ["bash", "-c", f'exec 3<&{told} 4>&{tells}; exec "$@"', "bash"]
        command = [*shell, program, *FLAGS, f"--user-data-dir={profile}", "about:blank"]
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        self._process = subprocess.Popen(command, pass_fds=(told, tells), **quiet)
        os.close(told)
        os.close(tells)
        self._numbers, self._unread, self._session = itertools.count(1), b"", None
        self.errors: list[str] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._to)
        os.close(self._from)

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """The answer to a command of the debugging protocol."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params}
        message |= {"sessionId": self._session} if self._session else {}
        os.write(self._to, json.dumps(message).encode() + b"\0")
        while (answer := self._next()).get("id") != number:
            said = answer.get("params", {})
            if answer.get("method") == "Runtime.exceptionThrown":
                self.errors.append(said["exceptionDetails"]["text"])
            if answer.get("method") == "Log.entryAdded" and said["entry"]["level"] == "error":
                self.errors.append(said["entry"]["text"])
        assert "error" not in answer, answer
        return answer["result"]

    def _next(self) -> dict[str, Any]:
        while b"\0" not in self._unread:
            found = os.read(self._from, 1 << 16)
            assert found, "the browser is gone"
            self._unread += found
        line, self._unread = self._unread.split(b"\0", 1)
        return json.loads(line)

    def open(self, file: Path, seconds: float = 30.0) -> float:
        """Open a page; the seconds until it says that it is ready."""
        begin = time.monotonic()
        self.call("Page.navigate", url=file.as_uri())
        while not self.run("location.protocol === 'file:' && document.documentElement?.dataset.ready"):
            assert time.monotonic() < begin + seconds, "the page is never ready"
            time.sleep(0.02)
        return time.monotonic() - begin

    def run(self, script: str) -> Any:
        """The value of a script's last expression, as JSON has it."""
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def screenshot(self, file: Path, theme: str = "light", width: int = 1400, height: int = 1000) -> None:
        """What a reader with this theme sees, as PNG."""
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": theme}])
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)
        file.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))
