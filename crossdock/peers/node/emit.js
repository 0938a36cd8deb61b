// Makes the spans that the driver lists, for the comparison of what clients write to the wire.
"use strict";

const { Tags, childOf, followsFrom } = require("opentracing");
const { tracerFor } = require("./tracers");

const PARSE = {
  string: (text) => text,
  bool: (text) => text === "true",
  long: Number,
  double: Number,
  binary: (text) => Buffer.from(text, "hex"),
};

function valuesOf(list) {
  const values = {};
  for (const { key, type, value } of list || []) {
    values[key] = PARSE[type](value);
  }
  return values;
}

// Times come in microseconds since 1970; this client wants milliseconds.
function emitSpans(asked) {
  const tracer = tracerFor("jaeger", asked.traceIdBits);
  const made = [];
  for (const wanted of asked.spans) {
    const references = (wanted.references || []).map(({ type, span }) =>
      (type === "follows_from" ? followsFrom : childOf)(made[span].context())
    );
    const span = tracer.startSpan(wanted.operation, { references, startTime: wanted.start / 1000 });
    if (wanted.debug) {
      span.setTag(Tags.SAMPLING_PRIORITY, 1);
    }
    span.addTags(valuesOf(wanted.tags));
    for (const { timestamp, fields } of wanted.logs || []) {
      span.log(valuesOf(fields), timestamp / 1000);
    }
    made.push(span);
  }
  asked.spans.forEach((wanted, number) => {
    made[number].finish((wanted.start + wanted.duration) / 1000);
  });
  return { emitted: made.length };
}

module.exports = { emitSpans };
