// Crossdock peer: the official Jaeger client for Java behind the interoperability protocol.
//
// It listens on 127.0.0.1, on a port that the system chooses, prints "PORT n" and serves until its
// standard input closes or it gets SIGTERM. Spans go to JAEGER_AGENT_HOST:JAEGER_AGENT_PORT. The
// questions and answers are described in crossdock/README.md.
package crossdock;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import io.jaegertracing.internal.JaegerSpan;
import io.jaegertracing.internal.JaegerSpanContext;
import io.jaegertracing.internal.JaegerTracer;
import io.opentracing.SpanContext;
import io.opentracing.propagation.Format;
import io.opentracing.propagation.TextMapAdapter;
import io.opentracing.tag.Tags;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Executors;

public final class Server {
  private static final String BAGGAGE_KEY = "crossdock-baggage-key";
  private static final HttpClient CLIENT =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();

  /** Answers a question, given the headers that it came with. */
  private interface Question {
    JsonObject answer(JsonObject asked, Map<String, String> headers) throws Exception;
  }

  private Server() {}

  static String text(JsonObject object, String name, String otherwise) {
    return object.has(name) && !object.get(name).isJsonNull()
        ? object.get(name).getAsString()
        : otherwise;
  }

  static int number(JsonObject object, String name, int otherwise) {
    return object.has(name) ? object.get(name).getAsInt() : otherwise;
  }

  private static JsonObject describe(JaegerSpan span) {
    JaegerSpanContext context = span.context();
    JsonObject seen = new JsonObject();
    String baggage = span.getBaggageItem(BAGGAGE_KEY);
    seen.addProperty("traceId", context.getTraceId());
    seen.addProperty("spanId", Long.toHexString(context.getSpanId()));
    seen.addProperty("parentId", Long.toHexString(context.getParentId()));
    seen.addProperty("sampled", context.isSampled());
    seen.addProperty("debug", context.isDebug());
    seen.addProperty("baggage", baggage == null ? "" : baggage);
    return seen;
  }

  /** Asks the next server, if there is one, within the span, and describes both. */
  private static JsonObject answerWithin(JaegerTracer tracer, JaegerSpan span, JsonObject asked)
      throws Exception {
    JsonObject answer = new JsonObject();
    answer.add("span", describe(span));
    answer.addProperty("notImplementedError", "");
    if (!asked.has("downstream") || asked.get("downstream").isJsonNull()) {
      return answer;
    }
    JsonObject next = asked.getAsJsonObject("downstream");
    if (!text(next, "transport", "HTTP").equals("HTTP")) {
      answer.addProperty("notImplementedError", "only the transport HTTP is implemented");
      return answer;
    }
    JsonObject question = new JsonObject();
    question.addProperty("serverRole", text(next, "serverRole", ""));
    question.addProperty("propagation", text(asked, "propagation", "jaeger"));
    question.add("downstream", next.get("downstream"));
    JaegerSpan call =
        tracer
            .buildSpan("call-downstream")
            .asChildOf(span)
            .withTag(Tags.SPAN_KIND.getKey(), Tags.SPAN_KIND_CLIENT)
            .start();
    try {
      Map<String, String> headers = new HashMap<>();
      tracer.inject(call.context(), Format.Builtin.HTTP_HEADERS, new TextMapAdapter(headers));
      String url = "http://" + text(next, "host", "") + ":" + text(next, "port", "");
      HttpRequest.Builder request =
          HttpRequest.newBuilder(URI.create(url + "/join_trace"))
              .header("Content-Type", "application/json")
              .POST(HttpRequest.BodyPublishers.ofString(question.toString()));
      headers.forEach(request::header);
      HttpResponse<String> response =
          CLIENT.send(request.build(), HttpResponse.BodyHandlers.ofString());
      if (response.statusCode() != 200) {
        throw new IOException(url + ": " + response.statusCode() + ": " + response.body());
      }
      answer.add("call", describe(call));
      answer.add("downstream", JsonParser.parseString(response.body()));
    } finally {
      call.finish();
    }
    return answer;
  }

