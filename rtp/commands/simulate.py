"""`rtp simulate`: seeded shoppers, made from loaded households, against the running API."""

from typing import Annotated

import typer

from rtp.commands.output import JsonFlag, console, print_json, run


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("simulate")(simulate)


def simulate(
    shoppers: Annotated[int, typer.Option(help="How many shoppers.", min=1)] = 100,
    seed: Annotated[int, typer.Option(help="The same seed makes the same shoppers.")] = 7,
    concurrent: Annotated[int, typer.Option(help="Shoppers at the same time.", min=1)] = 24,
    pause: Annotated[float, typer.Option(help="Mean seconds between two steps of a shopper.", min=0)] = 0.4,
    as_json: JsonFlag = False,
) -> None:
    """Let simulated shoppers move through web, app, e-mail and store; all they send says so."""
    from rtp.clock import random_id, system_clock
    from rtp.settings import load_settings
    from rtp.simulation.client import ChannelClient
    from rtp.simulation.households import read_households
    from rtp.simulation.play import Pace, play
    from rtp.simulation.recorder import Recorder
    from rtp.stores.keyring import load_keyring

    settings = load_settings()
    keys = load_keyring(settings)
    households = read_households(settings.lake_dir / "feeds", wanted=shoppers, seed=seed)
    recorder = Recorder()

    async def session() -> None:
        client = ChannelClient(settings.api_url, write_key=keys.write, server_key=keys.server, recorder=recorder)
        try:
            pace = Pace(concurrent=concurrent, pause_seconds=pause)
            await play(households, client, recorder, seed=seed, pace=pace, clock=system_clock, fresh_id=random_id)
        finally:
            await client.close()

    run(session())
    result = {
        "simulated": True,
        "counts": dict(recorder.counts),
        "latencies": {name: recorder.latency(name) for name in recorder.seconds},
        "brokenPromises": recorder.broken_promises,
    }
    if as_json:
        print_json(result)
        return
    counts = ", ".join(f"{value} {name}" for name, value in sorted(recorder.counts.items()))
    console.print(f"Simulated: {counts}.")
    for name, latency in result["latencies"].items():  # type: ignore[attr-defined]
        if latency is not None:
            console.print(f"{name:<20} p50 {latency.p50:7.1f} ms   p99 {latency.p99:7.1f} ms   n {latency.count}")
