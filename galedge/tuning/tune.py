"""Tune: from labels to a bundle that answers a user's own question."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from galedge._version import __version__
from galedge.answers.bands import Group, Pattern, classify_groups, group_of, parse_bands
from galedge.answers.classifier import Classifier
from galedge.answers.result import Result
from galedge.errors import GaledgeError
from galedge.images.inputs import Rejected, find
from galedge.support.extras import need
from galedge.support.say import counted
from galedge.tuning.balance import adapted, balance
from galedge.tuning.base import Base, Seen
from galedge.tuning.bundle import Graft, spare, write_bundle
from galedge.tuning.checks import refuse_contradictions
from galedge.tuning.labels import Labels, read_labels
from galedge.tuning.learn import Learned
from galedge.tuning.lessons import Lessons, of_classes_and_numbers, of_yes_and_no
from galedge.tuning.places import Cuts

__all__ = ["Tuned", "tune"]

_ANY_SOURCE = 0.05  # of pictures that the base calls no galaxies: then the question is of them too
_SHOWN = 3  # of what could not be read


@dataclass(frozen=True)
class Tuned:
    """What came of tuning.

    Attributes
    ----------
    folder : str
        The bundle.
    heads : dict of str to Learned
        By the new heads' names; of yes or no by ``head.label``.
    notes : list of str
        What a user should know.
    card : dict
    """

    folder: str
    heads: dict[str, Learned]
    notes: list[str]
    card: dict[str, Any]

    @property
    def metrics(self) -> dict[str, dict[str, Any]]:
        """What each is worth on held-out galaxies."""
        return {name: head.metrics for name, head in self.heads.items()}


def tune(
    labels: str | os.PathLike[str],
    output: str | os.PathLike[str],
    *,
    model: str | os.PathLike[str] | None = None,
    columns: Sequence[str] = (),
    kinds: Mapping[str, str] | None = None,
    file: str | None = None,
    group: str | None = None,
    images: str | os.PathLike[str] | None = None,
    name: str | None = None,
    primary: str | None = None,
    new: bool = False,
    anyway: bool = False,
    within: str | os.PathLike[str] | None = None,
    roles: Mapping[str, str] | None = None,
    one_based: bool = False,
    size: int | None = None,
    bands: Any = None,
    told: Callable[[int, int], object] | None = None,
    **reading: Any,
) -> Tuned:
    """Learn your own question from labels, and write a bundle that answers it.

    The network stays as it is: a linear head is added to what it pools, and is tried on
    galaxies that were held out. Labels in the words of a head that is there adapt that head to
    pictures like these, as far as held-out galaxies gain.

    Parameters
    ----------
    labels : str or path
        A table of files and labels, or a folder of folders named by class.
    output : str or path
        Folder of the bundle; made if need be.
    model : str or path, optional
        The shipped model or bundle that is tuned. Default: the shipped one.
    columns : sequence of str
        Of labels. Default: all but those of files, groups and places.
    kinds : mapping of str to str, optional
        What a column is: ``classes``, ``yesno`` or ``number``. Default: as its cells tell.
    file, group : str, optional
        Columns of files' names, and of what tells which pictures are of one galaxy.
    images : str or path, optional
        Folder that names of files start from. Default: the table's own.
    name : str, optional
        Of the new head. Default: the column's.
    primary : str, optional
        A head of classes, or a column of them, that gives a row's ``label`` and ``probability``.
        Default: the one that gives them in `model`.
    new : bool
        Learn a new head also where the labels are those of one that is there, which is
        adapted otherwise.
    anyway : bool
        Write also what cannot be told from chance.
    within : str or path, optional
        The frame that all rows are sources of, of a table without files.
    roles : mapping of str to str, optional
        Columns of places in frames, as ``--columns`` of ``galedge classify`` names them.
        Default: the usual ones. Rows are sources if these are given, or `within` or `size`;
        if the table names a file at several places; or if `galedge label` exported it so.
    one_based : bool
        Whether x and y count from 1.
    size : int, optional
        Side of the cutouts in pixels. Default: as the table says or the galaxy needs.
    bands : str, optional
        Three files as one image, as ``--bands`` of ``galedge classify`` takes them: a pattern, of
        which the table names one file or what stands for ``{name}``; or, of sources in one
        frame, three files.
    told : function of two numbers, optional
        Called as pictures are seen: how many, of how many.
    **reading
        What `galedge.Classifier` takes of files: `hdu`, `plane`, `order`, `frame`, `any_kind`,
        `workers`.

    Returns
    -------
    Tuned

    Raises
    ------
    GaledgeError
        If labels are missing, too few, contradict each other or cannot be told from chance;
        if scikit-learn is not installed.
    """
    need("sklearn.model_selection", "tune", "tuning")
    folder = os.fspath(output)
    classifier = Classifier(model, keep_pixels=True, engine="onnxruntime", sets=None, **reading)
    base = Base.of(classifier)
    spare(folder, base.card)
    known = read_labels(
        labels,
        columns=columns,
        file=file,
        group=group,
        images=images,
        kinds=kinds,
        within=within,
        roles=roles,
        one_based=one_based,
        in_frames=size is not None,
    )
    if primary is not None:
        _refuse_primary(primary, name, known, base)
    progress = None if told is None else (lambda done: told(done, len(known)))
    old = None if new else adapted(known.questions, base)
    if isinstance(bands, str):
        bands = parse_bands(bands)
    seen, pairs = _seen(base, classifier, known, size, progress, old is not None, bands)
    notes = _unread(known, seen)
    if old is not None:
        base, seen = balance(base, seen, *old)
    lessons = Lessons(base, known, seen, pairs)
    grafts: list[Graft] = []
    heads: dict[str, Learned] = {}
    for question in known.questions:
        refuse_contradictions(known, seen.rows, lessons.same, question)
    # Products so small cost more on several threads than on one, most of all on a busy machine.
    with need("threadpoolctl", "tune", "tuning").threadpool_limits(1):
        of_classes_and_numbers(lessons, name, new, grafts, heads, notes)
        of_yes_and_no(lessons, name, grafts, heads, notes)
    doubtful = [each for each, learned in heads.items() if learned.chance]
    if doubtful and not anyway:
        raise GaledgeError(
            f"{known.path}: {', '.join(doubtful)} cannot be told from chance on galaxies that were "
            "held out; label more, or ask what the pictures show (--anyway writes it all the same)"
        )
    notes += [f"{each}: cannot be told from chance" for each in doubtful]
    primary = primary and lessons.called.get(primary, primary)
    fields = _fields(lessons, grafts, heads)
    card = write_bundle(folder, base, grafts, fields, lessons.pooled, primary, notes)
    _check(folder, classifier, seen, grafts)
    return Tuned(folder, heads, notes, card)


def _refuse_primary(primary: str, name: str | None, labels: Labels, base: Base) -> None:
    """Refuse a primary head that there will not be, before anything is learned.

    Raises
    ------
    GaledgeError
    """
    kinds = {question.name: question.kind for question in labels.questions}
    heads = [entry["name"] for entry in base.entries() if entry["kind"] == "classes"]
    asked = [each for each, kind in kinds.items() if kind == "classes"]
    new = [name] if name and asked else []
    if primary in (*heads, *asked, *new):
        return
    if kinds.get(primary) == "yesno":
        raise GaledgeError(
            f"{labels.path}: {primary} is of yes and no, and gives no label; to make classes of "
            f"it: --kind {primary}=classes"
        )
    raise GaledgeError(
        f"{labels.path}: {primary!r} is no head and no column of classes, of which one gives the "
        f"label; there are {', '.join(dict.fromkeys((*asked, *new, *heads)))}"
    )


def _seen(
    base: Base,
    classifier: Classifier,
    labels: Labels,
    size: int | None,
    told: Callable[[int], object] | None,
    keep: bool = False,
    bands: Group | Pattern | None = None,
) -> tuple[Seen, list[tuple[int, int]]]:
    """Return what the network makes of labelled pictures, and pairs of them of one source."""
    if labels.places is None:
        return base.see(_results(classifier, labels, bands), len(labels), told, keep=keep), []
    cuts = Cuts(classifier, labels.places, size, bands)
    seen = base.see(cuts, len(labels), told, keep=keep)
    rows = np.array(cuts.order, np.intp)
    failures = [(cuts.order[place], reason) for place, reason in seen.failures]
    seen = replace(seen, rows=rows[seen.rows], failures=failures)
    at = {row: place for place, row in enumerate(seen.rows.tolist())}
    pairs = [(at[one], at[other]) for one, other in cuts.alike() if one in at and other in at]
    return seen, pairs


def _results(
    classifier: Classifier, labels: Labels, bands: Group | Pattern | None
) -> Iterator[Result]:
    """Return what the classifier says of each labelled picture, in order."""
    if bands is not None:
        return classify_groups(classifier, (group_of(file, bands) for file in labels.files))
    found: list[str | Rejected] = list(find(labels.files, recursive=False))
    if len(found) != len(labels):  # a name of a folder is no picture
        found = [
            Rejected(file, "a folder, not an image") if os.path.isdir(file) else file
            for file in labels.files
        ]
    return classifier.stream(found)


def _unread(labels: Labels, seen: Seen) -> list[str]:
    """Say which pictures could not be read.

    Raises
    ------
    GaledgeError
        If none could.
    """
    some = [f"{labels.files[place]}: {reason}" for place, reason in seen.failures[:_SHOWN]]
    if not len(seen.rows):
        raise GaledgeError(
            f"{labels.path}: no {labels.noun} can be read: {some[0]}; --images names the folder "
            "that names start from"
        )
    more = len(seen.failures) - len(some)
    return [f"left out: {each}" for each in some] + (
        [f"left out: {counted(more, labels.noun)} more"] if more > 0 else []
    )


def _fields(
    lessons: Lessons, grafts: Sequence[Graft], heads: Mapping[str, Learned]
) -> dict[str, Any]:
    """Return what the tuned card says otherwise than the base's."""
    card, labels, seen = lessons.base.card, lessons.labels, lessons.seen
    fields = card.fields
    names = [str(graft.entry["name"]) for graft in grafts]
    made = {
        "heads": names,
        "base": {
            "name": card.name,
            "version": card.version,
            "sha256": {file.name: file.sha256 for file in card.networks.values()},
        },
        "labels": {
            "file": os.path.basename(os.path.normpath(labels.path)),
            "sha256": labels.sha256,
            "columns": [question.name for question in labels.questions],
            "pictures": len(seen.rows),
            "galaxies": int(lessons.group.max()) + 1,
        },
        "views": int(seen.inputs.shape[1]),
        **({"gains": list(lessons.base.gains)} if lessons.base.gains else {}),
        "galedge": __version__,
    }
    subject = fields.get("subject")
    more: dict[str, Any] = {}
    if subject is not None:
        other = np.mean([f"not_a_{subject['name']}" in flags for flags in seen.flags])
        if other > _ANY_SOURCE:
            more["subject"] = {**subject, "beside": [*subject.get("beside", ()), *names]}
    told = fields.get("metrics", {})
    limit = (
        f"{', '.join(names)}: learned from {len(seen.rows)} pictures of the user's own; worth what "
        "'metrics' says on pictures like these only."
    )
    limits = [limit]
    if lessons.base.gains:
        gains = ", ".join(f"{gain:.2f}" for gain in lessons.base.gains)
        limits.append(
            f"All heads see red, green and blue times {gains}, as suits the camera of these "
            "pictures; for another take the model that was tuned."
        )
    return {
        "tuned": [*fields.get("tuned", ()), made],
        "metrics": {
            **told,
            "tuned": {**told.get("tuned", {}), **{n: each.metrics for n, each in heads.items()}},
        },
        "limits": [*fields.get("limits", ()), *limits],
        **more,
    }


def _check(folder: str, classifier: Classifier, seen: Seen, grafts: Sequence[Graft]) -> None:
    """Load the bundle, whose new heads must say what was learned."""
    from galedge.network.model import Model

    precision = classifier.model.choice.precision
    model = Model.load(folder, engine="onnxruntime", precision=precision)
    assert {graft.entry["name"] for graft in grafts} <= {head.name for head in model.heads}
