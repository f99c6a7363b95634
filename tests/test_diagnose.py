"""The real command: what it reads, what it prints, and the code that it ends with."""

import json
import shutil

import jsonschema
import numpy as np
import pytest
from PIL import Image

import normstat
from normstat.spec.files import save
from normstat.spec.model import Constants


@pytest.fixture
def work(samples, tmp_path, monkeypatch):
    """A working folder with the images, and their specs with covariance and without."""
    shutil.copytree(samples / "photos", tmp_path / "photos")
    monkeypatch.chdir(tmp_path)
    save(normstat.compute("photos", covariance=True), tmp_path / "normstat.json")
    save(normstat.compute("photos"), tmp_path / "plain.json")
    return tmp_path


def read(found):
    assert found.code == 0, found
    assert found.err == ""
    return json.loads(found.out)


def test_what_a_new_user_types_works(run, work):
    code, out, err = run("diagnose")
    assert (code, err) == (0, "")
    for line in ("raw 0–255", "standardized", "whitened", "nearest ColorJitter", "E|x|"):
        assert line in out
    assert "simulated" not in out


def test_each_statement_is_one_line(run, work):
    out = run("diagnose", "--simulate", env={"COLUMNS": "80"}).out.splitlines()
    assert [line.split(":")[0] for line in out[-3:]] == [
        "Proven", "Measured here", "Only often observed"
    ]  # fmt: skip
    assert "steps (1,024 pixels), jitter (300 crops)" in out[-2]


def test_hessians_are_those_of_the_pixels(run, work, samples):
    out = run("diagnose", env={"COLUMNS": "140"}).out
    rows = out[out.index("Hessian E[xxᵀ]") :].splitlines()[1:9]
    heads, raw = rows[0].split(), rows[1].split()[2:]
    assert heads == ["R·R", "G·G", "B·B", "R·G", "R·B", "G·B", "R·1", "G·1", "B·1"]
    pixels = np.concatenate(
        [
            np.asarray(Image.open(path).convert("RGB"), np.float64).reshape(-1, 3)
            for path in sorted((samples / "photos").rglob("*.jpg"))
        ]
    )
    inputs = dict(zip("RGB1", [*pixels.T, np.ones(len(pixels))], strict=True))
    for pair, text in zip(heads, raw, strict=True):
        a, b = pair.split("·")
        expected = np.mean(inputs[a] * inputs[b])
        assert float(text.replace(",", "")) == pytest.approx(expected, rel=5e-3)
    assert "whitened 1 1 1 0 0 0 0 0 0" in " ".join(out.split())


def test_python_and_the_command_give_the_same(run, work):
    found = read(run("diagnose", "--preset", "clip", "--simulate", "--format", "json"))
    ours = normstat.diagnose("normstat.json", presets=["clip"], simulate=True)
    assert found["preprocessing"][4]["quadratic"] == {
        name: getattr(ours.preprocessing[4].quadratic, name)
        for name in ours.preprocessing[4].quadratic.__struct_fields__
    }
    assert found["jitter"]["implied"][0]["contrast"] == ours.jitter.implied[0].contrast
    measured = [each["measured"] for each in found["simulation"]["descents"]]
    assert measured == [each.measured for each in ours.simulation.descents]


@pytest.mark.parametrize("args", [[], ["--preset", "imagenet", "--simulate"]])
def test_json_fits_its_schema_and_is_the_same_each_time(run, work, args):
    first, second = (run("diagnose", *args, "--format", "json") for _ in range(2))
    assert first == second
    schema = json.loads(run("schema", "diagnosis").out)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(read(first), schema)


@pytest.fixture(scope="module")
def with_presets(samples):
    presets = ["imagenet", "imagenet-bgr-255", "inception"]
    return normstat.diagnose(samples / "photos", presets=presets, simulate=True)


@pytest.mark.parametrize("columns", [60, 80, 140])
def test_tables_fit_the_terminal_and_cut_no_number(run, work, with_presets, columns):
    found, presets = with_presets, [each.name for each in with_presets.preprocessing[4:-2]]
    args = [word for name in presets for word in ("--preset", name)]
    out = run("diagnose", *args, "--simulate", env={"COLUMNS": str(columns)}).out
    assert max(map(len, out.splitlines())) <= columns
    cut = [word for word in out.split() if word.endswith("…") and word != "…"]
    assert cut == []
    for each in found.preprocessing:
        assert f" {each.quadratic.steps:,}\n" in out.replace(" \n", "\n")
    for each in found.simulation.descents:
        assert f" {each.predicted:,} " in out
    for each in found.jitter.implied:
        assert f"{each.alpha.low:.2f} … {each.alpha.high:.2f}" in out


