"""Does an installed package send a span? Run with nothing installed but jaeger-like itself."""

import socket

from jaeger_like import Config, __version__

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as agent:
    agent.bind(("127.0.0.1", 0))
    agent.settimeout(10)
    host, port = agent.getsockname()
    config = {
        "sampler": {"type": "const", "param": 1},
        "local_agent": {"reporting_host": host, "reporting_port": port},
    }
    tracer = Config(config, service_name="smoke").initialize_tracer()
    with tracer.start_active_span("an-operation"):
        pass
    tracer.close().result(timeout=10)
    packet = agent.recv(65536)
assert b"emitBatch" in packet, packet
assert b"an-operation" in packet, packet
print(f"jaeger_like {__version__} works")
