"""A report in a real browser: how it looks, what it fetches, and what hostile names become."""

import base64
import json
from itertools import product

import pytest

from tests.browser.chromium import captured, show

WIDTHS = (360, 800, 1400)
PAPER = (739, 718)  # pixels between the margins of Letter and of A4, as the browser sets them
SCHEMES = ("light", "dark")
NAMES = (
    "rgb", "gray", "deep", "bands", "signed", "float", "one", "constant", "hostile", "many",
    "long", "photos", "odd", "pictures", "groups", "several", "satellite", "three", "grouped",
)  # fmt: skip
LOOKED_AT = ("photos", "several", "satellite", "hostile", "three")

# Every text that is shown with the colour behind it, as they were computed; WCAG 2.2, 1.4.3.
CONTRASTS = """
const channel = value => { value /= 255;
  return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4; };
const parsed = text => text.match(/[\\d.]+/g).map(Number);
const luminance = ([r, g, b]) =>
  0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const behind = element => {
  for (let each = element; each; each = each.parentElement) {
    const found = parsed(getComputedStyle(each).backgroundColor);
    if (found.length === 3 || found[3] === 1) return found;
  }
  return [255, 255, 255];
};
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
const found = [];
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  if (!walker.currentNode.data.trim() || ['title', 'desc', 'style'].includes(element.localName))
    continue;
  const style = getComputedStyle(element);
  const svg = element.namespaceURI.endsWith('svg');
  const ink = parsed(svg ? style.fill : style.color).slice(0, 3);
  const [a, b] = [luminance(ink), luminance(behind(element))].sort((x, y) => y - x);
  found.push([(a + 0.05) / (b + 0.05), element.localName, walker.currentNode.data.trim()]);
}
return found;
"""

# What is cut or hangs over its place: [what, its right end, that of its place].
CUT = """
const found = [];
const inside = (element, place) => {
  const [a, b] = [element, place].map(each => each.getBoundingClientRect());
  if (a.width && (a.right > b.right + 1 || a.left < b.left - 1))
    found.push([element.outerHTML.slice(0, 80), a.right, b.right]);
};
for (const each of document.querySelectorAll('.scroll')) {
  if (each.scrollWidth > each.clientWidth + 1)
    found.push([each.outerHTML.slice(0, 80), each.scrollWidth, each.clientWidth]);
  for (const cell of each.querySelectorAll('caption, th, td')) {
    inside(cell, each);
    if (cell.scrollWidth > cell.clientWidth + 1)
      found.push([cell.outerHTML.slice(0, 80), cell.scrollWidth, cell.clientWidth]);
  }
}
for (const each of document.querySelectorAll('pre, summary, figure, p, h1, h2, h3, li')) {
  inside(each, each.parentElement);
  if (each.scrollWidth > each.clientWidth + 1)
    found.push([each.outerHTML.slice(0, 80), each.scrollWidth, each.clientWidth]);
}
return found;
"""

# Texts of a table or a drawing that are on each other.
OVERLAPS = """
const found = [];
const boxes = root => {
  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT), all = [];
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (!node.data.trim() || node.parentElement.closest('title, desc')) continue;
    const range = document.createRange();
    range.selectNodeContents(node);
    all.push(...[...range.getClientRects()].map(box => [node.data.trim(), box]));
  }
  return all;
};
for (const root of document.querySelectorAll('svg, tr, .columns > *')) {
  const all = root.localName === 'div' ? [] : boxes(root);
  for (let i = 0; i < all.length; i++) for (let j = 0; j < i; j++) {
    const [[a, p], [b, q]] = [all[i], all[j]];
    if (Math.min(p.right, q.right) - Math.max(p.left, q.left) > 1 &&
        Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top) > 4) found.push([a, b]);
  }
}
const columns = [...document.querySelectorAll('.columns > *')].map(each =>
  [each.parentElement, [...each.querySelectorAll('*')].map(inner => inner.getBoundingClientRect())
    .filter(box => box.width).map(box => [box.left, box.right, box.top, box.bottom])]);
for (const [i, [parent, mine]] of columns.entries())
  for (const [other, theirs] of columns.slice(0, i)) {
    if (parent !== other || !mine.length || !theirs.length) continue;
    const [a, b] = [mine, theirs].map(all => [
      Math.min(...all.map(box => box[0])), Math.max(...all.map(box => box[1])),
      Math.min(...all.map(box => box[2])), Math.max(...all.map(box => box[3]))]);
    if (Math.min(a[1], b[1]) - Math.max(a[0], b[0]) > 1 &&
        Math.min(a[3], b[3]) - Math.max(a[2], b[2]) > 1) found.push(['columns', i]);
  }
return found;
"""

