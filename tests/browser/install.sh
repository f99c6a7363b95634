#!/bin/sh
# Install Chromium and its driver from the system's packages where they are missing.
set -eu

has_browser() {
    command -v chromedriver >/dev/null && {
        command -v chromium || command -v chromium-browser || command -v google-chrome
    } >/dev/null
}

if has_browser; then exit 0; fi
if [ "$(id -u)" -eq 0 ]; then as_root=""; else as_root="sudo -n"; fi
if ! command -v apt-get >/dev/null; then
    echo "make test-browser needs Chromium and chromedriver, and apt-get to install them is not here:" >&2
    echo "install both by hand so that 'chromium --version' and 'chromedriver --version' run" >&2
    exit 1
fi
if [ -n "$as_root" ] && ! $as_root true 2>/dev/null; then
    echo "make test-browser needs Chromium and chromedriver, and may not install them:" >&2
    echo "  sudo apt-get install chromium chromium-driver" >&2
    exit 1
fi
$as_root apt-get update -q
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -q -y --no-install-recommends \
    chromium chromium-driver fonts-dejavu-core
has_browser || { echo "Chromium was installed and is not found on PATH" >&2; exit 1; }
