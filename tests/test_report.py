"""The real command: what it writes, what hostile names become, and the code that it ends with."""

import re
import shutil
import subprocess
import sys
from base64 import b64decode
from html.parser import HTMLParser
from io import BytesIO
from itertools import pairwise
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import tifffile
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from matplotlib.figure import Figure as Drawing
from PIL import Image

import normstat
from normstat.cli import main
from normstat.comparison import Candidate
from normstat.errors import SpecError, UsageError
from normstat.formats.exports import export
from normstat.metrics import METRICS
from normstat.names import printable
from normstat.presets import preset
from normstat.ranking import ranked
from normstat.reports.page.document import MOST_SPECS
from normstat.reports.page.figures import settings
from normstat.reports.page.labels import APART, CLEAR, NEARER, labels
from normstat.reports.page.markdown import plain
from normstat.reports.page.model import Bars, Figures, Page, hues
from normstat.reports.page.sections import sections
from normstat.reports.page.subject import Known, pairs_of, subject_of
from normstat.reports.page.summary import _panels, _rows, summary
from normstat.spec.files import load, save
from tests.conftest import ROOT, Ran
from tests.specs import HOSTILE, NASTY, PAGES, made

FORMATS = ("html", "markdown", "png")


@pytest.fixture(scope="module")
def photos(samples):
    return normstat.compute(samples / "photos", covariance=True)


@pytest.fixture
def work(photos, samples, tmp_path, monkeypatch):
    """The working folder of the command, with images and their spec."""
    shutil.copytree(samples / "photos", tmp_path / "photos")
    monkeypatch.chdir(tmp_path)
    save(normstat.compute("photos"), tmp_path / "normstat.json")
    save(made(), tmp_path / "other.json")
    return tmp_path


