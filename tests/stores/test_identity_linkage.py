"""Customers without a shared identifier, linked over the runs of a build."""

import csv
import shutil
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import redis.asyncio

from rtp.clock import from_micros
from rtp.identity.batch import IdentityLinks
from rtp.identity.config import IdentityRules
from rtp.identity.types import Evidence, Identifier, IdentifierType
from rtp.stores.archive_schema import prepare_archives
from rtp.stores.feeds.folder import load_folder
from rtp.stores.feeds.prepare import prepare_lake
from rtp.stores.identity_linkage import LinkageReport
from rtp.stores.identity_links import seed_identities, write_linked_identities
from rtp.stores.identity_redis import RedisIdentityGraph
from rtp.stores.lake import Lake
from rtp.stores.linkage_lake import ProbableLink, ReviewLink, read_rows
from tests.identity.linkage.people import Person, people
from tests.making import KEYS, NOON

NOW = datetime(2026, 6, 1, tzinfo=UTC)
LATER = NOW + timedelta(days=1)
COLUMNS = ("source", "customer_ref", "user_id", "first_name", "last_name", "birth_date", "email", "city", "postcode")
RULES = IdentityRules()
Row = dict[str, str | None]


def rows_of(found: Sequence[tuple[int, Person]], start: int = 0) -> list[Row]:
    """The records of a shop on line, where each has an account, and of a till, where nobody has one, nor an e-mail."""
    seen: set[int] = set()
    rows: list[Row] = []
    for number, (who, record) in enumerate(found, start):
        online = who not in seen
        seen.add(who)
        known = (
            {"source": "web", "user_id": f"u{who}"} if online else {"source": "till", "user_id": None, "email": None}
        )
        born = record["birth_date"]
        rows.append({**record, **known, "customer_ref": str(number), "birth_date": born if _is_date(born) else None})
    return rows


def _is_date(text: str | None) -> bool:
    """False for the slips that the feed's own check would refuse."""
    try:
        return bool(text and date.fromisoformat(text).isoformat() == text and "1900" < text < "2026")
    except ValueError:
        return False


PEOPLE = people(140, seed=5, records=(1, 3))
ROWS = rows_of(PEOPLE)


def load(lake: Lake, rows: Sequence[Row], folder: Path, name: str) -> None:
    place = folder / name
    place.mkdir()
    with (place / "customers.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    (place / "products.csv").write_text("product_id\np1\n")
    (place / "order_lines.csv").write_text(
        "source,order_id,line_id,ordered_at,channel,product_id,quantity,net_amount\n"
        "till,o1,1,2026-05-01T10:00:00Z,store,p1,1,2.50\n"
    )
    load_folder(lake, place, now=NOW if name == "first" else LATER)


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, IdentityLinks, LinkageReport]:
    """The state after a first run."""
    state = tmp_path_factory.mktemp("first")
    lake = Lake(state / "lake")
    prepare_lake(lake)
    prepare_archives(lake)
    load(lake, ROWS, tmp_path_factory.mktemp("feed"), "first")
    return state, *write_linked_identities(lake, KEYS, RULES, state / "models", lambda: NOW)


@pytest.fixture
def state(first: tuple[Path, IdentityLinks, LinkageReport], tmp_path: Path) -> Path:
    shutil.copytree(first[0], tmp_path / "state")
    return tmp_path / "state"


def again(state: Path, apart: Sequence[tuple[str, str]] = ()) -> tuple[IdentityLinks, LinkageReport]:
    return write_linked_identities(Lake(state / "lake"), KEYS, RULES, state / "models", lambda: LATER, apart=apart)


def by_ref(links: IdentityLinks) -> dict[str, str]:
    return {ref: customer for _, ref, customer in links.customers}


def test_records_of_the_till_join_the_accounts_of_the_same_people(
    first: tuple[Path, IdentityLinks, LinkageReport],
) -> None:
    state, links, report = first
    customer = by_ref(links)
    account = {who: KEYS.customer_id(Identifier(IdentifierType.USER_ID, f"u{who}")) for who, _ in PEOPLE}
    till = [(who, row["customer_ref"]) for (who, _), row in zip(PEOPLE, ROWS, strict=True) if row["source"] == "till"]
    right = sum(customer[str(ref)] == account[who] for who, ref in till)
    wrong = sum(customer[str(ref)] in set(account.values()) - {account[who]} for who, ref in till)
    assert right / len(till) > 0.7
    assert wrong / len(till) < 0.03
    assert report.learned
    stored = read_rows(Lake(state / "lake"), ProbableLink)
    assert stored == list(report.links)
    assert all(link.model_version == report.model.version for link in stored if report.model)


def test_a_run_without_anything_new_compares_nothing_and_names_everybody_as_before(
    first: tuple[Path, IdentityLinks, LinkageReport], state: Path
) -> None:
    links, report = again(state)
    assert links == first[1]
    assert (report.fresh, report.compared, report.learned) == (0, 0, False)
    assert list(report.links) == list(first[2].links), "with the evidence of the first run"


