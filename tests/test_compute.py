"""`compute` as a whole: the same bytes however it is cut, and options do what they say."""

import json
import os
import re
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import normstat
from normstat import reading
from normstat.backends import choose
from normstat.spec.files import dumps
from tests.conftest import ENGINES_AND_JOBS

PHOTOS = Path(__file__).parents[1] / "sample_data" / "photos"
ODD = PHOTOS.with_name("odd")


@pytest.fixture(scope="module")
def expected():
    return dumps(normstat.compute(PHOTOS, ODD, jobs=1, covariance=True))


@pytest.mark.parametrize(("backend", "jobs"), ENGINES_AND_JOBS)
def test_spec_is_byte_identical_for_any_backend_and_jobs(monkeypatch, expected, jobs, backend):
    monkeypatch.setattr(reading, "CHUNK_IMAGES", 4)  # enough chunks for five workers
    assert dumps(normstat.compute(PHOTOS, ODD, jobs=jobs, backend=backend, covariance=True)) == (
        expected
    )


@pytest.mark.parametrize(("images", "size"), [(1, 10**9), (3, 10**9), (512, 1), (512, 20_000)])
def test_spec_is_byte_identical_for_any_chunking(monkeypatch, expected, images, size):
    monkeypatch.setattr(reading, "CHUNK_IMAGES", images)
    monkeypatch.setattr(reading, "CHUNK_BYTES", size)
    assert dumps(normstat.compute(PHOTOS, ODD, jobs=2, covariance=True)) == expected


@pytest.mark.parametrize("sources", [(ODD, PHOTOS), (ODD, PHOTOS, ODD), (PHOTOS, ODD, PHOTOS)])
def test_spec_is_byte_identical_for_shuffled_sources(expected, sources):
    assert dumps(normstat.compute(*sources, covariance=True)) == expected


def test_every_photo_counts():
    spec = normstat.compute(PHOTOS)
    assert (spec.counts.images, spec.counts.skipped, spec.dataset.files) == (30, 0, 30)
    assert spec.counts.by_mode == {"RGB": 30}


def test_sizes_are_those_of_the_files():
    spec = normstat.compute(PHOTOS)
    widths = []
    for path in PHOTOS.rglob("*.jpg"):
        with Image.open(path) as image:
            widths.append(image.width)
    found = spec.counts.by_size.width
    assert (found.min, found.median, found.max) == (min(widths), np.median(widths), max(widths))


def test_limit_reads_the_first_and_says_so():
    spec = normstat.compute(PHOTOS, limit=7)
    assert spec.counts.images == 7
    assert (spec.estimator.coverage, spec.estimator.images_listed) == ("first", 30)
    assert spec.dataset == normstat.compute(PHOTOS).dataset


def test_limit_beyond_the_end_is_a_census():
    assert normstat.compute(PHOTOS, limit=99) == normstat.compute(PHOTOS)


def test_recipe_is_its_options_spelled_out():
    spelled = normstat.compute(
        PHOTOS, resize=256, crop=224, weighting="image", std="mean-of-images"
    )
    assert normstat.compute(PHOTOS, recipe="imagenet") == spelled
    assert spelled.counts.pixels == 30 * 224 * 224


def test_option_that_is_given_wins_over_the_recipe():
    spec = normstat.compute(PHOTOS, recipe="imagenet", std="pooled", crop=100)
    assert (spec.estimator.std, spec.pipeline.crop, spec.pipeline.resize) == ("pooled", 100, 256)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"recipe": "imagenett"}, "did you mean 'imagenet'"),
        ({"backend": "thread"}, "did you mean 'threads'"),
        ({"mode": "bgr"}, "option mode"),
        ({"alpha": "keep"}, "option alpha"),
        ({"std": "sample"}, "option std"),
        ({"crop": -1}, "option crop"),
        ({"crop": 0}, "option crop"),
        ({"resize": 0, "recipe": "imagenet"}, "option resize"),
        ({"weighting": ""}, "option weighting"),
        ({"std": "", "recipe": "imagenet"}, "option std"),
        ({"timeout": 0}, "timeout is 0 s"),
        ({"timeout": float("nan")}, "timeout is nan s"),
        ({"confidence": 1}, "confidence is 1"),
        ({"jobs": 0}, "jobs is 0"),
        ({"limit": 0}, "limit is 0"),
        ({"percentiles": ["101"]}, "from 0 to 100"),
        ({"percentiles": ["x"]}, "from 0 to 100"),
        ({"on_error": "stop"}, "unknown on_error"),
        ({"ddof": 1, "weighting": "image"}, "ddof 1 has no meaning"),
        ({"stratify": True}, "name sample or tolerance"),
        ({"stratify": True, "limit": 3}, "name sample or tolerance"),
    ],
)
def test_option_that_makes_no_sense_is_a_usage_error(options, message):
    with pytest.raises(normstat.UsageError, match=message):
        normstat.compute(PHOTOS, **options)


