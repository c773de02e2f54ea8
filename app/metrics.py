"""What this process counts, for Prometheus at /metrics."""

from __future__ import annotations

from functools import cache

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 4.5)


class Metrics:
    """One set of counters for one running program."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        inbound = Counter("yizhan_inbound_total", "Inbound requests by outcome", ["outcome"], registry=self.registry)
        self.inbound = cache(inbound.labels)  # outcome → its counter
        self.inbound_seconds = Histogram(
            "yizhan_inbound_seconds", "Time to answer signed traffic", buckets=_SECONDS, registry=self.registry
        )
        self.deliveries = Counter("yizhan_deliveries_total", "Deliveries settled by state", ["state"], registry=self.registry)
        messages = Counter(
            "yizhan_customer_messages_total", "Customer-service messages settled by state", ["state"], registry=self.registry
        )
        self.customer_messages = cache(messages.labels)  # state → its counter
        self.config_errors = Gauge(
            "yizhan_config_errors", "Errors in the newest config.yaml; 0 when it is in force", registry=self.registry
        )
        self._undecided = Gauge(
            "yizhan_broadcasts_undecided", "Runs that wait for a person, or were missed in the last week", ["state"], registry=self.registry
        )
        self._rules = Gauge("yizhan_rules_info", "The version of the rules in force, as label", ["version"], registry=self.registry)

    def rules_in_force(self, version: str) -> None:
        """This process answers under this version of the rules."""
        self._rules.clear()
        self._rules.labels(version).set(1)

    def undecided(self, asked: int, missed: int) -> None:
        """So many runs wait for a person; so many were missed and not begun anew."""
        self._undecided.labels("asked").set(asked)
        self._undecided.labels("missed").set(missed)

    def delivered(self, state: str, number: int) -> None:
        """So many deliveries ended in this state."""
        self.deliveries.labels(state).inc(number)

    def message_settled(self, state: str) -> None:
        """A customer-service message ended in this state."""
        self.customer_messages(state).inc()

    def page(self) -> bytes:
        """All counters in Prometheus' text format."""
        return generate_latest(self.registry)
