// Crossdock peer: the official Jaeger client for Node behind the interoperability protocol.
//
// It listens on 127.0.0.1, on a port that the system chooses, prints "PORT n" and serves until its
// standard input closes or it gets SIGTERM. Spans go to JAEGER_AGENT_HOST:JAEGER_AGENT_PORT, in
// the binary protocol, as this client does. The questions and answers are described in
// crossdock/README.md.
"use strict";

const http = require("http");
const opentracing = require("opentracing");
const { emitSpans } = require("./emit");
const { tracerFor, closeTracers } = require("./tracers");

const { FORMAT_HTTP_HEADERS, Tags } = opentracing;
const BAGGAGE_KEY = "crossdock-baggage-key";

function describe(span) {
  const context = span.context();
  return {
    traceId: context.traceIdStr,
    spanId: context.spanIdStr,
    parentId: context.parentIdStr || "0",
    sampled: context.isSampled(),
    debug: context.isDebug(),
    baggage: span.getBaggageItem(BAGGAGE_KEY) || "",
  };
}

// Calls back with (error, text of the answer).
function post(host, port, path, headers, body, callback) {
  const options = { host, port, path, method: "POST", headers, agent: keepAlive };
  const request = http.request(options, (response) => {
    readAll(response, (text) => {
      const failed = response.statusCode !== 200;
      callback(failed ? new Error(`${path}: ${response.statusCode}: ${text}`) : null, text);
    });
  });
  request.on("error", callback);
  request.end(body);
}

const keepAlive = new http.Agent({ keepAlive: true });

function readAll(stream, callback) {
  const chunks = [];
  stream.on("data", (chunk) => chunks.push(chunk));
  stream.on("end", () => callback(Buffer.concat(chunks).toString("utf8")));
}

// Asks the next server, if there is one, within the span, finishes it, and describes both.
function answerWithin(tracer, span, asked, callback) {
  const answer = { span: describe(span), notImplementedError: "" };
  const done = (error) => {
    span.finish();
    callback(error, answer);
  };
  const next = asked.downstream;
  if (!next) {
    return done(null);
  }
  if (next.transport && next.transport !== "HTTP") {
    answer.notImplementedError = `transport ${next.transport} is not implemented, only HTTP`;
    return done(null);
  }
  const call = tracer.startSpan("call-downstream", { childOf: span.context() });
  call.setTag(Tags.SPAN_KIND, Tags.SPAN_KIND_RPC_CLIENT);
  answer.call = describe(call);
  const headers = { "Content-Type": "application/json" };
  tracer.inject(call.context(), FORMAT_HTTP_HEADERS, headers);
  const body = JSON.stringify({
    serverRole: next.serverRole,
    downstream: next.downstream,
    propagation: asked.propagation,
  });
  return post(next.host, Number(next.port), "/join_trace", headers, body, (error, text) => {
    call.finish();
    if (error) {
      return done(error);
    }
    answer.downstream = JSON.parse(text);
    return done(null);
  });
}

function startTrace(asked, headers, callback) {
  const tracer = tracerFor(asked.propagation, asked.traceIdBits);
  const options = {};
  if (headers["jaeger-debug-id"]) {
    options.childOf = tracer.extract(FORMAT_HTTP_HEADERS, headers);
  }
  const span = tracer.startSpan(asked.serverRole, options);
  if (asked.mode !== "sampler") {
    span.setTag(Tags.SAMPLING_PRIORITY, asked.sampled ? 1 : 0);
  }
  span.setBaggageItem(BAGGAGE_KEY, asked.baggage || "");
  answerWithin(tracer, span, asked, callback);
}

function joinTrace(asked, headers, callback) {
  const tracer = tracerFor(asked.propagation, 64);
  const context = tracer.extract(FORMAT_HTTP_HEADERS, headers);
  if (!context || !context.isValid) {
    callback(new Error("no trace in the headers"));
    return;
  }
  const span = tracer.startSpan(asked.serverRole, { childOf: context });
  span.setTag(Tags.SPAN_KIND, Tags.SPAN_KIND_RPC_SERVER);
  answerWithin(tracer, span, asked, callback);
}

function createTraces(asked, headers, callback) {
  const tracer = tracerFor(asked.propagation, asked.traceIdBits);
  const count = asked.count === undefined ? 1 : asked.count;
  for (let made = 0; made < count; made += 1) {
    tracer.startSpan(asked.operation, { tags: asked.tags || {} }).finish();
  }
  callback(null, { created: count });
}

const QUESTIONS = {
  "/": (asked, headers, callback) => callback(null, { status: "ok" }),
  "/start_trace": startTrace,
  "/join_trace": joinTrace,
  "/create_traces": createTraces,
  "/emit_spans": (asked, headers, callback) => callback(null, emitSpans(asked)),
};

const server = http.createServer((request, response) => {
  const reply = (status, body) => {
    response.writeHead(status, { "Content-Type": "application/json" });
    response.end(JSON.stringify(body));
  };
  const answerTo = QUESTIONS[request.url];
  if (!answerTo) {
    reply(404, { error: `no ${request.url}` });
    return;
  }
  readAll(request, (text) => {
    try {
      answerTo(JSON.parse(text || "{}"), request.headers, (error, answer) => {
        reply(error ? 500 : 200, error ? { error: String(error) } : answer);
      });
    } catch (error) {
      reply(500, { error: String(error.stack) });
    }
  });
});

server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`PORT ${server.address().port}\n`);
});

let ending = false;
function end() {
  if (!ending) {
    ending = true;
    closeTracers(() => process.exit(0));
  }
}
process.on("SIGTERM", end);
process.stdin.on("end", end).on("error", end).resume();
