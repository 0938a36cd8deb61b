"""Which sampling strategy the agent tells a service: a file in the format of Jaeger's.

The file is one JSON object::

    {"service_strategies": [
        {"service": "foo", "type": "probabilistic", "param": 0.8,
         "operation_strategies": [{"operation": "op1", "type": "probabilistic", "param": 0.2}]},
        {"service": "bar", "type": "ratelimiting", "param": 5}],
     "default_strategy": {"type": "probabilistic", "param": 0.5,
         "operation_strategies": [{"operation": "/health", "type": "probabilistic", "param": 0.0}]}}

Operations of the default strategy hold for services that are listed too, unless they list the same.
Answers are JSON of ``SamplingStrategyResponse`` (``idl/sampling.thrift``) with the names of enums.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from jaeger_like.errors import ConfigError

Json = dict[str, Any]


class Strategies:
    """Answers to ``/sampling?service=...``; immutable.

    :param document: content of a strategies file; None samples everything
    :raises ConfigError: naming the place in the document
    """

    def __init__(self, document: Any = None) -> None:
        if document is None:
            document = {"default_strategy": {"type": "probabilistic", "param": 1.0}}
        _expect(isinstance(document, dict), "strategies", document, "a JSON object")
        default = document.get("default_strategy")
        if default is None:
            default = {"type": "probabilistic", "param": 0.001}  # Jaeger's
        self._default = _strategy(default, "default_strategy", {})
        shared = _operations(default, "default_strategy")
        services = document.get("service_strategies") or []
        _expect(isinstance(services, list), "service_strategies", services, "a list")
        self._services: dict[str, Json] = {}
        for index, item in enumerate(services):
            place = f"service_strategies[{index}]"
            _expect(isinstance(item, dict), place, item, "an object")
            name = item.get("service")
            _expect(
                isinstance(name, str) and name, f"{place}.service", name, "the name of a service"
            )
            self._services[name] = _strategy(item, place, shared)

    @classmethod
    def load(cls, path: str) -> Strategies:
        """Read a strategies file.

        :raises ConfigError: when it cannot be read, is not JSON, or not such a document
        """
        try:
            with Path(path).open(encoding="utf-8") as file:
                document = json.load(file)
        except OSError as error:
            raise ConfigError(
                "sampling-strategies", path, f"a readable file ({error.strerror})"
            ) from error
        except (ValueError, RecursionError) as error:
            raise ConfigError("sampling-strategies", path, f"a file of JSON ({error})") from error
        if document is None:
            raise ConfigError("sampling-strategies", path, "a JSON object in the file")
        return cls(document)

    def response(self, service: str) -> Json:
        """Return the strategy of *service* as JSON values."""
        return self._services.get(service, self._default)


def _strategy(item: Any, place: str, shared: dict[str, float]) -> Json:
    _expect(isinstance(item, dict), place, item, "an object")
    kind, param = item.get("type"), item.get("param")
    result: Json
    if kind == "probabilistic":
        rate = _rate(param, f"{place}.param")
        result = {
            "strategyType": "PROBABILISTIC",
            "probabilisticSampling": {"samplingRate": rate},
        }
    elif kind == "ratelimiting":
        limit = _number(param, f"{place}.param", "a number of traces per second, 0 to 32767")
        _expect(0 <= limit <= 32767, f"{place}.param", param, "0 to 32767 traces per second")
        rate = 0.001  # what Jaeger gives to the operations that are not listed
        result = {
            "strategyType": "RATE_LIMITING",
            "rateLimitingSampling": {"maxTracesPerSecond": int(limit)},
        }
    else:
        raise ConfigError(f"{place}.type", kind, "'probabilistic' or 'ratelimiting'")
    operations = dict(shared)
    operations.update(_operations(item, place))
    # A limit of traces per second holds for a service as a whole; defaults must not undo it.
    if operations and (kind == "probabilistic" or item.get("operation_strategies")):
        result["operationSampling"] = {
            "defaultSamplingProbability": rate,
            "defaultLowerBoundTracesPerSecond": 0.0,
            "perOperationStrategies": [
                {"operation": name, "probabilisticSampling": {"samplingRate": probability}}
                for name, probability in operations.items()
            ],
        }
    return result


def _operations(item: Json, place: str) -> dict[str, float]:
    entries = item.get("operation_strategies") or []
    place += ".operation_strategies"
    _expect(isinstance(entries, list), place, entries, "a list")
    result = {}
    for index, entry in enumerate(entries):
        here = f"{place}[{index}]"
        _expect(isinstance(entry, dict), here, entry, "an object")
        name = entry.get("operation")
        _expect(isinstance(name, str), f"{here}.operation", name, "the name of an operation")
        kind = entry.get("type")
        _expect(kind == "probabilistic", f"{here}.type", kind, "'probabilistic'")
        result[name] = _rate(entry.get("param"), f"{here}.param")
    return result


def _rate(value: Any, key: str) -> float:
    rate = _number(value, key, "a probability, 0 to 1")
    _expect(0 <= rate <= 1, key, value, "a probability, 0 to 1")
    return float(rate)


def _number(value: Any, key: str, expected: str) -> float:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    _expect(is_number and math.isfinite(value), key, value, expected)
    return float(value)


def _expect(condition: Any, key: str, value: Any, expected: str) -> None:
    if not condition:
        raise ConfigError(key, value, expected)
