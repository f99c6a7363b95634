import json

import numpy as np
import pytest
import yaml
from PIL import Image

from normstat.errors import SourceError, SpecError, UsageError
from normstat.presets import load_catalogue, preset
from normstat.presets.catalogue import folded
from normstat.spec.files import loads
from normstat.spec.preset import PresetSpec

CATALOGUE = load_catalogue()
each_preset = pytest.mark.parametrize("record", list(CATALOGUE), ids=lambda record: record.name)

MINE = """\
presets:
  - name: mine
    title: My own
    kind: dataset
    channels: [R, G, B]
    max_pixel_value: 255
    code_max: 255
    mean: [0.1, 0.2, 0.3]
    std: [0.4, 0.5, 0.6]
    std_definition: pooled
    applies_to: my own images
    verified: true
    sources: [{literal: measured here, access: opened}]
"""


@pytest.fixture
def home(tmp_path):
    """The environment of a user whose configuration folder is empty."""
    (tmp_path / "config" / "normstat").mkdir(parents=True)
    return {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "config")}


@each_preset
def test_record_is_a_normalization_with_sources(record):
    assert len(record.mean) == len(record.std) == len(record.channels) == len(set(record.channels))
    assert min(record.std) > 0
    assert record.max_pixel_value > 0
    assert all(text.strip() for text in (record.title, record.applies_to))
    assert record.sources
    for source in record.sources:
        assert source.literal.strip()
        assert source.access == "excerpt" or (source.repo and source.path and source.commit)
    assert record.verified == any(source.access == "opened" for source in record.sources)


def test_preset_of_8_bit_images_says_so():
    """Numbers in 0 to 255 are about 8-bit codes; everything else says what its unit is."""
    for record in CATALOGUE:
        assert record.code_max == 255 or record.units, record.name
        if record.code_max == 255:
            assert record.max_pixel_value in {1, 255}, record.name
            assert max(record.mean) <= 255 / record.max_pixel_value, record.name


def test_every_name_of_a_preset_finds_it_in_any_spelling():
    for record in CATALOGUE:
        for name in (record.name, *record.aliases):
            for spelling in (name.upper(), name.replace("-", "_"), f" {name} "):
                assert CATALOGUE.find(spelling) is record


def test_no_two_presets_have_one_name_under_folding():
    names = [folded(name) for record in CATALOGUE for name in (record.name, *record.aliases)]
    assert len(names) == len(set(names))
    assert len(list(CATALOGUE)) >= 140