@pytest.mark.parametrize("verb", [normstat.compute, partial(normstat.apply, preset="imagenet")])
@pytest.mark.parametrize("name", ["include", "exclude", "extensions", "bands", "columns", "labels"])
def test_a_text_where_several_are_asked_for_is_not_taken_for_its_letters(
    verb, name, tmp_path, monkeypatch
):
    """exclude="night" would leave out what is called n, i, g, h or t, and so nothing."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(normstat.UsageError, match=rf"{name} is 'jpg', .*write \['jpg'\]"):
        verb(PHOTOS, **{name: "jpg"})
    assert not any(tmp_path.iterdir())


def test_percentiles_are_not_the_digits_of_one():
    with pytest.raises(normstat.UsageError, match=r"percentiles is '50,60', .*\['50', '60'\]"):
        normstat.compute(PHOTOS, percentiles="50,60")


def test_several_values_can_be_an_array_or_left_to_the_default():
    spec = normstat.compute(PHOTOS, bands=np.array(["3", "1"]), labels=None, include=None)
    assert spec.channels == ["B", "R"]


def test_without_any_source_it_is_said_what_is_missing():
    with pytest.raises(normstat.UsageError, match="name a SRC"):
        normstat.compute()


@pytest.mark.parametrize(
    ("images", "size", "jobs", "backend"),
    [
        (50_000, 50_000_000, 1, "serial"),
        (1_000, 100_000_000, 2, "threads"),
        (50, 50_000, 2, "serial"),  # starting processes would take longer than the work
        (50, 250_000, 2, "threads"),
        (50_000, 50_000_000, 2, "processes"),
    ],
)
def test_backend_is_chosen_by_file_size_and_count(images, size, jobs, backend):
    if jobs > 1 and not getattr(sys, "_is_gil_enabled", lambda: True)():
        backend = "threads"
    assert choose(images, size, jobs) == backend


def test_command_prints_table_and_writes_spec(run, tmp_path):
    code, out, err = run("compute", PHOTOS)
    assert (code, err) == (0, "wrote normstat.json\n")
    assert "mean of image stds" in out
    assert "images/s" in out
    assert json.loads((tmp_path / "normstat.json").read_text())["counts"]["images"] == 30


def test_command_and_library_give_the_same_bytes(run, tmp_path):
    run("compute", PHOTOS, "--recipe", "imagenet", "--percentiles", "1,50.0", "--ddof", "1")
    spec = normstat.compute(PHOTOS, recipe="imagenet", percentiles=[1, 50], ddof=1)
    written = (tmp_path / "normstat.json").read_text()
    assert written == dumps(spec).replace(str(PHOTOS), json.loads(written)["dataset"]["roots"][0])


@pytest.mark.parametrize("screen", ["json", "yaml"])
def test_dash_prints_the_spec_alone(run, tmp_path, screen):
    code, out, err = run("compute", PHOTOS, "-o", "-", "--format", screen)
    assert (code, err) == (0, "")
    assert not (tmp_path / "normstat.json").exists()
    (tmp_path / f"spec.{screen}").write_text(out)
    assert normstat.load(tmp_path / f"spec.{screen}") == normstat.compute(PHOTOS)


@pytest.mark.parametrize("screen", ["json", "yaml", "none"])
def test_format_decides_what_the_screen_shows(run, tmp_path, screen):
    _, out, _ = run("compute", PHOTOS, "--format", screen, "-o", f"s.{screen}.json")
    spec = normstat.load(tmp_path / f"s.{screen}.json")
    assert out == ("" if screen == "none" else dumps(spec, yaml=screen == "yaml"))


def test_quiet_prints_nothing(run, tmp_path):
    assert run("compute", PHOTOS, "-q") == (0, "", "")
    assert (tmp_path / "normstat.json").exists()


def test_progress_is_silent_when_no_terminal_looks(run):
    assert "img" not in run("compute", PHOTOS)[2]


def test_progress_shows_rates_when_asked(run):
    assert "img" in run("compute", PHOTOS, "--progress", "--backend", "serial")[2]


def test_option_comes_from_the_environment(run):
    code, out, _ = run("compute", PHOTOS, "-o", "-", env={"NORMSTAT_COMPUTE_LIMIT": "3"})
    assert code == 0
    assert json.loads(out)["counts"]["images"] == 3


def test_stamp_is_only_there_when_asked_for(run):
    assert json.loads(run("compute", PHOTOS, "-o", "-")[1])["stamp"] is None
    stamp = json.loads(run("compute", PHOTOS, "-o", "-", "--stamp")[1])["stamp"]
    assert stamp["host"] == os.uname().nodename


def test_links_that_are_not_entered_are_mentioned(run, tmp_path):
    (tmp_path / "set").mkdir()
    Image.new("L", (2, 2)).save(tmp_path / "set" / "a.png")
    (tmp_path / "set" / "more").symlink_to(PHOTOS)
    assert "1 linked folder not entered (--follow-symlinks)" in run("compute", "set")[2]
    assert "30" not in run("compute", "set", "-q", "--follow-symlinks")[2]
    assert normstat.load(tmp_path / "normstat.json").counts.images == 31


def test_help_has_each_option_once_under_its_heading(run):
    lines = run("compute", "--help").out.splitlines()
    headings = [line for line in lines if re.fullmatch(r"\w[\w ]+:", line)]
    assert headings == [
        "Options:", "Which files:", "How many of them:", "How files become pixels:",
        "Which pixels count:", "Which numbers:", "Workers:",
    ]  # fmt: skip
    options = [match[1] for line in lines if (match := re.match(r"  (?:-\w, )?(--[\w-]+)", line))]
    assert len(options) == len(set(options)) > 50
    place = {
        option: lines.index(next(each for each in lines if option in each)) for option in options
    }
    assert (
        lines.index("Which pixels count:") < place["--ignore-value"] < lines.index("Which numbers:")
    )
