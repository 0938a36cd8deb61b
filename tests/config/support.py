"""What the tests of the configuration share."""

from jaeger_like.config import Config


def config(settings=None, **arguments):
    arguments.setdefault("service_name", "svc")
    return Config(settings, **arguments)
