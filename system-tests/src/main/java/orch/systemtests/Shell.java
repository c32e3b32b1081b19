package orch.systemtests;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/** Runs commands as a user does. */
public final class Shell {
  private static final Duration LIMIT = Duration.ofMinutes(3);

  private Shell() {}

  /** Runs to the end with {@code input} on standard input; throws when it takes over 3 minutes. */
  public static CommandResult run(
      List<String> command, Map<String, String> environment, Path directory, byte[] input)
      throws IOException, InterruptedException {
    ProcessBuilder builder = new ProcessBuilder(command).directory(directory.toFile());
    builder.environment().putAll(environment);
    Process process = builder.start();
    CompletableFuture<byte[]> out = read(process.getInputStream());
    CompletableFuture<byte[]> err = read(process.getErrorStream());
    try (OutputStream stdin = process.getOutputStream()) {
      stdin.write(input);
    }
    boolean ended;
    try {
      ended = process.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      process.destroyForcibly();
      throw e;
    }
    if (!ended) {
      process.destroyForcibly().waitFor();
      throw new IOException(
          "took over "
              + LIMIT.toMinutes()
              + " min: "
              + command
              + "\n"
              + new CommandResult(-1, out.join(), err.join()));
    }
    return new CommandResult(process.exitValue(), out.join(), err.join());
  }

  private static CompletableFuture<byte[]> read(InputStream stream) {
    CompletableFuture<byte[]> bytes = new CompletableFuture<>();
    // Not a virtual thread: reading a pipe would keep its carrier from all others.
    Thread.ofPlatform()
        .daemon()
        .start(() -> {
          try (stream;
              ByteArrayOutputStream all = new ByteArrayOutputStream()) {
            stream.transferTo(all);
            bytes.complete(all.toByteArray());
          } catch (IOException e) {
            bytes.completeExceptionally(new UncheckedIOException(e));
          }
        });
    return bytes;
  }
}
