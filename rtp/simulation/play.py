"""A few hundred shoppers at once, seeded: the same seed makes the same people in the same order."""

import asyncio
import random
import time
from collections.abc import Sequence

import msgspec

from rtp.clock import Clock, NewId
from rtp.errors import RtpError
from rtp.simulation.client import ChannelClient
from rtp.simulation.households import Household
from rtp.simulation.journeys import JOURNEYS, Visit
from rtp.simulation.recorder import Recorder
from rtp.simulation.shopper import Shopper, product_properties

FEATURE_TIMEOUT_SECONDS = 30.0


class Pace(msgspec.Struct, frozen=True):
    """How busy the shop is."""

    concurrent: int = 24
    """Shoppers at the same time."""
    pause_seconds: float = 0.4
    """Mean time between two steps of a shopper."""


async def play(
    households: Sequence[Household],
    client: ChannelClient,
    recorder: Recorder,
    *,
    seed: int,
    pace: Pace,
    clock: Clock,
    fresh_id: NewId,
) -> None:
    """Sends every household on a journey; some households probe how fast their events become features.

    Raises Retryable if the API stays away, Fatal if it refuses what a channel may ask.
    """
    gate = asyncio.Semaphore(pace.concurrent)

    async def one(place: int, household: Household) -> None:
        rng = random.Random(f"{seed}:{place}:{household.user_id}")
        async with gate:
            shopper = Shopper(household, rng, clock, fresh_id)
            journeys, weights = zip(*JOURNEYS, strict=True)
            journey = rng.choices(journeys, weights)[0]
            await journey(Visit(shopper, client, recorder, pause_seconds=pace.pause_seconds))
            if place % 4 == 0:
                await probe_event_to_feature(shopper, client, recorder)
            recorder.counts["shoppers"] += 1

    try:
        async with asyncio.TaskGroup() as group:
            for place, household in enumerate(households):
                group.create_task(one(place, household))
    except* RtpError as failed:
        # The first failure ended the others; it alone says what is wrong.
        raise failed.exceptions[0] from None


async def probe_event_to_feature(shopper: Shopper, client: ChannelClient, recorder: Recorder) -> None:
    """Measures from an event's acceptance until the look-up returns it.

    Counts a missed probe if that does not happen within the time limit.
    """
    shopper.known = True
    marker = shopper.pick(1)[0]
    probe_id = f"probe-{shopper.new_id('product')}"
    event = shopper.track("Product Viewed", "web", product_properties(marker, product_id=probe_id))
    accepted_at = await client.track("web", [event])
    profile = None
    while time.monotonic() - accepted_at < FEATURE_TIMEOUT_SECONDS:
        profile = profile or await client.profile(f"user_id:{shopper.household.user_id}")
        if profile is not None:
            found = await client.features(profile["customerId"], ["customer_live:last_products"])
            if probe_id in (found["last_products"] or []):
                recorder.seconds["event_to_feature"].append(time.monotonic() - accepted_at)
                return
        await asyncio.sleep(0.002)
    recorder.counts["missed_probes"] += 1
