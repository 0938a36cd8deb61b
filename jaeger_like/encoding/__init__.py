"""Spans to Thrift bytes, and bytes to packets below a limit. Pure: no clocks, threads or sockets.

The format is Apache Thrift's compact protocol, written directly: building thrift's generated
objects only to walk them again costs ten times as much as everything else that a span does.
"""
