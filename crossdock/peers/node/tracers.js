// The tracers of this peer: one for each propagation format and width of trace ids.
"use strict";

const { FORMAT_HTTP_HEADERS } = require("opentracing");
const jaeger = require("jaeger-client");
const UDPSender = require("jaeger-client/dist/src/reporters/udp_sender").default;

const tracers = new Map();

function newSender() {
  return new UDPSender({
    host: process.env.JAEGER_AGENT_HOST || "localhost",
    port: Number(process.env.JAEGER_AGENT_PORT || 6832),
  });
}

function newTracer(propagation, bits) {
  const reporter = new jaeger.RemoteReporter(newSender(), { bufferFlushInterval: 200 });
  const tracer = new jaeger.Tracer(
    process.env.JAEGER_SERVICE_NAME || "crossdock-node",
    reporter,
    new jaeger.ConstSampler(true),
    { traceId128bit: bits === 128, tags: { team: "blue", shard: 7, spot: true, load: 0.5 } }
  );
  if (propagation === "b3") {
    const codec = new jaeger.ZipkinB3TextMapCodec({ urlEncoding: true });
    tracer.registerInjector(FORMAT_HTTP_HEADERS, codec);
    tracer.registerExtractor(FORMAT_HTTP_HEADERS, codec);
  } else if (propagation !== "jaeger") {
    throw new Error(`this client has no propagation "${propagation}"`);
  }
  return tracer;
}

function tracerFor(propagation, bits) {
  const name = `${propagation || "jaeger"}/${bits === 128 ? 128 : 64}`;
  if (!tracers.has(name)) {
    tracers.set(name, newTracer(propagation || "jaeger", bits));
  }
  return tracers.get(name);
}

// Sends what is waiting, then calls back.
function closeTracers(callback) {
  let open = tracers.size;
  if (open === 0) {
    callback();
  }
  for (const tracer of tracers.values()) {
    tracer.close(() => {
      open -= 1;
      if (open === 0) {
        callback();
      }
    });
  }
}

module.exports = { tracerFor, closeTracers };
