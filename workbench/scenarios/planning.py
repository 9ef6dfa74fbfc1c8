"""Plan one incident: when it begins, what is planted, and the harmless changes that surround every incident."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from workbench import plugins
from workbench.scenarios import decoys, everyday, everyday_service
from workbench.scenarios import vocabulary as words
from workbench.scenarios.mechanisms import Commit, Deploy, Effect, Fault, Moment, Plan, Planted
from workbench.scenarios.world import DAY_S, World, stream


def plan_incident(world: World, fault: Fault, variant: str, *, strength: float = 1.0) -> Plan:
    """Return what acts in the incident: the planted faults, decoys, and the usual releases and commits."""
    rng = stream(world.seed, f"plan {fault.name}")
    moment = replace(_moment(world, fault, rng), strength=strength)
    effects, commits = _usual(world, moment)
    planted = [] if variant in ("no_cause", "near_miss") else [fault.plant(world, moment, rng)]
    if variant == "two_cause":
        planted.append(_second(world, fault, moment, rng))
    blamed: tuple[str, ...] = ()
    if variant == "decoy" or (variant == "no_cause" and stream(world.seed, f"loud {fault.name}").random() < 0.35):
        harmless = decoys.draw(world, moment, stream(world.seed, f"decoy {fault.name}"), avoid=tuple(planted))
        effects += harmless.effects
        commits += harmless.commits
        blamed = (harmless.entity,)
    if variant == "near_miss":
        harmless = fault.near_miss(world, moment, rng)
        effects += harmless.effects
        commits += harmless.commits
        blamed = (harmless.entity,)
    for one in planted:
        effects += one.effects
        commits += one.commits
    commits += tuple(c for e in effects if isinstance(e, Deploy) for c in _release(world, e))
    return Plan(moment, effects, tuple(p.source for p in planted), commits, blamed)


def _moment(world: World, fault: Fault, rng: np.random.Generator) -> Moment:
    onset = (world.days - 1) * DAY_S + rng.uniform(*fault.hours) * 3600
    end = min(onset + rng.uniform(*fault.lasts_h) * 3600, world.end_s)
    if fault.noticed_h is None:
        return Moment(float(round(onset)), float(round(end)))
    # A history too short for a slow fault sees its later part only.
    onset = max(onset, 0.5 * world.end_s)
    noticed = end - rng.uniform(*fault.noticed_h) * 3600
    return Moment(float(round(onset)), float(round(end)), noticed_s=float(round(noticed)))


def _second(world: World, fault: Fault, moment: Moment, rng: np.random.Generator) -> Planted:
    """Plant another fault of its own within the hours around the first one."""
    others = [n for n in plugins.names("fault") if n not in (fault.name, "telemetry_fault")]
    other: Fault = plugins.load("fault", others[int(rng.integers(len(others)))])
    shifted = Moment(round(moment.felt_s + rng.uniform(-0.75, 0.75) * 3600), moment.end_s, moment.strength)
    return other.plant(world, shifted, rng)


def _usual(world: World, moment: Moment) -> tuple[tuple[Effect, ...], tuple[Commit, ...]]:
    """Return the releases and commits that happen anyway, some of them shortly before the incident."""
    rng = stream(world.seed, "usual")
    times = [*rng.uniform(0, moment.felt_s, int(rng.integers(7, 13))), moment.felt_s - rng.uniform(600, 5 * 3600)]
    deploys = tuple(
        Deploy(int(rng.integers(len(world.services))), float(t), size=int(rng.integers(1, 9))) for t in times
    )
    commits = []
    for _ in range(int(rng.integers(45, 80))):
        second = float(rng.uniform(0, moment.end_s))
        commits.append(_commit(world, second, rng))
    commits.append(_commit(world, moment.felt_s - float(rng.uniform(300, 7200)), rng))
    effects = (*deploys, *everyday.draw(world, moment), *everyday_service.draw(world, moment))
    return effects, tuple(commits)


def _commit(world: World, second: float, rng: np.random.Generator) -> Commit:
    path, titles = words.AREAS[int(rng.integers(len(words.AREAS)))]
    service = world.services[int(rng.integers(len(world.services)))].name
    path = path.format(
        service=service,
        view=world.views[int(rng.integers(len(world.views)))].name,
        provider=world.domain.provider,
        host=world.hosts[int(rng.integers(len(world.hosts)))],
    )
    title = titles[int(rng.integers(len(titles)))]
    old, new = int(rng.integers(10, 90)), int(rng.integers(10, 90))
    return Commit(second, title, "", (path,), _patch(world, path, old, new))


def _patch(world: World, path: str, old: int, new: int) -> tuple[str, ...]:
    """Return a hunk such as this kind of file gets every week."""
    if path.endswith("_map.csv"):
        partner = world.providers[old % len(world.providers)]
        head = f"{partner},{partner[:3].upper()}-{100 + new % len(world.categories)}"
        kinds = world.categories
        if old % 3 == 0:  # a double entry goes, the first one stays
            return (f" {head},{kinds[new % len(kinds)]}", f"-{head},{kinds[new % len(kinds)]}")
        return (f"-{head},{kinds[old % len(kinds)]}", f"+{head},{kinds[new % len(kinds)]}")
    if path.endswith("config.yaml"):
        return (" data:", f"-  batch_rows: {old}000", "+  batch_rows: ${BATCH_ROWS}")
    if path.endswith(".md"):
        return (" |", "-| old line", "+| new line")
    return (" # settings", f"-limit = {old}", f"+limit = {new}")


def _release(world: World, deploy: Deploy) -> tuple[Commit, ...]:
    """Return the code commits and the release commit of a deploy."""
    from workbench.scenarios.serving import versions

    rng = stream(world.seed, f"release {deploy.service} {deploy.start_s:.0f}")
    service = world.services[deploy.service].name
    known = versions(world, Plan(Moment(0, 0), (deploy,)), deploy.service)
    parts = ("handlers", "client", "config", "cache", "metrics", "schema", "main", "retry", "limits")
    files = tuple(f"services/{service}/{part}.py" for part in parts[: deploy.size])
    titles = (
        "Refactor request handling",
        "Upgrade the web framework",
        "Cache look-ups",
        "Batch outgoing calls",
        "Rework retries",
        "Move settings to one place",
    )
    code = Commit(
        deploy.start_s - float(rng.uniform(900, 90_000)),
        titles[int(rng.integers(len(titles)))],
        "",
        files,
        (" import os", f"-POOL = {int(rng.integers(4, 32))}", f"+POOL = {int(rng.integers(4, 32))}"),
    )
    release = Commit(
        deploy.start_s - 45,
        f"Release {service}",
        f"Rolls out {known[-1][1]}.",
        (f"deploy/{service}/values.yaml",),
        (f"-  tag: {known[0][1]}", f"+  tag: {known[-1][1]}"),
    )
    return code, release