# For each number in a plane: [the number, is it joined, distance to its own point, to a foreign].
LABELS = """
const middle = element => {
  const box = element.getBoundingClientRect();
  return [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
};
const found = [];
for (const plane of document.querySelectorAll('svg')) {
  const points = [...plane.querySelectorAll('[id*="-mark-"]')].map(each =>
    [each.id.match(/-mark-(.*)-\\d+$/)[1], middle(each.querySelector('use'))]);
  for (const each of plane.querySelectorAll('[id*="-label-"]')) {
    const text = each.querySelector('text').textContent;
    const [x, y] = middle(each.querySelector('text'));
    const nearest = own => Math.min(1e9, ...points.filter(([mark]) => (mark === text) === own)
      .map(([_, [a, b]]) => Math.hypot(a - x, b - y)));
    const joined = plane.querySelector(`[id$="-leader-${text}"] path`) !== null;
    found.push([text, joined, nearest(true), nearest(false)]);
  }
}
return found;
"""


def requested(browser):
    """Return the addresses that were asked for, but those that a page carries in itself."""
    found = []
    for entry in browser.get_log("performance"):
        message = json.loads(entry["message"])["message"]
        if message["method"] == "Network.requestWillBeSent":
            found.append(message["params"]["request"]["url"])
    return [url for url in found if not url.startswith("data:")]


@pytest.mark.parametrize(("width", "scheme"), list(product(WIDTHS, SCHEMES)))
@pytest.mark.parametrize("name", NAMES)
def test_page_renders_without_errors_and_fetches_nothing(browser, pages, name, width, scheme):
    show(browser, pages[name], width, scheme)
    assert browser.get_log("browser") == []
    assert requested(browser) == [pages[name].as_uri()]
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0
    assert browser.execute_script(
        "return document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    )
    dark = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert (dark == "rgb(20, 21, 24)") == (scheme == "dark")


@pytest.mark.parametrize("name", NAMES)
def test_every_text_can_be_told_from_its_ground(browser, pages, name):
    for scheme in SCHEMES:
        show(browser, pages[name], scheme=scheme)
        found = browser.execute_script(CONTRASTS)
        assert len(found) > 100
        assert [each for each in found if each[0] < 4.5] == []


@pytest.mark.parametrize("name", NAMES)
def test_structure_is_one_that_can_be_heard(browser, pages, name):
    show(browser, pages[name])
    found = browser.execute_script(
        """
        const all = selector => [...document.querySelectorAll(selector)];
        return {
          lang: document.documentElement.lang,
          levels: all('h1, h2, h3, h4').map(each => Number(each.localName[1])),
          landmarks: all('header, nav, main, footer').map(each => each.localName),
          broken: all('nav a').filter(each => !document.querySelector(each.hash)).length,
          unscoped: all('th:not([scope])').length,
          headless: all('tbody tr').filter(each => !each.querySelector('th[scope=row]')).length,
          unnamed: all('svg').filter(each =>
            each.getAttribute('role') !== 'img' ||
            each.getAttribute('aria-labelledby').split(' ').some(id =>
              !document.getElementById(id).textContent.trim())).length,
          unseen: all('img').filter(each => !each.alt.trim()).length,
          ids: all('[id]').map(each => each.id),
        };
        """
    )
    assert found["lang"] == "en"
    assert found["levels"][0] == 1
    assert found["levels"].count(1) == 1
    assert all(b - a <= 1 for a, b in zip(found["levels"], found["levels"][1:], strict=False))
    assert found["landmarks"] == ["header", "nav", "main", "footer"]
    for fault in ("broken", "unscoped", "headless", "unnamed", "unseen"):
        assert found[fault] == 0, fault
    assert len(set(found["ids"])) == len(found["ids"])


@pytest.mark.parametrize("name", NAMES)
def test_nothing_in_the_page_can_run(browser, pages, name):
    show(browser, pages[name])
    active = "script, iframe, object, embed, form, base, [srcset], link[rel=stylesheet]"
    assert browser.execute_script(f"return document.querySelectorAll('{active}').length") == 0
    handlers = browser.execute_script(
        "return [...document.querySelectorAll('*')].flatMap(each => [...each.attributes])"
        ".filter(each => each.name.startsWith('on') || /^\\s*javascript:/.test(each.value))"
        ".map(each => each.name)"
    )
    assert handlers == []
    policy = browser.execute_script(
        "return document.querySelector('meta[http-equiv=Content-Security-Policy]').content"
    )
    assert policy.startswith("default-src 'none'")


@pytest.mark.parametrize("name", ["hostile", "pictures", "groups", "several"])
def test_hostile_names_are_text(browser, pages, name):
    # Without the policy, too: the page must not need its seat belt.
    text = pages[name].read_text(encoding="utf-8")
    start = text.index('<meta http-equiv="Content-Security-Policy"')
    bare = pages[name].with_name(f"bare-{name}.html")
    bare.write_text(text[:start] + text[text.index(">", start) + 1 :], encoding="utf-8")
    for path in (pages[name], bare):
        show(browser, path)
        images = browser.execute_script("return [...document.images].map(each => each.src)")
        assert all(source.startswith("data:image/jpeg;base64,") for source in images)
        assert browser.execute_script("return document.images.length") == len(images)
        body = browser.execute_script("return document.body.textContent")
        assert "<img src=x onerror=alert(1)>" in body
        assert browser.get_log("browser") == []
        # An alert would be there still: this one is the first.
        browser.execute_script("setTimeout(() => alert('ours'))")
        assert browser.switch_to.alert.text == "ours"
        browser.switch_to.alert.accept()


def test_hostile_groups_are_text(browser, pages):
    show(browser, pages["groups"])
    cells = browser.execute_script(
        "return [...document.querySelectorAll('#groups td')].map(each => each.textContent)"
    )
    assert "'\"><script>alert(9)<" in cells


def test_pictures_are_decoded_and_named(browser, pages):
    show(browser, pages["pictures"])
    found = browser.execute_script(
        "return [...document.images].map(each => [each.complete, each.naturalWidth, each.alt])"
    )
    assert 1 < len(found) <= 24
    assert all(complete and width for complete, width, _ in found)
    assert any("<img src=x onerror=alert(1)>.jpg" in alt for *_, alt in found)


def print_out(browser, path, width):
    """Lay a page out as it is printed on paper that is so many pixels wide."""
    show(browser, path, width)
    features = {"media": "print", "features": []}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", features)


@pytest.mark.parametrize("width", [*WIDTHS, *PAPER])
@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_cut_and_nothing_overlaps(browser, pages, name, width):
    if width in PAPER:
        print_out(browser, pages[name], width)
    else:
        show(browser, pages[name], width)
        # What is folded is laid out, too, once it is opened.
        browser.execute_script("document.querySelectorAll('details').forEach(e => e.open = true)")
    try:
        assert browser.execute_script("return document.querySelectorAll('.scroll').length") >= 4
        assert browser.execute_script(CUT) == []
        assert browser.execute_script(OVERLAPS) == []
    finally:
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "", "features": []})


