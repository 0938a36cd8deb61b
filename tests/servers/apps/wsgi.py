"""A traced WSGI application."""

from traced import work


def application(environ, start_response):
    body = work(int(environ["PATH_INFO"].strip("/") or 0))
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]
