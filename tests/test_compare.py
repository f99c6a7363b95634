"""The real command: what it compares, what it prints, and the code that it ends with."""

import json
import re
from xml.etree import ElementTree as ET

import jsonschema
import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from PIL import Image

import normstat
from normstat.cli import main
from normstat.comparison import Candidate, compare, rank
from normstat.errors import SpecError
from normstat.metrics import METRICS
from normstat.presets import load_catalogue, preset
from normstat.reports.comparison_markup import code
from normstat.spec.files import save
from normstat.spec.model import Constants
from tests.conftest import Ran

IMAGENET = preset("imagenet")
# Values without a range, as reflectances are.
VALUES = msgspec.structs.replace(
    IMAGENET,
    mean=[30000.0],
    std=[8000.0],
    max_pixel_value=1,
    preset=msgspec.structs.replace(IMAGENET.preset, code_max=None),
)


def constants(mean, std, max_pixel_value=255, channels="RGB"):
    return Constants(channels=[*channels], mean=mean, std=std, max_pixel_value=max_pixel_value)


def write_images(folder, seed, count=24, *, mode="RGB", brighter=0):
    """Write small lossless images whose brightness varies from image to image."""
    rng = np.random.default_rng(seed)
    folder.mkdir()
    shape = (8, 8, 3) if mode == "RGB" else (8, 8)
    for index in range(count):
        codes = rng.normal(rng.uniform(80, 150) + brighter, 30, shape).clip(0, 255)
        if mode == "I;16":
            image = Image.fromarray((codes * 257).astype(np.uint16))
        else:
            image = Image.fromarray(codes.astype(np.uint8))
        image.save(folder / f"{index:02}.png")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Folders of images, and their specs."""
    folder = tmp_path_factory.mktemp("made")
    for name, options in {
        "first": {"seed": 1},
        "second": {"seed": 2},
        "brighter": {"seed": 3, "brighter": 60},
        "gray": {"seed": 4, "mode": "L"},
        "deep": {"seed": 4, "mode": "I;16"},
    }.items():
        write_images(folder / name, **options)
        spec = normstat.compute(folder / name, backend="serial")
        save(spec, folder / f"{name}.json")
    save(normstat.load(folder / "first.json"), folder / "first.yaml")
    return folder


@pytest.fixture
def work(made, tmp_path):
    """The working folder of the command, where all of these lie."""
    for each in made.iterdir():
        (tmp_path / each.name).symlink_to(each)
    (tmp_path / "normstat.json").symlink_to(made / "first.json")
    return tmp_path


@pytest.fixture
def here(work, monkeypatch, capsys):
    """The command without a process of its own, for long tables: same entry, code and text."""
    monkeypatch.chdir(work)
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(work / "config"))

    def command(*args):
        with pytest.raises(SystemExit) as end:
            main([*args])
        return Ran(end.value.code, *capsys.readouterr())

    return command


def candidate(folder, name):
    return Candidate(name=name, spec=normstat.load(folder / f"{name}.json"))


def test_three_lines_of_a_new_user_work_as_typed(run, made, tmp_path):
    (tmp_path / "images").symlink_to(made / "first")
    assert run("compute", "./images").code == 0
    code, out, err = run("compare")
    assert (code, err) == (0, "")
    assert "imagenet" in out
    assert "what to do" in out
    code, out, err = run("compare", "--preset", "imagenet", "--fail-on", "shift>0.5")
    assert (code, err) == (0, "")
    assert "PASS" in out


ENDS = [
    (0, ["--preset", "imagenet", "--fail-on", "shift>3"], "PASS"),
    (0, ["normstat.json", "first.yaml", "--fail-on", "js>0", "--tolerance", "0"], "PASS"),
    (1, ["--preset", "imagenet", "--fail-on", "shift>0.01"], "FAIL"),
    (1, ["--preset", "imagenet", "--tolerance", "0.001"], "FAIL"),
    (1, ["normstat.json", "first.yaml", "brighter.json", "--fail-on", "js>0.02"], "FAIL"),
    (2, ["--preset", "imagenet", "--fail-on", "shfit>0.1"], "did you mean 'shift'"),
    (2, ["--preset", "imagenet", "--fail-on", "shift<0.1"], "METRIC>NUMBER"),
    (2, ["--preset", "imagenet", "--fail-on", "shift>nan"], "METRIC>NUMBER"),
    (2, ["--preset", "imagenett"], "did you mean 'imagenet'"),
    (2, ["normstat.json", "imagenett"], "did you mean 'imagenet'"),
    (2, ["--fail-on", "shift>0.1"], "--preset NAME"),
    (2, ["--preset", "imagenet", "--significant"], "--significant"),
    (2, ["--preset", "imagenet", "--fail-on", "js>0.1"], "histogram"),
    (3, ["nowhere.json"], "nowhere.json: no such file"),
    (3, ["list.json", "imagenet"], "not a normstat spec"),
    (3, ["gray.json", "imagenet"], "channels differ: gray.json has L, imagenet has R G B"),
    (3, ["zero.json", "imagenet"], "zero.json: std of channel G is 0"),
    (3, ["normstat.json", "zero.json"], "zero.json: std of channel G is 0"),
    (3, ["nan.yaml", "imagenet"], "nan.yaml: Expected a finite number - at `$.mean[1]`"),
    (3, ["normstat.json", "--presets", "none.yaml"], "none.yaml"),
    (3, ["empty", "imagenet"], "empty"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "args", "text"), ENDS, ids=[" ".join(row[1]) for row in ENDS])
def test_every_end_has_its_code_and_its_reason(here, work, code, args, text):
    (work / "list.json").write_text("[1]")
    (work / "empty").mkdir()
    save(constants([0.5] * 3, [0.2, 0.0, 0.2]), work / "zero.json")
    nan = "normstat_spec: 1\nchannels: [R, G, B]\nmax_pixel_value: 255\n"
    (work / "nan.yaml").write_text(f"{nan}mean: [0.5, .nan, 0.5]\nstd: [1, 1, 1]\n")
    found = here("compare", *args)
    assert found.code == code, found
    if code < 2:
        assert text in found.out
        assert found.err == ""
    else:
        assert text in found.err
        assert found.out == ""
        assert "Traceback" not in found.err


def test_a_gate_that_the_environment_sets_gates(run, made):
    rules = {"NORMSTAT_COMPARE_FAIL_ON": "gain>9 shift>0.01", "NORMSTAT_COMPARE_PRESET": "imagenet"}
    code, out, _ = run("compare", made / "first.json", env=rules)
    assert code == 1
    assert "breaks shift>0.01" in " ".join(out.split())
    assert "breaks gain>9" not in out


def test_missing_spec_says_how_to_make_one(run):
    code, _, err = run("compare")
    assert code == 3
    assert "normstat compute FOLDER" in err


@pytest.mark.parametrize(
    ("mean", "std"), [(1e300, 0.2), (0.5, 1e-200), (0.5, 1e-160), (0.5, 1e300)]
)
@pytest.mark.parametrize("order", [1, -1])
def test_absurd_constants_are_refused_or_have_finite_metrics(made, mean, std, order):
    """A metric that is not a number is below every limit, so that a gate would pass."""
    absurd = Candidate(name="absurd", spec=constants([mean] * 3, [std] * 3))
    try:
        pair = compare(*(absurd, candidate(made, "first"))[::order])
    except SpecError as error:
        assert "absurd" in str(error)  # noqa: PT017 (the other way out is as good)
    else:
        assert all(np.isfinite(values).all() for values in pair.metrics.values())


UNITS = {"seconds since 1970": 1.7e9, "32 bits": 2.0**31, "small": 9e-14, "usual": 3.0}


@pytest.mark.parametrize("unit", UNITS.values(), ids=UNITS)
@pytest.mark.parametrize("other", UNITS.values(), ids=UNITS)
def test_values_without_a_range_are_compared_in_any_unit(run, unit, other):
    values = np.random.default_rng(5).normal(2, 1, (30, 40))
    for name, each in (("a", unit), ("b", other)):
        np.save(run.folder / f"{name}.npy", values * each)
        assert run("compute", f"{name}.npy", "-o", f"{name}.json", "-q").code == 0
    code, out, err = run("compare", "a.json", "b.json")
    assert (code, err) == (0, "")
    assert max(len(line.rstrip()) for line in out.splitlines()) <= 100
    assert not re.search(r"\d{12}", out)
    if unit == other:
        assert re.search(r"gain +1\.0000", out)
    found = json.loads(run("compare", "a.json", "b.json", "--format", "json").out)
    metrics = found["comparisons"][0]["metrics"]
    assert metrics["gain"] == pytest.approx([unit / other], rel=1e-9)
    shift = values.mean() * (unit - other) / (values.std() * other)
    assert metrics["shift"] == pytest.approx([shift], rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("exponent", [-200, -80, -74, -40, 40, 74, 80, 200, 300])
@pytest.mark.parametrize("other", [-74, 0, 74])
def test_metrics_of_values_in_any_unit_are_finite_or_refused(tmp_path, exponent, other):
    np.save(tmp_path / "a.npy", np.random.default_rng(5).normal(2, 1, (5, 4, 3)))
    spec = normstat.compute(tmp_path / "a.npy")
    far, near = (
        Candidate(name="x", spec=msgspec.structs.replace(spec, mean=[mean] * 3, std=[std] * 3))
        for mean, std in ((10.0**exponent, 10.0**exponent), (-2 * 10.0**other, 10.0**other))
    )
    for pair in ((far, near), (near, far)):
        if abs(exponent) > 75:
            with pytest.raises(SpecError, match="only numbers from 1e-75 to 1e"):
                compare(*pair)
        else:
            metrics = compare(*pair).metrics
            assert all(np.isfinite(values).all() for values in metrics.values())


def test_a_std_that_no_images_have_is_refused_with_the_reason(made):
    for mean, std, number in [(0.5, 1e10, "std of channel R is 1e+10"), (1e12, 1, "mean of ch")]:
        absurd = Candidate(name="absurd", spec=constants([mean] * 3, [std] * 3))
        with pytest.raises(SpecError, match="in another unit, or its max_pixel_value") as caught:
            compare(absurd, candidate(made, "first"))
        assert number in str(caught.value)


def test_gray_images_read_as_rgb_with_covariance_are_compared(run, work):
    for name, seed in (("one", 5), ("two", 6)):
        write_images(work / name, seed, mode="L")
        spec = normstat.compute(work / name, mode="rgb", covariance=True, backend="serial")
        save(spec, work / f"{name}.json")
    code, out, err = run("compare", "one.json", "two.json", "--format", "json")
    assert (code, err) == (0, "")
    metrics = json.loads(out)["comparisons"][0]["metrics"]
    assert all(np.isfinite(values).all() for values in metrics.values())


def test_gain_fails_in_both_directions_and_names_the_channel(here, work):
    spec = normstat.load(work / "normstat.json")
    for factor, shown in ((1.5, "0.6667"), (1 / 1.5, "1.5")):
        changed = [spec.std[0], spec.std[1], spec.std[2] * factor]
        save(constants(spec.mean, changed), work / "changed.json")
        code, out, _ = here("compare", "normstat.json", "changed.json", "--fail-on", "gain>1.25")
        assert code == 1
        assert f"channel B: gain {shown} breaks gain>1.25" in out
        assert out.count("FAIL") == 1


@pytest.mark.parametrize(("limit", "code"), [("0.02", 0), ("0.005", 1)])
@pytest.mark.parametrize("part", ["mean", "std"])
def test_tolerance_is_about_mean_and_std_in_units_of_the_range(here, work, part, limit, code):
    spec = normstat.load(work / "normstat.json")
    numbers = {"mean": list(spec.mean), "std": list(spec.std)}
    numbers[part][1] -= 0.01
    in_codes = ([value * 255 for value in numbers[each]] for each in ("mean", "std"))
    save(constants(*in_codes, max_pixel_value=1), work / "codes.json")
    found = here("compare", "normstat.json", "codes.json", "--tolerance", limit)
    assert found.code == code
    assert ("channel G: " + part in found.out) == bool(code)


@pytest.mark.parametrize(
    ("other", "options", "code"),
    [
        ("second", [], 1),
        ("second", ["--significant"], 0),
        ("brighter", [], 1),
        ("brighter", ["--significant"], 1),
    ],
)
def test_gate_flaps_only_without_significant(here, work, other, options, code):
    """`second` is of the population of `first`; `brighter` is not."""
    rules = ["--fail-on", "shift>0.01", "--fail-on", "js>0.0001", "--tolerance", "0.001"]
    assert here("compare", "first.json", f"{other}.json", *rules, *options).code == code


def test_interval_of_the_difference_adds_both_half_widths(made):
    pair = compare(candidate(made, "first"), candidate(made, "second"))
    ours, theirs = (normstat.load(made / f"{name}.json") for name in ("first", "second"))
    for part in ("mean", "std"):
        found = getattr(pair, part)
        halves = np.hypot(getattr(ours.confidence, part), getattr(theirs.confidence, part))
        assert found.half_width == pytest.approx(halves)
        assert found.difference == pytest.approx(np.subtract(ours[part], theirs[part]))
    alone = compare(candidate(made, "first"), Candidate(name="imagenet", spec=IMAGENET))
    assert alone.mean.half_width == pytest.approx(ours.confidence.mean)


def test_a_difference_that_breaks_a_rule_is_not_shown_as_none(here, work):
    """Four decimals of 0.00002 are 0.0000."""
    spec = normstat.load(work / "normstat.json")
    near = Constants(
        channels=spec.channels,
        mean=[mean + 2e-5 for mean in spec.mean],
        std=spec.std,
        max_pixel_value=spec.max_pixel_value,
    )
    save(near, work / "near.json", force=True)
    found = here("compare", "normstat.json", "near.json", "--tolerance", "1e-5")
    assert found.code == 1
    rows = {line.split()[0]: line.split()[-3:] for line in found.out.splitlines() if line.strip()}
    first = next(line for line in found.out.splitlines() if "A − B" in line)
    assert first.split()[-3:] == ["-2.0e-05"] * 3
    assert "0.0000" not in rows["shift"][0]
    assert found.out.count("2e-05 apart") == 3


def test_half_widths_are_of_95_percent_whatever_level_a_spec_has(made):
    usual = compare(candidate(made, "first"), candidate(made, "second"))
    ends = [
        Candidate(name=name, spec=normstat.compute(made / name, confidence=level))
        for name, level in (("first", 0.5), ("second", 1 - 2**-53))
    ]
    found = compare(*ends)
    for part in ("mean", "std"):
        ours, expected = getattr(found, part), getattr(usual, part)
        assert ours.half_width == pytest.approx(expected.half_width, rel=1e-12)
        assert ours.significant == expected.significant
    nothing = Candidate(name="first", spec=normstat.compute(made / "first", confidence=1e-300))
    assert compare(nothing, ends[1]).mean is None


def test_half_widths_are_in_the_unit_of_the_differences(made):
    deep = candidate(made, "deep")
    values = Candidate(name="codes", spec=msgspec.structs.replace(VALUES, channels=["L"]))
    found = compare(deep, values)
    assert found.in_codes
    expected = np.multiply(deep.spec.confidence.mean, 65535)
    assert found.mean.half_width == pytest.approx(expected)


def test_equal_specs_are_ideal_in_every_metric(made):
    pair = compare(candidate(made, "first"), candidate(made, "first"))
    assert pair.metrics.keys() == METRICS.keys()
    for name, values in pair.metrics.items():
        assert values == [METRICS[name].ideal] * len(values)
    assert pair.findings == []


def test_folders_are_measured_on_the_fly_like_their_specs(run, work):
    as_folders = run("compare", "first", "second", "--format", "json")
    as_specs = run("compare", "first.json", "second.json", "--format", "json")
    assert as_folders.code == as_specs.code == 0
    assert as_folders.out == as_specs.out.replace("first.json", "first").replace(
        "second.json", "second"
    )


@pytest.mark.parametrize("ranked", [True, False])
def test_json_fits_its_schema(here, work, ranked):
    args = [] if ranked else ["normstat.json", "first.yaml", "clip", "--fail-on", "shift>0.1"]
    answer = json.loads(here("compare", *args, "--format", "json").out)
    schema = json.loads(here("schema", "comparison").out)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(answer, schema)
    assert answer["ranked"] is ranked
    if not ranked:
        assert [each["b"]["name"] for each in answer["comparisons"]] == ["first.yaml", "clip"]
        assert {each["b"] for each in answer["gate"]["violations"]} == {"clip"}


def test_ranking_goes_from_near_to_far_and_folds_equal_presets(made):
    specs = [each.spec() for each in load_catalogue()]
    ranking = rank(Candidate(name="imagenet", spec=IMAGENET), specs)
    distances = [each.metrics["jeffreys"][0] for each in ranking]
    assert distances == sorted(distances)
    nearest = ranking[0]
    assert nearest.b.name == "imagenet"
    assert {"imagenet-255", "imagenet-bgr-255"} <= set(nearest.also)
    assert nearest.metrics["shift"] == pytest.approx([0, 0, 0], abs=1e-9)
    names = [name for each in ranking for name in (each.b.name, *each.also)]
    assert len(names) == len(set(names))


def test_gray_dataset_is_ranked_among_gray_presets_only(here, work):
    answer = json.loads(here("compare", "gray.json", "--format", "json").out)
    assert {tuple(each["channels"]) for each in answer["comparisons"]} == {("L",)}
    names = {each["b"]["name"] for each in answer["comparisons"]}
    assert "mnist" in names
    assert "imagenet" not in names


def test_channels_are_matched_by_name_not_by_place(made):
    rgb, bgr = (
        compare(candidate(made, "first"), Candidate(name=name, spec=preset(name)))
        for name in ("imagenet", "imagenet-bgr-255")
    )
    assert rgb.b.mean == pytest.approx(bgr.b.mean)
    assert rgb.metrics["shift"] == pytest.approx(bgr.metrics["shift"])
    assert rgb.metrics["gain"] == pytest.approx(bgr.metrics["gain"])


@pytest.mark.parametrize("other", ["mnist", "gray"])
def test_16_bit_images_meet_8_bit_numbers_in_units_of_the_range(made, other):
    """The codes are the 8-bit ones times 257, with the digits that 8 bits round away."""
    find = Candidate(name="mnist", spec=preset("mnist")) if other == "mnist" else None
    deep, gray = (compare(candidate(made, a), find or candidate(made, "gray"))
                  for a in ("deep", "gray"))  # fmt: skip
    assert deep.a.mean == pytest.approx(gray.a.mean, abs=0.5 / 255 + 1e-6)
    assert deep.metrics["shift"] == pytest.approx(gray.metrics["shift"], abs=0.02)
    assert deep.metrics["gain"] == pytest.approx(gray.metrics["gain"], abs=0.01)
    if other == "gray":
        assert deep.metrics["w1"][0] < 0.005


def test_constants_in_codes_are_their_preset(here, work):
    """Divided by one, 8-bit codes need means in 0 to 255: these are imagenet-255 itself."""
    save(constants([123.675, 116.28, 103.53], [58.395, 57.12, 57.375], 1), work / "codes.json")
    rule = ["--tolerance", "0.000001"]
    assert here("compare", "codes.json", "imagenet-255", "--preset", "imagenet", *rule).code == 0


def test_own_presets_are_usable_as_b_and_as_preset(here, work):
    out = here("presets", "imagenet", "--format", "yaml").out
    (work / "imagenet.yaml").write_text(out)
    source = "sources: [{literal: here, access: opened}]"
    (work / "own.yaml").write_text(
        "presets: [{name: our-model, title: Ours, kind: model, channels: [R, G, B], "
        "max_pixel_value: 255, code_max: 255, mean: [0.1, 0.1, 0.1], std: [0.2, 0.2, 0.2], "
        f"std_definition: chosen, applies_to: it, verified: true, {source}}}]"
    )
    args = ["Our_Model", "imagenet.yaml", "--preset", "our-model", "--presets", "own.yaml"]
    answer = json.loads(here("compare", "normstat.json", *args, "--format", "json").out)
    names = [each["b"]["name"] for each in answer["comparisons"]]
    assert names == ["our-model", "imagenet.yaml", "our-model"]


PAIR, RANKING, BANDS = ["--preset", "imagenet"], [], ["eurosat", "oscd"]


@pytest.mark.parametrize(
    ("args", "columns"),
    [(PAIR, 60), (PAIR, 80), (PAIR, 140), (RANKING, 60), (RANKING, 80), (BANDS, 60), (BANDS, 140)],
)
def test_table_fits_the_terminal_and_cuts_no_number(here, work, monkeypatch, args, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    code, out, _ = here("compare", *args)
    assert code == 0
    assert max(map(len, out.splitlines())) <= columns
    # An ellipsis stands between two numbers or after a name, never inside a number or a label.
    cut = [word for word in out.split() if word.endswith("…") and word != "…"]
    assert cut == []
    if "imagenet" in args:
        spec = normstat.load(work / "normstat.json")
        assert all(f"{value:.4f}" in out for value in spec.mean + spec.std)


@pytest.mark.parametrize("env", [{}, {"NO_COLOR": "1"}])
def test_pipes_get_no_escape_codes(run, work, env):
    code, out, err = run("compare", "--preset", "imagenet", "--tolerance", "0", env=env)
    assert (code, err) == (1, "")
    assert "\x1b" not in out


@pytest.mark.parametrize("screen", ["table", "json", "github"])
def test_quiet_prints_nothing_and_keeps_the_code(here, work, screen):
    args = ("--preset", "imagenet", "--fail-on", "shift>0.01", "--format", screen)
    assert here("compare", "-q", *args) == (1, "", "")


def table_rows(markdown):
    return [line for line in markdown.splitlines() if line.startswith("|")]


def test_markdown_is_one_table_with_every_metric_that_any_pair_has(here, work):
    args = ["normstat.json", "imagenet", "second.json", "--tolerance", "0.001"]
    rows = table_rows(here("compare", *args, "--format", "markdown").out)
    assert len(rows) == 4
    assert len({row.count("|") for row in rows}) == 1
    assert rows[0] == f"| against | {' | '.join(METRICS)} |"
    assert rows[2].startswith("| `imagenet` |")


# A folder may have any of these names.
NASTY = ["<script>alert(1)<!--", "a|b`c`", "two\nlines", "100%, done: ::error::", "\x1b[2J"]


@pytest.fixture
def nasty(made, tmp_path):
    """Arguments that compare with folders of such names, each of which breaks a rule."""
    for name in NASTY:
        (tmp_path / name).symlink_to(made / "brighter")
    (tmp_path / "a.json").symlink_to(made / "first.json")
    return ["compare", "a.json", *NASTY, "--fail-on", "gain>0", "--fail-on", "shift>0.3"]


def test_names_of_folders_are_text_to_github(run, nasty, tmp_path):
    env = {"GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")}
    code, out, _ = run(*nasty, "--format", "github", env=env)
    assert code == 1
    annotations = out.splitlines()
    assert len(annotations) == len(NASTY) * 6
    for line in annotations:
        assert line.startswith(("::error title=normstat gain>0::", "::error title=normstat shift>"))
        assert "%" not in line.replace("%25", "")
    text = (tmp_path / "summary.md").read_text()
    assert "\x1b" not in text + out
    read = [each.strip() for each in codes_of(text)]
    shown = [name.replace("\n", "\\n").replace("\x1b", "\\x1b") for name in NASTY]
    assert [name for name in read if name in shown] == shown
    assert "<script" not in MARKDOWN.render(text)


MARKDOWN = MarkdownIt("commonmark").enable("table")


def codes_of(text):
    """What a reader of Markdown takes for inline code."""
    inlines = [each for token in MARKDOWN.parse(text) for each in token.children or ()]
    return [each.content for each in inlines if each.type == "code_inline"]


@given(st.text("ab|`\\ <*&", min_size=1).filter(lambda text: text == text.strip()))
def test_names_in_markdown_are_read_as_they_are(name):
    row = f"| against | x |\n|---|---|\n| {code(name, in_table=True)} | 1 |\n"
    assert codes_of(row) == codes_of(f"### {code(name)}") == [name]


def test_names_of_folders_are_text_to_junit(run, nasty):
    suite = ET.fromstring(run(*nasty, "--format", "junit").out)  # noqa: S314 (our own output)
    assert {len(case.findall("failure")) for case in suite} == {3}
    assert [case.get("classname") for case in suite][::2] == [
        "a.json against " + name.replace("\n", "\\n").replace("\x1b", "\\x1b") for name in NASTY
    ]


def test_github_appends_to_the_summary(run, work):
    summary = work / "summary.md"
    summary.write_text("what an earlier step wrote\n")
    env = {"GITHUB_STEP_SUMMARY": str(summary)}
    rule = ["--preset", "imagenet", "--fail-on"]
    found = run("compare", *rule, "shift>9", "--format", "github", env=env)
    assert found.code == 0
    assert found.out.startswith("::notice title=normstat::")
    found = run("compare", *rule, "gain>1.1", "--format", "github", env=env)
    assert found.code == 1
    assert found.out.count("::error title=normstat gain>1.1::") == 3
    text = summary.read_text()
    assert text.startswith("what an earlier step wrote\n")
    assert text.count("### normstat compare") == 2
    assert "**Passed**" in text
    assert text.count("**Failed**") == 3


def test_summary_that_cannot_be_written_is_named(run, work):
    env = {"GITHUB_STEP_SUMMARY": str(work / "no" / "summary.md")}
    code, _, err = run("compare", "--preset", "imagenet", "--format", "github", env=env)
    assert code == 3
    assert "GITHUB_STEP_SUMMARY" in err


def test_junit_counts_cases_and_failures(here, work):
    args = ["normstat.json", "first.yaml", "brighter", "--fail-on", "shift>0.01"]
    out = here("compare", *args, "--tolerance", "9", "--format", "junit").out
    suite = ET.fromstring(out)  # noqa: S314 (our own output)
    assert (suite.get("tests"), suite.get("failures")) == ("4", "1")
    failed = [case for case in suite if case.find("failure") is not None]
    assert [(case.get("classname"), case.get("name")) for case in failed] == [
        ("normstat.json against brighter", "shift>0.01")
    ]


def test_folder_and_preset_of_one_name_keep_their_own_verdicts(here, work):
    (work / "imagenet").symlink_to(work / "first")
    args = ["normstat.json", "imagenet", "--preset", "imagenet", "--fail-on", "shift>0.01"]
    suite = ET.fromstring(here("compare", *args, "--format", "junit").out)  # noqa: S314
    assert suite.get("failures") == "1"


def test_advice_is_two_lines_with_the_size_of_the_mismatch(made):
    for name, size in (("imagenet", "noticeable"), ("yolo", "large")):
        pair = compare(candidate(made, "first"), Candidate(name=name, spec=preset(name)))
        tuning, scratch = pair.advice
        assert f"keep {name}, whatever the data" in tuning
        assert f"The mismatch is {size}" in tuning
        assert scratch.startswith("Training from scratch: ")
        assert ("far off" in scratch) == (size == "large")


def test_explanation_reaches_the_screen(here, work):
    save(constants(IMAGENET.mean[::-1], IMAGENET.std[::-1]), work / "bgr.json")
    for screen in ("table", "markdown"):
        out = here("compare", "bgr.json", "imagenet", "--format", screen).out
        assert "channel order" in out