@pytest.mark.parametrize(("width", "beside"), [(360, False), (800, False), (1400, True)])
def test_plots_stand_beside_their_tables_where_there_is_room(browser, pages, width, beside):
    show(browser, pages["photos"], width)
    found = browser.execute_script(
        """
        return ['presets', 'definitions'].map(id => {
          const [plot, table] = ['figure', 'table'].map(each =>
            document.querySelector(`#${id} ${each}`).getBoundingClientRect());
          return table.left > plot.right && table.top < plot.bottom;
        });
        """
    )
    assert found == [beside, beside]


@pytest.mark.parametrize(("width", "columns"), [(360, 1), (800, 2), (1400, 3)])
def test_three_specs_stand_abreast_where_there_is_room(browser, pages, width, columns):
    show(browser, pages["three"], width)
    tops = browser.execute_script(
        "return [...document.querySelectorAll('#numbers .column')]"
        ".map(each => each.getBoundingClientRect().top)"
    )
    assert tops.count(tops[0]) == columns
    lines = browser.execute_script(
        "return [...document.querySelectorAll('#numbers code')].map(each =>"
        "each.getBoundingClientRect().height / parseFloat(getComputedStyle(each).lineHeight))"
    )
    assert all(2 < each <= 3.1 for each in lines)


@pytest.mark.parametrize("name", ["photos", "pictures"])
def test_rows_of_pictures_are_as_high_as_their_pictures(browser, pages, name):
    show(browser, pages[name], 360)
    found = browser.execute_script(
        "return [...document.querySelectorAll('.pictures img')].map(each => {"
        "const box = each.getBoundingClientRect(), row = each.closest('li');"
        "return [box.top - row.getBoundingClientRect().top, box.bottom];})"
    )
    rows = {}
    for gap, bottom in found:
        rows.setdefault(round(bottom), []).append(gap)
    assert all(min(gaps) < 1 for gaps in rows.values())