@pytest.mark.parametrize("env", [{}, {"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_pipes_get_no_escape_codes(run, work, env):
    assert "\x1b" not in run("diagnose", env=env).out
    assert "\x1b[1m" in run("diagnose", env={"FORCE_COLOR": "1"}).out


def test_markdown_tables_have_whole_rows(run, work):
    out = run("diagnose", "--simulate", "--preset", "imagenet", "--format", "markdown").out
    tables = [block for block in out.split("\n\n") if block.startswith("|")]
    assert len(tables) == 8
    for table in tables:
        rows = table.splitlines()
        assert rows[1].startswith("|---|---:|")
        # A bar that is escaped is text, as in E|x|.
        assert len({row.replace("\\|", "").count("|") for row in rows}) == 1
    assert out.startswith("### normstat diagnose `normstat.json`")


def test_quiet_prints_nothing(run, work):
    assert run("diagnose", "-q") == (0, "", "")


# --- specs and images


def test_folder_is_measured_with_what_the_theory_needs(run, work):
    folder = read(run("diagnose", "photos", "--format", "json"))
    spec = read(run("diagnose", "normstat.json", "--format", "json"))
    assert folder["name"] == "photos"
    assert folder | {"name": spec["name"]} == spec


def test_spec_without_covariance_is_measured_again_where_its_images_are(run, work):
    whole = read(run("diagnose", "--format", "json"))
    for args in (["plain.json"], ["plain.json", "photos"]):
        found = read(run("diagnose", *args, "--format", "json"))
        assert found | {"name": whole["name"]} == whole


def test_sampled_spec_is_measured_again_as_the_sample_that_it_is(run, work):
    for name, covariance in (("with", True), ("without", False)):
        spec = normstat.compute("photos", sample=12, seed=3, covariance=covariance)
        save(spec, work / f"{name}.json")
    ours, theirs = (
        read(run("diagnose", f"{name}.json", "--format", "json")) for name in ("with", "without")
    )
    assert ours["images"] == 12
    assert ours["preprocessing"] == theirs["preprocessing"]


def test_spec_without_covariance_and_images_says_how_to_get_them(run, work):
    (work / "photos").rename(work / "moved")
    code, out, err = run("diagnose", "plain.json")
    assert (code, out) == (3, "")
    assert "normstat compute FOLDER --covariance" in err
    assert "normstat diagnose plain.json FOLDER" in err
    assert run("diagnose", "plain.json", "moved").code == 0


def test_theory_needs_no_images(run, work):
    with_images = read(run("diagnose", "--format", "json"))
    (work / "photos").rename(work / "moved")
    without = read(run("diagnose", "--format", "json"))
    assert without["preprocessing"] == with_images["preprocessing"]
    assert without["jitter"] is None
    assert "photos is not here" in without["missing"]
    assert "No jitter and no simulation: photos is not here" in run("diagnose").out
    code, _, err = run("diagnose", "--simulate")
    assert code == 3
    assert "photos is not here" in err
    again = read(run("diagnose", "normstat.json", "moved", "--format", "json"))
    assert again["jitter"] == with_images["jitter"]


def test_images_that_have_changed_are_not_taken_for_those_of_the_spec(run, work):
    (work / "photos" / "coast" / "coast-01.jpg").unlink()
    found = read(run("diagnose", "--format", "json"))
    assert found["jitter"] is None
    assert "photos has changed" in found["missing"]
    code, _, err = run("diagnose", "normstat.json", "photos")
    assert code == 3
    assert "photos has changed" in err


def test_pipeline_of_the_spec_is_that_of_the_pixels(run, work):
    spec = normstat.compute("photos", mode="l", resize=32, crop=32)
    save(spec, work / "small.json")
    found = read(run("diagnose", "small.json", "--format", "json", "--simulate"))
    assert found["channels"] == ["L"]
    assert found["pixels"] == 30 * 32 * 32
    assert len(found["simulation"]["descents"]) == 6
    # The pixels of a sample are those that were counted.
    standardized = found["preprocessing"][-2]["quadratic"]["condition"]
    assert found["simulation"]["descents"][-2]["condition"] == pytest.approx(standardized, rel=0.2)


def test_crop_scale_and_seed_reach_the_crops(run, work):
    spans = []
    for args in (["1,1"], ["0.08,1.0"], ["0.08,0.1"]):
        found = read(run("diagnose", "--crop-scale", *args, "--format", "json"))
        alpha = found["jitter"]["implied"][0]["alpha"]
        spans.append(alpha["high"] - alpha["low"])
    assert spans[0] < spans[1] < spans[2]
    a, b = (read(run("diagnose", "--seed", seed, "--format", "json")) for seed in "12")
    assert a["jitter"]["implied"] != b["jitter"]["implied"]
    assert a["preprocessing"] == b["preprocessing"]
    few = read(run("diagnose", "--sample", "10%", "--format", "json"))
    assert (few["sampled"], few["jitter"]["crops"]) == (3, 30)


def test_own_presets_are_found(run, work):
    own = """presets:
- {name: ours, title: Ours, kind: model, std_definition: pooled, applies_to: us, verified: true,
   channels: [R, G, B], max_pixel_value: 255, mean: [0.4, 0.4, 0.4], std: [0.2, 0.2, 0.2],
   code_max: 255, sources: [{literal: here, access: opened}]}
"""
    (work / "own.yaml").write_text(own)
    args = ["--presets", "own.yaml", "--preset", "ours", "--format", "json"]
    assert read(run("diagnose", *args))["preprocessing"][4]["name"] == "ours"


@pytest.mark.parametrize("name", ["odd/animated.gif", "deep/pages.tif"])
def test_of_a_stack_the_frame_in_the_middle_is_looked_at(samples, name):
    spec = normstat.compute(samples / name, frames="all", covariance=True)
    found = normstat.diagnose(spec, simulate=True)
    assert (found.sampled, found.unreadable) == (1, 0)
    assert found.jitter
    assert found.preprocessing[0].quadratic.condition > 1


def test_without_an_image_that_can_be_looked_at_the_theory_is_told(samples, tmp_path):
    shutil.copytree(samples / "photos/coast", tmp_path / "coast")
    spec = normstat.compute(tmp_path / "coast", covariance=True)
    for path in (tmp_path / "coast").iterdir():
        path.write_bytes(bytes(path.stat().st_size))
    found = normstat.diagnose(spec)
    assert found.preprocessing[0].quadratic.condition > 1
    assert "none of 10 sampled images could be read" in found.missing
    with pytest.raises(normstat.SourceError, match="none of 10 sampled"):
        normstat.diagnose(spec, simulate=True)


def test_damaged_images_are_left_out_and_counted(run, work):
    (work / "photos" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 not really")
    code, out, err = run("diagnose", "photos")
    assert (code, err) == (0, "")
    assert out.startswith("photos: 30 images, 1 skipped, 995,550 pixels a channel")
    assert "could not be used" not in out


def test_constant_channel_is_said_to_be_singular(run, tmp_path):
    (tmp_path / "set").mkdir()
    codes = np.random.default_rng(0).integers(0, 255, (9, 9, 3)).astype(np.uint8)
    codes[..., 2] = 50
    Image.fromarray(codes).save(tmp_path / "set" / "one.png")
    for screen in ("table", "markdown"):
        code, out, err = run("diagnose", "set", "--simulate", "--format", screen)
        assert (code, err) == (0, "")
        assert "singular: channel B is constant" in out
        assert "std of channel B is 0" in " ".join(out.split())


@pytest.mark.parametrize("screen", ["table", "markdown"])
def test_notes_are_of_what_is_shown(run, tmp_path, work, screen):
    mixes, few = "whitening mixes the channels", "more than 100,000 steps are predicted only"
    singular = "what is singular on these pixels"
    out = told(run("diagnose", "--simulate", "--format", screen))
    assert mixes in out
    assert f"{few}; κ is that of these pixels" in out
    assert singular not in out
    (tmp_path / "set").mkdir()
    Image.new("RGB", (20, 20), (7, 7, 7)).save(tmp_path / "set" / "one.png")
    out = told(run("diagnose", "set", "--simulate", "--format", screen))
    assert "1 image, 400 pixels" in out
    assert singular in out
    assert not any(note in out for note in (mixes, few, "κ is that of these pixels"))


def told(found):
    assert (found.code, found.err) == (0, "")
    return " ".join(found.out.split())


@pytest.mark.parametrize("weighting", ["pixel", "image"])
def test_definition_says_what_weighs_the_same(run, work, weighting):
    run("compute", "photos", "--covariance", "--weighting", weighting, "-q", "-o", "w.json")
    out = told(run("diagnose", "w.json"))
    assert f"pooled std, every {weighting} weighs the same, ddof 0" in out


def test_images_that_were_taken_out_or_selected_differently_are_not_looked_at(run, work):
    whole = normstat.load("normstat.json")
    coast, night = (
        normstat.compute(f"photos/{name}", covariance=True, exclude=[name[::-1]])
        for name in ("coast", "night")
    )
    for spec, missing in (
        (normstat.subtract(whole, night), "spec.json is without photos/night"),
        (normstat.merge(coast, night), "spec.json is merged of 2 datasets"),
    ):
        save(spec, "spec.json")
        found = read(run("diagnose", "spec.json", "--format", "json"))
        assert found["jitter"] is None
        assert missing in found["missing"]


def test_crops_without_a_jitter_are_counted(run, tmp_path):
    (tmp_path / "set").mkdir()
    codes = np.random.default_rng(0).integers(0, 90, (40, 40)).astype(np.uint8)
    codes[5:35, 5:35] = codes[5:35, 5:35] // 45 + 250
    Image.fromarray(codes).save(tmp_path / "set" / "one.png")
    args = ["diagnose", "set", "--crop-scale", "0.08,0.2"]
    (implied,) = read(run(*args, "--format", "json"))["jitter"]["implied"]
    assert implied["unreached"] > 0
    assert f"up to {implied['unreached']} of 10 crops of a row have b ≤ 0" in told(run(*args))


@pytest.mark.parametrize("name", ["[red]set[reset]", "new\nline", "\x1b[2J", "<script>|`x`"])
def test_names_of_folders_are_text(run, work, name):
    (work / name).symlink_to(work / "photos")
    shown = name.replace("\n", "\\n").replace("\x1b", "\\x1b")
    out = run("diagnose", name, env={"COLUMNS": "140"}).out
    assert out.startswith(f"{shown}: 30 images")
    heading = run("diagnose", name, "--format", "markdown").out.splitlines()[0]
    # A code span is fenced by more backticks than it holds.
    fence, space = ("``", " ") if "`" in name else ("`", "")
    assert heading == f"### normstat diagnose {fence}{space}{shown}{space}{fence}"


ENDS = [
    (2, ["--crop-scale", "1,0.5"], "crop_scale is 1,0.5"),
    (2, ["--crop-scale", "0.5"], "--crop-scale '0.5'"),
    (2, ["--crop-scale", "a,b"], "--crop-scale 'a,b'"),
    (2, ["--crop-scale", "0,1"], "above 0"),
    (2, ["--sample", "none"], "sample 'none'"),
    (2, ["--preset", "imagenett"], "did you mean 'imagenet'"),
    (2, ["photos", "normstat.json"], "one spec at most"),
    (2, ["normstat.json", "plain.json"], "one spec at most"),
    (2, ["--format", "yaml"], "yaml"),
    (3, ["--preset", "mnist"], "channels differ"),
    (3, ["nowhere"], "nowhere: no such file or folder"),
    (3, ["nowhere.json"], "nowhere.json"),
    (3, ["normstat.json", "nowhere"], "nowhere: no such file or folder"),
    (3, ["constants.json"], "without the statistics of a dataset"),
    (3, ["empty"], "no image found"),
    (3, ["mixed"], "name a folder of one kind"),
    (3, ["--presets", "none.yaml"], "none.yaml"),
]


@pytest.mark.parametrize(("code", "args", "text"), ENDS, ids=[" ".join(row[1]) for row in ENDS])
def test_every_end_has_its_code_and_its_reason(run, work, code, args, text):
    (work / "empty").mkdir()
    (work / "mixed").mkdir()
    Image.new("RGB", (9, 9)).save(work / "mixed" / "colour.png")
    Image.new("F", (9, 9)).save(work / "mixed" / "float.tif")
    numbers = {"mean": [0.5] * 3, "std": [0.2] * 3, "max_pixel_value": 255}
    save(Constants(channels=[*"RGB"], **numbers), work / "constants.json")
    found = run("diagnose", *args)
    assert found.code == code, found
    assert text in found.err
    assert found.out == ""
    assert "Traceback" not in found.err


def test_missing_spec_says_how_to_make_one(run):
    code, _, err = run("diagnose")
    assert code == 3
    assert "normstat compute FOLDER" in err


def test_bar_shows_both_passes(run, work):
    code, _, err = run("diagnose", "photos", "--progress")
    assert code == 0
    assert "60/60" in err or "/60" in err
