"""A module that while it is imported waits for a thread, which imports a traced module."""

import threading

thread = threading.Thread(target=__import__, args=("traced_at_import",))
thread.start()
thread.join(20)
assert not thread.is_alive(), "deadlock"
