package orch.controller.rpc;

import com.google.protobuf.CodedOutputStream;
import com.google.protobuf.Message;
import com.google.rpc.Code;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import org.jspecify.annotations.Nullable;

/** Opaque tokens: where a listing goes on, and where a watch resumes. */
final class Tokens {
  private static final byte PAGE = 'p';
  private static final byte WATCH = 'w';

  private Tokens() {}

  /**
   * Token of the page after this one.
   *
   * @param request without its token and page size: another request's token is refused
   * @param next where it begins
   */
  static String page(Message request, String next) {
    byte[] cursor = next.getBytes(StandardCharsets.UTF_8);
    return encode(
        ByteBuffer.allocate(1 + Long.BYTES + cursor.length)
            .put(PAGE)
            .putLong(hash(request))
            .put(cursor)
            .array());
  }

  /** Where the page begins; null: at the front. */
  static @Nullable String next(Message request, String token) {
    if (token.isEmpty()) {
      return null;
    }
    ByteBuffer bytes = decode(token);
    if (bytes == null
        || bytes.remaining() < 1 + Long.BYTES
        || bytes.get() != PAGE
        || bytes.getLong() != hash(request)) {
      throw Errors.invalid(
          "page_token",
          "this token is not from a listing with the same parent and filter; begin without one");
    }
    return StandardCharsets.UTF_8.decode(bytes).toString();
  }

  /** Where a watch resumes: after {@code revision} of an incarnation of a cluster. */
  record Resume(int incarnation, long revision) {
    @Override
    public String toString() {
      return encode(
          ByteBuffer.allocate(1 + Integer.BYTES + Long.BYTES)
              .put(WATCH)
              .putInt(incarnation)
              .putLong(revision)
              .array());
    }

    static Resume parse(String token) {
      ByteBuffer bytes = decode(token);
      if (bytes == null
          || bytes.remaining() != 1 + Integer.BYTES + Long.BYTES
          || bytes.get() != WATCH) {
        throw Errors.invalid("resume_token", "this is no token of a watch; begin without one");
      }
      return new Resume(bytes.getInt(), bytes.getLong());
    }

    /** The token is too old, or of a state that was given up. */
    static RuntimeException compacted() {
      return Errors.error(
          Code.ABORTED,
          "COMPACTED",
          "the changes since this resume token are not kept any more; watch again without a token");
    }
  }

  /** First eight bytes of SHA-256 over the message's canonical bytes. */
  static long hash(Message message) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(message.getSerializedSize());
    CodedOutputStream out = CodedOutputStream.newInstance(bytes);
    out.useDeterministicSerialization();
    try {
      message.writeTo(out);
      out.flush();
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(message.getDescriptorForType().getFullName().getBytes(StandardCharsets.UTF_8));
      return ByteBuffer.wrap(digest.digest(bytes.toByteArray())).getLong();
    } catch (IOException impossible) {
      throw new UncheckedIOException(impossible);
    } catch (NoSuchAlgorithmException impossible) {
      throw new IllegalStateException("every JVM has SHA-256", impossible);
    }
  }

  private static String encode(byte[] bytes) {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }

  private static @Nullable ByteBuffer decode(String token) {
    try {
      return ByteBuffer.wrap(Base64.getUrlDecoder().decode(token));
    } catch (IllegalArgumentException noBase64) {
      return null;
    }
  }
}