def test_new_records_rename_no_customer_that_they_do_not_join(
    first: tuple[Path, IdentityLinks, LinkageReport], state: Path, tmp_path: Path
) -> None:
    new = rows_of(people(2, seed=99, records=(2, 2)), start=len(ROWS))
    more = [{**row, "user_id": row["user_id"] and f"new-{row['user_id']}"} for row in new]
    returning = {**ROWS[0], "source": "service", "customer_ref": "s1", "user_id": None, "email": None}
    load(Lake(state / "lake"), [*more, returning], tmp_path, "second")
    links, report = again(state)
    before, after = by_ref(first[1]), by_ref(links)
    assert {ref: after[ref] for ref in before} == before
    assert report.fresh == len(more) + 1
    assert report.model == first[2].model
    assert report.compared < first[2].compared / 4


def test_two_accounts_are_not_made_one_by_a_record_that_is_like_both(
    first: tuple[Path, IdentityLinks, LinkageReport], state: Path, tmp_path: Path
) -> None:
    person: Row = {
        "first_name": "Wilhelmina", "last_name": "Featherstone", "birth_date": "1961-05-17", "city": "Derby",
        "postcode": "N77AB",
    }  # fmt: skip
    accounts = [{**person, "source": "web", "customer_ref": f"w{n}", "user_id": f"double{n}"} for n in (1, 2)]
    till = {**person, "source": "till", "customer_ref": "t9"}
    lake = Lake(state / "lake")
    load(lake, [*accounts, till], tmp_path, "second")
    links, report = again(state)
    customer = by_ref(links)
    assert customer["w1"] != customer["w2"]
    assert customer["t9"] in {customer["w1"], customer["w2"]}
    held = [each for each in read_rows(lake, ReviewLink) if each.reason == "conflict"]
    assert {ref for each in held for _, ref in each.ends} & {"w1", "w2"}
    assert report.held["conflict"] >= 1
    assert by_ref(again(state)[0]) == customer
    assert [each for each in read_rows(lake, ReviewLink) if each.reason == "conflict"] == held


async def test_an_undone_link_is_not_made_again(
    first: tuple[Path, IdentityLinks, LinkageReport], state: Path, redis_client: redis.asyncio.Redis
) -> None:
    lake, graph = Lake(state / "lake"), RedisIdentityGraph(redis_client, KEYS)
    await seed_identities(lake, graph, lambda: from_micros(NOON))
    link = max(read_rows(lake, ProbableLink), key=lambda each: each.match_weight)
    left, right = (Identifier(IdentifierType.CUSTOMER_REF, ":".join(end)) for end in link.ends)
    customer_id = await graph.resolve(left)
    assert customer_id
    assert customer_id == await graph.resolve(right) == by_ref(first[1])[link.left_ref]
    dossier = await graph.dossier(customer_id)
    assert dossier
    merge = next(each for each in dossier.merges if left.value in each.evidence.source)
    assert merge.evidence.rule == f"splink:{link.model_version}"
    await graph.undo(merge.merge_id, Evidence("undo", "somebody", NOON + 1))
    links, _ = again(state, apart=await graph.apart())
    await seed_identities(lake, graph, lambda: from_micros(NOON + 2))
    customer = by_ref(links)
    assert customer[link.left_ref] != customer[link.right_ref]
    assert await graph.resolve(left) == customer[link.left_ref]
    assert await graph.resolve(right) == customer[link.right_ref]


def test_a_record_that_has_changed_is_compared_anew(
    first: tuple[Path, IdentityLinks, LinkageReport], state: Path, tmp_path: Path
) -> None:
    link = first[2].links[0]
    changed = next(row for row in ROWS if row["customer_ref"] == link.left_ref)
    stranger: Row = {"first_name": "Zebedee", "last_name": "Quartermain", "birth_date": "2001-01-01", "city": "Truro"}
    named = {name: changed[name] for name in ("source", "customer_ref", "user_id")}
    load(Lake(state / "lake"), [{**stranger, **named}], tmp_path, "second")
    links, report = again(state)
    assert report.fresh == 1
    assert all((link.left_source, link.left_ref) not in each.ends for each in report.links)
    assert by_ref(links)[link.left_ref] != by_ref(links)[link.right_ref]


def test_nothing_is_compared_where_everybody_has_an_account(tmp_path: Path) -> None:
    lake = Lake(tmp_path / "lake")
    prepare_lake(lake)
    prepare_archives(lake)
    load(lake, [row for row in ROWS if row["source"] == "web"], tmp_path, "feed")
    _, report = write_linked_identities(lake, KEYS, RULES, tmp_path / "models", lambda: NOW)
    assert report.why_not
    assert report.model is None
    assert not (tmp_path / "models").exists()
    assert read_rows(lake, ProbableLink) == []
