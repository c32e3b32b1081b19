package orch.controller.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

final class HeldActionsTest {
  private final List<String> happened = new ArrayList<>();
  private final HeldActions held = new HeldActions();

  @Test
  void whatIsCommittedAlreadyHappensAtOnce() {
    held.add(3, 3, action("a"));
    assertEquals(List.of("a"), happened);
  }

  @Test
  void whatIsNotWaitsForItsRevision() {
    held.add(4, 3, action("a"));
    held.add(5, 3, action("b"));
    assertEquals(List.of(), happened);
    held.release(4);
    assertEquals(List.of("a"), happened);
    held.release(9);
    assertEquals(List.of("a", "b"), happened);
  }

  @Test
  void oneCommitReleasesAllOfItsRevisionAndBefore() {
    held.add(4, 3, action("a"));
    held.add(5, 3, action("b"));
    held.add(5, 3, action("c"));
    held.release(5);
    assertEquals(List.of("a", "b", "c"), happened);
  }

  @Test
  void anActionThatAddsAnotherDoesNotOvertakeWhatWaits() {
    held.add(
        4,
        3,
        new HeldActions.Action() {
          @Override
          public void run() {
            happened.add("a");
            held.add(4, 4, action("c"));
          }

          @Override
          public void lost() {}
        });
    held.add(4, 3, action("b"));
    held.release(4);
    assertEquals(List.of("a", "b", "c"), happened);
  }

  @Test
  void whatWaitsIsLostWithTheLeadership() {
    held.add(4, 3, action("a"));
    held.lose();
    held.release(9);
    assertEquals(List.of("a lost"), happened);
  }

  private HeldActions.Action action(String name) {
    return new HeldActions.Action() {
      @Override
      public void run() {
        happened.add(name);
      }

      @Override
      public void lost() {
        happened.add(name + " lost");
      }
    };
  }
}
