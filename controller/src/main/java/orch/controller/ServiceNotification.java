package orch.controller;

import java.io.IOException;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells the service manager that this process is ready, when it asked for it (sd_notify(3)). The
 * JDK has no datagram sockets of the UNIX family, so systemd's own program says it: the unit wants
 * {@code NotifyAccess=all}.
 */
final class ServiceNotification {
  private static final Logger LOG = LoggerFactory.getLogger(ServiceNotification.class);
  private static final long PATIENCE_SECONDS = 5;

  private ServiceNotification() {}

  static void ready() {
    if (System.getenv("NOTIFY_SOCKET") == null) {
      return;
    }
    try {
      Process process =
          new ProcessBuilder("systemd-notify", "--ready", "--pid=" + ProcessHandle.current().pid())
              .inheritIO()
              .start();
      if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS) || process.exitValue() != 0) {
        LOG.warn("systemd-notify did not tell the service manager that the controller is ready");
      }
    } catch (IOException e) {
      LOG.warn("The service manager asked to be told, and cannot be: {}", e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
