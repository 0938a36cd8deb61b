// Node's Jaeger client, asked over standard input: a JSON object per line, an answer per line.
//
//   {"do": "read", "format": F, "carrier": {...}}  what it finds, and what it writes for that context
//   {"do": "start", "format": F, "baggage": {...}} a root span of its own: its ids, what it writes
//
// F is "text_map", "http_headers" or "b3".
"use strict";

const readline = require("readline");
const jaeger = require("jaeger-client");
const { FORMAT_HTTP_HEADERS, FORMAT_TEXT_MAP } = require("opentracing");

const reporter = new jaeger.InMemoryReporter();
const sampler = new jaeger.ConstSampler(true);
const tracer = new jaeger.Tracer("node", reporter, sampler, { traceId128bit: true });
const b3 = new jaeger.ZipkinB3TextMapCodec({ urlEncoding: true });
tracer.registerInjector("b3", b3);
tracer.registerExtractor("b3", b3);

const FORMATS = { text_map: FORMAT_TEXT_MAP, http_headers: FORMAT_HTTP_HEADERS, b3: "b3" };

function answer(question) {
  const format = FORMATS[question.format];
  let context;
  if (question.do === "read") {
    context = tracer.extract(format, question.carrier);
  } else {
    const span = tracer.startSpan("root");
    for (const key of Object.keys(question.baggage)) {
      span.setBaggageItem(key, question.baggage[key]);
    }
    context = span.context();
  }
  const carrier = {};
  if (context.traceIdStr) {
    tracer.inject(context, format, carrier);
  }
  return {
    trace: context.traceIdStr || null,
    span: context.spanIdStr || null,
    parent: context.parentIdStr || null,
    flags: context.flags,
    baggage: context.baggage || {},
    debug: context.debugId || null,
    carrier,
  };
}

readline.createInterface({ input: process.stdin }).on("line", (line) => {
  process.stdout.write(JSON.stringify(answer(JSON.parse(line))) + "\n");
});
