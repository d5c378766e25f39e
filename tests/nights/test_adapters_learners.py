"""Catalogues and tables of Zoobot and hyrax, read and written by these packages themselves.

`.ci/run` says how they are installed without all that they ask for.
"""

import io

import numpy as np
import pytest
from helpers.made import KINDS, bundle_of, galaxy, write_fits

torch = pytest.importorskip("torch")
pd = pytest.importorskip("pandas")
pytest.importorskip("astropy")

from training.nets.pretrained import _torchvision  # noqa: E402

FIRST = 587722981741363290  # of SDSS: more digits than a float holds
COUNT = 6


@pytest.fixture(autouse=True, scope="module")
def torchvision():
    """Import it, which both packages do, in our way: it need not fit this torch."""
    return _torchvision()


@pytest.fixture
def folder(tmp_path):
    """Return a folder with six galaxies, each in two bands and as a picture."""
    Image = pytest.importorskip("PIL.Image")
    (tmp_path / "images").mkdir()
    for seed in range(COUNT):
        pixels = galaxy(seed=seed)
        for band in "gr":
            write_fits(tmp_path / "images" / f"{seed}_{band}.fits", pixels)
        scaled = np.clip(255 * pixels / pixels.max(), 0, 255).astype("u1")
        Image.fromarray(scaled).convert("RGB").save(tmp_path / "images" / f"{seed}.jpg")
    return tmp_path


@pytest.fixture
def spoken(galedge, bundle):
    """Return what an adapter prints, as pandas reads it, and as it is written."""

    def speak(*arguments, code=0, **types):
        done = galedge("adapters", *arguments, "--model", bundle)
        assert done.returncode == code, done.stderr
        return pd.read_csv(io.StringIO(done.stdout), dtype=types), done.stdout

    return speak


# --- Zoobot ----------------------------------------------------------------------------------


@pytest.fixture
def catalogue(folder):
    """Return a catalogue as galaxy-datasets' are, of pictures and FITS files, in Parquet."""
    pytest.importorskip("zoobot")
    kinds = ["{}.jpg", "{}_g.fits"]
    files = [str(folder / "images" / kinds[i % 2].format(i)) for i in range(COUNT)]
    made = pd.DataFrame({"id_str": [str(FIRST + i) for i in range(COUNT)], "file_loc": files})
    made.to_parquet(folder / "catalogue.parquet")
    return made


def test_zoobot_s_predictions_and_ours(catalogue, folder, spoken, monkeypatch):
    """Its own `predict` on the same catalogue writes the same columns and rows."""
    from zoobot.pytorch.predictions.predict_on_catalog import predict

    ours, _ = spoken("zoobot", "catalogue.parquet", id_str=str)
    names = list(ours.columns[:-2])

    class Net(pytest.importorskip("lightning").LightningModule):
        def predict_step(self, batch, _):
            return torch.zeros(len(batch["image"]), len(names))

    transforms = pytest.importorskip("torchvision.transforms.v2")
    steps = transforms.Compose([transforms.Grayscale(), transforms.PILToTensor()])
    monkeypatch.chdir(folder)
    quiet = {"accelerator": "cpu", "logger": False, "enable_progress_bar": False}
    pictures = catalogue[::2]
    predict(pictures, Net(), "theirs.csv", names, steps, {"num_workers": 0}, quiet)
    theirs = pd.read_csv("theirs.csv", dtype={"id_str": str})
    assert [*theirs.columns, "error"] == list(ours.columns)
    assert list(theirs["id_str"]) == list(ours["id_str"][::2])
    assert theirs.dtypes.equals(ours.dtypes[:-1])


def test_zoobot_learns_from_ours(catalogue, folder, spoken, monkeypatch):
    """Its regressor is trained one epoch on a column of ours, with its own data module."""
    from galaxy_datasets.pytorch.galaxy_datamodule import CatalogDataModule
    from zoobot.pytorch.training.finetune import FinetuneableZoobotRegressor, get_trainer

    lost = pd.DataFrame({"id_str": ["none"], "file_loc": ["none.jpg"]})
    pd.concat([catalogue, lost]).to_parquet(folder / "more.parquet")
    answers, _ = spoken("zoobot", "more.parquet", code=3, id_str=str)
    told = catalogue.merge(answers[answers["error"].isna()], on="id_str")
    assert list(told["id_str"]) == list(catalogue["id_str"])
    pictures = told[told["file_loc"].str.endswith("jpg")]
    data = CatalogDataModule(
        ["p_E"], train_catalog=pictures, val_catalog=pictures, batch_size=3, num_workers=0
    )
    layers = torch.nn.Conv2d(3, 4, 1), torch.nn.AdaptiveAvgPool2d(2), torch.nn.Flatten()
    encoder = torch.nn.Sequential(*layers)
    net = FinetuneableZoobotRegressor(
        label_col="p_E", encoder=encoder, training_mode="head_only", prog_bar=False
    )
    monkeypatch.chdir(folder)
    trainer = get_trainer(str(folder / "run"), accelerator="cpu", max_epochs=1)
    trainer.fit(net, data)
    assert np.isfinite(float(trainer.callback_metrics["finetuning/val_loss"]))


