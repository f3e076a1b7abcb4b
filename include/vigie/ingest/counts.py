"""What the API counts, for Prometheus."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

registry = CollectorRegistry()

requests = Counter(
    "vigie_ingest_requests", "Requests answered.", ("feed", "code"), registry=registry
)
accepted = Counter(
    "vigie_ingest_readings_accepted",
    "Readings that Kafka acknowledged.",
    ("feed",),
    registry=registry,
)
rejected = Counter(
    "vigie_ingest_readings_rejected",
    "Readings refused for their shape.",
    ("feed", "reason"),
    registry=registry,
)
acknowledge_seconds = Histogram(
    "vigie_ingest_acknowledge_seconds",
    "From handing a request's readings to Kafka to the last acknowledgement.",
    ("feed",),
    registry=registry,
)
