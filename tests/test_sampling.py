"""Random samples: which images they take, when they stop, and whether the stated error holds."""

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from scipy.stats import norm

import normstat
from normstat.errors import UsageError
from normstat.sampling import drawn, fixed_size, next_look
from normstat.sources import Selection, list_files
from normstat.spec.files import dumps
from tests.simulation import Population, covered, made

NAMES = [
    f"{folder}/{index}.png" for folder, count in (("a", 30), ("b", 300)) for index in range(count)
]


@pytest.fixture
def images(tmp_path, monkeypatch):
    """600 small gray images in two folders, of which one is brighter."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(1)
    for folder, count, light in (("dark", 400, 60), ("bright", 200, 160)):
        Path("x", folder).mkdir(parents=True)
        for index in range(count):
            codes = rng.normal(rng.normal(light, 20), 25, (6, 6)).clip(0, 255)
            Image.fromarray(codes.astype(np.uint8)).save(f"x/{folder}/{index}.png")
    return tmp_path


# --- which images ---


@given(st.integers(0, 2**53), st.booleans())
def test_every_image_has_one_place_in_the_order(seed, stratify):
    order = drawn(NAMES, seed=seed, stratify=stratify)
    assert sorted(order) == list(range(len(NAMES)))
    assert order == drawn(NAMES, seed=seed, stratify=stratify)


@given(st.integers(0, 2**53), st.integers(1, 330))
def test_a_stratified_sample_has_each_folder_in_proportion_within_one_image(seed, count):
    found = Counter(NAMES[place][0] for place in drawn(NAMES, seed=seed, stratify=True)[:count])
    for folder, size in (("a", 30), ("b", 300)):
        assert abs(found[folder] - count * size / 330) <= 1


def test_a_sample_takes_every_image_equally_often():
    taken = Counter()
    for seed in range(4000):
        taken.update(drawn(NAMES[:20], seed=seed, stratify=False)[:5])
    # 1,000 expected each; five standard deviations of a binomial count
    assert all(abs(taken[place] - 1000) < 5 * (4000 * 0.25 * 0.75) ** 0.5 for place in range(20))


def test_other_files_hardly_change_a_sample():
    first = {NAMES[place] for place in drawn(NAMES, seed=3, stratify=False)[:100]}
    fewer = NAMES[:50] + NAMES[53:]
    second = {fewer[place] for place in drawn(fewer, seed=3, stratify=False)[:100]}
    assert len(first & second) >= 97


@pytest.mark.parametrize(
    ("sample", "images"),
    [("1", 1), (7, 7), ("7", 7), ("5%", 10), ("0.1%", 1), ("100%", 200), ("900", 200)],
)
def test_sizes_are_numbers_or_percentages(sample, images):
    assert fixed_size(sample, 200) == images


@pytest.mark.parametrize(
    "sample", ["0", "-1", "1.5", "0%", "101%", "many", "", "nan", "1/0", "5 %%"]
)
def test_other_sizes_are_wrong_usage(run, images, sample):
    with pytest.raises(UsageError, match="sample"):
        normstat.compute("x", sample=sample)
    ran = run("compute", "x", f"--sample={sample}")
    assert (ran.code, "neither a number of images nor a percentage" in ran.err) == (2, True)


# --- when it stops ---


@given(
    st.integers(2, 10**6),
    st.floats(1e-6, 1),
    st.floats(1e-6, 1),
    st.integers(2, 10**7),
)
def test_the_next_look_is_farther_and_never_beyond_the_end(read, width, tolerance, total):
    read = min(read, total - 1)
    found = next_look(read, width, tolerance, total)
    assert read < found <= total
    assert found <= 4 * read


def test_it_stops_within_the_tolerance_and_not_at_the_first_look_when_that_is_too_early(images):
    spec = normstat.compute("x", tolerance=0.014)
    assert 200 < spec.counts.images < 600
    assert max(spec.confidence.mean + spec.confidence.std) <= 0.014
    drawn_images = spec.estimator.sample
    assert (drawn_images.images, drawn_images.tolerance) == (spec.counts.images, 0.014)
    assert (spec.estimator.coverage, spec.estimator.images_listed) == ("sample", 600)


def test_a_wide_tolerance_still_reads_two_hundred(images):
    assert normstat.compute("x", tolerance=1.0).counts.images == 200


def test_reaching_every_image_is_a_census_with_the_bytes_of_one(run, images):
    census = dumps(normstat.compute("x"))
    for options in ({"tolerance": 1e-9}, {"sample": "100%"}, {"sample": 600}, {"sample": 9999}):
        assert dumps(normstat.compute("x", **options)) == census
    ran = run("compute", "x", "--tolerance", "1e-9", "--no-progress")
    assert (ran.code, "600, a census" in ran.out) == (0, True)


@pytest.mark.parametrize("stratify", [False, True])
def test_the_same_seed_gives_the_same_bytes_however_the_work_is_cut(images, stratify):
    options = {"tolerance": 0.014, "stratify": stratify}
    first = dumps(normstat.compute("x", jobs=1, **options))
    assert dumps(normstat.compute("x", jobs=2, backend="threads", **options)) == first
    assert dumps(normstat.compute("x", jobs=2, backend="processes", **options)) == first
    assert dumps(normstat.compute("x", seed=1, **options)) != first


def test_the_finite_population_narrows_the_half_width(images):
    spec = normstat.compute("x", sample=300)
    names = list_files(["x"], Selection()).names
    order = drawn(names, seed=0, stratify=False)[:300]
    alone = normstat.compute(*(Path("x", names[place]) for place in order))
    assert spec.mean == alone.mean
    narrower = np.sqrt(1 - 300 / 600)
    assert spec.confidence.mean == pytest.approx(narrower * np.array(alone.confidence.mean))
    assert spec.confidence.std == pytest.approx(narrower * np.array(alone.confidence.std))


def test_a_higher_confidence_widens_by_the_ratio_of_quantiles(images):
    usual, wide = (normstat.compute("x", sample=250, confidence=p) for p in (0.95, 0.99))
    ratio = norm.ppf(0.995) / norm.ppf(0.975)
    assert wide.confidence.mean == pytest.approx(ratio * np.array(usual.confidence.mean))
    assert (usual.confidence.level, wide.confidence.level) == (0.95, 0.99)


def test_unreadable_images_of_a_sample_are_named_and_do_not_count(images):
    for path in list(Path("x/dark").iterdir())[:100]:
        path.write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    spec = normstat.compute("x", sample=300)
    assert spec.counts.images + spec.counts.skipped == 300 == spec.estimator.sample.images
    assert 20 < spec.counts.skipped < 80


def test_the_sample_is_told_on_the_screen_and_proven_by_validate(run, images):
    ran = run("compute", "x", "--sample", "40%", "--seed", "7", "--stratify", "--confidence", "0.9")
    for words in (
        "± 90%",
        "240 of 600, sample of seed 7, each folder in proportion",
        "min and max",
    ):
        assert words in " ".join(ran.out.split()), words
    assert run("validate", "normstat.json", "x", "--deep").code == 0
    folders = normstat.load().state.modes
    assert folders == {"L": 240}


@pytest.mark.parametrize(
    "options",
    [
        ("--sample", "5", "--limit", "5"),
        ("--sample", "5", "--tolerance", "0.1"),
        ("--tolerance", "0"),
        ("--tolerance", "-1"),
        ("--confidence", "1"),
        ("--seed", "-1"),
    ],
)
def test_what_does_not_fit_is_wrong_usage(run, images, options):
    ran = run("compute", "x", *options)
    assert (ran.code, "Traceback" in ran.err) == (2, False), ran.err


# --- whether it is true ---


def test_the_stated_interval_holds_as_often_as_stated():
    population = Population(made(np.random.default_rng(5), images=3000))
    held, _ = covered(population, tolerance=0.012, seeds=range(250))
    # Three standard deviations of a count of 250 around the 95 %.
    assert np.all(np.abs(held.mean(axis=0) - 0.95) < 3 * np.sqrt(0.95 * 0.05 / 250)), held.mean(
        axis=0
    )
