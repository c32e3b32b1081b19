package orch.ctl.http;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import orch.ctl.json.JsonObject;

/**
 * Reads the details of a Connect error. They are protobuf messages in base64, of which two are
 * known: google.rpc.ErrorInfo (1 reason) and google.rpc.BadRequest (1 field violations: 1 field, 2
 * description). Anything else is passed over.
 */
public final class ErrorDetails {
  private static final int LENGTH_DELIMITED = 2;

  private final List<ApiException.Violation> violations = new ArrayList<>();
  private String reason = "";

  /** The exception that an error object of the protocol stands for. */
  public static ApiException exception(JsonObject error) {
    ErrorDetails details = new ErrorDetails();
    for (JsonObject detail : error.objects("details")) {
      details.add(detail.text("type"), detail.text("value"));
    }
    String code = error.text("code");
    String message = error.text("message");
    return new ApiException(
        code.isEmpty() ? "unknown" : code,
        message.isEmpty() ? "the controller gave no message (" + code + ")" : message,
        details.reason,
        details.violations);
  }

  private void add(String type, String value) {
    try {
      byte[] message = Base64.getDecoder().decode(value.replace("=", ""));
      if (type.endsWith("google.rpc.ErrorInfo")) {
        for (byte[] field : fields(message, 1)) {
          reason = new String(field, StandardCharsets.UTF_8);
        }
      } else if (type.endsWith("google.rpc.BadRequest")) {
        for (byte[] violation : fields(message, 1)) {
          violations.add(
              new ApiException.Violation(first(fields(violation, 1)), first(fields(violation, 2))));
        }
      }
    } catch (IllegalArgumentException | IndexOutOfBoundsException unreadable) {
      // The message of the error says it too, so that a detail may be missing.
    }
  }

  private static String first(List<byte[]> fields) {
    return fields.isEmpty() ? "" : new String(fields.get(0), StandardCharsets.UTF_8);
  }

  /** The length-delimited fields with this number. */
  private static List<byte[]> fields(byte[] message, int number) {
    List<byte[]> found = new ArrayList<>();
    int[] at = {0};
    while (at[0] < message.length) {
      long tag = varint(message, at);
      int type = (int) (tag & 7);
      if (type == LENGTH_DELIMITED) {
        int length = (int) varint(message, at);
        if (length < 0 || length > message.length - at[0]) {
          throw new IndexOutOfBoundsException("field of " + length + " bytes");
        }
        if (tag >>> 3 == number) {
          byte[] field = new byte[length];
          System.arraycopy(message, at[0], field, 0, length);
          found.add(field);
        }
        at[0] += length;
      } else if (type == 0) {
        varint(message, at);
      } else {
        at[0] += type == 1 ? 8 : 4;
      }
    }
    return found;
  }

  private static long varint(byte[] message, int[] at) {
    long value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      byte next = message[at[0]++];
      value |= (long) (next & 0x7f) << shift;
      if (next >= 0) {
        return value;
      }
    }
    throw new IndexOutOfBoundsException("varint of more than ten bytes");
  }
}