@pytest.fixture
def here(work, monkeypatch, capfdbinary):
    """The command without a process of its own: same entry, code and bytes."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(work / "config"))

    def command(*args):
        with pytest.raises(SystemExit) as end:
            main(["report", *args])
        out, err = capfdbinary.readouterr()
        return Ran(end.value.code, out, err.decode())

    return command


class Parsed(HTMLParser):
    """What a browser would find in a page: elements, attributes and text."""

    def __init__(self, content):
        super().__init__(convert_charrefs=True)
        self.elements, self.text = [], []
        self.feed(content if isinstance(content, str) else content.decode())

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def words(parsed):
    return " ".join("".join(parsed.text).split())


def known(*candidates):
    subjects = tuple(subject_of(each, [], pictures=0) for each in candidates)
    return Known(subjects, pairs_of(subjects, []))


# --- what is written


def test_what_a_new_user_types_works(run, samples):
    (run.folder / "images").symlink_to(samples / "photos")
    assert run("compute", "./images", "-q").code == 0
    assert run("report") == (0, "", "wrote report.html\n")
    content = (run.folder / "report.html").read_bytes()
    assert len(content) < 2_000_000
    spec = normstat.load(run.folder / "normstat.json")
    text = words(Parsed(content))
    assert all(f"{value:.4f}" in text for value in spec.mean + spec.std)
    assert all(f"{value:.6f}" in text for value in spec.mean + spec.std)


@pytest.mark.parametrize(
    ("args", "name", "begin"),
    [
        ([], "report.html", b"<!DOCTYPE html>"),
        (["--format", "html"], "report.html", b"<!DOCTYPE html>"),
        (["--format", "markdown"], "report.md", b"<!-- normstat report -->"),
        (["--format", "png"], "report.png", b"\x89PNG"),
        (["-o", "a.md"], "a.md", b"<!-- normstat report -->"),
        (["-o", "a.PNG"], "a.PNG", b"\x89PNG"),
        (["-o", "page"], "page", b"<!DOCTYPE html>"),
        (["-o", "x.pdf", "--format", "html"], "x.pdf", b"<!DOCTYPE html>"),
        (["-o", "a.md", "--format", "html"], "a.md", b"<!DOCTYPE html>"),
    ],
    ids=str,
)
def test_format_names_the_file_and_the_file_the_format(here, work, args, name, begin):
    code, out, err = here(*args, "--no-images")
    assert (code, out, err) == (0, b"", f"wrote {name}\n")
    assert (work / name).read_bytes().strip().startswith(begin)


@pytest.mark.parametrize("kind", FORMATS)
def test_dash_is_standard_output_and_python_gives_the_same(here, work, kind):
    code, out, err = here("-o", "-", "--format", kind)
    assert (code, err) == (0, "")
    assert out == normstat.report("normstat.json", format=kind)
    assert not list(work.glob("report*"))


@pytest.mark.parametrize("kind", FORMATS)
def test_same_spec_gives_the_same_bytes_whatever_the_settings(work, kind):
    (work / "matplotlibrc").write_text("font.size: 30\naxes.facecolor: red\nsvg.fonttype: path\n")
    code = (
        "import normstat, sys;"
        f"sys.stdout.buffer.write(normstat.report('normstat.json', 'other.json', format={kind!r}))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed, "TZ": zone, "HOME": str(work)},
            cwd=folder,
            capture_output=True,
            check=True,
        ).stdout
        for seed, zone, folder in (("1", "UTC", work), ("2", "Asia/Tokyo", work))
    }
    assert len(found) == 1


def test_code_to_copy_is_what_export_writes(photos):
    text = "".join(Parsed(normstat.report(photos)).text)
    for framework in ("torchvision", "albumentations", "keras", "transformers", "python"):
        assert export(photos, framework).text in text


def test_page_needs_nothing_else_and_runs_nothing(photos):
    parsed = Parsed(normstat.report(photos, made()))
    assert not {"script", "iframe", "object", "form"} & {tag for tag, _ in parsed.elements}
    for _, attributes in parsed.elements:
        assert not [name for name in attributes if name.startswith("on")]
        for name in ("src", "href", "xlink:href"):
            assert attributes.get(name, "#")[:5] == "data:" or attributes.get(name, "#")[0] == "#"
    policy = next(each for each in parsed.all("meta") if "http-equiv" in each)
    assert policy["content"].startswith("default-src 'none'")


def test_figures_are_whole_svg_with_words(photos):
    content = normstat.report(photos, images=False).decode()
    figures = re.findall(r"<svg .*?</svg>", content, re.DOTALL)
    assert len(figures) == 3 + 1 + 1 + 2
    for figure in figures:
        root = ET.fromstring(figure)  # noqa: S314 (our own)
        assert root.get("role") == "img"
        assert root.find("title").text
        assert root.find("desc").text
        ids = {each.get("id") for each in root.iter()} - {None}
        uses = {each.get("href")[1:] for each in root.iter("use")}
        assert uses <= ids
        assert not re.search(r"#[0-9a-f]{6}\b", figure.replace("&#", ""))  # colours are the page's


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.parametrize("kind", FORMATS)
def test_every_kind_of_spec_has_a_report(name, kind):
    content = normstat.report(made(**PAGES[name]), format=kind)
    assert len(content) < 2_000_000
    if kind == "png":
        image = Image.open(BytesIO(content))
        image.load()
        assert image.width == 1350
        assert image.text["Software"] == "normstat report"


def test_most_specs_of_many_bands_stay_small():
    many = [made("bands60-16", channels=60, images=3, seed=seed) for seed in range(MOST_SPECS)]
    content = normstat.report(*many)
    assert len(content) < 2_000_000
    assert "54 more channels are in the table above" in content.decode()


def test_long_names_of_many_skipped_files_stay_small():
    names = tuple((f"{'é<' * 2000}{n}.jpg", "x" * 5000) for n in range(1000))
    content = normstat.report(made(skipped=names))
    assert len(content) < 2_000_000
    assert "and 800 more, all named in the spec" in words(Parsed(content))


@pytest.mark.parametrize(
    ("files", "options"),
    [
        (("photos",), {}),
        (("odd/gray16.png", "odd/rgb16.png", "odd/rgba.png", "odd/gray.png"), {}),
        (("deep/gray12.png",), {}),
        (("deep/gray12.png",), {"max_pixel_value": 4095}),
        (("deep/satellite13.tif",), {}),
        (("deep/ct.dcm",), {}),
    ],
    ids=str,
)
def test_histograms_hold_every_pixel_where_it_is(samples, files, options):
    spec = normstat.compute(*(samples / each for each in files), **options)
    page = sections(known(Candidate(name="photos", spec=spec)))
    found = next(section for section in page if section.name == "histograms")
    [figures] = [block for block in found.columns[0].blocks if isinstance(block, Figures)]
    assert len(figures.items) == len(spec.channels)
    for index, figure in enumerate(figures.items):
        bars = figure.plot
        assert isinstance(bars, Bars)
        assert sum(bars.shares) == pytest.approx(1)
        assert bars.limits[0] <= spec.mean[index] <= bars.limits[1]
        assert bars.limits[1] <= 1 + bars.width or spec.max_pixel_value == 1
        # The mean of the bins is the mean, but for the width of a bin.
        centres = [bars.start + bars.width * (i + 0.5) for i in range(len(bars.shares))]
        mean = sum(c * share for c, share in zip(centres, bars.shares, strict=True))
        assert mean == pytest.approx(spec.mean[index], abs=bars.width)
        low, high = spec.min[index] - bars.width, spec.max[index] + bars.width
        assert all(low <= c <= high for c, s in zip(centres, bars.shares, strict=True) if s)


@pytest.mark.parametrize(
    ("name", "options"),
    [("gray12.png", {}), ("gray12.png", {"max_pixel_value": 4095}), ("satellite13.tif", {})],
    ids=str,
)
def test_data_that_fills_little_of_its_range_has_a_shape(samples, name, options):
    """As 12 bits in 16 do: of 256 bins of the whole range they fill 16."""
    spec = normstat.compute(samples / "deep" / name, **options)
    page = sections(known(Candidate(name="deep", spec=spec)))
    found = next(section for section in page if section.name == "histograms")
    [figures] = [block for block in found.columns[0].blocks if isinstance(block, Figures)]
    for index, figure in enumerate(figures.items):
        used = spec.max[index] - spec.min[index]
        seen = [share for share in figure.plot.shares if share]
        assert used / figure.plot.width >= 12
        assert 12 <= len(seen) <= 128
        low, high = figure.plot.limits
        assert low <= spec.min[index] < spec.max[index] <= high <= 1 + figure.plot.width


planes = st.lists(
    st.lists(
        st.tuples(st.floats(20, 330), st.floats(20, 240)).map(np.array), min_size=1, max_size=4
    ).map(np.array),
    min_size=1,
    max_size=8,
)


@given(planes)
def test_labels_are_clear_of_all_points_and_nearest_to_their_own(marks):
    found = labels(marks, (350, 260))
    places = np.array([each.place for each in found])
    assert (places > 0).all()
    assert (places < (350, 260)).all()
    for number, label in enumerate(found):
        gaps = [np.linalg.norm(points - label.place, axis=1).min() for points in marks]
        assert min(gaps) > CLEAR - 0.1
        others = np.delete(places, number, axis=0)
        assert (np.linalg.norm(others - label.place, axis=1) > APART - 0.1).all()
        assert label.anchor in set(map(tuple, marks[number]))
        # What is not clearly nearest to its own point is joined to it.
        assert label.led or gaps[number] <= NEARER * min(np.delete(gaps, number), default=np.inf)


def test_points_of_a_plane_are_told_one_by_one(photos):
    page = Parsed(normstat.report(photos, images=False))
    pair = normstat.compare(photos, "imagenet")
    text = words(page)
    for channel, shift, gain in zip(
        "RGB", pair.metrics["shift"], pair.metrics["gain"], strict=True
    ):
        assert f"{channel} {shift:+.3f}" in text
        assert f"{channel} {gain:.3f}" in text
    for channel, std in zip("RGB", photos.alternatives.rms_of_image_stds, strict=True):
        assert f"{channel} {std:.4f}" in text


@pytest.mark.parametrize(
    "channels", [["R"], list("RGB"), list("BGR"), ["R", "G", "B", "NIR"], ["1", "2"], ["L", "A"]]
)
def test_channels_of_a_plane_differ_in_shape(channels):
    found = hues(channels)
    assert len({each.shape for each in found}) == len(channels)
    assert [each.channel for each in found] == channels


def test_the_more_specs_the_fewer_pictures_so_that_a_page_stays_small(samples):
    spec = normstat.compute(samples / "photos")
    counts = [normstat.report(*[spec] * number).count(b"data:image/") for number in (1, 4, 8)]
    assert counts == [24, 96, 96]


def test_several_specs_stand_side_by_side(work):
    gray = made("gray8", channels=1)
    parsed = Parsed(normstat.report("normstat.json", "other.json", gray))
    text = words(parsed)
    assert "normstat.json, other.json, spec 3" in text
    comparison = normstat.compare("normstat.json", "other.json")
    assert f"{comparison.metrics['jeffreys'][0]:.3f}" in text
    assert "channels differ: normstat.json has R G B, spec 3 has L" in text


def test_two_specs_are_compared_with_a_word_on_each_number(work):
    content = normstat.report("normstat.json", "other.json").decode()
    found = normstat.compare("normstat.json", "other.json")
    text = cells_of(content)
    assert "normstat.json against other.json" in text
    assert f"jeffreys {found.metrics['jeffreys'][0]:.3f} {METRICS['jeffreys'].title}" in text
    pixels = [f"{load(work / name).counts.pixels:,}" for name in ("normstat.json", "other.json")]
    assert f"{' / '.join(pixels)} pixels a channel" in text


def test_words_in_markdown_begin_at_the_left_and_numbers_end_at_the_right(work):
    text = normstat.report("normstat.json", "other.json", format="markdown").decode()
    assert "|  | preset | jeffreys | shift | gain |\n|---|---|---:|---:|---:|\n" in text
    assert "|  | value | what it is |\n|---|---:|---|\n" in text


def test_ticks_of_panels_keep_apart():
    row = _rows(Page("", "", "0", sections(known(Candidate(name="rgb", spec=made())))))[0]
    with settings():
        drawing = Drawing(figsize=(9, 2))
        _panels(drawing, row, 0, 1)
        drawing.canvas.draw()
        boxes = [
            label.get_window_extent() for axes in drawing.axes for label in axes.get_xticklabels()
        ]
    assert len(boxes) == 15
    assert all(right.x0 - left.x1 > 15 for left, right in pairwise(boxes))


def test_groups_stand_against_the_whole(work):
    spec = normstat.compute("photos", group_by="parent")
    save(spec, work / "grouped.json")
    content = normstat.report("grouped.json", "normstat.json").decode()
    text = words(Parsed(content))
    for each in ranked(spec):
        assert f"{each.name} {each.images:,} {each.jeffreys:.4f}" in cells_of(content)
    assert "None: normstat compute --group-by tells them apart." in text
    assert "Groups" not in words(Parsed(normstat.report("normstat.json")))


def cells_of(content):
    """Return the text of a page with a blank between what stands in cells."""
    return words(Parsed(content.replace("</td>", " </td>").replace("</th>", " </th>")))


# --- images


def test_images_are_shown_while_they_are_those_of_the_spec(work):
    page = Parsed(normstat.report("normstat.json"))
    assert len(page.all("img")) == 12 + 12  # a few, and the outliers
    for each in page.all("img"):
        assert re.match(r"(coast|forest|night)/.*\.jpg, \d+ × \d+(, score\s[\d.]+)?$", each["alt"])
        assert max(int(each["width"]), int(each["height"])) <= 192
    assert not Parsed(normstat.report("normstat.json", images=False)).all("img")
    (work / "photos" / "coast" / "coast-01.jpg").write_bytes(b"other")
    page = Parsed(normstat.report("normstat.json"))
    assert not page.all("img")
    assert "No pictures: photos has changed since normstat.json was made." in words(page)
    assert "Not looked for: photos has changed since normstat.json was made." in words(page)
    shutil.rmtree(work / "photos")
    page = Parsed(normstat.report("normstat.json"))
    assert "No pictures: photos is not here." in words(page)


@pytest.mark.parametrize("exclude", ["nothing", "other"])
def test_a_merged_spec_says_why_it_has_no_pictures(work, exclude):
    parts = [
        normstat.compute(f"photos/{name}", exclude=[pattern])
        for name, pattern in (("coast", "nothing"), ("forest", exclude))
    ]
    page = Parsed(normstat.report(normstat.merge(*parts)))
    assert not page.all("img")
    assert "is merged of 2 datasets" in words(page)


def test_a_spec_shows_no_pictures_of_what_was_taken_out(work):
    whole, part = normstat.compute("photos"), normstat.compute("photos/night")
    page = Parsed(normstat.report(normstat.subtract(whole, part)))
    assert not page.all("img")
    assert "is without photos/night" in words(page)


@pytest.mark.parametrize("channels", [1, 2, 3, 5])
@pytest.mark.parametrize("kind", ["u1", "u2", "f4"])
def test_every_kind_of_pixel_has_a_picture(tmp_path, channels, kind):
    rng = np.random.default_rng(0)
    values = (rng.random((channels, 40, 60)) * (1000 if kind == "u2" else 250)).astype(kind)
    values[:, :20] //= 10  # the upper half is dark
    (tmp_path / "set").mkdir()
    how = {"planarconfig": "separate"} if channels > 1 else {}
    photometric = "rgb" if channels == 3 else "minisblack"
    pixels = values if channels > 1 else values[0]
    tifffile.imwrite(tmp_path / "set" / "a.tif", pixels, photometric=photometric, **how)
    spec = normstat.compute(tmp_path / "set", channels="native")
    page = Parsed(normstat.report(spec))
    images = page.all("img")
    assert images
    for each in images:
        content = b64decode(each["src"].partition(",")[2])
        shown = np.asarray(Image.open(BytesIO(content)).convert("L"), float)
        assert shown.shape == (40, 60)
        assert shown[:18].mean() < 0.5 * shown[22:].mean()


def test_outliers_are_those_of_the_command(work):
    content = normstat.report("normstat.json").decode()
    text = words(Parsed(content.replace("</td>", " </td>").replace("</th>", " </th>")))
    found = normstat.outliers("photos", top=12)
    assert f"Named by a rule: {found.images_named:,} of {found.images:,} images." in text
    for each in found.outliers:
        assert f"{each.path} {each.score:.1f}" in text
        assert all(reason.text in text for reason in each.reasons)


def test_what_was_skipped_takes_no_place_among_the_pictures(photos, samples, tmp_path):
    folder = tmp_path / "set"
    shutil.copytree(samples / "photos" / "night", folder)
    for number in range(60):
        (folder / f"{number}.png").write_text("no image")
    spec = normstat.compute(folder)
    assert len(spec.skipped) == 60
    page = Parsed(normstat.report(spec))
    looked = [each for each in page.all("img") if "score" not in each["alt"]]
    assert len(looked) == spec.counts.images == 10


def test_single_image_has_no_pictures_of_outliers(samples, tmp_path):
    folder = tmp_path / "set"
    folder.mkdir()
    shutil.copy(samples / "photos" / "night" / "night-01.jpg", folder)
    page = Parsed(normstat.report(normstat.compute(folder)))
    assert len(page.all("img")) == 1
    text = words(page)
    assert "1 image · " in text
    assert "1 images" not in text
    assert "Fewer than 5 images: none is far from the rest by its z." in text


def test_lines_have_no_picture(tmp_path):
    folder = tmp_path / "set"
    folder.mkdir()
    Image.fromarray(np.arange(120, dtype=np.uint8)[None]).save(folder / "line.png")
    np.save(folder / "column.npy", np.arange(120, dtype=np.uint8)[:, None])
    page = Parsed(normstat.report(normstat.compute(folder)))
    assert not page.all("img")
    assert "No pictures: none of the images that were tried has one." in words(page)


def test_no_preset_is_said_without_advice_for_another_command(samples):
    page = words(Parsed(normstat.report(normstat.compute(samples / "deep" / "satellite13.tif"))))
    assert "no preset has its channels B01" in page
    assert "name what to compare with" not in page


@pytest.mark.parametrize(
    ("specs", "rows", "left"),
    [([13], 4, 0), ([4], 1, 0), ([60], 4, 44), ([13, 3], 5, 0), ([30] * 6, 12, 22), ([5], 2, 0)],
)
def test_picture_draws_every_channel_or_says_how_many_are_left(specs, rows, left):
    made_specs = [made(f"bands{n}-16", channels=n, images=2, seed=n) for n in specs]
    names = [Candidate(name=f"s{number}", spec=each) for number, each in enumerate(made_specs)]
    page = Page("title", "", "0", sections(known(*names)))
    found = [row for row in _rows(page) if not row.plane]
    assert len(found) == rows
    shown = sum(len(row.panels) for row in found)
    assert shown + sum(row.left for row in found) == sum(specs)
    assert found[-1].left == left
    assert summary(page).startswith(b"\x89PNG")


def test_outliers_are_not_looked_for_among_many(monkeypatch, work):
    monkeypatch.setattr("normstat.reports.page.pictures._MOST_JUDGED", 29)
    text = words(Parsed(normstat.report("normstat.json")))
    assert "Not looked for: 30 images are many to read for a page" in text


def test_sixteen_bits_and_masks_have_pictures(samples, tmp_path):
    folder = tmp_path / "set"
    folder.mkdir()
    for name in ("gray16.png", "gray-alpha.png"):
        shutil.copy(samples / "odd" / name, folder)
    save(normstat.compute(folder), tmp_path / "deep.json")
    assert len(Parsed(normstat.report(tmp_path / "deep.json")).all("img")) == 2 + 2


# --- hostile names


@pytest.fixture(scope="module")
def hostile():
    return made(**PAGES["hostile"])


def test_hostile_names_are_text_in_html(hostile):
    content = normstat.report(hostile).decode()
    parsed = Parsed(content)
    assert not parsed.all("img")
    assert not parsed.all("script")
    text = "".join(parsed.text)
    assert all(printable(name) in text for name in NASTY)


def test_hostile_names_are_text_in_drawings(tmp_path):
    folder = tmp_path / "a"
    folder.mkdir()
    paths = []
    for number, name in enumerate(("<script>alert(1)<", "$x^2$ & \"'", "</svg><img src=x>")):
        paths.append(tmp_path / f"{name.replace('/', '∕')}{number}.json")
        save(made(seed=number), paths[-1])
    content = normstat.report(*paths).decode()
    parsed = Parsed(content)
    assert not parsed.all("script")
    assert not parsed.all("img")
    for figure in re.findall(r"<svg .*?</svg>", content, re.DOTALL):
        ET.fromstring(figure)  # noqa: S314 (our own)
    assert all(path.name in "".join(parsed.text) for path in paths)
    assert normstat.report(*paths, format="png")


def test_markdown_has_no_escapes_of_its_own(work):
    text = normstat.report("normstat.json", format="markdown").decode()
    assert "\\xa0" not in text.replace("\\\\", "\\")
    assert "pooled, pixels weigh the same \\*" in text


def test_signed_codes_have_no_ends_of_a_range(tmp_path):
    tifffile.imwrite(tmp_path / "flat.tif", np.full((5, 4), 7, np.int16))
    text = normstat.report(normstat.compute(tmp_path), format="markdown").decode()
    assert "% at 0" not in text


def test_hostile_names_are_text_in_markdown(hostile):
    content = normstat.report(hostile, format="markdown").decode()
    shown = MarkdownIt("commonmark", {"html": True}).enable("table").render(content)
    parsed = Parsed(shown)
    assert {tag for tag, _ in parsed.elements} <= {
        "h1", "h2", "h3", "p", "ul", "li", "pre", "code", "strong",
        "table", "thead", "tbody", "tr", "th", "td",
    }  # fmt: skip
    text = "".join(parsed.text)
    assert all(printable(name) in text for name in NASTY)
    assert shown.count("<h1>") == 1


@pytest.mark.parametrize("text", [*NASTY, "a | b", "~~x~~", "![x](y)", "&copy;", "1 * 2 * 3"])
def test_plain_text_comes_back_from_markdown(text):
    for shell in ("{}", "- {}", "| a |\n|---|\n| {} |", "**{}**"):
        shown = MarkdownIt("commonmark").enable("table").render(shell.format(plain(text)))
        parsed = Parsed(shown)
        assert printable(text) in "".join(parsed.text)
        assert not {"img", "script", "a", "em", "b"} & {tag for tag, _ in parsed.elements}


# --- files


def test_own_reports_are_replaced_and_other_files_are_not(here, work):
    for name in ("report.html", "report.md", "report.png"):
        assert here("-o", name, "--no-images").code == 0
        before = (work / name).read_bytes()
        assert here("other.json", "-o", name, "--no-images").code == 0
        assert (work / name).read_bytes() != before
        (work / name).write_text("<html>mine</html>")
        code, _, err = here("-o", name)
        assert code == 3
        assert "exists and is not a normstat report; nothing was done" in err
        assert (work / name).read_text() == "<html>mine</html>"
        assert here("-o", name, "--force", "--no-images").code == 0
    assert not list(work.glob(".normstat-*"))


def test_link_stays_a_link_to_what_is_written(here, work):
    (work / "elsewhere").mkdir()
    (work / "report.html").symlink_to(work / "elsewhere" / "page.html")
    assert here("--no-images").code == 0
    assert (work / "report.html").is_symlink()
    assert (work / "elsewhere" / "page.html").exists()


ENDS = [
    (2, ["--format", "pdf"], "pdf"),
    (2, ["normstat.json"] * 9, "at most 8"),
    (2, ["-o", "x.pdf"], "x.pdf: a report ends in .html, .md, .png"),
    (2, ["-o", "new.json"], "say with --format"),
    (2, ["imagenett"], "did you mean 'imagenet'"),
    (3, ["imagenet"], "without the statistics of a dataset"),
    (3, ["nowhere.json"], "nowhere.json: no such file"),
    (3, ["-o", "nowhere/report.html"], "the folder nowhere does not exist"),
    (3, ["-o", "photos"], "photos: is a folder; name a file in it, such as photos/report.html"),
    (3, ["-o", "photos", "--format", "png"], "such as photos/report.png"),
    (3, ["-o", "normstat.json", "--format", "html"], "is read and would be replaced"),
    (3, ["notes.json"], "not a normstat spec"),
    (3, ["--presets", "none.yaml"], "none.yaml"),
    (3, ["empty"], "no image found"),
]


@pytest.mark.parametrize(("code", "args", "text"), ENDS, ids=[" ".join(row[1]) for row in ENDS])
def test_every_end_has_its_code_and_its_reason(here, work, code, args, text):
    (work / "notes.json").write_text("{}")
    (work / "empty").mkdir()
    found = here(*args)
    assert found.code == code, found
    assert text in found.err
    assert "Traceback" not in found.err
    assert not (work / "report.html").exists()


@pytest.mark.parametrize(
    ("missing", "kind", "code"),
    [
        ("jinja2", "html", 3),
        ("matplotlib", "html", 3),
        ("matplotlib", "png", 3),
        ("jinja2", "png", 0),
        ("matplotlib", "markdown", 0),
    ],
)
def test_missing_extra_is_told_with_its_install_line(work, missing, kind, code):
    program = (
        f"import sys; sys.modules[{missing!r}] = None; from normstat.cli import main;"
        f"main(['report', '--format', {kind!r}, '--no-images'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(ROOT), "HOME": str(work)},
        cwd=work,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stderr
    if code:
        assert f"needs {missing}, which is not installed" in done.stderr
        assert "pip install 'normstat[report]'" in done.stderr
        assert "Traceback" not in done.stderr
        assert not list(work.glob("report*"))


def test_missing_spec_says_how_to_make_one(run):
    code, out, err = run("report")
    assert (code, out) == (3, "")
    assert "normstat compute FOLDER" in err


def test_quiet_writes_and_says_nothing(here, work):
    assert here("-q", "--no-images") == (0, b"", "")
    assert (work / "report.html").exists()


def test_own_presets_are_compared_with(here, work):
    own = """presets:
- {name: ours, title: Ours, kind: model, std_definition: pooled, applies_to: us, verified: true,
   channels: [R, G, B], max_pixel_value: 255, mean: [0.47, 0.44, 0.42], std: [0.24, 0.24, 0.24],
   code_max: 255, sources: [{literal: here, access: opened}]}
"""
    (work / "own.yaml").write_text(own)
    code, out, _ = here("--presets", "own.yaml", "--no-images", "-o", "-")
    assert code == 0
    assert "ours" in words(Parsed(out))


def test_library_refuses_what_is_no_dataset():
    with pytest.raises(UsageError, match="pdf"):
        normstat.report(made(), format="pdf")
    candidate = Candidate(name="imagenet", spec=preset("imagenet"))
    with pytest.raises(SpecError, match="without the statistics"):
        subject_of(candidate, [], pictures=0)


def test_hostile_name_is_the_one_of_the_issue():
    assert HOSTILE == "<img src=x onerror=alert(1)>.jpg"
