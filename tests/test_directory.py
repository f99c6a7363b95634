"""Which files are found, in which order, and that no folder can trap, hang or double a listing."""

import os
import re
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import normstat
from normstat.errors import SourceError
from normstat.names import natural_key
from normstat.sources import Selection, list_files


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def make(*names):
    """Make files of one byte; a name that ends in / is an empty folder."""
    for name in names:
        place = Path(name)
        folder = place if name.endswith("/") else place.parent
        folder.mkdir(parents=True, exist_ok=True)
        if folder is not place:
            place.write_bytes(b"x")


def link(name, target):
    Path(name).parent.mkdir(parents=True, exist_ok=True)
    Path(name).symlink_to(target)


def names_in(*sources, **selection):
    return list_files(sources, Selection(**selection)).names


def digest_of(*sources):
    return list_files(sources, Selection()).digest()


def test_numbers_sort_by_value_and_folders_stay_together(here):
    make("x/img10.png", "x/img2.png", "x/a.b/1.png", "x/a/10.png", "x/a/9.png", "x/a1.png")
    expected = ["a/9.png", "a/10.png", "a.b/1.png", "a1.png", "img2.png", "img10.png"]
    assert names_in("x") == expected


def reference_key(name):
    """Numbers as numbers; / before . before digits before letters."""
    return [
        (2, int(part)) if part.isdigit() else ("/.".find(part) if part in "/." else 3, part)
        for part in re.findall(r"\d+|\D", name)
    ]


dotted = st.text(alphabet="abzAZ0129/.", max_size=12)


@given(dotted, dotted)
def test_natural_key_orders_as_lists_of_words_and_numbers_do(a, b):
    assert (natural_key(a) < natural_key(b)) == (reference_key(a) < reference_key(b))


def test_order_of_the_sources_changes_nothing(here):
    make("b/1.png", "a/2.png", "c.png")
    assert names_in("b", "c.png", "a") == names_in("a", "b", "c.png")
    assert digest_of("b", "c.png", "a") == digest_of("a", "b", "c.png")


@pytest.mark.parametrize("spelling", ["x", "./x", "x/", "x//", "x/../x", "link", "link/", "/"])
def test_a_folder_given_by_two_spellings_counts_once(here, spelling):
    make("x/1.png", "x/sub/2.png")
    link("link", "x")
    other = here / "x" if spelling == "/" else spelling
    assert names_in("x", other) == names_in(other, "x") == ["1.png", "sub/2.png"]
    assert digest_of(other) == digest_of("x")


@pytest.mark.parametrize(
    ("sources", "expected"),
    [
        (("x", "x/sub"), ["x/1.png", "x/sub/2.png"]),
        (("x/sub", "x"), ["x/1.png", "x/sub/2.png"]),
        (("x", "link/sub"), ["x/1.png", "x/sub/2.png"]),
        (("x", "x/1.png"), ["x/1.png", "x/sub/2.png"]),
        (("./x/1.png", "x"), ["x/1.png", "x/sub/2.png"]),
        (("x", "link/sub/2.png"), ["x/1.png", "x/sub/2.png"]),
        (("x", "x/note.txt"), ["x/1.png", "x/note.txt", "x/sub/2.png"]),
        (("x/1.png", "./x/1.png", "link/1.png"), ["./x/1.png"]),
        (("x/note.txt",), ["x/note.txt"]),
    ],
)
def test_what_is_reached_twice_counts_once(here, sources, expected):
    make("x/1.png", "x/sub/2.png", "x/note.txt")
    link("link", "x")
    assert names_in(*sources) == expected


TREE = ("train/cat/1.png", "train/cat/1_mask.png", "train/dog/2.jpg", "val/cat/3.png", "4.png")


@pytest.mark.parametrize(
    ("selection", "left"),
    [
        ({"include": ("train",)}, "1 1_mask 2"),
        ({"include": ("train/",)}, "1 1_mask 2"),
        ({"include": ("cat",)}, "1 1_mask 3"),
        ({"include": ("1.png",)}, "1"),
        ({"include": ("train/*.png",)}, "1 1_mask"),
        ({"include": ("*/cat/?.png",)}, "1 3"),
        ({"include": ("4.png", "val")}, "3 4"),
        ({"include": ("CAT",)}, ""),
        ({"include": ("x",)}, ""),
        ({"exclude": ("*_mask.png",)}, "1 2 3 4"),
        ({"exclude": ("cat", "dog")}, "4"),
        ({"include": ("train",), "exclude": ("cat",)}, "2"),
        ({"extensions": ("JPG",)}, "2"),
        ({"extensions": (".png", "jpg"), "exclude": ("train",)}, "3 4"),
    ],
)
def test_patterns_see_the_path_the_file_name_and_each_folder(here, selection, left):
    make(*(f"x/{name}" for name in TREE))
    assert " ".join(sorted(Path(name).stem for name in names_in("x", **selection))) == left


