package orch.agent.service;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import orch.agent.process.DescriptorKeeper;
import orch.agent.process.DescriptorKeeper.Held;
import org.junit.jupiter.api.Test;

class LauncherCopiesTest {
  private final Queue<Runnable> loop = new ArrayDeque<>();
  private final LauncherCopies copies = new LauncherCopies(this, loop::add);
  private final List<String> asked = new ArrayList<>();
  private final DescriptorKeeper launcher =
      new DescriptorKeeper() {
        @Override
        public void keep(String name, int descriptor, boolean queue) {
          asked.add("keep " + name + " " + descriptor + (queue ? " queue" : ""));
        }

        @Override
        public void release(String name) {
          asked.add("release " + name);
        }
      };

  private void expectOfTheLoop(String... words) {
    for (Runnable next = loop.poll(); next != null; next = loop.poll()) {
      next.run();
    }
    expect(words);
  }

  private void expect(String... words) {
    assertEquals(List.of(words), asked);
    asked.clear();
  }

  @Test
  void whatChangesIsAskedForOnceOnTheLoop() {
    copies.connected(List.of(), launcher);
    copies.want("a", 5, true);
    copies.want("b", 6, false);
    copies.unwant("b");
    expect();
    expectOfTheLoop("keep a 5 queue");
    copies.unwant("a");
    expectOfTheLoop("release a");
    copies.unwant("a");
    expectOfTheLoop();
  }

  @Test
  void anotherUnderTheNameOfTheFirstReplacesIt() {
    copies.connected(List.of(), launcher);
    copies.want("a", 5, true);
    expectOfTheLoop("keep a 5 queue");
    copies.unwant("a");
    copies.want("a", 5, true);
    expectOfTheLoop("keep a 5 queue");
    copies.want("a", 6, true);
    copies.unwant("a");
    expectOfTheLoop("release a");
  }

  @Test
  void whatIsNotWantedAnyMoreIsReleasedAtTheNextConnection() {
    copies.connected(List.of(), launcher);
    copies.want("a", 5, false);
    copies.want("b", 6, false);
    expectOfTheLoop("keep a 5", "keep b 6");
    // What is asked of a connection that is down goes nowhere.
    copies.unwant("a");
    expectOfTheLoop("release a");
    copies.connected(List.of(new Held("a", 7, false), new Held("b", 8, false)), launcher);
    expect("release a");
  }

  @Test
  void aLauncherThatHasNothingIsGivenEverything() {
    copies.want("a", 5, false);
    copies.connected(List.of(), launcher);
    expect("keep a 5");
    expectOfTheLoop();
    copies.connected(List.of(), launcher);
    expect("keep a 5");
  }

  @Test
  void whatTheLauncherShutIsReplaced() {
    copies.want("a", 5, true);
    copies.connected(List.of(new Held("a", 7, true)), launcher);
    expect("keep a 5 queue");
  }
}
