"""What is counted and timed of activations."""

from prometheus_client import Counter, Histogram

ACTIVATIONS = Counter("rtp_activations", "Activations by what became of them.", ["trigger", "status", "reason"])
WITHDRAWN = Counter(
    "rtp_activation_withdrawn_actions",
    "Actions left out of a message because their stock is gone.",
    ["trigger", "reason"],
)
ATTEMPTS = Counter("rtp_activation_attempts", "Webhook attempts by their outcome.", ["destination", "outcome"])
DELIVERED_SECONDS = Histogram(
    "rtp_activation_delivered_seconds",
    "From the acceptance of the causing event to the receiver's 2xx.",
    ["trigger"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5, 2.0, 5.0, 30.0, 300.0),
)
