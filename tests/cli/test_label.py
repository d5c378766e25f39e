"""galedge label: a page to label on, used by keys and clicks as people do."""

import csv
import json
import shutil

import numpy as np
import pytest
from helpers.frames_made import PLACES, made, write_frame, write_list
from helpers.made import CLASSES, bundle_of, galaxy, write_fits

from galedge.answers.asking import ORDERS, columns_asked, doubt, orders, useful
from galedge.network.heads import Heads
from galedge.tables.labelpage import read_labels


def told(path):
    """Return what a page is told, and its rows as dicts."""
    text = path.read_text("utf-8")
    page = json.loads(text.split('id="page">')[1].split("<")[0])
    names = [column["name"] for column in page["columns"]]
    chunks = [part.split("<")[0] for part in text.split('class="rows">')[1:]]
    return page, [dict(zip(names, row, strict=True)) for c in chunks for row in json.loads(c)]


def test_what_a_page_asks(galedge, bundle, night, tmp_path):
    (night / "bad.fits").write_text("is none")
    done = galedge(
        "label", night, "-o", "l.html", "--ask", "ring", "--ask", "type = E, S ,Irr", "--hide",
        "--model", bundle,
    )  # fmt: skip
    assert done.returncode == 3  # one was rejected, and cannot be labelled
    page, rows = told(tmp_path / "l.html")
    assert [row["path"] for row in rows] == [str(night / f"g{i}.fits") for i in range(5)]
    assert page["asked"] == [
        {"name": "ring", "classes": ["yes", "no"]},
        {"name": "type", "classes": ["E", "S", "Irr"]},
    ]
    assert not page["shown"]
    assert {*page["orders"]} == {*ORDERS} == {*page["order_names"]}
    assert all(sorted(order) == list(range(5)) for order in page["orders"].values())
    margins = [sorted(row[f"p_{label}"] for label in CLASSES) for row in rows]
    gaps = [one[-1] - one[-2] for one in margins]
    assert page["orders"]["doubt"] == sorted(range(5), key=lambda i: gaps[i])


def test_by_default_the_models_classes(galedge, bundle, night, tmp_path):
    assert galedge("label", night, "-o", "l.html", "--model", bundle).returncode == 0
    assert told(tmp_path / "l.html")[0]["asked"] == [{"name": "label", "classes": CLASSES}]


def test_labels_there_are_already(galedge, bundle, night, tmp_path):
    (tmp_path / "l.csv").write_text(
        f"path,ring,type\n{night}/g0.fits,yes,\n{night}/g1.fits,,E\n{night}/g2.fits,-,NaN\n"
    )
    galedge("label", night, "-o", "l.html", "--labels", "l.csv", "--model", bundle)
    page, _ = told(tmp_path / "l.html")
    asked = {each["name"]: each["classes"] for each in page["asked"]}
    assert asked == {"ring": ["yes"], "type": ["E"]}
    assert page["begin"] == [
        {"file": f"{night}/g0.fits", "ring": "yes"},
        {"file": f"{night}/g1.fits", "type": "E"},
        {"file": f"{night}/g2.fits"},
    ]
    assert read_labels(tmp_path / "l.csv").names == ("ring", "type")


def test_suggestions_are_without_labels_and_doubtful(galedge, bundle, night, tmp_path):
    (tmp_path / "l.csv").write_text(f"file,label\n{night}/g0.fits,E\n{night}/g3.fits,Sc\n")
    done = galedge(
        "label", night, "-o", "l.html", "--labels", "l.csv", "--suggest", 2, "--model", bundle
    )
    assert done.returncode == 0, done.stderr
    _, rows = told(tmp_path / "l.html")
    assert len(rows) == 2
    assert {row["path"] for row in rows} <= {str(night / f"g{i}.fits") for i in (1, 2, 4)}
    assert 'class="sheet">/9j/' in (tmp_path / "l.html").read_text()  # with their pictures


def test_sources_of_frames(galedge, bundle, tmp_path):
    frame = write_frame(tmp_path / "frame.fits", made())
    names = write_list(tmp_path / "list.csv", "x,y", PLACES)
    for more in ((), ("--suggest", 3)):
        galedge("label", frame, "--catalog", names, "-o", "l.html", "--model", bundle, *more)
        page, rows = told(tmp_path / "l.html")
        assert page["place"] == ["hdu", "x", "y", "side"]
        assert len(rows) == (3 if more else 5)
        assert all(row["side"] for row in rows)


