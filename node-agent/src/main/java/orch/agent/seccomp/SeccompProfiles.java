package orch.agent.seccomp;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import orch.api.model.Blob;

/**
 * The profiles of this node by name: the built-in {@code default}, and {@code NAME.yaml} in the
 * operator's directory, which is read at each start, so that a change holds from the next one on. A
 * {@code default.yaml} there takes the place of the built-in one.
 */
public final class SeccompProfiles {
  /** Name of the profile that is always there. */
  public static final String DEFAULT = "default";

  private static final int MAX_BYTES = 256 << 10;

  private final Path directory;
  private final Architecture architecture;
  private final Profile builtIn;
  private final Blob builtInFilter;

  /** Profiles of {@code directory}, which need not exist. */
  public SeccompProfiles(Path directory, Architecture architecture) {
    this.directory = directory;
    this.architecture = architecture;
    this.builtIn = readBuiltIn();
    this.builtInFilter = compiled(builtIn);
  }

  /** The filter of a profile as seccomp(2) takes it: an array of struct sock_filter. */
  public Blob filter(String name) throws InvalidProfileException {
    Path file = directory.resolve(name + ".yaml");
    try {
      if (Files.size(file) > MAX_BYTES) {
        throw new InvalidProfileException(file + " is larger than " + MAX_BYTES + " bytes");
      }
      Profile own = ProfileReader.read(file.toString(), Files.readString(file), builtIn);
      return compiled(own);
    } catch (NoSuchFileException e) {
      if (name.equals(DEFAULT)) {
        return builtInFilter;
      }
      throw new InvalidProfileException(
          "no profile " + name + " on this node; name default, or lay one at " + file);
    } catch (IOException e) {
      throw new InvalidProfileException("cannot read " + file + ": " + e);
    } catch (IllegalArgumentException e) {
      throw new InvalidProfileException(file + ": " + e.getMessage());
    }
  }

  private Blob compiled(Profile profile) {
    List<Bpf.Instruction> program = Bpf.compile(profile, architecture);
    return Blob.of(Bpf.bytes(program));
  }

  static Profile readBuiltIn() {
    try (InputStream in = SeccompProfiles.class.getResourceAsStream("default.yaml")) {
      if (in == null) {
        throw new IllegalStateException("default.yaml is missing");
      }
      String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      return ProfileReader.read("the built-in profile", text, null);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InvalidProfileException e) {
      throw new IllegalStateException(e);
    }
  }
}
