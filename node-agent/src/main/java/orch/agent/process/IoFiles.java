package orch.agent.process;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import orch.api.model.IoLimits;

/**
 * What io limits of a job mean in io.weight and io.max: the same for each disk of the host.
 *
 * @param blockDevices {@code /sys/block}
 */
record IoFiles(Path blockDevices) {
  /** Memory, loops, and what takes a medium out. */
  private static final String NO_DISK = "(loop|ram|zram|sr|fd|nbd)[0-9].*";

  List<StartRequest.Limit> limits(IoLimits of, String task) throws StartRefusedException {
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
      for (String device : disks(task)) {
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

  /** MAJOR:MINOR of each disk, in order. */
  private List<String> disks(String task) throws StartRefusedException {
    List<String> disks = new ArrayList<>();
    try (DirectoryStream<Path> devices = Files.newDirectoryStream(blockDevices)) {
      for (Path device : devices) {
        if (!String.valueOf(device.getFileName()).matches(NO_DISK)) {
          disks.add(Files.readString(device.resolve("dev"), StandardCharsets.US_ASCII).strip());
        }
      }
    } catch (IOException e) {
      throw refused(task, "cannot list the host's disks: " + e);
    }
    if (disks.isEmpty()) {
      throw refused(
          task,
          "this host has no disk to limit; leave the rates of io out, or choose another node");
    }
    Collections.sort(disks);
    return disks;
  }

  private static StartRefusedException refused(String task, String why) {
    return new StartRefusedException("limit", 0, "cannot start " + task + ": limit: " + why);
  }
}
