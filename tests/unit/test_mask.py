"""Masking: what is found, what is left alone, and that joins survive."""

from __future__ import annotations

import random
import secrets
import stat
import time
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pytest

from workbench.columnar import build
from workbench.errors import StoreError, UsageError
from workbench.intake.key import KEY_FILE, store_key
from workbench.intake.mask import Masker, MaskPolicy
from workbench.intake.patterns import PSEUDONYM, is_card, is_sin, key_kind, luhn
from workbench.model.tables import LINEAGE, PREDICTIONS, SPANS
from workbench.sources import Batch, Rejection

MASKER = Masker(MaskPolicy(), b"k" * 32)
STAMP = {"environment": "prod", "source": "test", "place": "here", "received_ns": 1}


def spans(attributes: list[dict[str, str] | None], **columns: object) -> pa.Table:
    """Return spans with the given attributes, one a row."""
    count = len(attributes)
    return build(
        SPANS,
        {
            "trace_id": [f"{i:032x}" for i in range(count)],
            "span_id": [f"{i:016x}" for i in range(count)],
            "start_ns": [1] * count,
            "end_ns": [2] * count,
            "duration_ns": [1] * count,
            "attributes": attributes,
            **STAMP,
            **columns,
        },
    )


def masked_spans(rows: pa.Table) -> tuple[pa.Table, Counter[str]]:
    """Return the rows masked, and the counts."""
    batch, counts = MASKER.mask(Batch({"spans": rows}))
    return batch.tables["spans"], counts


@pytest.mark.parametrize(
    ("text", "kind", "gone"),
    [
        ("order by Bob.O+x@Example.co.uk failed", "email", "Bob.O+x@Example.co.uk"),
        ("GET /u?mail=bob%40example.com", "email", "bob%40example.com"),
        ("card 4111 1111 1111 1111 declined", "card", "4111 1111 1111 1111"),
        ("pan=378282246310005", "card", "378282246310005"),
        ("5555-5555-5555-4444", "card", "5555-5555-5555-4444"),
        ("SIN: 046 454 286", "sin", "046 454 286"),
        ("046-454-286", "sin", "046-454-286"),
        ("customer 130692544 declined", "sin", "130692544"),
        ("ssn 219-09-9999", "ssn", "219-09-9999"),
        ("call +1 (416) 555-0199 now", "phone", "+1 (416) 555-0199"),
        ("call 416-555-0199", "phone", "416-555-0199"),
        ("+44 20 7946 0958", "phone", "+44 20 7946 0958"),
        ("phone=4165550199", "phone", "4165550199"),
        ("Authorization: Bearer abc.DEF-123456", "token", "abc.DEF-123456"),
        ("Authorization: Basic dXNlcjpwYXNzd29yZA==", "token", "dXNlcjpwYXNzd29yZA=="),
        ("key AKIAIOSFODNN7EXAMPLE", "aws", "AKIAIOSFODNN7EXAMPLE"),
        ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "aws", "wJalrXUtnFEMI"),
        ("using ghp_16C7e42F292c6912E7710c838347Ae178B4a", "token", "ghp_16C7"),
        ("sk_live_4eC39HqLyjWDarjtT1zdp7dc", "token", "sk_live_4eC"),
        ("jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl", "jwt", "eyJhbGci"),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIEow\n-----END RSA PRIVATE KEY-----", "private_key", "MIIEow"),
        ("-----BEGIN PRIVATE KEY-----\nMIIEow cut short", "private_key", "MIIEow"),
        ("postgres://app:hunter2@db/orders", "password", "hunter2"),
        ("postgres://app:hunter2@db:5432/orders@3f9a", "password", "hunter2"),
        ("https://app:hunt@er2@db/orders", "password", "er2"),
        ("https://app:5432@db/orders", "password", "5432@"),
        ("postgres://app:54321@3f9a0c51d2e8", "password", "54321@"),
        ("postgres://app:hunter2@3f9a0c51d2e87b46", "password", "hunter2"),
        ("to bob@1.mail.example.com.2 now", "email", "bob@1.mail"),
        ("bob@bücher.example", "email", "bob@b"),
        ("https://app:hunter/2@db/orders", "password", "hunter/2"),
        ("http://a:80,http://app:hunter2@db", "password", "hunter2"),
        ("login password=hunter2;", "password", "hunter2"),
        ('{"password": "hunter2"} of bob', "password", "hunter2"),
        ("api_key: 0aB1c2D3", "secret", "0aB1c2D3"),
        ("Set-Cookie: sid=0aB1; Path=/", "cookie", "0aB1"),
    ],
)
def test_finds_and_replaces_by_a_pseudonym_of_its_kind(text: str, kind: str, gone: str) -> None:
    """Each listed form disappears, a pseudonym of its kind stands in its place, and a second pass changes nothing."""
    masked = MASKER.text(text)
    assert gone not in masked
    assert any(word.group().startswith(f"{kind}_") for word in PSEUDONYM.finditer(masked)), masked
    assert MASKER.text(masked) == masked


