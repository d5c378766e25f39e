"""The gallery: whole, self-contained, and deaf to whatever names and headers say."""

import base64
import hashlib
import io
import json
import os
import re
import shutil
from html.parser import HTMLParser

import numpy as np
import pytest
from helpers.made import CLASSES, HEADS, galaxy, names_of, write_fits
from PIL import Image

from galedge.answers.classifier import Classifier
from galedge.answers.result import columns
from galedge.errors import OutputError
from galedge.network.heads import Heads
from galedge.tables.gallery import Gallery

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    "<img src=x onerror=alert(1)>",
    "\u2028&lt;\"'`${alert(1)}",
    os.fsdecode(b"bad\xff\x1b.fits"),
]
COLOURS = np.random.default_rng(0).integers(40, 215, (300, 3)).astype(np.uint8)


class Elements(HTMLParser):
    """What a parser sees: the text of elements by their attributes."""

    def __init__(self, text):
        super().__init__()
        self.scripts = []
        self.inside = False
        self.tags = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))
        self.inside = tag in ("script", "style")
        if self.inside:
            self.scripts.append((tag, dict(attributes), ""))

    def handle_endtag(self, tag):
        self.inside = False

    def handle_data(self, data):
        if self.inside:
            tag, attributes, text = self.scripts[-1]
            self.scripts[-1] = tag, attributes, text + data

    def texts(self, **wanted):
        wanted = {key.rstrip("_"): value for key, value in wanted.items()}
        return [text for _, attributes, text in self.scripts if attributes == wanted]

    def rows(self):
        chunks = self.texts(type="application/json", class_="rows")
        return [row for chunk in chunks for row in json.loads(chunk)]

    def sheets(self):
        return self.texts(type="text/plain", class_="sheet")

    def page(self):
        (text,) = self.texts(type="application/json", id="page")
        return json.loads(text)


def row(i, **changes):
    cells = dict.fromkeys(names_of(HEADS))
    cells |= {"path": f"night/{i}.fits", "hdu": 0, "label": CLASSES[i % 7], "t_type": i % 10 - 5.0}
    cells |= {"probability": 0.3 + i % 70 / 100, "t_type_error": 0.5, "flags": "", "status": "ok"}
    cells |= {f"p_{label}": 0.1 for label in CLASSES}
    return cells | changes


def flat(i):
    """Return a thumbnail of one colour, with a white upper half."""
    pixels = np.broadcast_to(COLOURS[i % 300, :, None, None], (3, 16, 16)).copy()
    pixels[:, :4] = 255
    return pixels


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """Return a page of 300 galaxies, the 7th of them rejected, and hostile ones."""
    path = tmp_path_factory.mktemp("gallery") / "night.html"
    with Gallery(path, columns(HEADS), {"command": "galedge <script>", "model": "tiny"}) as page:
        for i in range(300):
            if i == 7:
                page.add(row(i, status="error", error="is empty", label=None), None)
            else:
                page.add(row(i, flags="small;faint" if i == 8 else ""), flat(i), upwards=i == 9)
        for name in HOSTILE:
            page.add(row(0, path=name, object=name, error=name), flat(0))
    assert os.listdir(path.parent) == ["night.html"]
    return path


@pytest.fixture(scope="module")
def elements(path):
    return Elements(path.read_text("utf-8"))


def test_rows(elements):
    rows = elements.rows()
    assert len(rows) == 300 + len(HOSTILE)
    names = [column["name"] for column in elements.page()["columns"]]
    first = dict(zip(names, rows[0], strict=True))
    assert first["path"] == "night/0.fits"
    assert first["probability"] == 0.3
    assert first["sky"] is None
    assert elements.page()["classes"] == CLASSES


def test_thumbnails_are_where_the_page_looks_for_them(elements):
    sheets = [np.asarray(Image.open(io.BytesIO(base64.b64decode(s)))) for s in elements.sheets()]
    assert [sheet.shape for sheet in sheets] == [(128, 128, 3)] * 4 + [(112, 128, 3)]
    across = elements.page()["across"]
    for i in range(300):
        sheet, place = divmod(i, across**2)
        y, x = place // across * 16, place % across * 16
        tile = sheets[sheet][y : y + 16, x : x + 16].astype(int)
        if i == 9:
            tile = tile[::-1]  # a FITS image, whose first row is the lowest
        if i == 7:
            assert tile[4:12, 4:12].max() < 20
        else:
            assert abs(tile[8:14, 4:12].mean((0, 1)) - COLOURS[i]).max() < 12, i
            assert tile[:2].mean() > 240


