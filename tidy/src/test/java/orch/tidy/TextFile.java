package orch.tidy;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileVisitResult;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.SimpleFileVisitor;
import java.nio.file.attribute.BasicFileAttributes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Set;

/**
 * A text of the project.
 *
 * @param path relative to the root, with slashes
 */
record TextFile(String path, String content) {
  private static final Set<String> HIDDEN_BUT_OURS = Set.of(".ci", ".mvn");

  boolean isJava() {
    return path.endsWith(".java");
  }

  boolean isC() {
    return path.endsWith(".c") || path.endsWith(".h");
  }

  /** The directory that it lies in; empty at the root. */
  String directory() {
    int slash = path.lastIndexOf('/');
    return slash < 0 ? "" : path.substring(0, slash);
  }

  String name() {
    return path.substring(path.lastIndexOf('/') + 1);
  }

  /**
   * Every text below the root, in the order of the paths: not what a build makes (target), what is
   * hidden, or what is binary.
   */
  static List<TextFile> below(Path root) throws IOException {
    List<TextFile> files = new ArrayList<>();
    Files.walkFileTree(
        root,
        new SimpleFileVisitor<>() {
          @Override
          public FileVisitResult preVisitDirectory(Path directory, BasicFileAttributes attributes) {
            String name = directory.getFileName().toString();
            boolean foreign =
                name.equals("target") || (name.startsWith(".") && !HIDDEN_BUT_OURS.contains(name));
            return foreign && !directory.equals(root)
                ? FileVisitResult.SKIP_SUBTREE
                : FileVisitResult.CONTINUE;
          }

          @Override
          public FileVisitResult visitFile(Path file, BasicFileAttributes attributes)
              throws IOException {
            if (attributes.isRegularFile() && !file.getFileName().toString().startsWith(".")) {
              byte[] bytes = Files.readAllBytes(file);
              if (!isBinary(bytes)) {
                files.add(new TextFile(relative(root, file), text(bytes)));
              }
            }
            return FileVisitResult.CONTINUE;
          }
        });
    files.sort(Comparator.comparing(TextFile::path));
    return files;
  }

  private static boolean isBinary(byte[] bytes) {
    for (byte b : bytes) {
      if (b == 0) {
        return true;
      }
    }
    return false;
  }

  private static String relative(Path root, Path file) {
    return root.relativize(file).toString().replace('\\', '/');
  }

  private static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.UTF_8);
  }
}
