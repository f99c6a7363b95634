"""The pages show what is so, and lead where they say."""

import re
from pathlib import Path

import pytest

from normstat.cli import COMMANDS
from tests import docs
from tests.docs import PAGE_OF, ROOT

FENCED = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"`[^`\n]*`")
LINK = re.compile(r"!?\[[^]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
NO_PART_OF_AN_ANCHOR = re.compile(r"[^\w\- ]")
ELSEWHERE = ("http://", "https://", "mailto:")

PAGES = [path.relative_to(ROOT).as_posix() for path in docs.pages()]


def prose(path):
    return FENCED.sub("", path.read_text(encoding="utf-8"))


def links(path):
    """Targets of a page's links, without those to other sites."""
    targets = LINK.findall(CODE.sub("", prose(path)))
    return [target for target in targets if not target.startswith(ELSEWHERE)]


def anchors(path):
    """The anchors that GitHub gives to a page's headings."""
    plain = [
        NO_PART_OF_AN_ANCHOR.sub("", heading.strip().lower()).replace(" ", "-")
        for heading in HEADING.findall(prose(path))
    ]
    repeats = [plain[:place].count(anchor) for place, anchor in enumerate(plain)]
    return {f"{a}-{n}" if n else a for a, n in zip(plain, repeats, strict=True)}


def broken(path):
    """Links of a page to a file that is not there, or to a heading that its page lacks."""
    wrong = []
    for target in links(path):
        name, _, anchor = target.partition("#")
        aim = path.parent / name if name else path
        if not aim.exists() or (anchor and anchor not in anchors(aim)):
            wrong.append(target)
    return wrong


@pytest.mark.parametrize("name", PAGES)
def test_every_link_leads_somewhere(name):
    assert not broken(ROOT / name)


def test_links_that_lead_nowhere_are_told(tmp_path):
    (tmp_path / "b.md").write_text("# Threads, or `processes`?\n\n```\n# no heading\n```\n")
    page = tmp_path / "a.md"
    page.write_text(
        "# Here\n[1](b.md) [2](b.md#threads-or-processes) [3](#here) [4](https://x.example)\n"
        "[5](c.md) [6](b.md#no-heading) [7](#there) ![8](c.png) `[9](d.md)`\n"
    )
    assert broken(page) == ["c.md", "b.md#no-heading", "#there", "c.png"]


def test_every_page_is_reached_from_the_readme():
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in reached:
            continue
        reached.add(page)
        aims = (Path(page.parent, link.partition("#")[0]).resolve() for link in links(page))
        waiting += [aim for aim in aims if aim.suffix == ".md"]
    assert {ROOT / name for name in PAGES} <= reached


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_told_of_on_its_page(command):
    assert f"normstat {command}" in docs.page(PAGE_OF[command])


@pytest.mark.parametrize("stale", ["README.md", "normstat/docs/page.md"])
def test_a_stale_block_of_any_page_is_found_and_renewed(tmp_path, stale):
    (tmp_path / "normstat" / "docs").mkdir(parents=True)
    current = "<!-- run: echo new -->\n```console\n$ echo new\nnew\n```\n<!-- end -->\n"
    for name in ("README.md", "normstat/docs/page.md"):
        text = current.replace("\nnew\n", "\nold\n") if name == stale else current
        (tmp_path / name).write_text(text)
    with pytest.raises(SystemExit, match=rf"print: {re.escape(stale)}; run"):
        docs.main(["--check"], tmp_path)
    docs.main([], tmp_path)
    assert (tmp_path / stale).read_text() == current
    docs.main(["--check"], tmp_path)


def test_a_failing_command_is_told_with_its_exit_code():
    assert docs.printed("exit 3") == "```console\n$ exit 3\n(exit code 3)\n```\n"


def test_marks_inside_a_sentence_are_text():
    sentence = "Between `<!-- run: exit 3 -->` and `<!-- end -->` it is generated:\n\n"
    block = "<!-- run: echo a -->\n<!-- end -->\n"
    assert docs.renewed(sentence + block) == sentence + docs.renewed(block)
    assert "\na\n" in docs.renewed(block)


def test_a_block_without_an_end_is_told_and_takes_no_other_into_it(tmp_path):
    text = "<!-- run: echo a -->\nprose\n<!-- run: echo b -->\n<!-- end -->\n"
    (tmp_path / "README.md").write_text(text)
    with pytest.raises(SystemExit, match=r"README\.md: a generated block has no end"):
        docs.main([], tmp_path)
    assert (tmp_path / "README.md").read_text() == text
