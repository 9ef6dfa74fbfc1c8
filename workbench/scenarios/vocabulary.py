"""Words of the businesses that a simulated system may belong to: chosen by seed, saying nothing about the cause."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Domain:
    """Name the things of one business."""

    key: str
    events: str
    """What arrives, in the plural: transactions, applications, ..."""
    event: str
    decisions: tuple[str, str, str]
    """Good, in between, bad."""
    rate_kpi: str
    """Share of good decisions."""
    label: str
    """What turns out to be true later."""
    provider: str
    """Column that names the partner an event came through."""
    category: str
    """Feature made from the partner's codes by a mapping table."""
    categories: tuple[str, ...]
    channel: str
    channels: tuple[str, ...]
    order_columns: tuple[str, ...]
    """Numeric columns of an event; the first is its size."""
    profile_columns: tuple[str, ...]
    """Numeric columns of the party behind an event."""
    activity_columns: tuple[str, ...]
    """Counts and sums over recent events."""
    party: str


DOMAINS: tuple[Domain, ...] = (
    Domain(
        "payments",
        "transactions",
        "transaction",
        ("approve", "review", "decline"),
        "approval_rate",
        "fraud",
        "payment_provider",
        "merchant_category",
        (
            "grocery",
            "travel",
            "electronics",
            "fuel",
            "restaurants",
            "fashion",
            "gaming",
            "pharmacy",
            "home",
            "transport",
            "telecom",
            "utilities",
            "jewellery",
            "sports",
        ),
        "entry_mode",
        ("chip", "online", "wallet", "recurring"),
        ("amount", "basket_items", "shipping_distance_km", "discount_share"),
        ("account_age_days", "chargebacks_1y", "avg_ticket", "kyc_score"),
        ("tx_count_1h", "tx_sum_24h", "distinct_merchants_24h", "declines_24h"),
        "cardholder",
    ),
    Domain(
        "credit",
        "applications",
        "application",
        ("accept", "refer", "reject"),
        "acceptance_rate",
        "default",
        "broker",
        "employment_sector",
        (
            "public",
            "retail",
            "construction",
            "finance",
            "health",
            "hospitality",
            "education",
            "farming",
            "it",
            "transport",
            "self_employed",
            "energy",
        ),
        "intake_channel",
        ("branch", "web", "app", "phone"),
        ("requested_sum", "term_months", "stated_income", "deposit_share"),
        ("bureau_score", "months_at_address", "open_credit_lines", "utilisation"),
        ("enquiries_24h", "applications_7d", "same_address_24h", "same_device_24h"),
        "applicant",
    ),
    Domain(
        "ads",
        "bid_requests",
        "bid_request",
        ("serve", "throttle", "skip"),
        "fill_rate",
        "invalid_click",
        "exchange",
        "ad_vertical",
        (
            "auto",
            "beauty",
            "finance",
            "food",
            "gaming",
            "health",
            "home",
            "news",
            "sport",
            "tech",
            "travel",
            "education",
            "fashion",
            "music",
            "pets",
        ),
        "placement",
        ("feed", "banner", "video", "native"),
        ("floor_price", "slot_area", "page_depth", "viewability"),
        ("user_age_days", "lifetime_clicks", "avg_session_s", "quality_index"),
        ("impressions_1h", "clicks_1h", "spend_24h", "unique_pages_1h"),
        "visitor",
    ),
    Domain(
        "logistics",
        "shipments",
        "shipment",
        ("dispatch", "consolidate", "hold"),
        "dispatch_rate",
        "late_delivery",
        "carrier",
        "commodity_class",
        (
            "apparel",
            "chemicals",
            "documents",
            "electronics",
            "food",
            "furniture",
            "machinery",
            "medical",
            "paper",
            "plastics",
            "toys",
        ),
        "service_level",
        ("express", "standard", "economy"),
        ("weight_kg", "parcel_count", "route_km", "declared_value"),
        ("shipper_tenure_days", "damage_rate", "avg_weight_kg", "address_quality"),
        ("depot_inflow_1h", "route_delay_24h", "truck_fill_24h", "missed_scans_24h"),
        "shipper",
    ),
    Domain(
        "claims",
        "claims",
        "claim",
        ("pay", "inspect", "contest"),
        "straight_through_rate",
        "padded_claim",
        "repair_network",
        "damage_class",
        ("glass", "hail", "collision", "theft", "water", "fire", "parking", "wildlife", "vandalism", "mechanical"),
        "report_channel",
        ("app", "call", "garage", "agent"),
        ("claimed_sum", "photo_count", "days_to_report", "parts_share"),
        ("policy_age_days", "claims_3y", "premium", "no_claims_years"),
        ("claims_region_24h", "garage_claims_7d", "avg_estimate_7d", "same_phone_7d"),
        "policyholder",
    ),
    Domain(
        "moderation",
        "posts",
        "post",
        ("publish", "queue", "block"),
        "publish_rate",
        "policy_violation",
        "client_app",
        "topic_group",
        (
            "art",
            "books",
            "cars",
            "cooking",
            "fitness",
            "garden",
            "local",
            "memes",
            "music",
            "news",
            "photo",
            "science",
            "travel",
        ),
        "content_kind",
        ("text", "image", "video", "link"),
        ("text_length", "link_count", "image_area", "caps_share"),
        ("author_age_days", "strikes_1y", "followers", "trust_index"),
        ("posts_1h", "reports_24h", "reposts_1h", "new_follows_24h"),
        "author",
    ),
)

