"""The live table: what the shoppers do while they do it."""

from rich.table import Table

from rtp.simulation.receiver import Receiver
from rtp.simulation.recorder import Recorder

CHANNELS = ("web", "app", "email", "store")


def live_table(recorder: Recorder, receiver: Receiver, *, wanted: int) -> Table:
    """Events, decisions and activations per channel so far, the latencies, and the last few steps."""
    table = Table(title=f"simulated shoppers: {recorder.counts['shoppers']} of {wanted} done", title_justify="left")
    for column in ("channel", "events", "decisions"):
        table.add_column(column, justify="left" if column == "channel" else "right")
    table.add_column("latest")
    latest = list(recorder.recent)
    for place, channel in enumerate(CHANNELS):
        table.add_row(
            channel,
            str(recorder.events_by_channel[channel]),
            str(recorder.decisions_by_channel[channel]),
            "\n".join(latest[place * 2 : place * 2 + 2]),
        )
    table.caption = (
        f"{recorder.counts['orders']} orders, {recorder.counts['promises']} promises checked against stock, "
        f"{len(receiver.messages)} activations delivered · {_p50(recorder, 'decision')} decision, "
        f"{_p50(recorder, 'event_to_feature')} event to feature (p50)"
    )
    table.caption_justify = "left"
    return table


def _p50(recorder: Recorder, name: str) -> str:
    latency = recorder.latency(name)
    return "not yet" if latency is None else f"{latency.p50:.1f} ms"
