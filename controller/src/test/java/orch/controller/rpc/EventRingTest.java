package orch.controller.rpc;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import orch.v1.Event;
import orch.v1.EventKind;
import org.junit.jupiter.api.Test;

class EventRingTest {
  private final EventRing ring = new EventRing(4, 3);

  private static Event event(EventKind kind, long revision) {
    return Event.newBuilder().setKind(kind).setRevision(revision).build();
  }

  private void task(long revision) {
    ring.add(List.of(event(EventKind.EVENT_KIND_TASK, revision)));
  }

  private void job(long revision) {
    ring.add(List.of(event(EventKind.EVENT_KIND_JOB, revision)));
  }

  private List<Long> page(long below, int most) {
    return ring.page(event -> true, true, true, below, most).entries().stream()
        .map(EventRing.Entry::sequence)
        .toList();
  }

  @Test
  void theNewestComeFirstInPages() {
    task(1);
    job(2);
    task(3);
    assertEquals(List.of(3L, 2L), page(0, 2));
    assertEquals(List.of(1L), page(2, 2));
    assertTrue(ring.page(event -> true, true, true, 0, 2).more());
    assertFalse(ring.page(event -> true, true, true, 0, 3).more());
  }

  @Test
  void aFloodOfTasksDoesNotPushOutWhatHappenedToJobs() {
    job(1);
    for (int i = 0; i < 100; i++) {
      task(2 + i);
    }
    assertEquals(List.of(101L, 100L, 99L, 98L, 1L), page(0, 10));
  }

  @Test
  void whatIsNotKeptAnyMoreIsSaidOfTheKindsThatAreAskedFor() {
    job(1);
    for (int i = 0; i < 5; i++) {
      task(2 + i);
    }
    assertTrue(ring.page(event -> true, true, true, 0, 10).compacted());
    assertFalse(ring.page(event -> true, false, true, 0, 10).compacted());
  }

  @Test
  void aWatchGetsEachEventOnceAndInOrder() throws Exception {
    task(1);
    job(1);
    task(2);
    List<EventRing.Entry> all = assertNotNull2(ring.after(0, 0));
    assertEquals(List.of(1L, 2L, 3L), all.stream().map(EventRing.Entry::sequence).toList());
    assertEquals(List.of(), ring.after(3, 1));
    job(3);
    assertEquals(4, assertNotNull2(ring.after(3, 1)).getFirst().sequence());
  }

  private static List<EventRing.Entry> assertNotNull2(List<EventRing.Entry> entries) {
    assertNotNull(entries);
    return entries;
  }

  @Test
  void aWatchThatFellBehindIsTold() throws Exception {
    for (int i = 0; i < 6; i++) {
      task(1 + i);
    }
    assertNull(ring.after(1, 0));
    assertNotNull(ring.after(2, 0));
  }

  @Test
  void aTokenOfAnotherControllerGoesOnByItsRevision() {
    job(5);
    task(5);
    job(6);
    assertEquals(2, ring.afterRevision(5));
    assertEquals(3, ring.afterRevision(9));
    ring.restart(20);
    assertEquals(-1, ring.afterRevision(19));
    assertEquals(3, ring.afterRevision(20));
    job(21);
    assertEquals(3, ring.afterRevision(20));
  }

  @Test
  void afterAGapNothingOlderIsShown() throws Exception {
    task(1);
    ring.restart(10);
    assertEquals(List.of(), page(0, 10));
    assertTrue(ring.page(event -> true, true, true, 0, 10).compacted());
    assertNull(ring.after(0, 0));
  }
}
