"""Baggage restrictions from a given URL."""

from __future__ import annotations

from .sampling import SamplingEndpoint


class BaggageEndpoint(SamplingEndpoint):
    """The part of an agent's channel that remote baggage restrictions use.

    :param url: where to ask, as ``http://agent:5778/baggageRestrictions``; the parameter
        ``service`` is added
    :param io_loop: a user's tornado loop, or None for the process's own
    """

    # The same question to another address.
    request_baggage_restrictions = SamplingEndpoint.request_sampling_strategy