@pytest.mark.parametrize(
    ("name", "mean", "std"),
    [
        ("imagenet", [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        ("torchvision", [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
        (
            "clip",
            [0.48145466, 0.4578275, 0.40821073],
            [0.26862954, 0.26130258, 0.27577711],
        ),
        ("inception", [0.5] * 3, [0.5] * 3),
        ("vit", [0.5] * 3, [0.5] * 3),
        ("yolo", [0.0] * 3, [1.0] * 3),
        ("cifar10", [0.4914, 0.4822, 0.4465], [0.247, 0.2435, 0.2616]),
        ("cifar10-perimage", [0.4914, 0.4822, 0.4465], [0.2023, 0.1994, 0.2010]),
        ("mnist", [0.1307], [0.3081]),
    ],
)
def test_famous_presets_have_the_values_that_everybody_expects(name, mean, std):
    spec = preset(name)
    assert (spec.mean, spec.std, spec.max_pixel_value) == (mean, std, 255)
    assert spec.channels == list("RGB" if len(mean) == 3 else "L")


def affine(name):
    """The map y = a·code + b of each channel, by the name of the channel."""
    spec = preset(name)
    normalization = spec.normalization
    pairs = zip(normalization.scale, normalization.offset, strict=True)
    return dict(zip(spec.channels, pairs, strict=True))


@pytest.mark.parametrize("variant", ["imagenet-255", "imagenet-bgr-255", "efficientnet-tf"])
def test_ranges_and_orders_of_imagenet_are_one_map(variant):
    expected = affine("imagenet")
    for channel, (scale, offset) in affine(variant).items():
        assert scale == pytest.approx(expected[channel][0], rel=1e-6)
        assert offset == pytest.approx(expected[channel][1], rel=1e-6)


@pytest.mark.parametrize(
    ("name", "partner", "divisor"),
    [
        ("detectron2", "imagenet-255", 1),
        ("mmdet-ssd", "imagenet-255", 1),
        ("vgg-slim", "caffe", 1),
        ("yolox", "yolo", 1),
        ("mobilevit", "yolo", 255),
    ],
)
def test_presets_without_a_std_share_the_mean_of_their_partner(name, partner, divisor):
    """The code that becomes 0 is the mean in 0 to 255."""
    zeros = [
        {channel: -offset / scale for channel, (scale, offset) in affine(each).items()}
        for each in (name, partner)
    ]
    assert zeros[0] == pytest.approx(zeros[1], abs=1e-2)
    assert all(scale == pytest.approx(1 / divisor) for scale, _ in affine(name).values())


def test_paddleocr_uses_imagenets_rgb_numbers_for_bgr_as_published():
    """A known slip of the original, which must not be corrected here."""
    spec = preset("paddleocr-bgr")
    assert spec.channels == [*"BGR"]
    assert spec.mean == preset("imagenet").mean


@pytest.mark.parametrize(
    ("name", "nearest"), [("imagenett", "imagenet"), ("CLIPP", "clip"), ("yolo_v5", "yolov5")]
)
def test_unknown_preset_suggests_the_nearest(name, nearest):
    with pytest.raises(UsageError, match=f"did you mean '{nearest}'"):
        preset(name)


def test_unknown_preset_is_wrong_usage(run):
    code, out, err = run("presets", "imagenett")
    assert (code, out) == (2, "")
    assert "unknown preset 'imagenett'; did you mean 'imagenet'?" in err


def test_table_is_grouped_in_the_order_of_the_issue(run, home):
    code, out, err = run("presets", env=home | {"COLUMNS": "100"})
    assert (code, err) == (0, "")
    titles = [line.lower() for line in out.splitlines() if line and "  " not in line]
    order = ["model", "photo", "small-image", "video", "medical", "satellite"]
    first = [next(i for i, title in enumerate(titles) if word in title) for word in order]
    assert first == sorted(first)
    rows = [line.split()[0] for line in out.splitlines() if line.strip()]
    assert all(record.name in rows for record in CATALOGUE)
    assert "coco *" in out
    assert "imagenet *" not in out
    assert "123.675 116.28 103.53" in out


@pytest.mark.parametrize("columns", [60, 80, 140])
def test_table_fits_the_terminal_and_cuts_no_name(run, home, columns):
    lines = run("presets", env=home | {"COLUMNS": str(columns)}).out.splitlines()
    assert max(map(len, lines)) <= columns
    text = "\n".join(lines)
    assert all(record.name in text for record in CATALOGUE)
    assert "\x1b" not in text


def test_one_preset_is_shown_in_both_ranges_and_both_orders(run, home):
    out = run("presets", "ImageNet", env=home | {"COLUMNS": "140"}).out
    shown = {line.split("  ")[0]: line for line in out.splitlines()}
    for label, mean in (
        ("0–1 RGB", "0.485, 0.456, 0.406"),
        ("0–1 BGR", "0.406, 0.456, 0.485"),
        ("0–255 RGB", "123.675, 116.28, 103.53"),
        ("0–255 BGR", "103.53, 116.28, 123.675"),
    ):
        assert f"mean [{mean}]" in shown[label]
    assert "std [57.375, 57.12, 58.395]" in shown["0–255 BGR"]
    assert "pytorch/vision" in out
    assert "torchvision" in out


def test_bgr_preset_is_turned_back_not_mislabelled(run, home):
    out = run("presets", "imagenet_bgr_255", env=home | {"COLUMNS": "140"}).out
    assert "0–1 RGB          mean [0.485, 0.456, 0.406] std [0.229, 0.224, 0.225]" in out


def test_search_narrows_the_table(run, home):
    out = run("presets", "--search", "vit", env=home).out
    assert "inception" in out
    assert "mnist" not in out
    assert CATALOGUE.search("VIT") == CATALOGUE.search("vit")
    assert run("presets", "--search", "no such words", env=home).code == 2


@pytest.mark.parametrize("screen", ["json", "yaml"])
def test_one_preset_is_printed_as_a_spec_that_loads(run, home, screen):
    out = run("presets", "CLIP", "--format", screen, env=home).out
    spec = loads(out.encode(), yaml=screen == "yaml")
    assert isinstance(spec, PresetSpec)
    assert spec == preset("clip")
    top = json.loads(out) if screen == "json" else yaml.safe_load(out)
    assert top["mean"] == [0.48145466, 0.4578275, 0.40821073]
    assert top["std"] == [0.26862954, 0.26130258, 0.27577711]
    assert top["max_pixel_value"] == 255


def test_whole_list_is_printed_as_specs(run, home):
    specs = json.loads(run("presets", "--format", "json", env=home).out)
    assert [each["preset"]["name"] for each in specs] == [each.name for each in CATALOGUE]
    for each in specs:
        assert isinstance(loads(json.dumps(each).encode()), PresetSpec)


def test_own_presets_are_read_from_a_named_file_and_from_the_configuration(run, home, tmp_path):
    (tmp_path / "own.yaml").write_text(MINE)
    usual = tmp_path / "config" / "normstat" / "presets.yaml"
    usual.write_text(MINE.replace("name: mine", "name: usual"))
    out = run("presets", "--presets", "own.yaml", env=home).out
    assert "Own presets" in out
    assert {"mine", "usual"} <= {line.split()[0] for line in out.splitlines() if line.strip()}
    assert "[0.4, 0.5, 0.6]" in run("presets", "MINE", "--presets", "own.yaml", env=home).out
    assert run("presets", "usual", env=home).code == 0
    Image.new("RGB", (3, 2)).save(tmp_path / "black.png")
    for name, more in (("mine", ("--presets", "own.yaml")), ("usual", ())):
        ran = run("apply", "black.png", "--preset", name, "-o", name, *more, env=home)
        assert ran.code == 0, ran.err
        found = np.load(tmp_path / name / "black.npy")[:, 0, 0]
        np.testing.assert_allclose(found, [-0.1 / 0.4, -0.2 / 0.5, -0.3 / 0.6], rtol=1e-6)


def test_own_presets_may_form_a_family_of_the_package(tmp_path):
    (tmp_path / "own.yaml").write_text(f"family: models\n{MINE}")
    catalogue = load_catalogue(tmp_path / "own.yaml")
    assert catalogue.family("models")[-1].name == "mine"
    assert catalogue.titles["models"] == "Models"


# What is replaced in the record, by what, and what the message says besides the file.
BROKEN = [
    ("    title: My own\n", "", ["presets[0]", "title"]),
    ("    mean: [0.1, 0.2, 0.3]\n", "", ["presets[0]", "mean"]),
    ("    sources: [{literal: measured here, access: opened}]\n", "", ["presets[0]", "sources"]),
    ("[{literal: measured here, access: opened}]", "[]", ["presets[0]", "sources"]),
    ("[0.4, 0.5, 0.6]", "[0.4, 0, 0.6]", ["mine", "std", "channel G"]),
    ("[0.4, 0.5, 0.6]", "[0.4, -1, 0.6]", ["mine", "std", "channel G"]),
    ("[0.4, 0.5, 0.6]", "[0.4, 0.5]", ["mine", "std", "length"]),
    ("[0.4, 0.5, 0.6]", "[0.4, .nan, 0.6]", ["presets[0].std[1]", "finite"]),
    ("[0.4, 0.5, 0.6]", "[0.4, .inf, 0.6]", ["presets[0].std[1]", "finite"]),
    ("[R, G, B]", "[R, G, R]", ["mine", "channel"]),
    ("max_pixel_value: 255", "max_pixel_value: 0", ["presets[0].max_pixel_value"]),
    ("    title:", "    colour: red\n    title:", ["presets[0]", "colour"]),
    ("kind: dataset", "kind: recipe", ["presets[0].kind"]),
    ("name: mine", "name: ImageNet", ["'ImageNet'", "imagenet's"]),
    ("name: mine", "name: mine\n    aliases: [Keras_Torch]", ["mine", "'Keras_Torch'"]),
    ("name: mine", "name: mine\n    aliases: [MINE]", ["mine", "'MINE'"]),
    (MINE, "presets: [1", ["not valid YAML"]),
    (MINE, "just words", ["object"]),
    (MINE, "", ["object"]),
    (MINE, "presets: !!python/name:os.system", ["not valid YAML"]),
]


@pytest.mark.parametrize(("old", "new", "texts"), BROKEN, ids=[str(row[2:]) for row in BROKEN])
def test_own_preset_that_is_wrong_is_refused_by_file_record_and_field(tmp_path, old, new, texts):
    assert old in MINE
    path = tmp_path / "own.yaml"
    path.write_text(MINE.replace(old, new))
    with pytest.raises(SpecError) as caught:
        load_catalogue(path)
    for text in (str(path), *texts):
        assert text in str(caught.value)
    assert caught.value.exit_code == 3


def test_preset_file_that_is_not_there_is_named(tmp_path):
    for missing in (tmp_path / "none.yaml", tmp_path):
        with pytest.raises(SourceError, match=str(missing)):
            load_catalogue(missing)


def test_wrong_presets_end_the_command_with_one_line(run, home, tmp_path):
    (tmp_path / "own.yaml").write_text(MINE.replace("0.5", "0"))
    code, out, err = run("presets", "--presets", "own.yaml", env=home)
    assert (code, out) == (3, "")
    assert err.startswith("Error: own.yaml: mine: std of channel G is 0")
    assert err.count("\n") == 1


def test_name_and_search_exclude_each_other(run, home):
    assert run("presets", "clip", "--search", "vit", env=home).code == 2