@pytest.mark.parametrize(
    "text",
    [
        "0123456789abcdef0123456789abcdef",
        "4111111111111111abcdef0123456789",
        "123e4567-e89b-12d3-a456-426614174000",
        "12345678-1234-1234-1234-123456789012",
        "1700000000000000000",
        "1700000000123",
        "2026-11-21 10:00:00.123456789",
        "took 130692544 ns",
        "130692544",
        "4111111111111112",
        "v1.22.333-4444 on 10.20.30.40:8080",
        "SELECT sin(x), cos(x) FROM t -- token count: 512",
        "max_tokens=4096 input_tokens: 512",
        "job_416-555-0199x",
        "GET /orders/{id} HTTP/1.1",
        "password=None",
        "user@localhost",
        "data_version:postgres://host:5432/db@3f9a0c51d2e87b46",
        "data_version:postgres://host:5432/db.public.orders@3f9a0c51d2e87b46",
        "data_version:postgres://host:5432@3f9a0c51d2e87b46",
        "data_version:orders@v1.2",
        "orders@2026.11.21-rc1",
        "kafka://b1:9092,b2:9092/topic@3f9a",
        "https://host:443?at=a@b",
        "postgres://[::1]:5432/db@3f9a",
        "file://C:/data/x@3f9a",
        "basic authentication is required",
    ],
)
def test_leaves_ids_times_figures_and_plain_words_alone(text: str) -> None:
    """Ids, clock times, counts and prose that resemble personal data stay byte for byte."""
    assert MASKER.text(text) == text


def test_of_100_000_random_ids_none_is_taken_for_a_card_or_a_phone() -> None:
    """50,000 trace ids and 50,000 UUIDs pass unchanged."""
    dice = random.Random(7)
    ids = [f"{dice.getrandbits(128):032x}" for _ in range(50_000)]
    uuids = [
        f"{h[:8]}-{h[8:12]}-{h[12:16]}-{h[16:20]}-{h[20:]}" for h in (f"{dice.getrandbits(128):032x}" for _ in ids)
    ]
    rows = spans([{"request.id": u} for u in uuids], trace_id=ids, span_id=[i[:16] for i in ids])
    masked, counts = masked_spans(rows)
    assert masked.equals(rows)
    assert not counts


def test_a_span_id_of_sixteen_digits_that_passes_luhn_stays() -> None:
    """The id columns hold validated ids: 4111111111111111 there is no card."""
    rows = spans([None], span_id=["4111111111111111"], parent_span_id=["4012888888881881"])
    assert masked_spans(rows)[0].equals(rows)


def test_equal_values_share_a_pseudonym_across_columns_forms_and_batches_so_joins_work() -> None:
    """An e-mail in any case and a card with any separators have one name; another key gives another name."""
    assert MASKER.text("A@x.org") == MASKER.text("a@X.org")
    assert MASKER.text("4111-1111-1111-1111") == MASKER.text("4111111111111111")
    assert MASKER.text("+1 416 555 0199") == MASKER.text("(416) 555-0199")
    rows = spans([{"user.email": "a@x.org"}, {"note": "from a@x.org"}], name=["mail a@x.org", "plain"])
    first, second = masked_spans(rows)[0].to_pylist()
    name = dict(first["attributes"])["user.email"]
    assert name.startswith("email_")
    assert dict(second["attributes"])["note"] == f"from {name}"
    assert first["name"] == f"mail {name}"
    assert Masker(MaskPolicy(), b"o" * 32).text("a@x.org") != name


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("password", "password"),
        ("db.userPassword", "password"),
        ("http.request.header.authorization", "token"),
        ("http.response.header.set-cookie", "cookie"),
        ("HTTP.REQUEST.HEADER.COOKIE", "cookie"),
        ("X-Api-Key", "secret"),
        ("clientSecret", "secret"),
        ("customer.ssn", "ssn"),
        ("user.email", "email"),
        ("gen_ai.usage.input_tokens", None),
        ("password_attempts", None),
        ("emails_sent", None),
        ("hour_sin", None),
        ("token", None),
    ],
)
def test_keys_name_what_their_values_are(key: str, kind: str | None) -> None:
    """Keys are read in any case and joint, by their last words; counts and sines are no secrets."""
    assert key_kind(key) == kind