# --- hyrax -----------------------------------------------------------------------------------


@pytest.fixture
def hyrax(tmp_path, monkeypatch):
    pytest.importorskip("hyrax")
    from hyrax import Hyrax

    monkeypatch.chdir(tmp_path)
    made = Hyrax()
    made.config["data_set"]["crop_to"] = [60, 60]
    made.config["general"]["results_dir"] = str(tmp_path / "results")
    return made


@pytest.mark.parametrize("name", ["c.fits", "c.csv", "c.ecsv"])
def test_hyrax_reads_the_same_files_of_a_catalogue(name, hyrax, folder, spoken):
    from astropy.table import Table
    from hyrax.datasets import FitsImageDataset

    rows = [(FIRST + i, band, f"{i}_{band}.fits") for i in range(COUNT) for band in "gr"]
    Table(rows=rows, names=["object_id", "filter", "filename"]).write(folder / name)
    hyrax.config["data_set"]["filter_catalog"] = str(folder / name)
    theirs = FitsImageDataset(hyrax.config, folder / "images")
    ours, _ = spoken("hyrax", name, "images", object_id=str)
    ids = [theirs.get_object_id(i) for i in range(len(theirs))]
    assert list(ours["object_id"]) == [each for each in ids for _ in "gr"]
    assert list(ours["filter"]) == ["g", "r"] * COUNT
    assert ours["error"].isna().all()


def test_hyrax_s_manifest_of_a_download(hyrax, folder, spoken):
    """As its downloader writes it: a file that never came is "Attempted"."""
    from hyrax.download import Downloader
    from hyrax.downloadCutout.downloadCutout import Rect

    hyrax.config["general"]["data_dir"] = str(folder / "images")
    download = Downloader(hyrax.config)
    kept = [
        Rect.create(name=str(folder / f"{FIRST + i}_x"), ra=i, dec=0, filter="HSC-G", dim=(64, 64))
        for i in range(3)
    ]
    files = [str(folder / "images" / "0_g.fits"), "Attempted", "2_g.fits"]
    download.thread_manifests = [dict(zip(kept, files, strict=True))]
    download._write_manifest()
    ours, _ = spoken("hyrax", "images/manifest.fits", code=3, object_id=str)
    assert list(ours["object_id"]) == [str(FIRST + i) for i in range(3)]
    assert set(ours["filter"]) == {"HSC-G"}
    assert list(ours["error"].isna()) == [True, False, True]


def test_hyrax_asks_for_columns_of_any_class(hyrax, folder, galedge):
    from hyrax.datasets import HyraxCSVDataset

    bundle = bundle_of(folder / "other", [KINDS | {"names": ["ring", "E/S0", "Sa - Sb"]}])
    (folder / "c.csv").write_text("object_id,filename\n1,0_g.fits\n")
    done = galedge("adapters", "hyrax", "c.csv", "images", "--model", bundle)
    (folder / "ours.csv").write_text(done.stdout)
    table = HyraxCSVDataset(hyrax.config, folder / "ours.csv")
    told = table.sample_data()["data"]
    assert told["p_ring"] + told["p_E_S0"] + table.get_p_Sa___Sb(0) == pytest.approx(1, abs=1e-3)


def test_hyrax_takes_our_table_beside_its_images(hyrax, folder, spoken):
    """Joined by the object, in its data provider and when it infers."""
    from astropy.table import Table

    names = ["object_id", "filename"]
    rows = [(FIRST + i, f"{i}_g.fits") for i in reversed(range(COUNT))]
    Table(rows=rows, names=names).write(folder / "c.fits")
    Table(rows=[*rows[1:], (7, "none.fits")], names=names).write(folder / "ours.fits")
    answers, text = spoken("hyrax", "ours.fits", "images", code=3, object_id=str)
    (folder / "ours.csv").write_text(text)
    hyrax.config["data_set"]["filter_catalog"] = str(folder / "c.fits")
    images = {
        "dataset_class": "FitsImageDataset",
        "data_location": str(folder / "images"),
        "primary_id_field": "object_id",
        "fields": ["image"],
    }
    told = {
        "dataset_class": "HyraxCSVDataset",
        "data_location": str(folder / "ours.csv"),
        "join_field": "object_id",
        "fields": ["p_E", "label", "error"],
    }
    hyrax.set_config("data_request", {"infer": {"data": images, "galedge": told}})
    found = hyrax.prepare()["infer"]
    assert found[0]["galedge"] is None  # we were not asked of it
    for i in range(1, COUNT):
        row = answers.iloc[i - 1]
        assert (found[i]["object_id"], found[i]["galedge"]["label"]) == (row.object_id, row.label)
        assert found[i]["galedge"]["p_E"] == row.p_E
    hyrax.config["model"]["name"] = "HyraxLoopback"
    hyrax.config["infer"]["model_weights_file"] = str(folder / "c.fits")  # it has none to load
    results = hyrax.infer()
    assert list(results.ids()) == [str(row[0]) for row in rows]
