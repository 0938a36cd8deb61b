package crossdock;

import io.jaegertracing.internal.JaegerTracer;
import io.jaegertracing.internal.propagation.B3TextMapCodec;
import io.jaegertracing.internal.propagation.TraceContextCodec;
import io.jaegertracing.internal.reporters.RemoteReporter;
import io.jaegertracing.internal.samplers.ConstSampler;
import io.jaegertracing.spi.Codec;
import io.jaegertracing.spi.Sender;
import io.jaegertracing.thrift.internal.senders.UdpSender;
import io.opentracing.propagation.Format;
import io.opentracing.propagation.TextMap;
import java.util.HashMap;
import java.util.Map;

/** The tracers of this peer: one for each propagation format and width of trace ids. */
final class Tracers {
  private static final Map<String, JaegerTracer> MADE = new HashMap<>();

  private Tracers() {}

  private static String environment(String name, String otherwise) {
    String value = System.getenv(name);
    return value == null || value.isEmpty() ? otherwise : value;
  }

  private static Sender newSender() throws Exception {
    String host = environment("JAEGER_AGENT_HOST", "localhost");
    int port = Integer.parseInt(environment("JAEGER_AGENT_PORT", "6831"));
    return new UdpSender(host, port, 0);
  }

  private static JaegerTracer make(String propagation, int bits) throws Exception {
    RemoteReporter reporter =
        new RemoteReporter.Builder()
            .withSender(newSender())
            .withFlushInterval(200)
            .withMaxQueueSize(100_000)
            .build();
    JaegerTracer.Builder builder =
        new JaegerTracer.Builder(environment("JAEGER_SERVICE_NAME", "crossdock-java"))
            .withReporter(reporter)
            .withSampler(new ConstSampler(true))
            .withManualShutdown()
            .withTag("team", "blue")
            .withTag("shard", 7)
            .withTag("spot", true)
            .withTag("load", 0.5);
    if (bits == 128) {
      builder.withTraceId128Bit();
    }
    if (!propagation.equals("jaeger")) {
      Codec<TextMap> codec;
      if (propagation.equals("b3")) {
        codec = new B3TextMapCodec.Builder().build();
      } else if (propagation.equals("w3c")) {
        codec = new TraceContextCodec.Builder().build();
      } else {
        throw new IllegalArgumentException("this client has no propagation " + propagation);
      }
      builder.registerInjector(Format.Builtin.HTTP_HEADERS, codec);
      builder.registerExtractor(Format.Builtin.HTTP_HEADERS, codec);
    }
    return builder.build();
  }

  static synchronized JaegerTracer get(String propagation, int bits) {
    return MADE.computeIfAbsent(
        propagation + "/" + bits,
        name -> {
          try {
            return make(propagation, bits);
          } catch (Exception problem) {
            throw new IllegalStateException(problem);
          }
        });
  }

  /** Sends what is waiting. */
  static synchronized void close() {
    MADE.values().forEach(JaegerTracer::close);
  }
}