def test_refusals(galedge, bundle, night, tmp_path):
    for ask, why in [("ring=", "NAME=CLASS"), ("a=b,b", "NAME=CLASS"), ("file=a,b", "rename it")]:
        done = galedge("label", night, "-o", "l.html", "--ask", ask, "--model", bundle)
        assert (done.returncode, why in done.stderr) == (2, True), ask
    assert galedge("label", night, "-o", "l.txt").returncode == 2
    done = galedge(
        "label", night, "-o", "l.html", "--ask", "bar", "--suggest", 2, "--model", bundle
    )
    assert (done.returncode, "answers none of bar" in done.stderr) == (2, True)
    (tmp_path / "l.csv").write_text("name,label\na,b\n")
    done = galedge("label", night, "-o", "l.html", "--labels", "l.csv", "--model", bundle)
    assert (done.returncode, "no column file" in done.stderr) == (1, True)
    assert not (tmp_path / "l.html").exists()


def test_doubt_is_of_what_is_asked():
    entries = [
        {"kind": "classes", "name": "type", "output": "a", "names": ["E", "S"], "primary": True},
        {"kind": "labels", "name": "own", "output": "b", "names": ["ring", "bar"]},
        {"kind": "labels", "name": "signs", "output": "c", "names": ["arms"], "primary": True},
    ]
    heads = Heads.parse(entries)
    names = ["p_E", "p_S", *heads["own"].column_names]
    told = [(0.5, 0.5, 0.0, 1.0), (0.9, 0.1, 0.5, 0.9), (None,) * 4]
    rows = [dict(zip(names, cells, strict=True)) for cells in told]
    for asked, expected in [
        (["label"], [1, 0.2, 1]),
        (["type"], [1, 0.2, 1]),
        (["own"], [0, 1, 1]),
        (["bar"], [0, 0.2, 1]),  # a label by its own name, as galedge tune writes one
        (["bar", "type"], [1, 0.2, 1]),
    ]:
        np.testing.assert_allclose(doubt(columns_asked(heads, asked), rows), expected)
    assert columns_asked(heads, ["other"]) == []


