package orch.ctl.command;

import java.io.DataInputStream;
import java.io.FileInputStream;
import java.io.IOException;
import java.util.UUID;

/** Request ids: UUIDs of version 7 (RFC 9562), whose first 48 bits are the time. */
final class RequestIds {
  private RequestIds() {}

  /** A fresh one, made at this moment. */
  static String at(long nowMillis) {
    // The kernel's generator itself: a SecureRandom takes longer to load than to read this.
    try (DataInputStream random = new DataInputStream(new FileInputStream("/dev/urandom"))) {
      return of(nowMillis, random.readLong(), random.readLong());
    } catch (IOException noKernelGenerator) {
      UUID random = UUID.randomUUID();
      return of(nowMillis, random.getMostSignificantBits(), random.getLeastSignificantBits());
    }
  }

  static String of(long millis, long random1, long random2) {
    long high = millis << 16 | 0x7000 | random1 & 0x0fff;
    long low = 0x8000_0000_0000_0000L | random2 & 0x3fff_ffff_ffff_ffffL;
    return new UUID(high, low).toString();
  }
}