@pytest.mark.parametrize("name", NAMES)
def test_tables_fit_in_the_room_that_they_say_they_need(browser, pages, name):
    show(browser, pages[name])
    found = browser.execute_script(
        """
        document.querySelectorAll('details').forEach(each => each.open = true);
        return [...document.querySelectorAll('table[class*=room]')].map(each => {
          const room = each.className.match(/room(\\d+)/)[1];
          each.parentElement.style.width = `${room}rem`;
          return [each.querySelector('thead').getBoundingClientRect().height > 0,
            each.scrollWidth, each.parentElement.clientWidth, each.textContent.slice(0, 60)];
        });
        """
    )
    assert len(found) >= 3
    assert [each for each in found if not each[0] or each[1] > each[2]] == []


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", NAMES)
def test_texts_of_figures_are_large_enough(browser, pages, name, width):
    show(browser, pages[name], width)
    sizes = browser.execute_script(
        "return [...document.querySelectorAll('svg text')].map(each => {"
        "const turned = each.getScreenCTM();"
        "return parseFloat(getComputedStyle(each).fontSize) * Math.hypot(turned.a, turned.b)})"
    )
    assert sizes
    assert min(sizes) >= 9.5


@pytest.mark.parametrize("name", ["rgb", "gray", "photos", "groups", "several", "odd"])
def test_numbers_of_planes_are_nearest_to_their_own_points(browser, pages, name):
    show(browser, pages[name])
    found = browser.execute_script(LABELS)
    assert len(found) >= 2
    assert [each for each in found if not each[1] and each[2] > 0.8 * each[3]] == []


COUNTS = [
    ("rgb", 3 + 1 + 1 + 2),
    ("gray", 1 + 1 + 1 + 2),
    ("bands", 13 + 2),
    ("float", 3 + 1 + 1 + 2),
    ("one", 3 + 1 + 1),
]


@pytest.mark.parametrize(("name", "figures"), COUNTS)
def test_tables_and_figures_are_there(browser, pages, name, figures):
    show(browser, pages[name])
    assert browser.execute_script("return document.querySelectorAll('svg').length") == figures
    assert browser.execute_script("return document.querySelectorAll('table').length") >= 4
    # Each has a size, and something in it that is painted.
    boxes = browser.execute_script(
        "return [...document.querySelectorAll('svg')].map(each => ["
        "each.getBoundingClientRect().width, each.querySelectorAll('path, use').length])"
    )
    assert all(width > 100 and marks > 3 for width, marks in boxes)


@pytest.mark.parametrize("scheme", SCHEMES)
def test_one_figure_serves_both_schemes(browser, pages, scheme):
    show(browser, pages["rgb"], scheme=scheme)
    fills = browser.execute_script(
        "return [...new Set([...document.querySelectorAll('#histograms use, #histograms path')]"
        ".map(each => getComputedStyle(each).fill))]"
    )
    variables = browser.execute_script(
        "const style = getComputedStyle(document.documentElement);"
        "return ['--red', '--green', '--blue'].map(each => style.getPropertyValue(each).trim())"
    )
    expected = {f"rgb({int(v[1:3], 16)}, {int(v[3:5], 16)}, {int(v[5:], 16)})" for v in variables}
    assert expected <= set(fills)


def test_thousand_skipped_files_are_folded_and_counted(browser, pages):
    show(browser, pages["many"])
    text = browser.execute_script("return document.querySelector('#skipped').textContent")
    assert "1,000 of 1,012" in text
    assert "and 800 more" in text
    assert browser.execute_script("return !document.querySelector('#skipped details').open")
    assert pages["many"].stat().st_size < 2_000_000


@pytest.mark.parametrize("name", LOOKED_AT)
def test_print_makes_a_document_with_all_that_is_folded(browser, pages, screenshots, name):
    show(browser, pages[name])
    printed = browser.execute_cdp_cmd("Page.printToPDF", {"printBackground": True})
    content = base64.b64decode(printed["data"])
    assert content.startswith(b"%PDF-")
    (screenshots / f"{name}.pdf").write_bytes(content)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    folded = browser.execute_script(
        "return [...document.querySelectorAll('details > *:not(summary)')]"
        ".filter(each => !each.getBoundingClientRect().height).length"
    )
    assert folded == 0
    assert browser.execute_script("return getComputedStyle(document.querySelector('nav')).display")
    ground = browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert ground == "rgb(255, 255, 255)"
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


@pytest.mark.parametrize("seen", list(product(WIDTHS, SCHEMES)), ids=str)
@pytest.mark.parametrize("name", LOOKED_AT)
def test_screenshots_for_people(browser, pages, screenshots, name, seen):
    width, scheme = seen
    show(browser, pages[name], width, scheme)
    height = browser.execute_script("return document.documentElement.scrollHeight")
    content = captured(browser, 0, width, min(height, 12_000))
    (screenshots / f"{name}-{width}-{scheme}.png").write_bytes(content)
    assert len(content) > 20_000