def test_suffixes_are_compared_without_case(here):
    make("x/1.PNG", "x/2.JpEg", "x/3.png~", "x/4.png.txt", "x/5")
    assert names_in("x") == ["1.PNG", "2.JpEg"]


def test_a_name_without_a_dot_has_no_suffix(here):
    make("x/png", "x/sub/png")
    assert names_in("x") == []


@pytest.mark.parametrize(
    ("extensions", "expected"),
    [
        (("nii.gz",), ["a.nii.gz", "b.NII.GZ"]),
        (("gz",), ["a.nii.gz", "b.NII.GZ", "c.gz", "nii.gz"]),
        ((".",), ["1.2.840.113619", "IM1", "s.2/IM0"]),
        ((".", "png"), ["1.2.840.113619", "IM1", "d.png", "s.2/IM0"]),
    ],
)
def test_suffixes_of_several_parts_and_names_without_one(here, extensions, expected):
    make("x/a.nii.gz", "x/b.NII.GZ", "x/c.gz", "x/nii.gz", "x/d.png", "x/s.2/IM0")
    make("x/IM1", "x/1.2.840.113619", "x/.hidden")
    assert names_in("x", extensions=extensions) == expected


@pytest.mark.parametrize(
    ("hidden", "expected"),
    [(False, ["1.png"]), (True, ["._1.png", ".cache/2.png", "1.png"])],
)
def test_hidden_names_are_read_only_on_request(here, hidden, expected):
    make("x/1.png", "x/._1.png", "x/.cache/2.png")
    assert names_in("x", hidden=hidden) == expected


def test_a_hidden_folder_that_is_named_is_read(here):
    make(".x/1.png")
    assert names_in(".x") == ["1.png"]


def test_a_linked_file_is_taken(here):
    make("x/1.png", "elsewhere/2.jpg")
    link("x/linked.png", "../elsewhere/2.jpg")
    assert names_in("x") == ["1.png", "linked.png"]


@pytest.mark.parametrize(
    ("follow", "names", "not_entered"),
    [(False, ["1.png"], 1), (True, ["1.png", "linked/sub/2.png"], 0)],
)
def test_a_linked_folder_is_entered_only_on_request(here, follow, names, not_entered):
    make("x/1.png", "elsewhere/sub/2.png")
    link("x/linked", "../elsewhere")
    listing = list_files(["x"], Selection(follow_symlinks=follow))
    assert (listing.names, listing.links_not_entered) == (names, not_entered)


@pytest.mark.parametrize(
    "links",
    [
        {"x/a/self": "."},
        {"x/a/up": "..", "x/b/up": ".."},
        {"x/a/other": "../b", "x/b/other": "../a"},
        {"x/a/far": "../../outside", "outside/back": "../x"},
        {"x/first": "b", "x/zlast": "a"},
        {"x/self": "self"},
    ],
    ids=["self", "parent", "mutual", "round trip", "beside", "nowhere"],
)
def test_link_loops_end_and_count_each_file_once(here, links):
    make("x/a/1.png", "x/b/2.png", "outside/")
    for name, target in links.items():
        link(name, target)
    assert names_in("x", follow_symlinks=True) == ["a/1.png", "b/2.png"]


def test_a_linked_source_counts_under_its_real_name(here):
    make("a/1.png", "b/2.png")
    link("a/b", "../b")
    assert names_in("a", "b", follow_symlinks=True) == ["a/1.png", "b/2.png"]


def odd_entry(kind):
    if kind == "fifo":
        os.mkfifo("x/odd.jpg")
    elif kind == "broken link":
        link("x/odd.jpg", "nothing")
    else:
        link("x/odd.jpg", "odd.jpg")


@pytest.mark.parametrize("source", ["x", "x/odd.jpg"])
@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("fifo", "not a regular file"),
        ("broken link", "broken symbolic link"),
        ("link to itself", "not read: Too many levels of symbolic links"),
    ],
)
def test_what_is_no_file_is_named_and_never_opened(here, source, kind, reason):
    make("x/1.png")
    odd_entry(kind)
    listing = list_files([source, "x/1.png"], Selection())
    assert listing.unreadable == [("x/odd.jpg", reason)]
    assert listing.names == ["x/1.png"]


