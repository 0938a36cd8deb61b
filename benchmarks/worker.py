"""Measures one workload of one peer in this process and prints the result as a line of JSON.

    python worker.py WORKLOAD PEER SCALE UDP_PORT HTTP_PORT

Imports next to nothing itself, since what is imported here is missing from the cost of a peer's
start. Times are CPU, in seconds, unless a name says otherwise; what arrived is the sink's to say.
"""

from __future__ import annotations

import gc
import os
import sys

import workloads
from peers import new_peer


def main() -> None:
    workload, peer_name, scale, udp_port, http_port = sys.argv[1:]
    peer = new_peer(peer_name, int(udp_port), int(http_port))
    if not gc.isenabled():
        raise SystemExit("the garbage collector is off")
    result = workloads.WORKLOADS[workload](peer, workloads.SCALES[scale])
    if "jaeger_like" in sys.modules:
        from jaeger_like.encoding.encoder import encoder_name

        result["encoder"] = encoder_name()
    import json

    sys.stdout.write(json.dumps(result) + "\n")
    sys.stdout.flush()
    if workload in workloads.HELD:
        os._exit(0)  # what was held back is not to be sent now


if __name__ == "__main__":
    main()
