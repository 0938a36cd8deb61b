"""Says when it has finished its spans, so that the test knows how long the exit took."""

import _socket
import sys
import time

from common import new_tracer, say, trace

if __name__ == "__main__":
    kind, port = sys.argv[1:3]
    if kind == "hanging":
        from jaeger_like.transport import resolver

        original = resolver._get_addresses

        def hang(host, port, family, kind, flags):
            while not flags:
                time.sleep(60)
            return original(host, port, family, kind, flags)

        resolver._get_addresses = hang
        host = "hangs.example"
    elif kind == "unknown":
        from jaeger_like.transport import resolver

        original = resolver._get_addresses

        def unknown(host, port, family, kind, flags):
            if flags:
                return original(host, port, family, kind, flags)
            raise _socket.gaierror(_socket.EAI_NONAME, "Name or service not known")

        resolver._get_addresses = unknown
        host = "unknown.example"
    else:
        host = "127.0.0.1"
    if kind == "collector":
        from jaeger_like import Config

        settings = {
            "sampler": {"type": "const", "param": 1},
            "endpoint": f"http://127.0.0.1:{port}/api/traces",
        }
        tracers = [Config(settings, service_name="svc").new_tracer()]
    else:
        tracers = [new_tracer(port, host) for _ in range(int(sys.argv[3]))]
    for tracer in tracers:
        trace(tracer, 5)
    say(end=time.time())
