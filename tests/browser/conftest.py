"""A real browser without a window, and the pages that it is shown."""

import shutil
from pathlib import Path

import pytest

import normstat
from normstat.spec.files import save
from tests.browser.chromium import started
from tests.conftest import ROOT
from tests.specs import HOSTILE, PAGES, made


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    """Chromium, until the last test."""
    driver = started(tmp_path_factory.mktemp("profile"))
    yield driver
    driver.quit()


@pytest.fixture(scope="session")
def pages(tmp_path_factory) -> dict[str, Path]:
    """Reports of every kind, each a file of its own."""
    folder = tmp_path_factory.mktemp("pages")
    hostile = folder / HOSTILE.removesuffix(".jpg")
    shutil.copytree(ROOT / "sample_data" / "photos" / "night", hostile)
    shutil.copy(ROOT / "sample_data" / "photos" / "coast" / "coast-01.jpg", hostile / HOSTILE)
    below = hostile / "'\"><script>alert(9)<"
    below.mkdir()
    (below / "x.png").write_text("no image")
    shutil.copy(ROOT / "sample_data" / "photos" / "coast" / "coast-02.jpg", below)
    specs = {name: made(**options) for name, options in PAGES.items()}
    contents = {name: normstat.report(spec) for name, spec in specs.items()}
    contents["photos"] = normstat.report(ROOT / "sample_data" / "photos")
    odd = normstat.compute(ROOT / "sample_data" / "odd", exclude=("float.tif",))
    contents["odd"] = normstat.report(odd)
    contents["pictures"] = normstat.report(hostile)
    contents["groups"] = normstat.report(normstat.compute(hostile, group_by="parent"))
    save(specs["rgb"], folder / f"{HOSTILE}.json")
    contents["several"] = normstat.report(
        ROOT / "sample_data" / "photos", folder / f"{HOSTILE}.json", specs["gray"], specs["bands"]
    )
    bands = normstat.compute(ROOT / "sample_data" / "deep" / "satellite13.tif", covariance=True)
    contents["satellite"] = normstat.report(bands)
    photos = [
        normstat.compute(ROOT / "sample_data" / "photos", **options)
        for options in ({"covariance": True}, {"recipe": "imagenet"}, {"group_by": "parent"})
    ]
    contents["three"] = normstat.report(*photos)
    longer = folder / "groups"
    for number, word in enumerate(("night", "coast", "forest")):
        shutil.copytree(
            ROOT / "sample_data" / "photos" / word, longer / f"{number} {word * 18} {word} photos"
        )
    contents["grouped"] = normstat.report(normstat.compute(longer, group_by="parent"))
    for name, content in contents.items():
        (folder / f"{name}.html").write_bytes(content)
    return {name: folder / f"{name}.html" for name in contents}


@pytest.fixture(scope="session")
def screenshots(tmp_path_factory) -> Path:
    """A folder of pictures for people to look at."""
    return tmp_path_factory.mktemp("screenshots")


def pytest_terminal_summary(terminalreporter, config):
    """Say where the screenshots are."""
    factory = getattr(config, "_tmp_path_factory", None)
    found = sorted(factory.getbasetemp().glob("screenshots*")) if factory else []
    if found:
        terminalreporter.write_line(f"screenshots to look at: {found[0]}")
