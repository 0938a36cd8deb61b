package crossdock;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import io.jaegertracing.internal.JaegerSpan;
import io.jaegertracing.internal.JaegerTracer;
import io.opentracing.References;
import io.opentracing.tag.Tags;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Makes the spans that the driver lists, for the comparison of what clients write to the wire. */
final class Emit {
  private Emit() {}

  private static Object parse(String type, String text) {
    switch (type) {
      case "string":
        return text;
      case "bool":
        return Boolean.valueOf(text);
      case "long":
        return Long.valueOf(text);
      case "double":
        return Double.valueOf(text);
      case "binary":
        byte[] bytes = new byte[text.length() / 2];
        for (int at = 0; at < bytes.length; at++) {
          bytes[at] = (byte) Integer.parseInt(text.substring(2 * at, 2 * at + 2), 16);
        }
        return bytes;
      default:
        throw new IllegalArgumentException("unknown type " + type);
    }
  }

  private static Map<String, Object> values(JsonArray list) {
    Map<String, Object> values = new LinkedHashMap<>();
    for (JsonElement element : list) {
      JsonObject item = element.getAsJsonObject();
      values.put(
          item.get("key").getAsString(),
          parse(item.get("type").getAsString(), item.get("value").getAsString()));
    }
    return values;
  }

  private static JaegerSpan start(JaegerTracer tracer, JsonObject wanted, List<JaegerSpan> made) {
    JaegerTracer.SpanBuilder builder =
        tracer
            .buildSpan(wanted.get("operation").getAsString())
            .withStartTimestamp(wanted.get("start").getAsLong());
    for (JsonElement element : wanted.getAsJsonArray("references")) {
      JsonObject reference = element.getAsJsonObject();
      boolean follows = reference.get("type").getAsString().equals("follows_from");
      builder.addReference(
          follows ? References.FOLLOWS_FROM : References.CHILD_OF,
          made.get(reference.get("span").getAsInt()).context());
    }
    JaegerSpan span = builder.start();
    if (wanted.get("debug").getAsBoolean()) {
      Tags.SAMPLING_PRIORITY.set(span, 1);
    }
    values(wanted.getAsJsonArray("tags"))
        .forEach(
            (key, value) -> {
              if (value instanceof String) {
                span.setTag(key, (String) value);
              } else if (value instanceof Boolean) {
                span.setTag(key, (Boolean) value);
              } else if (value instanceof Number) {
                span.setTag(key, (Number) value);
              } else {
                span.setTag(key, value.toString()); // no way to set anything else
              }
            });
    for (JsonElement element : wanted.getAsJsonArray("logs")) {
      JsonObject entry = element.getAsJsonObject();
      span.log(entry.get("timestamp").getAsLong(), values(entry.getAsJsonArray("fields")));
    }
    return span;
  }

  static JsonObject answer(JsonObject asked, Map<String, String> headers) {
    JaegerTracer tracer = Tracers.get("jaeger", Server.number(asked, "traceIdBits", 64));
    List<JaegerSpan> made = new ArrayList<>();
    JsonArray spans = asked.getAsJsonArray("spans");
    for (JsonElement wanted : spans) {
      made.add(start(tracer, wanted.getAsJsonObject(), made));
    }
    for (int at = 0; at < made.size(); at++) {
      JsonObject wanted = spans.get(at).getAsJsonObject();
      made.get(at).finish(wanted.get("start").getAsLong() + wanted.get("duration").getAsLong());
    }
    JsonObject answer = new JsonObject();
    answer.addProperty("emitted", made.size());
    return answer;
  }
}
