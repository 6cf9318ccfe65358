"""Scores every network of NATS-Bench's two spaces with training-free proxies, and replays searches on the scores."""

__version__ = "0.1.0"
