"""Ways out of the process. The only package of the tracer that opens sockets."""
