"""What has a name is in the documentation's list of its kind, and nothing else is."""

import pytest
from helpers.lists import LISTS, complaints, documented

from galedge.cli.abilities import names


def test_every_kind_has_a_list():
    assert set(names()) == set(LISTS)


@pytest.mark.parametrize("kind", LISTS)
def test_the_documentation_has_the_names(kind):
    assert documented(kind)
    assert complaints(kind) == []


def test_info_without_a_file_lists_them(galedge):
    lines = galedge("info").stdout.splitlines()
    assert lines[0].startswith("galedge ")
    found = {line.split()[0]: line.split()[1:] for line in lines[1:] if "not here" not in line}
    assert found == names()