def test_a_secret_key_hides_any_value_and_a_token_count_stays() -> None:
    """Values go whole under secret keys; ``token`` = 512 is a count, ``sin`` = 0.5 a sine."""
    attributes = {"password": "x", "token": "512", "auth.token": "abcdef", "sin": "0.5", "cookie.enabled": "true"}
    pairs = dict(masked_spans(spans([attributes]))[0].to_pylist()[0]["attributes"])
    assert pairs["password"].startswith("password_")
    assert pairs["auth.token"].startswith("token_")
    assert (pairs["token"], pairs["sin"], pairs["cookie.enabled"]) == ("512", "0.5", "true")


def test_secret_numbers_among_features_become_unknown_never_zero() -> None:
    """A card number as a float is null afterwards; amounts and sines stay."""
    rows = build(
        PREDICTIONS,
        {
            "prediction_id": ["p1"],
            "time_ns": [1],
            "feature_numbers": [
                {"card_number": 4111111111111111.0, "amount": 12.5, "sin": 0.5, "customer.sin": 130692544.0}
            ],
            **STAMP,
        },
    )
    batch, counts = MASKER.mask(Batch({"predictions": rows}))
    numbers = dict(batch.tables["predictions"].to_pylist()[0]["feature_numbers"])
    assert numbers == {"card_number": None, "amount": 12.5, "sin": 0.5, "customer.sin": None}
    assert counts == {"card": 1, "sin": 1}


def test_json_columns_stay_json_and_lose_their_secrets_at_any_depth() -> None:
    """Texts, numbers and attribute lists in JSON are masked; link ids stay."""
    events = (
        '[{"name":"e","attributes":{"a":{"password":"x y"},"n":4111111111111111,'
        '"list":[{"key":"authorization","value":"zzz"}]},"span_id":"4111111111111111"}]'
    )
    text = masked_spans(spans([None], events=[events]))[0].column("events")[0].as_py()
    tree = __import__("json").loads(text)[0]
    assert tree["attributes"]["a"]["password"].startswith("password_")
    assert tree["attributes"]["n"].startswith("card_")
    assert tree["attributes"]["list"][0]["value"].startswith("token_")
    assert tree["span_id"] == "4111111111111111"


def test_json_deeper_than_200_with_a_finding_goes_whole() -> None:
    """A tree that cannot be walked is replaced as one, never written unread."""
    deep = "[" * 500 + '"a@x.org"' + "]" * 500
    assert PSEUDONYM.fullmatch(MASKER.json(deep, Counter()).strip('"'))


def test_map_keys_and_rows_without_maps_are_kept_in_place() -> None:
    """Sliced, null and empty maps keep their places while a key with an e-mail is masked."""
    rows = spans([{"x": "1"}, None, {}, {"a@x.org": "v"}, {"y": "2"}]).slice(1)
    column = masked_spans(rows)[0].column("attributes").to_pylist()
    assert column[0] is None
    assert column[1] == []
    assert column[2][0][0].startswith("email_")
    assert column[3] == [("y", "2")]


def test_counts_cells_not_distinct_values() -> None:
    """Three cells with two distinct addresses count three."""
    assert masked_spans(spans([{"m": "a@x.org"}, {"m": "a@x.org"}, {"m": "b@x.org"}]))[1] == {"email": 3}


def test_rejections_are_masked_and_keep_content_only_where_it_is_text() -> None:
    """Reason and place lose their secrets; bytes that are no UTF-8 are dropped."""
    refused = (
        Rejection("bad a@x.org", "b@x.org.json", 3, "0" * 64, b'{"password":"hunter2"}'),
        Rejection("bad", "f", 3, "0" * 64, b"\xff\xfe a@x.org"),
    )
    first, second = MASKER.mask(Batch({}, refused))[0].rejections
    assert "x.org" not in first.reason + first.place
    assert first.content is not None
    assert b"hunter2" not in first.content
    assert second.content is None


