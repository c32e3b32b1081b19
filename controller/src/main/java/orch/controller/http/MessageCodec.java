package orch.controller.http;

import com.google.gson.Strictness;
import com.google.gson.stream.JsonReader;
import com.google.gson.stream.JsonToken;
import com.google.gson.stream.MalformedJsonException;
import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.EnumDescriptor;
import com.google.protobuf.Descriptors.EnumValueDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;
import com.google.rpc.BadRequest;
import com.google.rpc.Code;
import com.google.rpc.ErrorInfo;
import io.grpc.StatusException;
import io.grpc.protobuf.StatusProto;
import java.io.IOException;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import orch.api.model.NearestName;
import org.jspecify.annotations.Nullable;

/** How messages stand in bodies and envelopes: canonical proto3 JSON, or protobuf's own form. */
enum MessageCodec {
  JSON("json") {
    @Override
    Message decode(ByteBuffer bytes, Message prototype) throws StatusException {
      // An empty body is an empty message, as curl without -d sends it.
      if (!bytes.hasRemaining()) {
        return prototype;
      }
      String text;
      try {
        text = StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
      } catch (CharacterCodingException malformed) {
        throw invalid("", "the request is not valid UTF-8");
      }
      Message.Builder builder = prototype.newBuilderForType();
      try {
        PARSER.merge(text, builder);
        requireOneValue(text);
      } catch (InvalidProtocolBufferException malformed) {
        throw explain(malformed, prototype.getDescriptorForType());
      }
      return builder.build();
    }

    @Override
    byte[] encode(Message message) {
      try {
        return PRINTER.print(message).getBytes(StandardCharsets.UTF_8);
      } catch (InvalidProtocolBufferException unprintable) {
        throw new IllegalStateException("a message that has no JSON form", unprintable);
      }
    }
  },
  PROTO("proto") {
    @Override
    Message decode(ByteBuffer bytes, Message prototype) throws StatusException {
      try {
        return prototype.getParserForType().parseFrom(bytes);
      } catch (InvalidProtocolBufferException malformed) {
        throw invalid(
            "",
            "the request is no "
                + prototype.getDescriptorForType().getFullName()
                + " in protobuf: "
                + malformed.getMessage());
      }
    }

    @Override
    byte[] encode(Message message) {
      return message.toByteArray();
    }
  };

  private static final JsonFormat.Parser PARSER = JsonFormat.parser();
  private static final JsonFormat.Printer PRINTER =
      JsonFormat.printer().omittingInsignificantWhitespace();
  private static final Pattern UNKNOWN_FIELD =
      Pattern.compile("Cannot find field: (\\S*) in message (\\S+)");
  private static final Pattern UNKNOWN_ENUM =
      Pattern.compile("Invalid enum value: (.*) for enum type: (\\S+)");

  private final String name;

  MessageCodec(String name) {
    this.name = name;
  }

  /** {@code json} or {@code proto}. */
  String subtype() {
    return name;
  }

  /** The message; fails with INVALID_ARGUMENT and a sentence when it is none. */
  abstract Message decode(ByteBuffer bytes, Message prototype) throws StatusException;

  abstract byte[] encode(Message message);

  /** The parser does not look at what stands behind the value. */
  private static void requireOneValue(String text) throws InvalidProtocolBufferException {
    try (JsonReader reader = new JsonReader(new StringReader(text))) {
      reader.setStrictness(Strictness.STRICT);
      reader.skipValue();
      if (reader.peek() != JsonToken.END_DOCUMENT) {
        throw new InvalidProtocolBufferException("something follows the message");
      }
    } catch (MalformedJsonException malformed) {
      throw new InvalidProtocolBufferException(malformed);
    } catch (InvalidProtocolBufferException more) {
      throw more;
    } catch (IOException impossible) {
      throw new UncheckedIOException(impossible);
    }
  }

  /** Says more than the parser does: which name was meant. */
  private static StatusException explain(
      InvalidProtocolBufferException malformed, Descriptor request) {
    String message = String.valueOf(malformed.getMessage());
    Matcher field = UNKNOWN_FIELD.matcher(message);
    if (field.find()) {
      Descriptor in = messageNamed(field.group(2), request);
      List<String> known = in == null ? List.of() : jsonNames(in);
      String unknown = field.group(1);
      return invalid(
          unknown, field.group(2) + " has no field '" + unknown + "'" + hint(unknown, known));
    }
    Matcher constant = UNKNOWN_ENUM.matcher(message);
    if (constant.find()) {
      EnumDescriptor in = enumNamed(constant.group(2), request);
      List<String> known =
          in == null
              ? List.of()
              : in.getValues().stream().map(EnumValueDescriptor::getName).toList();
      String unknown = constant.group(1).replace("\"", "");
      return invalid("", "'" + unknown + "' is no " + constant.group(2) + hint(unknown, known));
    }
    return invalid(
        "",
        "the request is no JSON form of "
            + request.getFullName()
            + ": "
            + message.replace("com.google.gson.stream.MalformedJsonException: ", ""));
  }

  private static String hint(String unknown, List<String> known) {
    String hint = NearestName.hint(unknown, known);
    return hint.isEmpty() && !known.isEmpty() ? "; it knows " + String.join(", ", known) : hint;
  }

  private static List<String> jsonNames(Descriptor message) {
    List<String> names = new ArrayList<>();
    for (FieldDescriptor field : message.getFields()) {
      names.add(field.getJsonName());
    }
    return names;
  }

  private static @Nullable Descriptor messageNamed(String fullName, Descriptor request) {
    return reachable(request).get(fullName);
  }

  private static @Nullable EnumDescriptor enumNamed(String fullName, Descriptor request) {
    for (Descriptor message : reachable(request).values()) {
      for (FieldDescriptor field : message.getFields()) {
        if (field.getJavaType() == FieldDescriptor.JavaType.ENUM
            && field.getEnumType().getFullName().equals(fullName)) {
          return field.getEnumType();
        }
      }
    }
    return null;
  }

  private static Map<String, Descriptor> reachable(Descriptor request) {
    Map<String, Descriptor> found = new TreeMap<>();
    TreeSet<String> seen = new TreeSet<>();
    Deque<Descriptor> left = new ArrayDeque<>(List.of(request));
    while (!left.isEmpty()) {
      Descriptor message = left.poll();
      if (seen.add(message.getFullName())) {
        found.put(message.getFullName(), message);
        for (FieldDescriptor field : message.getFields()) {
          if (field.getJavaType() == FieldDescriptor.JavaType.MESSAGE) {
            left.add(field.getMessageType());
          }
        }
      }
    }
    return found;
  }

  private static StatusException invalid(String field, String sentence) {
    com.google.rpc.Status.Builder status =
        com.google.rpc.Status.newBuilder()
            .setCode(Code.INVALID_ARGUMENT_VALUE)
            .setMessage(sentence)
            .addDetails(
                com.google.protobuf.Any.pack(
                    ErrorInfo.newBuilder()
                        .setReason("MALFORMED_REQUEST")
                        .setDomain("orch")
                        .build()));
    if (!field.isEmpty()) {
      status.addDetails(
          com.google.protobuf.Any.pack(
              BadRequest.newBuilder()
                  .addFieldViolations(
                      BadRequest.FieldViolation.newBuilder()
                          .setField(field)
                          .setDescription(sentence))
                  .build()));
    }
    return StatusProto.toStatusException(status.build());
  }
}
