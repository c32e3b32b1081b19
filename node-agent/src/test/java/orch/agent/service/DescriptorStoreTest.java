package orch.agent.service;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import orch.agent.linux.JnaLinux;
import orch.agent.linux.Linux;
import orch.agent.service.DescriptorStore.TaskKey;
import orch.api.model.Uid;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Against the real kernel. The task always has a duplicate of what it leaves here. */
@Timeout(60)
class DescriptorStoreTest {
  private static final TaskKey TASK = new TaskKey(new Uid(1, 1, 1), 0);

  private final Linux linux = new JnaLinux();
  private WatchedDescriptors watched;
  private DescriptorStore store;
  private Linux.Pipe pipe;
  private int given;

  @BeforeEach
  void aTaskLeavesTheWritingEndOfAPipe() throws Exception {
    watched = new WatchedDescriptors(linux);
    store = new DescriptorStore(watched, new LauncherCopies(this, Runnable::run));
    pipe = linux.pipe();
    given = linux.duplicate(pipe.writing());
    assertTrue(store.keep(TASK, given, "pipe", true));
    assertEquals(List.of(), watched.ready());
  }

  @AfterEach
  void closeTheTasks() {
    linux.close(pipe.writing());
  }

  private void theOtherEndGoes() {
    linux.close(pipe.reading());
  }

  private void nothingIsReported() throws Exception {
    assertEquals(0, store.count());
    assertEquals(List.of(), watched.ready());
  }

  @Test
  void whatHangsUpIsReportedOnceAndClosed() throws Exception {
    theOtherEndGoes();
    List<Linux.Ready> ready = watched.ready();
    assertEquals(List.of(given), ready.stream().map(Linux.Ready::fd).toList());
    assertTrue(store.hungUp(given));
    nothingIsReported();
    assertFalse(store.hungUp(given));
  }

  @Test
  void whatTheTaskTookBackIsNotReported() throws Exception {
    assertEquals(1, store.remove(TASK, "pipe"));
    theOtherEndGoes();
    nothingIsReported();
  }

  @Test
  void whatNoAttemptCameForIsNotReported() throws Exception {
    store.ended(TASK, 1);
    store.expire(1 + DescriptorStore.KEEP_NANOS);
    theOtherEndGoes();
    nothingIsReported();
  }
}
