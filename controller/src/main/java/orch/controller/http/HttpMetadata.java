package orch.controller.http;

import io.grpc.Metadata;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.TreeSet;
import java.util.function.BiConsumer;
import org.eclipse.jetty.http.HttpField;
import org.eclipse.jetty.http.HttpFields;

/** HTTP headers as gRPC metadata and back; values of {@code -bin} keys are base64. */
final class HttpMetadata {
  /** Headers of the transport, which are nobody's metadata. */
  private static final List<String> TRANSPORT =
      List.of(
          "accept",
          "accept-encoding",
          "connection",
          "content-length",
          "content-type",
          "expect",
          "host",
          "keep-alive",
          "te",
          "trailer",
          "transfer-encoding",
          "upgrade");

  private HttpMetadata() {}

  static Metadata of(HttpFields fields) {
    Metadata metadata = new Metadata();
    for (HttpField field : fields) {
      String name = field.getLowerCaseName();
      String value = field.getValue();
      if (value == null
          || TRANSPORT.contains(name)
          || name.startsWith("connect-")
          || name.startsWith("grpc-")) {
        continue;
      }
      try {
        if (name.endsWith(Metadata.BINARY_HEADER_SUFFIX)) {
          for (String part : value.split(",", -1)) {
            metadata.put(
                Metadata.Key.of(name, Metadata.BINARY_BYTE_MARSHALLER),
                Base64.getDecoder().decode(part.strip()));
          }
        } else {
          metadata.put(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER), value);
        }
      } catch (IllegalArgumentException unfit) {
        // A name or value that HTTP allows and metadata does not: no service can ask for it.
      }
    }
    return metadata;
  }

  /** Every entry of {@code metadata} but gRPC's own. */
  static void each(Metadata metadata, BiConsumer<String, String> sink) {
    for (String name : new TreeSet<>(metadata.keys())) {
      if (name.startsWith("grpc-")) {
        continue;
      }
      if (name.endsWith(Metadata.BINARY_HEADER_SUFFIX)) {
        Iterable<byte[]> values =
            metadata.getAll(Metadata.Key.of(name, Metadata.BINARY_BYTE_MARSHALLER));
        if (values != null) {
          values.forEach(value ->
              sink.accept(name, Base64.getEncoder().withoutPadding().encodeToString(value)));
        }
      } else {
        Iterable<String> values =
            metadata.getAll(Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER));
        if (values != null) {
          values.forEach(value -> sink.accept(name.toLowerCase(Locale.ROOT), value));
        }
      }
    }
  }
}
