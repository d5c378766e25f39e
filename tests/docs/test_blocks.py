"""Blocks of pages run, fail and are shown as `website.blocks` says."""

import pytest
from website import blocks

PAGE = """# A page

<!-- run -->

<!-- not run -->
```sh
exit 5
```

<!-- run sh
echo unseen > seen.txt
-->

<!-- exit 3 -->
```sh
cat seen.txt
ls examples/*.md
exit 3
```

```python
number = 2
```

```python
# file: doubled.py
print(2 * 21)
```

```python
print(number + 1)
```

```sh
python doubled.py
```

<!-- show seen.txt: what was seen -->
"""


def test_they_run_in_order_and_say_something(tmp_path):
    assert blocks.runs(PAGE)
    found = blocks.run(PAGE, tmp_path)
    said = [block.said for block in found if block.is_run]
    assert said[1:] == [
        "unseen\nexamples/CREDITS.md\nexamples/README.md\n", "", "", "3\n", "42\n",
    ]  # fmt: skip


def test_what_they_say_stands_behind_them(tmp_path):
    pictures = blocks.ROOT / "build" / "shown" / "test_blocks"
    text = blocks.shown(PAGE, blocks.run(PAGE, tmp_path), tmp_path / "here", pictures)
    assert "echo unseen" not in text
    assert "exit 3\n```\n\n```{code-block} text\n:class: said\n\nunseen\n" in text
    assert text.endswith("[what was seen](/build/shown/test_blocks/seen.txt)\n")
    (pictures / "seen.txt").unlink()
    pictures.rmdir()


@pytest.mark.parametrize(
    ("page", "message"),
    [
        ("```sh\nexit 4\n```\n", "exit code 4, not 0"),
        ("<!-- exit 3 -->\n```sh\ntrue\n```\n", "exit code 0, not 3"),
        ("```python\nassert 1 > 2\n```\n", "AssertionError"),
        ("```python\nimport os; os._exit(1)\n```\n", "Python ended"),
        ("<!-- run python\nnowhere\n-->\n", "NameError"),
        ("<!-- show nothing.png: a picture -->\n", "nothing.png is shown"),
    ],
)
def test_what_fails_is_told(tmp_path, page, message):
    with pytest.raises(blocks.Failed, match=message):
        blocks.run(page, tmp_path)
