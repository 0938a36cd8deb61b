"""Who may import whom, read from the source; imports inside functions count too."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import jaeger_like

ROOT = Path(jaeger_like.__file__).parent

# From the inside out. A room imports from rooms above it in this list and, if it is a package, from
# itself; never from below. A name is a module, or a package with all that is in it.
ORDER = [
    "_version",
    "constants",
    "errors",
    "_clock",
    "_ids",
    "_native",
    "_held_off",
    "_signals",
    "_lazy",
    "_log",
    "_fork",
    "_leave",
    "_guard",
    "_late_lock",
    "rate_limiter",
    "utils",
    "closing",
    "metrics",
    "span_context",
    "thrift_gen",
    "codecs",
    "encoding",
    "_waiting",
    # Threads, loops and sockets, which what has state but does no I/O asks for what it needs.
    "_at_exit",
    "_background",
    "transport",
    "local_agent_net",
    "ioloop_util",
    "TUDPTransport",
    "sampler",
    "throttler",
    "thrift",
    "span",
    "parents",
    "scope_manager",
    # What most tracers do without.
    "baggage_limits",
    "late_samplers",
    "late_binding",
    "log_limit",
    "observers",
    "rpc_metrics",
    "log_correlation",
    "_extras",
    "_limits",
    "_packets",
    "delivery",
    "simple_reporters",
    "reporter",
    "_process",
    "tracer_metrics",
    "_tracer_ends",
    "_tracer_roots",
    "tracer",
    "noop",
    "_settings",
    "_assembly",
    "_config_properties",
    "config",
    "drop_in",
    "",  # jaeger_like itself
    "testing",
    "all_in_one",
    "__main__",
]

# What may be used where. A name covers what is in it; nothing else may import it.
ONLY = {
    # Sockets. utils asks for an address of this host, _process for its name; neither sends.
    ("socket", "_socket", "ssl", "http", "urllib.request", "tornado.httpclient",
     "tornado.simple_httpclient", "tornado.httputil", "tornado.netutil", "tornado.tcpclient"): {
        "transport", "all_in_one", "TUDPTransport", "testing", "utils", "_process",
    },
    # Threads. span and _late_lock make a lock, no thread; the store of all_in_one likewise.
    ("threading", "_thread", "threadloop", "multiprocessing", "subprocess", "queue"): {
        "_background", "_native", "span", "_late_lock", "all_in_one.store",
    },
    ("tornado.ioloop", "tornado.web", "tornado.httpserver"): {"_background", "all_in_one"},
    # Coroutines that run on the loop; closing can be awaited.
    ("asyncio",): {
        "_background", "_packets", "delivery", "closing", "sampler.polling", "transport",
        "all_in_one.command",
    },
    ("opentelemetry",): {"encoding.otlp"},
    ("thrift",): {
        "thrift_gen", "encoding.fit", "transport.collector", "TUDPTransport", "testing",
    },
    ("prometheus_client",): {"metrics.prometheus"},
    ("pytest",): {"testing"},
}  # fmt: skip

# No clock, no environment, no thread, no I/O: the same in, the same out.
PURE = [
    "constants",
    "errors",
    "span_context",
    "codecs",
    "encoding",
    "sampler.base",
    "sampler.strategy",
    "_settings",
    "all_in_one.decode",
    "all_in_one.model",
    "all_in_one.tree",
    "all_in_one.wire",
]
IMPURE_IMPORTS = {
    "time", "os", "io", "random", "socket", "threading", "asyncio", "logging", "subprocess",
    "tornado", "signal",
}  # fmt: skip
EXEMPT = {
    "_settings.__main__",  # a command
    "encoding.encoder",  # an environment variable chooses between two that are pure
}


def source_files():
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts[-1] == "__init__":
            parts = parts[:-1]
        yield ".".join(parts), path


MODULES = dict(source_files())


def typing_only(tree):
    """Return the nodes below ``if TYPE_CHECKING``: they are never run."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            found.update(map(id, (n for child in node.body for n in ast.walk(child))))
    return found


def absolute(module, path, node):
    """Return the dotted name that a ``from ... import`` starts with, seen from outside."""
    if not node.level:
        return node.module
    package = ["jaeger_like", *(module.split(".") if module else [])]
    if path.name != "__init__.py":
        package.pop()
    package = package[: len(package) - node.level + 1]
    return ".".join([*package, *([node.module] if node.module else [])])


def imports(module):
    """Return the names of the modules of ours, and of others, that *module* imports anywhere."""
    path = MODULES[module]
    tree = ast.parse(path.read_text())
    ours, others = set(), set()
    skipped = typing_only(tree)
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            names = [(alias.name, None) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [(absolute(module, path, node), alias.name) for alias in node.names]
        else:
            continue
        for base, name in names:
            if base != "jaeger_like" and not base.startswith("jaeger_like."):
                others.add(base)
                if name is not None:
                    others.add(f"{base}.{name}")
                continue
            base = base[len("jaeger_like.") :]
            full = f"{base}.{name}" if base else name
            if (ROOT / f"{full}.c").exists():
                continue
            ours.add(full if full in MODULES else base)
    ours.discard(module)
    return ours, others


def within(module, room):
    return module == room or module.startswith(f"{room}.")


def room_of(module):
    return module.partition(".")[0]


def test_every_module_has_its_place():
    assert {room_of(module) for module in MODULES} == set(ORDER)


@pytest.mark.parametrize("module", sorted(MODULES))
def test_a_module_imports_only_from_rooms_above_its_own(module):
    room = room_of(module)
    allowed = ORDER[: ORDER.index(room)]
    ours, _ = imports(module)
    wrong = sorted(name for name in ours if room_of(name) not in (room, *allowed))
    assert wrong == []


def test_no_module_imports_itself_in_a_circle():
    done, under_way = set(), []

    def visit(module):
        assert module not in under_way, " -> ".join([*under_way, module])
        if module in done:
            return
        under_way.append(module)
        for name in sorted(imports(module)[0]):
            # A package's list of names may be read by its own modules only by way of the modules.
            visit(name)
        under_way.pop()
        done.add(module)

    for module in MODULES:
        visit(module)


@pytest.mark.parametrize(("names", "rooms"), ONLY.items(), ids=lambda v: min(v))
def test_sockets_threads_and_loops_stay_where_they_belong(names, rooms):
    found = {
        module
        for module in MODULES
        if not within(module, "thrift_gen") or "thrift" not in names
        if any(within(other, name) for other in imports(module)[1] for name in names)
        if not any(within(module, room) for room in rooms)
    }
    assert found == set()


@pytest.mark.parametrize("room", PURE)
def test_pure_rooms_import_nothing_impure(room):
    modules = [m for m in MODULES if within(m, room) and m not in EXEMPT]
    assert modules
    for module in modules:
        assert {other.partition(".")[0] for other in imports(module)[1]} & IMPURE_IMPORTS == set()


def test_the_agent_uses_nothing_of_the_client():
    """It could be a package of its own: what checks the client must not be the client."""
    for module in MODULES:
        if within(module, "all_in_one"):
            used = {room_of(name) for name in imports(module)[0]}
            assert used <= {"all_in_one", "thrift_gen", "errors", "_version"}
