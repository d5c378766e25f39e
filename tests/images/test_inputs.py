"""From the names a user gives to files."""

import os
import socket

from galedge.images.inputs import Rejected, find


def names(found, top):
    return [os.path.relpath(entry, top) for entry in found if isinstance(entry, str)]


def touch(*paths):
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def test_folders_are_walked_in_order_by_extension(tmp_path):
    wanted = ["a.fits", "b/1.FITS.GZ", "b/2.fz", "b/c/x.npy", "c.JPG", "d.fit", "e.fts.bz2"]
    touch(*(tmp_path / name for name in wanted))
    touch(tmp_path / "notes.txt", tmp_path / "._a.fits", tmp_path / ".hidden/a.fits")
    assert names(find([tmp_path]), tmp_path) == wanted


def test_named_files_are_always_taken(tmp_path):
    touch(tmp_path / "image.dat")
    assert list(find([tmp_path / "image.dat"])) == [str(tmp_path / "image.dat")]


def test_link_loops_end_and_each_folder_counts_once(tmp_path):
    touch(tmp_path / "a/1.fits", tmp_path / "b/2.fits")
    (tmp_path / "a/up").symlink_to("..")
    (tmp_path / "b/again").symlink_to("../b")
    (tmp_path / "linked").symlink_to("a")
    (tmp_path / "loop.fits").symlink_to("loop.fits")
    found = list(find([tmp_path]))
    assert len(names(found, tmp_path)) == 2
    assert [entry.path for entry in found if isinstance(entry, Rejected)] == [
        str(tmp_path / "loop.fits")
    ]


def test_depth_is_no_limit(tmp_path):
    folder = tmp_path
    touch(tmp_path / "top.fits")
    for _ in range(1200):
        folder = folder / "d"
        folder.mkdir()
    assert names(find([tmp_path]), tmp_path) == ["top.fits"]
    while folder != tmp_path:  # deeper than shutil.rmtree can clear up
        folder.rmdir()
        folder = folder.parent


def test_what_is_no_file_is_rejected_with_a_reason(tmp_path):
    (tmp_path / "dangling.fits").symlink_to("nothing")
    os.mkfifo(tmp_path / "pipe.fits")
    (tmp_path / "folder.fits").mkdir()
    here = os.getcwd()
    with socket.socket(socket.AF_UNIX) as listener:
        os.chdir(tmp_path)  # a socket's path has to be short
        try:
            listener.bind("socket.fits")
        finally:
            os.chdir(here)
        found = {os.path.basename(entry.path): entry.reason for entry in find([tmp_path])}
    assert found == {
        "dangling.fits": "a link to a file that does not exist",
        "folder.fits": "a folder, though its name is that of an image",
        "pipe.fits": "a named pipe, not a regular file",
        "socket.fits": "a socket, not a regular file",
    }


def test_a_named_thing_always_gives_a_row(tmp_path):
    (tmp_path / "empty").mkdir()
    paths = [str(tmp_path / "empty"), str(tmp_path / "missing"), "null\0.fits"]
    found = list(find(paths))
    assert [entry.path for entry in found] == paths
    assert [entry.reason for entry in found] == [
        "a folder without images; name the files themselves",
        "no such file",
        "embedded null byte",
    ]


def test_names_that_are_not_utf8_survive(tmp_path):
    name = os.fsencode(tmp_path) + b"/\xff\xfe.fits"
    with open(name, "wb"):
        pass
    assert [os.fsencode(entry) for entry in find([tmp_path])] == [name]