def test_a_folder_named_as_an_image_is_a_folder(here):
    make("x/1.jpg/2.png")
    assert names_in("x") == ["1.jpg/2.png"]


@pytest.fixture
def photos(here, samples):
    """Two good images in x/ and one below x/sub/."""
    Path("x/sub").mkdir(parents=True)
    for name in ("x/1.png", "x/2.png", "x/sub/3.png"):
        Image.new("RGB", (3, 2), "teal").save(name)
    return here


@pytest.mark.parametrize(
    ("mode", "named"),
    [(0o000, "sub/: folder not read: Permission denied"), (0o600, "sub/3.png: not read: Perm")],
)
def test_an_unreadable_folder_below_is_named(photos, run_unprivileged, mode, named):
    Path("x/sub").chmod(mode)
    ran = run_unprivileged("compute", "x")
    Path("x/sub").chmod(0o700)
    assert (ran.code, ran.err) == (0, "wrote normstat.json\n")
    assert [f"{s.name}: {s.reason}"[: len(named)] for s in normstat.load().skipped] == [named]


def test_a_link_into_a_forbidden_folder_does_not_end_the_run(photos, run_unprivileged):
    make("secret/4.png")
    link("x/4.png", "../secret/4.png")
    Path("secret").chmod(0o000)
    ran = run_unprivileged("compute", "x")
    Path("secret").chmod(0o700)
    assert (ran.code, ran.err) == (0, "wrote normstat.json\n")
    assert [skipped.name for skipped in normstat.load().skipped] == ["4.png"]


@pytest.mark.parametrize("mode", [0o000, 0o300, 0o600])
def test_an_unreadable_source_is_an_error(photos, run_unprivileged, mode):
    Path("x").chmod(mode)
    ran = run_unprivileged("compute", "x")
    Path("x").chmod(0o700)
    assert (ran.code, ran.out) == (3, "")
    assert ran.err == "Error: x: permission denied; nothing was read\n"


def test_a_missing_source_is_named(photos, run):
    ran = run("compute", "x", "nowhere")
    assert (ran.code, ran.err) == (3, "Error: nowhere: no such file or folder\n")


def test_an_empty_name_is_no_source(here):
    with pytest.raises(SourceError, match="no such file or folder"):
        names_in("")


NAMES = {
    "not UTF-8": (b"caf\xe9.png", r"caf\xe9.png"),
    "newline": (b"two\nlines.png", r"two\nlines.png"),
    "terminal control": (b"red\x1b[31m.png", r"red\x1b[31m.png"),
    "snow": ("Zürich-雪.png".encode(), "Zürich-雪.png"),
    "leading dash": (b"-o.png", "-o.png"),
    "rich markup": (b"[bold]x[red].png", "[bold]x[red].png"),
}


@pytest.mark.parametrize(("raw", "shown"), NAMES.values(), ids=NAMES)
def test_odd_names_are_read_and_shown_in_one_line(photos, raw, shown):
    shutil.copyfile("x/1.png", os.fsencode("x") + b"/sub/" + raw)
    Path(os.fsdecode(b"x/" + raw)).write_text("no image")
    spec = normstat.compute("x")
    assert spec.counts.images == 4
    assert [skipped.name for skipped in spec.skipped] == [shown]


def test_all_odd_names_survive_the_screen_and_the_file(photos, run):
    for raw, _ in NAMES.values():
        Path(os.fsdecode(b"x/" + raw)).write_text("no image")
    ran = run("compute", "x")
    assert (ran.code, ran.err) == (0, "wrote normstat.json\n")
    saved = {skipped.name for skipped in normstat.load().skipped}
    assert saved == {shown for _, shown in NAMES.values()}
    assert [shown for _, shown in NAMES.values() if shown not in ran.out] == []


def rename():
    Path("x/1.png").rename("x/3.png")


def resize():
    Path("x/1.png").write_bytes(b"xx")


def remove():
    Path("x/1.png").unlink()


@pytest.mark.parametrize("change", [rename, resize, remove])
def test_digest_tells_that_the_files_changed(here, change):
    make("x/1.png", "x/2.png")
    before = digest_of("x")
    change()
    assert digest_of("x") != before


def test_digest_knows_the_folder_by_what_it_holds_not_by_where_it_is(here):
    make("x/1.png", "y/z/1.png")
    assert digest_of("x") == digest_of("y/z")


def test_passed_over_files_are_counted(here):
    make("x/1.png", "x/notes.txt", "x/sub/labels.csv")
    assert list_files(["x"], Selection()).passed_over == 2