def test_nothing_ends_or_opens_an_element(elements):
    kinds = [tag for tag, _ in elements.tags]
    assert kinds.count("script") == 2 * 5 + 1 + 1  # rows and sheets, the page's facts, the script
    assert "img" not in kinds
    assert not any(key.startswith("on") for _, attributes in elements.tags for key in attributes)
    names = [column["name"] for column in elements.page()["columns"]]
    told = [dict(zip(names, cells, strict=True))["object"] for cells in elements.rows()[300:]]
    assert told == [*HOSTILE[:4], r"bad\udcff\x1b.fits"]
    assert elements.page()["about"]["command"] == "galedge <script>"


def test_the_policy_lets_only_the_pages_own_script_run(elements):
    (policy,) = [each["content"] for tag, each in elements.tags if "http-equiv" in each]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    for kind in ("script", "style"):
        (text,) = [text for tag, about, text in elements.scripts if (tag, about) == (kind, {})]
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy


def test_the_page_is_by_itself(path):
    text = path.read_text("utf-8")
    assert not re.search(r"https?:|//[a-z]|@import|\bsrc=|\bhref=", re.sub(r"<script .*", "", text))
    # Text is set as text.
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|eval\(", text)


def test_labels_that_hang_on_others_say_so(tmp_path):
    seen = {"kind": "labels", "name": "seen", "output": "seen", "names": ["arms", "tight"]}
    for given, wanted in (({}, [None, None]), ({"tight": ["arms"]}, [None, ["p_seen_arms"]])):
        heads = Heads.parse([{**seen, "if": given}])
        with Gallery(tmp_path / "g.html", columns(heads)):
            pass
        told = Elements((tmp_path / "g.html").read_text("utf-8")).page()["columns"]
        assert [each.get("given") for each in told if each["role"] == "yes"] == wanted


def test_provenance(elements):
    about = elements.page()["about"]
    assert about["creator"].startswith("galedge ")
    assert (about["model"], about["rows"], about["rejected"]) == ("tiny", 305, 1)
    assert about["started"] <= about["finished"]


def test_larger_pixels_are_made_small(tmp_path):
    with Gallery(tmp_path / "t.html", columns(HEADS)) as page:
        page.add(row(0), np.full((3, 128, 128), 90, np.uint8))
    (sheet,) = Elements((tmp_path / "t.html").read_text("utf-8")).sheets()
    assert Image.open(io.BytesIO(base64.b64decode(sheet))).size == (8 * 64, 64)


@pytest.mark.parametrize("rows", [0, 1])
def test_without_thumbnails(tmp_path, rows):
    with Gallery(tmp_path / "t.html", columns(HEADS)) as page:
        for i in range(rows):
            page.add(row(i), None)
    elements = Elements((tmp_path / "t.html").read_text("utf-8"))
    assert len(elements.rows()) == rows
    assert elements.sheets() == [""] * rows


def test_nothing_is_left_after_a_failure(tmp_path, monkeypatch):
    def fail(error):
        with Gallery(tmp_path / "t.html", columns(HEADS)) as page:
            page.add(row(0), flat(0))
            raise error

    with pytest.raises(KeyboardInterrupt):
        fail(KeyboardInterrupt)
    assert os.listdir(tmp_path) == []
    with pytest.raises(OutputError, match="No such file"):
        Gallery(tmp_path / "nowhere/t.html", columns(HEADS))

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with (
        pytest.raises(OutputError, match="No space left"),
        Gallery(tmp_path / "t.html", columns(HEADS)) as page,
    ):
        page.add(row(0), flat(0))
    assert os.listdir(tmp_path) == []


def grown(path, *runs):
    """Write a page in several runs, each going on with the last; return what it took over."""
    taken, first = [], 0
    for count in runs:
        with Gallery(path, columns(HEADS), {"model": "tiny"}, goes_on=True) as page:
            taken.append(page.taken_over)
            for i in range(first, first + count):
                page.add(row(i, status="error" if i == 3 else "ok"), flat(i))
        first += count
    return taken


def test_a_page_is_gone_on_with(tmp_path):
    path = tmp_path / "n.html"
    assert grown(path, 70, 1, 5) == [0, 70, 71]
    elements = Elements(path.read_text("utf-8"))
    names = [column["name"] for column in elements.page()["columns"]]
    paths = [dict(zip(names, cells, strict=True))["path"] for cells in elements.rows()]
    assert paths == [f"night/{i}.fits" for i in range(76)]
    chunks = elements.texts(type="application/json", class_="rows")
    assert [len(json.loads(chunk)) for chunk in chunks] == [64, 6, 1, 5]
    heights = [
        Image.open(io.BytesIO(base64.b64decode(sheet))).height // 16 for sheet in elements.sheets()
    ]
    assert heights == [8, 1, 1, 1]
    about = elements.page()["about"]
    assert (about["rows"], about["rejected"]) == (76, 1)
    assert os.listdir(tmp_path) == ["n.html"]


@pytest.mark.parametrize("kind", ["columns", "version", "damaged", "cut", "other"])
def test_a_page_that_cannot_be_gone_on_with_is_begun_anew(tmp_path, kind):
    path = tmp_path / "n.html"
    grown(path, 5)
    text, names = path.read_text("utf-8"), columns(HEADS)
    if kind == "columns":
        names = [each for each in names if each.name != "sky"]
    elif kind == "version":
        path.write_text(text.replace("sha256-", "sha256-A"))  # of another script
    elif kind == "damaged":
        path.write_text(text.replace('"rows":5', '"rows":"five"'))
    elif kind == "cut":
        path.write_text(text[: text.index('id="page"')])
    else:
        path.write_text("<p>mine</p>")
    with Gallery(path, names, goes_on=True) as page:
        assert page.taken_over == 0
        page.add(row(9), flat(9))
    assert len(Elements(path.read_text("utf-8")).rows()) == 1


def test_a_page_is_shown_while_it_grows(tmp_path):
    path = tmp_path / "n.html"
    with Gallery(path, columns(HEADS)) as page:
        for i in range(70):
            page.add(row(i), flat(i))
        page.show()
        shown = Elements(path.read_text("utf-8"))
        assert (len(shown.rows()), shown.page()["about"]["rows"]) == (70, 70)
        page.add(row(70), flat(70))
        page.show()
        assert len(Elements(path.read_text("utf-8")).rows()) == 71
    elements = Elements(path.read_text("utf-8"))
    assert len(elements.rows()) == 71
    assert len(elements.sheets()) == 2  # the row that was shown before is on the same sheet
    assert os.listdir(tmp_path) == ["n.html"]


def test_a_full_disk_leaves_the_page_whole(tmp_path, monkeypatch):
    path, write, room = tmp_path / "n.html", os.write, False

    def narrow(file, data):
        if room:
            return write(file, data)
        write(file, data[: len(data) // 2])
        raise OSError(28, "No space left on device")

    with Gallery(path, columns(HEADS)) as page:
        monkeypatch.setattr(os, "write", narrow)
        for i in range(63):
            page.add(row(i), flat(i))
        for i in (63, 64):
            with pytest.raises(OutputError, match=r"n\.html: cannot be written: No space left"):
                page.add(row(i), flat(i))
        room = True
        page.add(row(65), flat(65))
        page.add(row(66), flat(66))
    elements = Elements(path.read_text("utf-8"))
    chunks = elements.texts(type="application/json", class_="rows")
    assert [len(json.loads(chunk)) for chunk in chunks] == [66, 1]
    assert len(elements.rows()) == 67


def test_results_keep_pixels_when_asked(bundle, tmp_path):
    write_fits(tmp_path / "a.fits", galaxy())
    (tmp_path / "b.fits").write_bytes(b"")
    sources = [str(tmp_path / "a.fits"), str(tmp_path / "b.fits")]
    kept = Classifier(bundle, keep_pixels=True).classify(sources)
    assert kept[0].pixels.shape == (3, 16, 16)
    assert kept[0].pixels.base is None  # not the whole batch
    assert kept[0].pixels.max() > 100
    assert kept[1].pixels is None
    plain = Classifier(bundle).classify(sources)
    assert plain[0].pixels is None
    assert plain == kept
    assert plain[0].as_row() == kept[0].as_row()


def test_classify_makes_a_page(galedge, night, bundle, tmp_path):
    write_fits(night / "x.fits", galaxy(), OBJECT="</script><script>alert(1)</script>")
    (night / "empty.fits").write_bytes(b"")
    process = galedge("classify", night, "--model", bundle, "-o", "t.csv", "--gallery", "n.html")
    assert process.returncode == 3
    assert sorted(os.listdir(tmp_path)) == ["n.html", "night", "t.csv"]
    elements = Elements((tmp_path / "n.html").read_text("utf-8"))
    assert len(elements.rows()) == 7
    about = elements.page()["about"]
    assert (about["rows"], about["rejected"], about["model"]) == (7, 1, "tiny")
    assert about["command"].startswith("galedge classify ")
    (sheet,) = elements.sheets()
    assert np.asarray(Image.open(io.BytesIO(base64.b64decode(sheet)))).max() > 100


def test_pages_that_are_refused(galedge, night, bundle, tmp_path):
    (tmp_path / "in.html").write_bytes((night / "g0.fits").read_bytes())
    for name, message in [("night.fits", "end the name in .html"), ("in.html", "also an input")]:
        process = galedge("classify", night, "in.html", "--model", bundle, "--gallery", name)
        assert (process.returncode, process.stdout) == (2, "")
        assert message in process.stderr


@pytest.mark.slow
def test_in_a_browser(path, tmp_path):
    playwright = pytest.importorskip("playwright.sync_api")
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("needs Chromium")
    with playwright.sync_playwright() as run:
        browser = run.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_page()
        said = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("dialog", lambda dialog: said.append("a script ran"))
        page.on("request", lambda request: said.append(request.url))
        page.goto(path.as_uri())
        assert page.text_content("#shown") == "305 of 305 shown"
        cards = page.locator("#grid li")
        assert 0 < cards.count() < 100

        page.select_option("#status", "error")
        assert page.text_content("#shown") == "1 of 305 shown"
        assert "rejected: is empty" in cards.first.locator("button").get_attribute("aria-label")
        page.click("#reset")
        page.select_option("#flag", "faint")
        assert page.text_content("#shown") == "1 of 305 shown"
        page.click("#reset")
        page.click("#classes button:has-text('S0')")
        assert page.text_content("#shown") == "43 of 305 shown"
        page.click("#reset")
        page.fill("#search", "alert")
        page.wait_for_function("document.getElementById('shown').textContent.startsWith('3 ')")
        cards.first.locator("button").click()
        assert page.text_content("#dialog-title") == HOSTILE[0]
        page.keyboard.press("ArrowRight")
        assert page.text_content("#dialog-title") == HOSTILE[2]
        page.keyboard.press("Escape")
        page.click("#reset")
        for sort, first in [("-probability", "69.fits"), ("t_type", "0.fits"), ("name", None)]:
            page.select_option("#sort", sort)
            if first:
                assert cards.first.locator("button").get_attribute("aria-label").startswith(first)
        page.select_option("#sort", "given")
        cards.first.locator("button").focus()
        page.keyboard.press("End")
        assert page.evaluate("document.activeElement.dataset.position") == "304"
        # Thumbnails of a page that was gone on with: its sheets are of different lengths.
        grown(tmp_path / "n.html", 70, 1, 5)
        page.goto((tmp_path / "n.html").as_uri())
        assert page.text_content("#shown") == "76 of 76 shown"
        for i, place in [(63, "100% 100%"), (64, "0% 0px"), (71, "0% 0px"), (72, None)]:
            size = page.evaluate(f"thumbnail({i}).style.backgroundSize")
            assert size == ("800% 800%" if i < 64 else "800% 100%")
            if place:
                assert page.evaluate(f"thumbnail({i}).style.backgroundPosition") == place
        others = [each for each in said if not each.startswith(("blob:", "file:"))]
        assert others == []
        browser.close()
