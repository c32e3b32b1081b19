package orch.ctl.command;

import java.io.ByteArrayOutputStream;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;

/** Files that a command line names. */
final class InputFiles {
  private static final int MAX_BYTES = 64 * 1024 * 1024;

  private InputFiles() {}

  /** The text of a file named on the command line; {@code -} is standard input. */
  static String read(World world, String name) throws UsageException {
    try {
      return name.equals("-") ? text(world.input()) : text(fileOf(world, name));
    } catch (CharacterCodingException notUtf8) {
      throw new UsageException("cannot read " + name + ": it is not UTF-8; convert it");
    } catch (IOException unreadable) {
      throw new UsageException("cannot read " + name + ": " + why(name, unreadable));
    }
  }

  private static String why(String name, IOException unreadable) {
    // FileNotFoundException says "NAME (No such file or directory)".
    String message = String.valueOf(unreadable.getMessage());
    int open = message.lastIndexOf(" (");
    String why =
        open > 0 && message.endsWith(")")
            ? message.substring(open + 2, message.length() - 1)
            : message;
    return lowerFirst(why) + (isNameable(name) ? "" : "; set LC_ALL=C.UTF-8 for such names");
  }

  /** Whether Java can open a file of this name: in the locale C only if it is ASCII. */
  private static boolean isNameable(String name) {
    return System.getProperty("sun.jnu.encoding", "UTF-8").equals("UTF-8")
        || StandardCharsets.US_ASCII.newEncoder().canEncode(name);
  }

  private static String lowerFirst(String text) {
    return text.isEmpty() ? text : Character.toLowerCase(text.charAt(0)) + text.substring(1);
  }

  private static File fileOf(World world, String name) {
    return name.startsWith("/") ? new File(name) : new File(world.directory(), name);
  }

  static String text(File file) throws IOException {
    try (InputStream in = new FileInputStream(file)) {
      return text(in);
    }
  }

  private static String text(InputStream in) throws IOException {
    ByteArrayOutputStream all = new ByteArrayOutputStream(4096);
    byte[] buffer = new byte[8192];
    for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
      all.write(buffer, 0, count);
      if (all.size() > MAX_BYTES) {
        throw new IOException("it has more than " + MAX_BYTES + " bytes");
      }
    }
    return StandardCharsets.UTF_8
        .newDecoder()
        .onMalformedInput(CodingErrorAction.REPORT)
        .decode(ByteBuffer.wrap(all.toByteArray()))
        .toString();
  }
}
