package orch.controller;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import org.jspecify.annotations.Nullable;

/** A controller's data directory, which no other process uses until it is closed. */
final class DataDirectory implements AutoCloseable {
  private final Path path;
  private final FileChannel lockFile;

  private DataDirectory(Path path, FileChannel lockFile) {
    this.path = path;
    this.lockFile = lockFile;
  }

  /**
   * Makes the directory where it is missing, for its owner only, and locks it.
   *
   * @throws IOException with a sentence for the operator
   */
  static DataDirectory open(Path path) throws IOException {
    try {
      Files.createDirectories(
          path, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    } catch (FileAlreadyExistsException e) {
      throw new IOException(
          "the data directory " + path + " is not a directory; give another --data-dir", e);
    } catch (FileSystemException e) {
      throw new IOException(
          "the data directory "
              + path
              + " cannot be made: "
              + why(e)
              + "; make it for this user, or give another --data-dir",
          e);
    }
    FileChannel channel;
    try {
      channel =
          FileChannel.open(
              path.resolve("lock"),
              StandardOpenOption.CREATE,
              StandardOpenOption.READ,
              StandardOpenOption.WRITE);
    } catch (FileSystemException e) {
      throw new IOException(
          "the data directory "
              + path
              + " is not writable: "
              + why(e)
              + "; give it to this user, or give another --data-dir",
          e);
    }
    FileLock lock = null;
    try {
      lock = channel.tryLock();
      if (lock == null) {
        throw inUse(path, holder(channel));
      }
      channel.truncate(0);
      channel.write(
          ByteBuffer.wrap(
              (ProcessHandle.current().pid() + "\n").getBytes(StandardCharsets.US_ASCII)));
      return new DataDirectory(path, channel);
    } catch (OverlappingFileLockException e) {
      throw inUse(path, Long.toString(ProcessHandle.current().pid()));
    } finally {
      if (lock == null) {
        channel.close();
      }
    }
  }

  Path resolve(String name) {
    return path.resolve(name);
  }

  @Override
  public void close() throws IOException {
    // The file stays: removing it would let two processes lock two files of one name.
    lockFile.close();
  }

  private static IOException inUse(Path path, String holder) {
    return new IOException(
        "the data directory "
            + path
            + " is used by another controller"
            + (holder.isEmpty() ? "" : " (process " + holder + ")")
            + "; stop that one, or give this one a --data-dir of its own");
  }

  private static String holder(FileChannel channel) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(32);
    int read = channel.read(buffer, 0);
    return read <= 0 ? "" : new String(buffer.array(), 0, read, StandardCharsets.US_ASCII).strip();
  }

  private static String why(FileSystemException e) {
    if (e instanceof AccessDeniedException) {
      return "permission denied at " + e.getFile();
    }
    @Nullable String reason = e.getReason();
    return reason == null ? e.toString() : reason;
  }
}
