"""Draw a system from a seed: business, data sets, features, services, machines, sizes; the same for every fault."""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from workbench.scenarios import vocabulary as words

DAY_S = 86_400
SLOT_S = 900
"""Metrics are sampled every quarter of an hour."""
BATCH_S = 10_800
"""Pipelines run every three hours."""


def stream(seed: int, purpose: str) -> np.random.Generator:
    """Return the random stream of one purpose, so that no purpose disturbs another."""
    return np.random.default_rng([seed, zlib.crc32(purpose.encode())])


def steps(second: np.ndarray, step_s: int) -> np.ndarray:
    """Return ``second // step_s`` of moments from 0 on, as integers: numpy's own takes five times as long."""
    place: np.ndarray = (second / step_s).astype(np.int64)
    place -= place * step_s > second  # a quotient that was rounded up to the next whole number
    return place


@dataclass(frozen=True)
class Feed:
    """One captured source table: database → connector → topic."""

    database: str
    topic: str
    connector: str
    region: int
    share: float


@dataclass(frozen=True)
class Feature:
    """One numeric model input and how it is distributed and used."""

    name: str
    column: str
    view: int
    bounded: bool
    """Between 0 and 1; otherwise positive and skewed."""
    level: float
    spread: float
    rhythm: float
    """How strongly it follows the hour of day."""
    party: float
    """How strongly it follows the party's quality."""
    weight: float
    null_rate: float


@dataclass(frozen=True)
class View:
    """Features computed and stored together."""

    name: str
    kind: str
    """order, profile or activity."""


@dataclass(frozen=True)
class Service:
    """One running program: who calls it, how long it takes, where it runs."""

    name: str
    role: str
    parent: int | None
    operation: str
    base_ms: float
    spread: float
    error_rate: float
    host: int
    version: tuple[int, int, int]


@dataclass(frozen=True)
class Names:
    """Data sets and jobs, written namespace/name."""

    warehouse: str
    kafka: str
    jobs: str
    raw: str
    mapping: str
    profile: str
    enriched: str
    training: str
    labels: str
    decisions: str
    mart: str
    side: tuple[str, ...]
    offline: tuple[str, ...]
    """One data set a view, in the warehouse."""
    online: tuple[str, ...]
    """One data set a view, in the feature store."""