def test_policy_adds_and_opens_keys_and_ips_are_masked_only_on_request() -> None:
    """Own secret keys, keys that only look secret, and addresses are matters of policy."""
    policy = MaskPolicy(frozenset({"ip", "secret"}), frozenset({"Loyalty-No"}), frozenset({"api_key"}))
    masker = Masker(policy, b"k" * 32)
    assert masker.value("loyalty.no", "77").startswith("secret_")
    assert masker.value("api_key", "public") == "public"
    assert masker.text("from 10.0.0.7 and 999.0.0.1").startswith("from ip_")
    assert MASKER.text("from 10.0.0.7") == "from 10.0.0.7"
    with pytest.raises(UsageError, match="no kind 'names'"):
        MaskPolicy(frozenset({"names"}))


def test_the_key_is_made_once_readable_by_its_owner_only(tmp_path: Path) -> None:
    """Mode 0600, 32 bytes, the same on every opening; a broken one is refused, not replaced."""
    key = store_key(tmp_path)
    assert store_key(tmp_path) == key
    assert len(key) == 32
    assert stat.S_IMODE((tmp_path / KEY_FILE).stat().st_mode) == 0o600
    assert [p.name for p in tmp_path.iterdir()] == [KEY_FILE]
    (tmp_path / KEY_FILE).write_text("00")
    with pytest.raises(StoreError, match="32"):
        store_key(tmp_path)


@pytest.mark.parametrize(
    "unit",
    ["a", "a.", "1 ", "4111 ", "@", "a@", "eyJ", "-----BEGIN PRIVATE KEY-----", "password=", "+1", "://a:", "://a:b"],
)
def test_no_input_makes_the_patterns_backtrack(unit: str) -> None:
    """200 kB of the worst repetition takes under 2 s."""
    text = unit * (200_000 // len(unit))
    began = time.process_time()
    MASKER.text(text + "@")
    MASKER.text("@ " + text)
    assert time.process_time() - began < 2


def test_masks_at_least_20_000_spans_a_second_with_a_secret_in_each() -> None:
    """5,000 spans, each with its own token and one of 500 addresses, take under 0.25 CPU seconds."""
    rows = spans(
        [
            {"order": str(i), "user.email": f"u{i % 500}@x.org", "authorization": secrets.token_hex(10)}
            for i in range(5000)
        ]
    )
    MASKER.mask(Batch({"spans": rows.slice(0, 10)}))
    began = time.process_time()
    counts = MASKER.mask(Batch({"spans": rows}))[1]
    assert time.process_time() - began < 0.25
    assert counts == {"email": 5000, "token": 5000}


def test_masks_at_least_100_000_spans_a_second_whose_values_are_figures_and_ids() -> None:
    """5,000 spans, each with a nine-digit order, a fraction and an id of its own, take under 0.05 CPU seconds."""
    dice = random.Random(5)
    rows = spans(
        [
            {"order.id": str(dice.randrange(10**8, 10**9)), "wait": repr(dice.random() * 9), "id": f"{i:x}a{i:015x}"}
            for i in range(5000)
        ]
    )
    spent = []
    for _ in range(5):
        began = time.process_time()
        masked, counts = masked_spans(rows)
        spent.append(time.process_time() - began)
    assert min(spent) < 0.05
    assert masked.equals(rows)
    assert not counts


def test_lineage_of_a_dataset_named_by_a_uri_keeps_its_edge_and_loses_only_a_password() -> None:
    """Port and path before ``@digest`` stay byte for byte; with user and password only the password goes."""
    kept, hidden = (
        "data_version:postgres://host:5432/db@3f9a0c51",
        "data_version:postgres://u:hunter2@h:5432/db@3f9a0c51",
    )
    rows = build(
        LINEAGE,
        {
            "upstream": [kept, hidden],
            "downstream": ["run:1", "run:1"],
            "job": ["", ""],
            "job_run": ["1", "1"],
            "rule": ["mlflow"] * 2,
            "time_ns": [1, 1],
            **STAMP,
        },
    )
    batch, counts = MASKER.mask(Batch({"lineage_edges": rows}))
    first, second = batch.tables["lineage_edges"].column("upstream").to_pylist()
    assert first == kept
    assert "hunter2" not in second
    assert second.endswith("@h:5432/db@3f9a0c51")
    assert counts == {"password": 1}


def test_check_digits() -> None:
    """Luhn, issuer and length decide; repdigits are no cards."""
    assert luhn("79927398713")
    assert not luhn("79927398710")
    assert is_card("6011 1111 1111 1117")
    assert not is_card("0000000000000000")
    assert not is_card("9111111111111111")
    assert is_sin("046454286")
    assert not is_sin("046454287")
