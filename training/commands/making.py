"""Making: one command from a data set to a bundle, as a plan beside a task says.

A plan is how a model is made, as data: `bundle` its name, `recipe` the fields of `galedge.Recipe`,
`simulations` how many linear versions of each picture are packed, `train` those of
`training.fit.config.Config`, and `begin` the shipped model whose body the network has at first.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from training.commands.options import folder, found, refusing

__all__ = ["make"]

TASKS = Path(__file__).parents[1] / "tasks"
FIELDS = {"bundle": str, "begin": str, "simulations": int, "recipe": dict, "train": dict}


@click.command()
@click.argument("task", type=folder)
@click.argument("source", type=folder)
@click.argument("out", type=folder)
@click.option("--threads", default=1, show_default=True)
@click.option("--device", default="auto", show_default=True)
@refusing
def make(task: Path, source: Path, out: Path, threads: int, device: str) -> None:
    """Make the bundle of TASK from SOURCE: pack, train, export.

    TASK is a folder with task.toml and plan.json, or the name of one in training/tasks, such as
    `radio`. OUT gets `pack`, `run` and the bundle; what an earlier call left there is gone on from.
    """
    from galedge.images.prepare import prepare
    from galedge.images.recipe import Recipe
    from training.commands.measuring import table
    from training.data.pack import Pack
    from training.data.pack import pack as packed_into
    from training.fit.batches import Group
    from training.fit.config import Config
    from training.fit.train import train
    from training.ship.bundle import make as bundle_of
    from training.words.task import Task

    where = task if task.is_dir() else TASKS / task
    asked = Task.read(where / "task.toml")
    plan = plan_of(where / "plan.json")
    try:
        recipe = Recipe.from_json(plan["recipe"])
        config = Config(**{"size": recipe.size, **begun(plan.get("begin")), **plan["train"]})
        if not (out / "pack" / "pack.json").exists():
            packed_into(
                found(source),
                out / "pack",
                recipe,
                prepare,
                task=asked,
                simulations=plan.get("simulations", 2),
                threads=threads,
            )
        packed = Pack.open(out / "pack")
        if (stands := packed.info["recipe"]) != recipe.to_json():
            raise ValueError(f"{out / 'pack'} was packed by another recipe, {stands}: remove it")
        group = Group(packed, packed.rows("train"))
        train(config, group, out / "run", resume=True, threads=threads, device=device)
        bundle = out / plan["bundle"]
        card = bundle_of(out / "run", packed, bundle, name=plan["bundle"], version="1.0")
    except (TypeError, ValueError) as error:
        raise click.ClickException(str(error)) from error
    click.echo(table(card["metrics"]))
    click.echo(f"galedge classify --model {bundle} ...")


def plan_of(path: Path) -> dict[str, Any]:
    """Read a plan, its fields checked."""
    try:
        plan = json.loads(path.read_text())
    except (OSError, ValueError) as error:
        raise click.ClickException(f"{path}: no plan: {error}") from error
    told = plan if isinstance(plan, dict) else {}
    for key, value in told.items():
        if not isinstance(value, FIELDS.get(key, ())):
            raise click.ClickException(f"{path}: {key!r} is no field of a plan, or not of its type")
    if lacking := {"bundle", "recipe", "train"} - told.keys():
        raise click.ClickException(f"{path}: lacks {', '.join(sorted(lacking))}")
    return told


def begun(name: str | None) -> dict[str, str]:
    """Return the network of a shipped model and the file of its weights, as `Config` has them."""
    from galedge.network.model import find_card

    if name is None:
        return {}
    card = find_card(name)
    network = card.fields["training"]["config"]["network"]
    return {"network": network, "weights": str(card.folder / "model.fp32.onnx")}