def test_suggestions_are_of_all_kinds():
    vectors = np.repeat(np.eye(4, dtype=np.float32), 30, axis=0)
    doubts = np.tile(np.linspace(0, 1, 30), 4)
    chosen = useful(doubts, vectors, 4)
    assert sorted(i // 30 for i in chosen) == [0, 1, 2, 3]
    assert all(doubts[chosen] > 0.5)
    none = orders([], [], vectors[:0])
    assert {name: len(order) for name, order in none.items()} == dict.fromkeys(ORDERS, 0)


@pytest.fixture
def labelling(galedge, tmp_path):
    """Return a page of 600 pictures, open in a browser, and the functions to use it."""
    playwright = pytest.importorskip("playwright.sync_api")
    program = shutil.which("chromium") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("needs Chromium")
    pytest.importorskip("onnx")
    entries = [
        {"kind": "classes", "name": "kind", "output": "a", "names": ["E", "S"], "primary": True},
        {"kind": "labels", "name": "own", "output": "b", "names": ["ring", "bar"]},
    ]
    bundle = bundle_of(tmp_path / "own", entries)
    folder = tmp_path / "night, one"
    folder.mkdir()
    for i in range(12):
        write_fits(folder / f"g{i:03}.fits", galaxy(seed=i))
    for i in range(12, 600):
        shutil.copy(folder / f"g{i % 12:03}.fits", folder / f"g{i:03}.fits")
    asks = ("--ask", "ring", "--ask", 'type=E,"S",Irr')
    done = galedge("label", folder, "-o", "l.html", *asks, "--model", bundle)
    assert done.returncode == 0, done.stderr
    with playwright.sync_playwright() as run:
        browser = run.chromium.launch(executable_path=program, args=["--no-sandbox"])
        page = browser.new_context(accept_downloads=True).new_page()
        said = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("request", lambda request: said.append(request.url))
        page.goto((tmp_path / "l.html").as_uri())
        yield page, folder
        assert [each for each in said if not each.startswith(("blob:", "file:"))] == []
        browser.close()


def exported(page, tmp_path):
    with page.expect_download() as waiting:
        page.keyboard.press("e")
    waiting.value.save_as(tmp_path / "labels.csv")
    with open(tmp_path / "labels.csv", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_in_a_browser(labelling, tmp_path):
    page, folder = labelling
    press, file = page.keyboard.press, lambda i: str(folder / f"g{i:03}.fits")
    status = lambda: page.text_content("#told")  # noqa: E731
    assert status() == "ring: 0 of 600 labelled"
    assert 0 < page.locator("#grid li").count() < 200
    # Keys label and go on; x takes a label away, u takes the last step back.
    for key in "1", "2", "2":
        press(key)
    assert status() == "ring: 3 of 600 labelled"
    press("ArrowLeft")
    press("x")
    assert status() == "ring: 2 of 600 labelled"
    press("u")
    assert status() == "ring: 3 of 600 labelled"
    # Another column, whose classes have marks that CSV and HTML know.
    press("c")
    page.click("#grid [data-position='1']")
    press("2")
    page.click("#classes button:has-text('Irr')")
    assert status() == "type: 2 of 600 labelled"
    expected = [
        {"file": file(0), "ring": "yes", "type": ""},
        {"file": file(1), "ring": "no", "type": '"S"'},
        {"file": file(2), "ring": "no", "type": "Irr"},
    ]
    assert exported(page, tmp_path) == expected
    again = read_labels(tmp_path / "labels.csv").rows
    assert [row["file"] for row in again] == [file(i) for i in range(3)]

    # The browser remembers, what was taken back, too.
    press("u")
    page.reload()
    assert status() == "ring: 3 of 600 labelled"
    assert exported(page, tmp_path)[2]["type"] == ""

    # A table comes back, that of another page as well; and goes, step by step.
    text = f'file,type,sure\n"{file(7)}",E,maybe\n/elsewhere.fits,E,\n'
    (tmp_path / "mine.csv").write_text(text)
    page.set_input_files("#import", tmp_path / "mine.csv")
    page.wait_for_function("document.getElementById('told').textContent.includes('taken')")
    assert "1 rows of mine.csv taken, 1 are of other pictures" in status()
    seventh = {"file": file(7), "ring": "", "type": "E", "sure": "maybe"}
    assert exported(page, tmp_path)[3] == seventh
    page.locator("#grid").focus()
    press("u")
    press("u")
    assert len(exported(page, tmp_path)) == 3

    # Orders and what is shown.
    page.select_option("#show", "none")
    page.click("#columns button:has-text('ring')")
    page.select_option("#order", "doubt")
    assert page.evaluate("order.length") == 597
    page.select_option("#show", "")
    assert page.evaluate("order.join() === page.orders.doubt.join()")
    page.select_option("#order", "given")
    press("End")
    assert page.evaluate("document.activeElement.dataset.position") == "599"
    press("Home")

    # Each picture's stretch and inversion, and zoom.
    filters = "[0, 1].map(n => button(n).querySelector('.thumb').style.filter)"
    press("i")
    press("s")
    assert page.evaluate(filters) == ['url("#stretch-1") invert(1)', "none"]
    press("z")
    press("+")
    assert page.evaluate("document.querySelector('#dialog .thumb').style.transform") == "scale(1.5)"
    press("ArrowRight")
    press("ArrowRight")
    press("ArrowRight")
    press("1")
    assert "g004.fits" in page.text_content("#dialog")
    press("Escape")
    assert status() == "ring: 4 of 600 labelled"
    assert page.evaluate("document.activeElement.dataset.position") == "4"

    # What is labelled otherwise than the model's own head answers, whose label has that name.
    says = page.evaluate("[0, 1, 2, 3].map(i => answered(rows[i], 'ring')[0])")
    assert {*says} <= {"yes", "no"}
    page.select_option("#show", "other")
    given = zip([0, 1, 2, 3], says, ["yes", "no", "no", "yes"], strict=True)
    assert page.evaluate("order") == [i for i, said, label in given if said != label]
    page.select_option("#show", "")
    page.locator("#grid [data-position='4']").click()

    # Answers beside them, or not.
    assert page.text_content("#grid [data-position='4'] .faint") != ""
    press("a")
    assert page.text_content("#grid [data-position='4'] .faint") == ""
