package orch.controller.rpc;

import java.util.concurrent.atomic.AtomicLong;

/** Request ids: UUIDs of version 7, the time first. */
final class Ids {
  private static final AtomicLong NEXT = new AtomicLong();

  private Ids() {}

  static String next() {
    long millis = System.currentTimeMillis();
    return "%08x-%04x-7000-8000-%012x"
        .formatted(millis >>> 16, millis & 0xffff, NEXT.incrementAndGet());
  }
}
