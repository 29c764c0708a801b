import msgspec

from rtp.signals.event import LogEntry
from rtp.signals.live_view import described, follow, newest
from rtp.stores.event_log_memory import MemoryEventLog
from tests.making import event, user_key


async def test_the_view_shows_what_happened_and_not_to_whom() -> None:
    properties = {"productId": "p1", "email": "zoe@shop.example"}
    shopper = event(
        "m1", user_id="zoe", anonymous_id="dev-1", properties=properties, traits={"email": "zoe@shop.example"}
    )
    entry = LogEntry(0, "1-0", user_key("zoe"), shopper)
    text = msgspec.json.encode(described(entry)).decode()
    assert "Product Viewed" in text
    assert "p1" in text
    assert "zoe" not in text
    assert "dev-1" not in text
    assert "zoe@shop.example" in msgspec.json.encode(described(entry, show_identifiers=True)).decode()


async def test_newest_and_following_events_come_in_order_from_all_partitions() -> None:
    log = MemoryEventLog(partitions=3)
    await log.append([(user_key(f"u{number}"), event(f"m{number}", received_at=number * 1000)) for number in range(9)])
    last = await newest(log, 4)
    assert [each.event.message_id for each in last] == ["m5", "m6", "m7", "m8"]
    seen = []
    async for each in follow(log, {}):
        seen.append(each.event.message_id)
        if len(seen) == 9:
            break
    assert seen == [f"m{number}" for number in range(9)]
