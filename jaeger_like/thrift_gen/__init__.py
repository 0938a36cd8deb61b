"""Types of Jaeger's wire format, generated from ``idl/`` by ``make thrift``; never edited."""
