package orch.agent.process;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import orch.api.model.IoLimits;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What io limits of a job mean in io.weight and io.max: the same for each disk of the host. */
final class IoFiles {
  private static final Logger log = LoggerFactory.getLogger(IoFiles.class);
  private static final Path BLOCK_DEVICES = Path.of("/sys/block");

  private IoFiles() {}

  static List<StartRequest.Limit> limits(IoLimits of) {
    List<StartRequest.Limit> limits = new ArrayList<>();
    if (of.weight() != IoLimits.NONE.weight()) {
      limits.add(new StartRequest.Limit("io.weight", "default " + of.weight()));
    }
    StringBuilder rates = new StringBuilder();
    rate(rates, "rbps", of.readBytesPerSecond());
    rate(rates, "wbps", of.writeBytesPerSecond());
    rate(rates, "riops", of.readOperationsPerSecond());
    rate(rates, "wiops", of.writeOperationsPerSecond());
    if (!rates.isEmpty()) {
      for (String device : disks()) {
        limits.add(new StartRequest.Limit("io.max", device + rates));
      }
    }
    return limits;
  }

  private static void rate(StringBuilder to, String name, long rate) {
    if (rate > 0) {
      to.append(' ').append(name).append('=').append(rate);
    }
  }

  /** MAJOR:MINOR of each disk; memory and loop devices are none. */
  private static List<String> disks() {
    List<String> disks = new ArrayList<>();
    try (DirectoryStream<Path> devices = Files.newDirectoryStream(BLOCK_DEVICES)) {
      for (Path device : devices) {
        if (!String.valueOf(device.getFileName()).matches("(loop|ram|zram).*")) {
          disks.add(Files.readString(device.resolve("dev"), StandardCharsets.US_ASCII).strip());
        }
      }
    } catch (IOException e) {
      log.warn("cannot list the host's disks: {}", e.toString());
    }
    return disks;
  }
}
