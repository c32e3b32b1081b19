package orch.agent.linux;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Against the real kernel. */
@Timeout(60)
class JnaLinuxTest {
  private final Linux linux = new JnaLinux();
  @TempDir Path directory;

  @Test
  void failedCallNamesItselfAndItsErrno() {
    String path = directory.resolve("nobody").toString();
    LinuxException refused = assertThrows(LinuxException.class, () -> linux.connectSeqpacket(path));
    assertEquals(Errno.ENOENT, refused.errno());
    assertEquals("connect " + path + ": No such file or directory (ENOENT)", refused.getMessage());
  }

  @Test
  void pathTooLongForASocketIsRefused() {
    assertEquals(
        Errno.EINVAL,
        assertThrows(LinuxException.class, () -> linux.connectSeqpacket("/" + "x".repeat(200)))
            .errno());
  }

  @Test
  void datagramToNobodyIsNotSentAndNoError() throws Exception {
    int socket = linux.datagramSocket();
    try {
      assertFalse(linux.sendTo(socket, directory.resolve("nobody").toString(), new byte[1]));
    } finally {
      linux.close(socket);
    }
  }

  @Test
  void eventIsSeenByEpollUntilItIsCleared() throws Exception {
    int epoll = linux.epollCreate();
    int event = linux.eventFd();
    try {
      linux.epollAdd(epoll, event, Linux.IN);
      assertEquals(List.of(), linux.epollWait(epoll, 8, 0));
      linux.eventSignal(event);
      linux.eventSignal(event);
      assertEquals(List.of(new Linux.Ready(event, Linux.IN)), linux.epollWait(epoll, 8, -1));
      linux.eventClear(event);
      linux.eventClear(event);
      assertEquals(List.of(), linux.epollWait(epoll, 8, 0));
      linux.epollRemove(epoll, event);
    } finally {
      linux.close(event);
      linux.close(epoll);
    }
  }

  @Test
  void processIsSignalledThroughItsPidfd() throws Exception {
    Process sleeper = new ProcessBuilder("sleep", "60").start();
    int pidfd = linux.pidfdOpen((int) sleeper.pid());
    try {
      linux.pidfdSendSignal(pidfd, 0);
      linux.pidfdSendSignal(pidfd, 15);
      assertTrue(sleeper.waitFor(10, TimeUnit.SECONDS));
      assertEquals(
          Errno.ESRCH,
          assertThrows(LinuxException.class, () -> linux.pidfdSendSignal(pidfd, 0)).errno());
    } finally {
      linux.close(pidfd);
      sleeper.destroyForcibly();
    }
  }

  @Test
  void usersComeWithTheirGroupsAndUnknownOnesAreNull() throws Exception {
    UserAccount root = linux.userNamed("root");
    assertNotNull(root);
    assertEquals(0, root.uid());
    assertEquals("/root", root.home());
    assertTrue(root.groups().contains(0));
    assertEquals(root, linux.userOf(0));
    assertNull(linux.userNamed("no-such-user-here"));
    assertNull(linux.userOf(3_999_999));
  }

  @Test
  void bootClockGoesOn() {
    long before = linux.bootNanos();
    assertTrue(before > 0);
    assertTrue(linux.bootNanos() >= before);
  }

  @Test
  void datagramsAndDescriptorsGoBothWaysOverASequencedPacketSocket() throws Exception {
    String path = directory.resolve("socket").toString();
    Process server =
        new ProcessBuilder(
                "python3",
                "-c",
                """
                import array, os, socket, sys
                s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
                s.bind(sys.argv[1]); s.listen(1); print('up', flush=True)
                c, _ = s.accept()
                data, fds, _, _ = socket.recv_fds(c, 65536, 4)
                os.write(fds[0], b'x' * 8)
                socket.send_fds(c, [data[::-1]], [fds[0]])
                c.send(b'y' * 70000)
                """,
                path)
            .start();
    assertEquals("up", server.inputReader().readLine());
    int socket = linux.connectSeqpacket(path);
    int event = linux.eventFd();
    try {
      byte[] hello = {1, 2, 3};
      assertTrue(linux.send(socket, hello, hello.length, List.of(event), true));
      byte[] buffer = new byte[65_536];
      Linux.Received received = linux.receive(socket, buffer, true);
      assertNotNull(received);
      assertEquals(3, received.length());
      assertArrayEquals(new byte[] {3, 2, 1}, Arrays.copyOf(buffer, 3));
      assertEquals(1, received.descriptors().size());
      received.descriptors().forEach(linux::close);
      Linux.Received large = linux.receive(socket, buffer, true);
      assertNotNull(large);
      assertTrue(large.truncated());
      assertTrue(server.waitFor(10, TimeUnit.SECONDS));
      Linux.Received end = linux.receive(socket, buffer, false);
      assertNotNull(end);
      assertEquals(0, end.length());
    } finally {
      linux.close(event);
      linux.close(socket);
      server.destroyForcibly();
    }
  }
}
