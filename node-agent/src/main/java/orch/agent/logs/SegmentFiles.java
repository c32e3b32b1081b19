package orch.agent.logs;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import orch.api.model.Uid;
import org.jspecify.annotations.Nullable;

/** Where the segments of an attempt lie: {@code DIR/<last 2 hex digits>/<uid>.<number>.seg}. */
public final class SegmentFiles {
  private static final String SUFFIX = ".seg";

  private final Path directory;

  public SegmentFiles(Path directory) {
    this.directory = directory;
  }

  /** The launcher's text form of an attempt's uid: 32 hexadecimal digits. */
  static String fileUid(Uid uid) {
    return String.format("%08x%08x%016x", uid.incarnation(), uid.epoch(), uid.sequence());
  }

  /** The uid of a segment file's name, or null when the name is none. */
  static @Nullable Uid uidOf(String fileName) {
    if (!fileName.endsWith(SUFFIX) || fileName.length() < 32 + 2 + SUFFIX.length()) {
      return null;
    }
    try {
      return new Uid(
          (int) Long.parseLong(fileName.substring(0, 8), 16),
          Long.parseLong(fileName.substring(8, 16), 16),
          Long.parseLong(fileName.substring(16, 32), 16));
    } catch (IllegalArgumentException notOurs) {
      return null;
    }
  }

  Path path(Uid uid, int number) {
    String name = fileUid(uid);
    return shard(name).resolve(name + "." + number + SUFFIX);
  }

  boolean exists(Uid uid, int number) {
    return Files.exists(path(uid, number));
  }

  /** Number of the segment after {@code number} that is there, -1 while there is none. */
  int following(Uid uid, int number) throws IOException {
    if (exists(uid, number + 1)) {
      return number + 1;
    }
    // The next one can be missing only together with this one, removed by the total limit.
    return exists(uid, number) ? -1 : firstAtLeast(uid, number + 1);
  }

  /** Number of the oldest segment that is at least {@code from}; -1 when there is none. */
  int firstAtLeast(Uid uid, int from) throws IOException {
    if (exists(uid, from)) {
      return from;
    }
    int found = -1;
    for (int number : numbers(uid)) {
      if (number >= from && (found < 0 || number < found)) {
        found = number;
      }
    }
    return found;
  }

  /** Numbers of the segments that are there, in no order. */
  List<Integer> numbers(Uid uid) throws IOException {
    String name = fileUid(uid);
    List<Integer> numbers = new ArrayList<>();
    try (DirectoryStream<Path> files =
        Files.newDirectoryStream(shard(name), name + ".*" + SUFFIX)) {
      for (Path file : files) {
        String text = String.valueOf(file.getFileName());
        numbers.add(
            Integer.parseInt(text.substring(name.length() + 1, text.length() - SUFFIX.length())));
      }
    } catch (NoSuchFileException none) {
      return numbers;
    }
    return numbers;
  }

  /** Removes every segment of an attempt; the bytes that were freed. */
  long delete(Uid uid) throws IOException {
    long freed = 0;
    for (int number : numbers(uid)) {
      Path file = path(uid, number);
      freed += Files.exists(file) ? Files.size(file) : 0;
      Files.deleteIfExists(file);
    }
    return freed;
  }

  /** Every segment file below the directory. */
  List<Path> all() throws IOException {
    List<Path> files = new ArrayList<>();
    if (!Files.isDirectory(directory)) {
      return files;
    }
    try (DirectoryStream<Path> shards = Files.newDirectoryStream(directory)) {
      for (Path shard : shards) {
        if (Files.isDirectory(shard)) {
          try (DirectoryStream<Path> segments = Files.newDirectoryStream(shard, "*" + SUFFIX)) {
            segments.forEach(files::add);
          }
        }
      }
    }
    return files;
  }

  private Path shard(String name) {
    return directory.resolve(name.substring(name.length() - 2));
  }
}
