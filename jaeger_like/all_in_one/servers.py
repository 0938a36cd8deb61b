"""HTTP of the embedded agent: sampling, collector and query, each an application of tornado."""

from __future__ import annotations

import json
import time
from typing import Any

from tornado.web import Application, HTTPError, RequestHandler

from . import decode, page, query_json, search
from .counters import Counters
from .model import Batch, Trace
from .store import Store
from .strategies import Strategies

_LISTED = 200  # traces on the page that lists them
_CREDITS = 1.0  # debug traces per operation, given at every request
_CONTENT_TYPES = ("application/x-thrift", "application/vnd.apache.thrift.binary")


class Desk:
    """What the handlers work on."""

    def __init__(self, store: Store, counters: Counters, strategies: Strategies) -> None:
        self.store = store
        self.counters = counters
        self.strategies = strategies

    def take(self, batch: Batch) -> None:
        """Keep what came, by whatever way."""
        self.counters.batch(batch)
        self.store.add(batch.spans)


class _Handler(RequestHandler):
    def initialize(self, desk: Desk) -> None:
        self.desk = desk

    def only(self, name: str) -> str | None:
        """Return a parameter that has to be there exactly once, or answer 400 and return None."""
        values = self.get_query_arguments(name, strip=False)
        if len(values) == 1:
            return values[0]
        self.text(400, f"'{name}' parameter must be provided once")
        return None

    def text(self, code: int, message: str) -> None:
        self.set_status(code)
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.finish(message + "\n")

    def json(self, value: Any, code: int = 200) -> None:
        self.set_status(code)
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(value, separators=(",", ":")))

    def write_error(self, status_code: int, **_: Any) -> None:
        self.text(status_code, self._reason)


class _NotFound(_Handler):
    def prepare(self) -> None:
        raise HTTPError(404)


class _Sampling(_Handler):
    def get(self) -> None:
        service = self.only("service")
        if service is not None:
            self.json(self.desk.strategies.response(service))


class _Credits(_Handler):
    """Every request gives each operation it names one more debug trace."""

    def get(self) -> None:
        if self.only("service") is None or self.only("uuid") is None:
            return
        operations = dict.fromkeys(self.get_query_arguments("operations", strip=False))
        balances = [{"operation": name, "balance": _CREDITS} for name in operations]
        self.json({"balances": balances})


class _Collect(_Handler):
    def post(self) -> None:
        given = self.request.headers.get("Content-Type", "")
        if given.partition(";")[0].strip().lower() not in _CONTENT_TYPES:
            self.text(400, f"Unsupported content type: {given[:100]}")
            return
        try:
            batch = decode.body(self.request.body)
        except decode.DecodeError as error:
            self.desk.counters.count("garbage")
            self.text(400, f"Unable to process request body: {error}")
            return
        self.desk.counters.count("httpBatches")
        self.desk.take(batch)
        self.set_status(202)


class _Query(_Handler):
    def write_error(self, status_code: int, **_: Any) -> None:
        self.json(query_json.error(status_code, self._reason), status_code)

    def data(self, values: list[Any]) -> None:
        self.json(query_json.response(values))


class _Services(_Query):
    def get(self) -> None:
        self.data(self.desk.store.services())


class _OperationNames(_Query):
    def get(self, service: str) -> None:
        self.data(sorted({name for name, _ in self.desk.store.operations(service)}))


class _Operations(_Query):
    def get(self) -> None:
        service = self.get_query_argument("service", "", strip=False)
        if not service:
            self.json(query_json.error(400, "parameter 'service' is required"), 400)
            return
        wanted = self.get_query_argument("spanKind", "")
        self.data(
            [
                {"name": name, "spanKind": kind}
                for name, kind in self.desk.store.operations(service)
                if wanted in ("", kind)
            ]
        )


class _Traces(_Query):
    def get(self) -> None:
        ids = self.get_query_arguments("traceID")
        if ids:
            self._by_id(ids)
            return
        arguments = {
            name: self.get_query_arguments(name, strip=False)
            for name in self.request.query_arguments
        }
        try:
            query = search.parse(arguments, time.time_ns() // 1000)
        except search.QueryError as error:
            self.json(query_json.error(400, str(error)), 400)
            return
        found = search.find(self.desk.store.traces(), query)
        self.data([query_json.trace(trace) for trace in found])

    def _by_id(self, ids: list[str]) -> None:
        found, errors = [], []
        for given in ids:
            trace = _look_up(self.desk.store, given)
            if trace is not None:
                found.append(query_json.trace(trace))
            else:
                errors.append({"code": 404, "msg": "trace not found", "traceID": given})
        self.json(query_json.response(found, errors or None))


class _Trace(_Query):
    def get(self, trace_id: str) -> None:
        trace = _look_up(self.desk.store, trace_id)
        if trace is None:
            self.json(query_json.error(404, "trace not found", trace_id), 404)
        else:
            self.data([query_json.trace(trace)])


class _Stats(_Query):
    def get(self) -> None:
        self.json({**self.desk.counters.snapshot(), "store": self.desk.store.sizes()})


class _Page(_Handler):
    def html(self, content: str, code: int = 200) -> None:
        self.set_status(code)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.set_header("Content-Security-Policy", page.CONTENT_SECURITY_POLICY)
        self.finish(content)


class _Listing(_Page):
    def get(self) -> None:
        service = self.get_query_argument("service", "", strip=False) or None
        store = self.desk.store
        traces = store.traces()
        if service is not None:
            traces = search.find(traces, search.Query(service, limit=_LISTED))
        self.html(page.listing(traces[:_LISTED], store.services(), service))


class _Detail(_Page):
    def get(self, trace_id: str) -> None:
        trace = _look_up(self.desk.store, trace_id)
        if trace is None:
            self.html(page.missing(trace_id), 404)
        else:
            self.html(page.detail(trace))


def _look_up(store: Store, text: str) -> Trace | None:
    """*text* is hexadecimal, leading zeros optional."""
    if not 1 <= len(text) <= 32 or not all(c in "0123456789abcdefABCDEF" for c in text):
        return None
    return store.trace(int(text, 16))


def sampling(desk: Desk) -> Application:
    """Return what clients poll: ``/sampling`` (and ``/``, its old address) and ``/credits``."""
    return _application(
        desk, [(r"/", _Sampling), (r"/sampling", _Sampling), (r"/credits", _Credits)]
    )


def collector(desk: Desk) -> Application:
    """Return what takes batches by HTTP: ``POST /api/traces``; also ``/api/sampling``."""
    return _application(desk, [(r"/api/traces", _Collect), (r"/api/sampling", _Sampling)])


def query(desk: Desk) -> Application:
    """Return what answers questions about traces: Jaeger's JSON below ``/api/``, pages at ``/``."""
    return _application(
        desk,
        [
            (r"/", _Listing),
            (r"/trace/([^/]+)", _Detail),
            (r"/api/services", _Services),
            (r"/api/services/([^/]+)/operations", _OperationNames),
            (r"/api/operations", _Operations),
            (r"/api/traces", _Traces),
            (r"/api/traces/([^/]+)", _Trace),
            (r"/api/stats", _Stats),
            (r"/api/.*", _UnknownQuery),
        ],
    )


class _UnknownQuery(_Query):
    def prepare(self) -> None:
        raise HTTPError(404)


def _application(desk: Desk, routes: list[tuple[str, type[_Handler]]]) -> Application:
    arguments = {"desk": desk}
    return Application(
        [(pattern, handler, arguments) for pattern, handler in routes],
        default_handler_class=_NotFound,
        default_handler_args=arguments,
        log_function=lambda _: None,  # answers are no news
    )