PLACES = (
    "alder",
    "birch",
    "cedar",
    "dune",
    "ember",
    "fjord",
    "grove",
    "heath",
    "inlet",
    "juniper",
    "karst",
    "lagoon",
    "mesa",
    "north",
    "orchard",
    "pine",
    "quarry",
    "ridge",
    "summit",
    "tundra",
    "upland",
    "vale",
    "willow",
    "yarrow",
)
"""Code names of companies, databases and hosts."""
PARTNERS = (
    "acorn",
    "bluefin",
    "cobalt",
    "delta9",
    "everly",
    "finch",
    "gusto",
    "halcyon",
    "indigo",
    "jetty",
    "kite",
    "lumen",
    "maple",
    "nimbus",
    "otter",
    "pilot",
    "quartz",
    "raven",
    "sable",
    "tango",
)
REGIONS = (
    ("eu-west-1", "eu-central-1", "us-east-1", "ap-southeast-2"),
    ("ca-central-1", "us-west-2", "us-east-2"),
    ("westeurope", "northeurope", "uksouth"),
    ("europe-west4", "us-central1", "asia-east1", "me-west1"),
)
PEOPLE = ("ana", "bo", "chidi", "dara", "emil", "farah", "goran", "hana", "ivo", "june", "kofi", "lena")
EDGE_NAMES = ("gateway", "edge-api", "front-door", "public-api")
ORCHESTRATOR_NAMES = ("decision", "orchestrator", "risk-engine", "judge", "evaluator")
FEATURE_STORE_NAMES = ("feature-store", "feature-api", "online-features", "feast-server")
SCORER_NAMES = ("scorer", "inference", "model-server", "predictor")
SIDE_NAMES = ("rules", "profile-lookup", "geo", "limits", "consent", "device-id", "fx-rates", "blocklist", "session")
BACK_NAMES = ("notifier", "audit-writer", "ledger", "reporting", "export", "search-index")
GPU_MODELS = ("NVIDIA L4", "NVIDIA A10", "NVIDIA L40S", "Tesla T4")
AREAS = (
    ("services/{service}/handlers.py", ("Tidy request parsing", "Log the caller on refusals", "Drop an unused option")),
    ("services/{service}/client.py", ("Reuse connections", "Name the timeouts", "Bump the client library")),
    ("pipelines/{view}.sql", ("Comment the windows", "Use the shared calendar", "Reformat joins")),
    ("pipelines/export.py", ("Write smaller files", "Rename a variable", "Add a dry run")),
    (
        "reference/{provider}_map.csv",
        ("Add codes of a new partner", "Correct two descriptions", "Sort by code and drop duplicates"),
    ),
    (
        "training/config.yaml",
        ("Record the library versions", "Widen the search grid", "Read settings from the environment"),
    ),
    ("docs/runbook.md", ("Explain the rota", "Link the dashboards", "Correct a heading")),
    ("infra/{host}.tf", ("Raise the disk quota", "Label the nodes", "Renew certificates")),
)
"""Places in the repository, and titles of what is done there every week: planted changes are worded alike."""


def titles(ending: str) -> tuple[str, ...]:
    """Return the usual titles of commits to the area whose path ends so."""
    return next(found for path, found in AREAS if path.endswith(ending))
