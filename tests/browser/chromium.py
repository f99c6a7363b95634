"""A real browser without a window, and what a device sees in it."""

import base64
import shutil
from pathlib import Path

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

_FLAGS = [
    "--headless",
    "--no-sandbox",  # tests run as root in containers, where the sandbox does not start
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def started(profile: Path) -> webdriver.Chrome:
    """Start Chromium, by the driver of the same package, with a folder for its profile."""
    options = webdriver.ChromeOptions()
    options.binary_location = _program("chromium", "chromium-browser", "google-chrome")
    for flag in [*_FLAGS, f"--user-data-dir={profile}"]:
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    options.set_capability("unhandledPromptBehavior", "ignore")  # an alert has to be seen
    return webdriver.Chrome(options=options, service=Service(_program("chromedriver")))


def _program(*names: str) -> str:
    found = next(filter(None, map(shutil.which, names)), None)
    assert found, f"none of {', '.join(names)} is installed; `make test-browser` installs it"
    return found


def show(browser: webdriver.Chrome, path: Path, width: int = 1440, scheme: str = "light") -> None:
    """Open a page as a device of this width and scheme sees it, and forget what was logged."""
    browser.get("about:blank")
    for log in ("browser", "performance"):
        browser.get_log(log)
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    feature = {"name": "prefers-color-scheme", "value": scheme}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})
    browser.get(path.as_uri())


def captured(
    browser: webdriver.Chrome, top: float, width: int, height: float, scale: float = 1
) -> bytes:
    """Return a part of the page that is shown, as PNG; it may lie below the window."""
    clip = {"x": 0, "y": top, "width": width, "height": height, "scale": scale}
    taken = browser.execute_cdp_cmd(
        "Page.captureScreenshot", {"captureBeyondViewport": True, "clip": clip}
    )
    return base64.b64decode(taken["data"])
