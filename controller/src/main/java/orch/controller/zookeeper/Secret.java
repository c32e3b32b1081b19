package orch.controller.zookeeper;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import org.apache.zookeeper.ZooDefs.Perms;
import org.apache.zookeeper.data.ACL;
import org.apache.zookeeper.data.Id;

/**
 * What every node in ZooKeeper is guarded with. It lies in a file that its owner alone can read;
 * controllers of one cluster share it. Without it every local user who finds the server's port
 * would be root of the fleet.
 */
public final class Secret {
  private static final String USER = "orch";
  private static final int BYTES = 32;

  private static final Set<PosixFilePermission> OWNER_ONLY =
      PosixFilePermissions.fromString("rw-------");

  private final Path file;
  private final String password;

  private Secret(Path file, String password) {
    this.file = file;
    this.password = password;
  }

  /**
   * Reads the secret, or makes one where there is no file.
   *
   * @throws IOException with a sentence for the operator: unreadable, empty, or readable to others
   */
  public static Secret load(Path file) throws IOException {
    if (!Files.exists(file)) {
      make(file);
    }
    EnumSet<PosixFilePermission> others = EnumSet.copyOf(Files.getPosixFilePermissions(file));
    others.removeAll(
        List.of(
            PosixFilePermission.OWNER_READ,
            PosixFilePermission.OWNER_WRITE,
            PosixFilePermission.OWNER_EXECUTE));
    if (!others.isEmpty()) {
      throw new IOException(
          "the secret "
              + file
              + " can be read or changed by others than its owner; chmod 600 it, and if somebody"
              + " may have read it, begin with a new one");
    }
    String password = Files.readString(file, StandardCharsets.UTF_8).strip();
    if (password.length() < BYTES) {
      throw new IOException(
          "the secret " + file + " is too short; copy it whole from another controller");
    }
    return new Secret(file, password);
  }

  Path file() {
    return file;
  }

  /** What a session of the cluster shows to be let in. */
  byte[] credentials() {
    return (USER + ":" + password).getBytes(StandardCharsets.UTF_8);
  }

  /** Everything for who has the secret, nothing for others. */
  List<ACL> everything() {
    return list(Perms.ALL);
  }

  /**
   * As {@link #everything}, but what stands directly below can never be deleted: the epoch, above
   * all, must not begin anew.
   */
  List<ACL> everythingButDeletion() {
    return list(Perms.ALL & ~Perms.DELETE);
  }

  /** ZooKeeper's client asks a list whether it contains null, which List.of does not bear. */
  private List<ACL> list(int permissions) {
    return Collections.singletonList(new ACL(permissions, id()));
  }

  /** The identity of ZooKeeper's digest scheme. */
  private Id id() {
    try {
      byte[] digest = MessageDigest.getInstance("SHA1").digest(credentials());
      return new Id("digest", USER + ":" + Base64.getEncoder().encodeToString(digest));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("a JDK without SHA-1", e);
    }
  }

  private static void make(Path file) throws IOException {
    byte[] random = new byte[BYTES];
    new SecureRandom().nextBytes(random);
    Path fresh = file.resolveSibling(file.getFileName() + ".new");
    Files.deleteIfExists(fresh);
    Files.createFile(fresh, PosixFilePermissions.asFileAttribute(OWNER_ONLY));
    Files.writeString(fresh, HexFormat.of().formatHex(random) + "\n");
    try {
      Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE);
    } catch (FileAlreadyExistsException e) {
      Files.delete(fresh);
    }
  }
}
