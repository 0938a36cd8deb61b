"""For all tests."""

try:
    from hypothesis import settings
except ImportError:  # where only tests are run that do without
    pass
else:
    # How long an example takes is a matter of what else the machine does.
    settings.register_profile("jaeger_like", deadline=None)
    settings.load_profile("jaeger_like")
