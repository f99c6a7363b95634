"""`python -m tests.browser.picture`: renew the picture of a report that the README shows."""

import shutil
from contextlib import chdir
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image

import normstat
from normstat.spec.files import save
from tests.browser.chromium import captured, show, started
from tests.conftest import ROOT

PLACE = ROOT / "normstat" / "docs" / "report.png"
MOST_BYTES = 150_000
_WIDTH = 720  # of the window, for each half
_SCALE = 5 / 6
_COLOURS = 192
# Texts to copy are folded, and what would be cut is not shown.
_FIT = """
for (const each of document.querySelectorAll('details')) each.open = false;
for (const each of document.querySelectorAll('h2, p, details'))
  if (each.getBoundingClientRect().bottom > arguments[0]) each.style.visibility = 'hidden';
"""
_ENDS = """
return ['histograms', 'presets'].map(id => document.getElementById(id).getBoundingClientRect())
  .map((box, last) => last ? box.bottom : box.top + 1);
"""


def main() -> None:
    """Take the beginning of the page in light, and its first plots in dark."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(ROOT / "sample_data" / "photos", folder / "sample_data" / "photos")
        with chdir(folder):
            save(normstat.compute("sample_data/photos", covariance=True), Path("normstat.json"))
            Path("report.html").write_bytes(normstat.report("normstat.json"))
        halves = _halves(folder / "report.html", folder / "profile")
    whole = Image.new("RGB", (sum(half.width for half in halves), halves[0].height))
    for index, half in enumerate(halves):
        whole.paste(half, (index * half.width, 0))
    file = BytesIO()
    whole.quantize(_COLOURS).save(file, "PNG", optimize=True)
    assert len(file.getvalue()) < MOST_BYTES, f"{len(file.getvalue()):,} bytes are too many"
    PLACE.write_bytes(file.getvalue())
    print(f"wrote {PLACE.relative_to(ROOT)}, {len(file.getvalue()):,} bytes")


def _halves(page: Path, profile: Path) -> list[Image.Image]:
    browser = started(profile)
    try:
        browser.execute_cdp_cmd("Emulation.setScrollbarsHidden", {"hidden": True})
        show(browser, page, _WIDTH, "dark")
        top, bottom = browser.execute_script(_ENDS)
        height = bottom - top
        dark = captured(browser, top, _WIDTH, height, _SCALE)
        show(browser, page, _WIDTH, "light")
        browser.execute_script(_FIT, height)
        light = captured(browser, 0, _WIDTH, height, _SCALE)
        return [Image.open(BytesIO(half)).convert("RGB") for half in (light, dark)]
    finally:
        browser.quit()


if __name__ == "__main__":
    main()
