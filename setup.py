"""Packaging. Tool settings are in pyproject.toml; the version is read as text, not imported."""

import platform
import re
import sys
from pathlib import Path

from setuptools import Extension, find_packages, setup
from setuptools.command.build_ext import build_ext

HERE = Path(__file__).parent
VERSION = re.search(
    r'^__version__ = "([^"]+)"$', (HERE / "jaeger_like" / "_version.py").read_text(), re.MULTILINE
)
assert VERSION, 'jaeger_like/_version.py has no line __version__ = "..."'

# One wheel for every Python from 3.10 up; on 3.9 the limited API lacks what the module needs.
LIMITED_API = sys.version_info >= (3, 10) and platform.python_implementation() == "CPython"

ENCODER = Extension(
    "jaeger_like._encoder",
    sources=["jaeger_like/_encoder.c"],
    define_macros=[("Py_LIMITED_API", "0x030A0000")] if LIMITED_API else [],
    py_limited_api=LIMITED_API,
    optional=True,
)


class OptionalBuild(build_ext):
    """Builds the C encoder if it can be built, and says so if not."""

    def build_extension(self, ext):
        """Build, or leave the work to the encoder in Python."""
        try:
            super().build_extension(ext)
        except Exception as exc:  # no compiler, no headers: whatever it is, Python is enough
            print(f"*** {ext.name} is not built ({exc}); the encoder in Python is used ***")


# Generated messages; older ones know no flags of spans.
OTLP = ["opentelemetry-proto>=1.27"]

TESTS = [
    "numpy>=1.22",
    *OTLP,
    "coverage[toml]>=7.10",
    "eventlet>=0.36",
    "gevent>=23.9",
    "hypothesis>=6.100",
    "mock",  # opentracing.harness imports it
    # What the interoperability tests ask.
    "opentelemetry-api>=1.27",
    "opentelemetry-exporter-otlp-proto-common>=1.27",
    "opentelemetry-propagator-b3>=1.27",
    "opentelemetry-propagator-jaeger>=1.27",
    "opentelemetry-sdk>=1.27",
    "prometheus_client>=0.11",
    "pytest>=8",
    "pytest-xdist>=3",  # much of what the tests do is waiting for other processes
    "structlog>=21.2",
]

# Application servers, for `make test-servers`, which installs uWSGI and Redis where it can.
SERVERS = [
    "celery>=5.3",
    "gunicorn>=21",
    "hypercorn>=0.16",
    "rq>=1.16",
    "uvicorn>=0.23",
    "uvloop>=0.17; sys_platform != 'win32'",
]

setup(
    name="jaeger-like",
    version=VERSION.group(1),
    description="OpenTracing tracing client that sends spans to Jaeger, with an agent built in",
    long_description=(HERE / "README.md").read_text(),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    packages=find_packages(include=["jaeger_like", "jaeger_like.*"]),
    package_data={"jaeger_like": ["py.typed", "_encoder.pyi"]},
    ext_modules=[] if platform.python_implementation() == "PyPy" else [ENCODER],
    cmdclass={"build_ext": OptionalBuild},
    options={"bdist_wheel": {"py_limited_api": "cp310"}} if LIMITED_API else {},
    python_requires=">=3.9",
    install_requires=[
        "opentracing>=2.4,<3",
        "threadloop>=1.0.2,<2",
        "thrift>=0.20,<1",
        "tornado>=6.2,<7",
    ],
    extras_require={
        "otlp": OTLP,
        "prometheus": ["prometheus_client>=0.11"],
        "tests": TESTS,
        "servers": SERVERS,
        "dev": [*TESTS, "mypy>=1.15", "ruff>=0.11"],
    },
    entry_points={"console_scripts": ["jaeger-like=jaeger_like.__main__:main"]},
    classifiers=[
        "Development Status :: 5 - Production/Stable",
        "Intended Audience :: Developers",
        "Programming Language :: Python :: 3 :: Only",
        "Programming Language :: Python :: 3.9",
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.12",
        "Programming Language :: Python :: 3.13",
        "Topic :: System :: Monitoring",
        "Typing :: Typed",
    ],
)