  private static JsonObject startTrace(JsonObject asked, Map<String, String> headers)
      throws Exception {
    JaegerTracer tracer =
        Tracers.get(text(asked, "propagation", "jaeger"), number(asked, "traceIdBits", 64));
    JaegerTracer.SpanBuilder builder = tracer.buildSpan(text(asked, "serverRole", ""));
    if (headers.containsKey("jaeger-debug-id")) {
      builder.asChildOf(tracer.extract(Format.Builtin.HTTP_HEADERS, new TextMapAdapter(headers)));
    }
    JaegerSpan span = builder.start();
    try {
      if (!text(asked, "mode", "").equals("sampler")) {
        boolean sampled = asked.has("sampled") && asked.get("sampled").getAsBoolean();
        Tags.SAMPLING_PRIORITY.set(span, sampled ? 1 : 0);
      }
      span.setBaggageItem(BAGGAGE_KEY, text(asked, "baggage", ""));
      return answerWithin(tracer, span, asked);
    } finally {
      span.finish();
    }
  }

  private static JsonObject joinTrace(JsonObject asked, Map<String, String> headers)
      throws Exception {
    JaegerTracer tracer = Tracers.get(text(asked, "propagation", "jaeger"), 64);
    SpanContext context =
        tracer.extract(Format.Builtin.HTTP_HEADERS, new TextMapAdapter(headers));
    if (context == null) {
      throw new IOException("no trace in the headers");
    }
    JaegerSpan span =
        tracer
            .buildSpan(text(asked, "serverRole", ""))
            .asChildOf(context)
            .withTag(Tags.SPAN_KIND.getKey(), Tags.SPAN_KIND_SERVER)
            .start();
    try {
      return answerWithin(tracer, span, asked);
    } finally {
      span.finish();
    }
  }

  private static JsonObject createTraces(JsonObject asked, Map<String, String> headers) {
    JaegerTracer tracer =
        Tracers.get(text(asked, "propagation", "jaeger"), number(asked, "traceIdBits", 64));
    int count = number(asked, "count", 1);
    for (int made = 0; made < count; made++) {
      JaegerSpan span = tracer.buildSpan(text(asked, "operation", "")).start();
      if (asked.has("tags") && asked.get("tags").isJsonObject()) {
        JsonObject tags = asked.getAsJsonObject("tags");
        tags.keySet().forEach(key -> span.setTag(key, tags.get(key).getAsString()));
      }
      span.finish();
    }
    JsonObject answer = new JsonObject();
    answer.addProperty("created", count);
    return answer;
  }

  private static void handle(HttpExchange exchange, Question question) throws IOException {
    JsonObject answer;
    int status = 200;
    try (InputStream body = exchange.getRequestBody()) {
      String text = new String(body.readAllBytes(), StandardCharsets.UTF_8);
      Map<String, String> headers = new HashMap<>();
      exchange
          .getRequestHeaders()
          .forEach((name, values) -> headers.put(name.toLowerCase(), values.get(0)));
      answer =
          question.answer(JsonParser.parseString(text.isEmpty() ? "{}" : text).getAsJsonObject(),
              headers);
    } catch (Exception problem) {
      answer = new JsonObject();
      answer.addProperty("error", problem.toString());
      status = 500;
    }
    byte[] reply = answer.toString().getBytes(StandardCharsets.UTF_8);
    exchange.getResponseHeaders().set("Content-Type", "application/json");
    exchange.sendResponseHeaders(status, reply.length);
    exchange.getResponseBody().write(reply);
    exchange.close();
  }

  public static void main(String[] arguments) throws Exception {
    InetAddress loopback = InetAddress.getByName("127.0.0.1");
    HttpServer server = HttpServer.create(new InetSocketAddress(loopback, 0), 256);
    server.setExecutor(Executors.newCachedThreadPool());
    server.createContext("/start_trace", exchange -> handle(exchange, Server::startTrace));
    server.createContext("/join_trace", exchange -> handle(exchange, Server::joinTrace));
    server.createContext("/create_traces", exchange -> handle(exchange, Server::createTraces));
    server.createContext("/emit_spans", exchange -> handle(exchange, Emit::answer));
    server.createContext("/", exchange -> handle(exchange, (asked, headers) -> new JsonObject()));
    server.start();
    Runtime.getRuntime().addShutdownHook(new Thread(Tracers::close));
    System.out.println("PORT " + server.getAddress().getPort());
    while (System.in.read() != -1) {
      // Nothing is said there; its end is ours.
    }
    System.exit(0);
  }
}
