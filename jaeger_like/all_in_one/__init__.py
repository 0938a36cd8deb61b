"""The embedded agent: takes spans by UDP and HTTP, keeps the newest in memory, shows them.

For the desk, not for production. :class:`jaeger_like.all_in_one.app.AllInOne` is the agent itself,
``python -m jaeger_like all-in-one`` its command line. Only :mod:`.udp`, :mod:`.servers` and
:mod:`.app` know sockets. Importing this package imports none of its modules.
"""
