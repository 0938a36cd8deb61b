"""Forks while a name is being looked up, which ends soon, or not before the fork has been made."""

import os
import sys
import threading

from common import new_tracer, say

from jaeger_like.transport import resolver

_, port, way = sys.argv
asked, forks, forked, looked_up = threading.Event(), threading.Event(), threading.Event(), []
original = resolver._get_addresses


def look_up(host, port, family, kind, flags):
    if flags or looked_up:
        return original("127.0.0.1" if looked_up else host, port, family, kind, flags)
    asked.set()
    assert (forked if way == "hangs" else forks).wait(20)
    looked_up.append(host)
    return original("127.0.0.1", port, family, kind, flags)


resolver._get_addresses = look_up
tracer = new_tracer(int(port), "agent.example", flush_interval=0.01)
tracer.start_span("parent").finish()
assert asked.wait(20)
sys.setswitchinterval(1)  # nobody gives way unless it waits
os.register_at_fork(before=forks.set)  # the newest hook is the first
child = os.fork()
sys.setswitchinterval(0.005)
if child == 0:
    say(looked_up=looked_up)
    sys.exit(0)
forked.set()
_, status = os.waitpid(child, 0)
say(status=status)
assert tracer.flush(20)
