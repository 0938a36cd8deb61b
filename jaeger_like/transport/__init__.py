"""Ways out of the process. The only package that opens sockets."""