@dataclass(frozen=True)
class World:
    """One system with its size and rhythm; times count in seconds from *start_s* (epoch)."""

    seed: int
    days: int
    start_s: int
    domain: words.Domain
    company: str
    regions: tuple[str, ...]
    feeds: tuple[Feed, ...]
    providers: tuple[str, ...]
    provider_shares: np.ndarray
    categories: tuple[str, ...]
    category_shares: np.ndarray
    """``(providers, categories)``, rows sum to one."""
    residual: float
    """Share of events whose code was never in the mapping."""
    channels: tuple[str, ...]
    features: tuple[Feature, ...]
    views: tuple[View, ...]
    services: tuple[Service, ...]
    hosts: tuple[str, ...]
    gpu_model: str
    gpus: tuple[tuple[int, str], ...]
    """(host index, UUID)."""
    names: Names
    model: str
    estimator: str
    rate_per_day: int
    sample: int
    """Tables hold one row in this many."""
    peak_hour: float
    amplitude: float
    weekend: float
    growth: float

    @property
    def end_s(self) -> int:
        """Length of the history in seconds."""
        return self.days * DAY_S

    @property
    def topology_id(self) -> str:
        """Digest of the names and edges."""
        parts = [self.domain.key, *(f.topic for f in self.feeds), *(s.name for s in self.services), *self.regions]
        return hashlib.sha256("|".join([*parts, *(f.name for f in self.features)]).encode()).hexdigest()[:12]

    def epoch_ns(self, second: float) -> int:
        """Return ns UTC of a second of the history."""
        return self.start_s * 1_000_000_000 + round(second * 1e6) * 1000

    def moment(self, second: float) -> datetime:
        """Return the UTC time of a second of the history."""
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=self.start_s + second)

    def rhythm(self, second: np.ndarray) -> np.ndarray:
        """Return the daily rhythm, -1..1, lowest at night."""
        hour = (second % DAY_S) / 3600.0
        return np.cos((hour - self.peak_hour) * (2 * np.pi / 24)) * 0.8 + 0.2 * np.cos(
            (hour - self.peak_hour + 3) * (4 * np.pi / 24)
        )

    def load(self, second: np.ndarray) -> np.ndarray:
        """Return the expected traffic relative to its mean."""
        weekday = ((self.start_s + second) // DAY_S + 3) % 7
        day = np.where(weekday >= 5, self.weekend, 1.0)
        # Snapshots may lie months back, where a straight line of growth would have been below nothing.
        grown = np.maximum(1 + self.growth * second / (31 * DAY_S), 0.3)
        return (1 + self.amplitude * self.rhythm(second)) * day * grown

    def role(self, role: str) -> int:
        """Return the index of the first service with a role."""
        return next(i for i, s in enumerate(self.services) if s.role == role)


def pick(rng: np.random.Generator, options: tuple[str, ...], count: int) -> tuple[str, ...]:
    """Return *count* distinct options in random order."""
    return tuple(options[i] for i in rng.permutation(len(options))[:count])


def build(seed: int, days: int) -> World:
    """Draw the whole system of a seed."""
    rng = stream(seed, "world")
    domain = words.DOMAINS[int(rng.integers(len(words.DOMAINS)))]
    company = pick(rng, words.PLACES, 1)[0]
    places = words.REGIONS[int(rng.integers(len(words.REGIONS)))]
    regions = pick(rng, places, int(rng.integers(2, len(places) + 1)))
    feeds = _feeds(rng, domain, company, len(regions))
    providers = pick(rng, words.PARTNERS, int(rng.integers(5, 9)))
    categories = pick(rng, domain.categories, int(rng.integers(8, min(13, len(domain.categories) + 1))))
    provider_shares, category_shares = _mix(rng, len(providers), len(categories))
    hosts = _hosts(rng)
    views, features = _features(rng, domain)
    names = _names(rng, domain, company, views)
    gpus = tuple((h, _uuid(rng)) for h in range(int(rng.integers(1, 3))) for _ in range(int(rng.integers(1, 3))))
    first = datetime(2025, 1, 6, tzinfo=UTC) + timedelta(days=int(rng.integers(0, 480)))
    return World(
        seed=seed,
        days=days,
        start_s=int(first.timestamp()),
        domain=domain,
        company=company,
        regions=regions,
        feeds=feeds,
        providers=providers,
        provider_shares=provider_shares,
        categories=categories,
        category_shares=category_shares,
        residual=_residual(rng, provider_shares),
        channels=domain.channels,
        features=features,
        views=views,
        services=_services(rng, domain, len(hosts)),
        hosts=hosts,
        gpu_model=words.GPU_MODELS[int(rng.integers(len(words.GPU_MODELS)))],
        gpus=gpus,
        names=names,
        model=f"{company}-{domain.key}-{('risk', 'score', 'decision')[int(rng.integers(3))]}",
        estimator=("logistic", "boosting")[int(rng.integers(2))],
        rate_per_day=int(rng.integers(16_000, 24_000)),
        sample=int(rng.integers(9, 14)),
        peak_hour=float(rng.uniform(11, 18)),
        amplitude=float(rng.uniform(0.35, 0.6)),
        weekend=float(rng.uniform(0.65, 1.15)),
        growth=float(rng.uniform(-0.05, 0.15)),
    )


def _uuid(rng: np.random.Generator) -> str:
    text = rng.bytes(16).hex()
    return f"GPU-{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _feeds(rng: np.random.Generator, domain: words.Domain, company: str, regions: int) -> tuple[Feed, ...]:
    count = int(rng.integers(3, 6))
    rest = rng.dirichlet(np.full(count - 1, 4.0))
    main = rng.uniform(0.61, 0.63)
    shares = np.concatenate([[main], rest * (1 - main)])[rng.permutation(count)]
    codes = pick(rng, words.PLACES, count)
    table = domain.events
    return tuple(
        Feed(
            database=f"postgres://{codes[i]}-db.{company}.internal:5432/{codes[i]}.public.{table}",
            topic=f"cdc.{codes[i]}.public.{table}",
            connector=f"debezium-{codes[i]}",
            region=i % regions,
            share=float(shares[i]),
        )
        for i in range(count)
    )


def _mix(rng: np.random.Generator, providers: int, categories: int) -> tuple[np.ndarray, np.ndarray]:
    shares = rng.dirichlet(np.full(providers, 9.0))
    base = rng.dirichlet(np.full(categories, 3.0)) * 0.85 + 0.15 / categories
    rows = np.stack([rng.dirichlet(base * 60) for _ in range(providers)])
    return shares, rows


def _residual(rng: np.random.Generator, shares: np.ndarray) -> float:
    """Return the share of never mapped codes at which losing a middling provider gives a PSI near 0.31."""
    lost = float(shares[np.argmin(np.abs(shares - 0.14))])
    options = np.linspace(0.005, 0.06, 200)
    moved = lost * (1 - options)
    psi = moved * np.log((options + moved) / options) - moved * np.log(1 - lost)
    return float(options[np.argmin(np.abs(psi - rng.uniform(0.28, 0.31)))])


def _hosts(rng: np.random.Generator) -> tuple[str, ...]:
    letters = pick(rng, words.PLACES, 2)
    return tuple(f"{letters[i % 2]}-node-{int(rng.integers(10, 99))}{i}" for i in range(int(rng.integers(4, 7))))


def _features(rng: np.random.Generator, domain: words.Domain) -> tuple[tuple[View, ...], tuple[Feature, ...]]:
    kinds = (
        ("order", domain.order_columns),
        ("profile", domain.profile_columns),
        ("activity", domain.activity_columns),
    )
    labels = (domain.event, domain.party, "recent_activity")
    views = tuple(View(f"{labels[i]}_features", kind) for i, (kind, _) in enumerate(kinds))
    bounded = ("share", "score", "index", "quality", "viewability", "utilisation", "rate", "fill")
    features = []
    for index, (kind, columns) in enumerate(kinds):
        chosen = columns[:1] + pick(rng, columns[1:], int(rng.integers(2, len(columns))))
        strong = int(rng.integers(len(chosen))) if kind != "order" else 0
        for place, column in enumerate(chosen):
            weight = rng.uniform(0.75, 1.05) if place == strong else rng.uniform(0.1, 0.45)
            features.append(
                Feature(
                    name=column if kind != "order" or place else f"{column}_log",
                    column=column,
                    view=index,
                    bounded=any(word in column for word in bounded),
                    level=float(rng.uniform(1.5, 4.5)),
                    spread=float(rng.uniform(0.5, 0.9)),
                    rhythm=float(rng.uniform(0.9, 1.3)) if kind == "activity" else float(rng.uniform(-0.1, 0.15)),
                    party=float(rng.uniform(0.3, 0.7)) if kind == "profile" else float(rng.uniform(0, 0.25)),
                    weight=float(weight * (-1 if kind == "profile" else 1)),
                    null_rate=float(rng.uniform(0.001, 0.012)),
                )
            )
    return views, tuple(features)


def _services(rng: np.random.Generator, domain: words.Domain, hosts: int) -> tuple[Service, ...]:
    verb = domain.event.replace("_", "-")
    found: list[Service] = []

    def add(name: str, role: str, parent: int | None, operation: str, base_ms: float) -> int:
        found.append(
            Service(
                name,
                role,
                parent,
                operation,
                base_ms * float(rng.uniform(0.7, 1.4)),
                float(rng.uniform(0.25, 0.45)),
                float(rng.uniform(0.0005, 0.004)),
                int(rng.integers(hosts)),
                (int(rng.integers(1, 5)), int(rng.integers(0, 30)), int(rng.integers(0, 9))),
            )
        )
        return len(found) - 1

    def one(options: tuple[str, ...]) -> str:
        return options[int(rng.integers(len(options)))]

    edge = add(one(words.EDGE_NAMES), "edge", None, f"POST /v1/{verb}", 4.0)
    judge = add(f"{verb}-{one(words.ORCHESTRATOR_NAMES)}", "orchestrator", edge, "decide", 6.0)
    store = add(one(words.FEATURE_STORE_NAMES), "features", judge, "GetOnlineFeatures", 7.0)
    add(f"{verb}-{one(words.SCORER_NAMES)}", "scorer", judge, "predict", 14.0)
    for name in pick(rng, words.SIDE_NAMES, int(rng.integers(1, 4))):
        add(name, "side", judge if rng.random() < 0.7 else store, f"{name}.check", 3.5)
    for name in pick(rng, words.BACK_NAMES, int(rng.integers(1, 3))):
        add(name, "back", judge, f"{name}.write", 5.0)
    return tuple(found)


def _names(rng: np.random.Generator, domain: words.Domain, company: str, views: tuple[View, ...]) -> Names:
    warehouse, style = (
        (f"snowflake://{company}-{int(rng.integers(100, 999))}", "{layer}.{table}"),
        ("bigquery", company + "-lake.{layer}.{table}"),
        (f"s3://{company}-lake", "{layer}/{table}"),
        (f"postgres://dwh.{company}.internal:5432", "dwh.{layer}_{table}"),
    )[int(rng.integers(4))]

    def name(layer: str, table: str) -> str:
        return f"{warehouse}/" + style.format(layer=layer, table=table)

    sides = pick(
        rng,
        (
            "finance.revenue_daily",
            "marketing.campaigns",
            "support.tickets",
            "hr.headcount",
            "ops.inventory",
            "web.sessions",
        ),
        int(rng.integers(2, 5)),
    )
    return Names(
        warehouse=warehouse,
        kafka=f"kafka://broker-1.{company}.internal:9092",
        offline=tuple(name("features", v.name) for v in views),
        online=tuple(f"redis://online.{company}.internal:6379/{v.name}" for v in views),
        jobs=f"{company}-{('airflow', 'dagster', 'prefect')[int(rng.integers(3))]}",
        raw=name("raw", domain.events),
        mapping=name("ref", f"{domain.provider}_map"),
        profile=name("raw", domain.party),
        enriched=name("core", domain.events),
        training=name("ml", f"{domain.event}_training"),
        labels=name("core", domain.label),
        decisions=name("serving", f"{domain.event}_decisions"),
        mart=name("mart", f"{domain.event}_kpis"),
        side=tuple(name(*side.split(".")) for side in sides),
    )
