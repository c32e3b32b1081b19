package orch.controller.core;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.TreeMap;
import orch.controller.convert.StateCodec;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SnapshotTest {
  private static final StateCodec CODEC = new StateCodec();

  /** So small that a small state has many sections and slices. */
  private static final Snapshot.Sizes SIZES = new Snapshot.Sizes(4_000, 700, 20);

  /** Where the log would keep the sections. */
  private static final class Kept implements Snapshot.Sink {
    private final TreeMap<Long, byte[]> before;
    final TreeMap<Long, byte[]> sections = new TreeMap<>();
    final List<byte[]> inOrder = new ArrayList<>();
    int written;

    Kept(TreeMap<Long, byte[]> before) {
      this.before = before;
    }

    @Override
    public void write(Section section, byte[] bytes) {
      sections.put(section.id(), bytes);
      inOrder.add(bytes);
      written++;
    }

    @Override
    public void keep(Section section) {
      byte[] bytes = before.get(section.id());
      sections.put(section.id(), bytes);
      inOrder.add(bytes);
    }
  }

  private static Kept whole(State state) {
    Snapshot snapshot = state.freeze(CODEC, true, SIZES);
    Kept kept = new Kept(new TreeMap<>());
    while (!snapshot.slice(kept)) {}
    return kept;
  }

  /** The state as it comes back from its checkpoint. */
  static State loaded(State state) {
    return load(whole(state).inOrder);
  }

  private static State load(List<byte[]> sections) {
    StateLoader loader = new StateLoader(CODEC);
    sections.forEach(loader::add);
    return loader.finish();
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 3, 4, 5, 6})
  void aLoadedCheckpointIsTheStateThatWasFrozenWhateverHappenedMeanwhile(long seed) {
    Random random = new Random(seed);
    RandomLife life = new RandomLife(seed);
    TreeMap<Long, byte[]> inForce = new TreeMap<>();
    int checkpoints = 0;
    int keptOnes = 0;
    for (int round = 0; round < 25; round++) {
      for (int i = random.nextInt(12); i >= 0; i--) {
        life.step();
      }
      long hash = life.scene.state.hash();
      Snapshot snapshot = life.scene.state.freeze(CODEC, false, SIZES);
      Kept kept = new Kept(inForce);
      while (!snapshot.slice(kept)) {
        if (random.nextInt(3) > 0) {
          life.step();
        }
      }
      assertEquals(hash, load(kept.inOrder).hash(), "seed " + seed + ", round " + round);
      keptOnes += kept.inOrder.size() - kept.written;
      if (random.nextInt(5) > 0) {
        snapshot.written();
        inForce = kept.sections;
      }
      checkpoints++;
    }
    assertEquals(25, checkpoints);
    assertTrue(keptOnes > 0, "some sections were not written again");
  }

  @ParameterizedTest
  @ValueSource(longs = {11, 12, 13, 14})
  void aLoadedStateGoesOnAsTheOneThatWasNeverAway(long seed) {
    RandomLife life = new RandomLife(seed);
    for (int i = 0; i < 60; i++) {
      life.step();
    }
    State loaded = load(whole(life.scene.state).inOrder);
    life.scene.recording = true;
    for (int i = 0; i < 100; i++) {
      life.scene.applied.clear();
      life.step();
      life.scene.applied.forEach(one -> loaded.apply(one.change(), one.now()));
      assertEquals(life.scene.state.hash(), loaded.hash(), "seed " + seed + ", step " + i);
    }
  }

  @Test
  void aLoadedStateDecidesAsTheOneThatWasNeverAway() {
    for (long seed = 21; seed < 26; seed++) {
      RandomLife life = new RandomLife(seed);
      for (int i = 0; i < 60; i++) {
        life.step();
      }
      RandomLife other = new RandomLife(seed);
      for (int i = 0; i < 60; i++) {
        other.step();
      }
      other.scene.state = load(whole(other.scene.state).inOrder);
      life.scene.newLeader();
      other.scene.newLeader();
      for (int i = 0; i < 60; i++) {
        life.step();
        other.step();
        assertEquals(
            life.scene.state.hash(), other.scene.state.hash(), "seed " + seed + ", step " + i);
        assertEquals(life.scene.last, other.scene.last, "seed " + seed + ", step " + i);
      }
    }
  }

  @Test
  void theBrakeAndWhoMayJoinAreThereAgain() {
    Scene scene = Scene.given();
    scene.node("a", 8, 8).node("b", 8, 8);
    scene.hello("c-other", Scene.describe("x", 8, 8));
    scene.answer(new Input.AdoptNode(Scene.meta(), "x"));
    scene.hello("c-other", Scene.describe("y", 8, 8));
    scene.on(new Input.NodeSilent("uid-a", scene.bootNanos, null));
    scene.on(new Input.NodeSilent("uid-b", scene.bootNanos, null));
    scene.after(java.time.Duration.ofSeconds(1));
    scene.answer(new Input.ReplaceNode(Scene.meta(), "a", "uid-new", true));
    assertEquals(FleetBrake.ON, scene.state.brake);
    State loaded = load(whole(scene.state).inOrder);
    assertEquals(scene.state.hash(), loaded.hash());
    assertEquals(scene.state.cluster().warnings(), loaded.cluster().warnings());
  }

  @Test
  void whatIsDerivedIsThereAgain() {
    RandomLife life = new RandomLife(7);
    for (int i = 0; i < 150; i++) {
      life.step();
    }
    State state = life.scene.state;
    State loaded = load(whole(state).inOrder);
    assertEquals(state.liveJobs.keySet(), loaded.liveJobs.keySet());
    assertEquals(state.jobsByName, loaded.jobsByName);
    assertEquals(state.jobsByOwner, loaded.jobsByOwner);
    assertEquals(
        List.copyOf(state.jobsBySequence.keySet()), List.copyOf(loaded.jobsBySequence.keySet()));
    assertEquals(numbers(state), numbers(loaded));
    assertEquals(counts(state), counts(loaded));
    assertEquals(state.taskCount, loaded.taskCount);
    assertEquals(state.nodesByUid.keySet(), loaded.nodesByUid.keySet());
    for (Job job : state.jobs.values()) {
      Job same = loaded.jobOf(job.number);
      assertEquals(job.special, same.special, "job " + job.number);
      assertEquals(job.dependents, same.dependents, "job " + job.number);
      assertEquals(job.tasks.counts(true), same.tasks.counts(true), "job " + job.number);
      assertEquals(job.inRunnable, same.inRunnable, "job " + job.number);
    }
    for (Node node : state.nodes) {
      Node same = loaded.nodeOf(node.number);
      assertEquals(node.slot.allocated(), same.slot.allocated());
      assertEquals(node.slot.traits(), same.slot.traits());
      assertEquals(node.slot.closedFor(), same.slot.closedFor());
      assertEquals(node.inventory(state).value(), same.inventory(loaded).value());
    }
  }

  private static List<Long> numbers(State state) {
    return state.runnable.stream().map(job -> job.number).toList();
  }

  private static String counts(State state) {
    TreeMap<String, Long> counts = new TreeMap<>();
    state.jobCounts.forEach((of, count) -> {
      if (count > 0) {
        counts.put(of.name(), count);
      }
    });
    return counts.toString();
  }

  @Test
  void onlyWhatWasAlteredIsWrittenAgain() {
    Scene scene = Scene.given().node("n1", 64, 64);
    scene.comparing = false;
    for (int i = 0; i < 300; i++) {
      scene.job(Scene.batch("s" + i));
    }
    scene.scheduling = false;
    Snapshot first = scene.state.freeze(CODEC, false, SIZES);
    Kept before = new Kept(new TreeMap<>());
    while (!first.slice(before)) {}
    first.written();
    assertTrue(before.written > 10, "a state of several sections");
    scene.cancel(150);
    Snapshot second = scene.state.freeze(CODEC, false, SIZES);
    Kept after = new Kept(before.sections);
    while (!second.slice(after)) {}
    assertEquals(3, after.written, "the cluster's section, that of the job, and the last");
    assertEquals(scene.state.hash(), load(after.inOrder).hash());
  }

  @Test
  void sectionsOfDeletedJobsAreJoined() {
    Scene scene = Scene.given();
    scene.comparing = false;
    for (int i = 0; i < 300; i++) {
      scene.job(Scene.batch("s" + i));
    }
    Snapshot first = scene.state.freeze(CODEC, false, SIZES);
    Kept before = new Kept(new TreeMap<>());
    while (!first.slice(before)) {}
    first.written();
    for (long number = 1; number <= 300; number++) {
      if (number % 20 != 0) {
        scene.cancel(number);
        scene.answer(new Input.DeleteJob(Scene.meta(), number));
      }
    }
    Snapshot second = scene.state.freeze(CODEC, false, SIZES);
    Kept after = new Kept(before.sections);
    while (!second.slice(after)) {}
    assertTrue(after.inOrder.size() < 6, after.inOrder.size() + " of " + before.inOrder.size());
    assertEquals(scene.state.hash(), load(after.inOrder).hash());
  }

  @Test
  void tasksCannotBeAlteredBehindTheBackOfASnapshot() {
    Scene scene = Scene.given().node("n1", 4, 8);
    long number = scene.job(Scene.array("a", 3));
    Job job = scene.state.jobOf(number);
    Snapshot snapshot = scene.state.freeze(CODEC, false, SIZES);
    assertThrows(InvariantError.class, () -> job.tasks.writable(0));
    snapshot.abandon();
  }

  @Test
  void everyTextComesBackAsItWas() {
    for (String text : List.of("", "web", "ümläut ☃ 😀", "\ud83d", "\ude00\ud83d", "\0\uffff")) {
      assertEquals(text, Text.decode(Text.encode(text)));
    }
  }

  @Test
  void aMissingSectionIsNoticed() {
    Scene scene = Scene.given().node("n1", 4, 8);
    scene.comparing = false;
    for (int i = 0; i < 300; i++) {
      scene.job(Scene.batch("s" + i));
    }
    List<byte[]> sections = whole(scene.state).inOrder;
    StateLoader loader = new StateLoader(CODEC);
    sections.subList(0, sections.size() - 1).forEach(loader::add);
    var thrown = assertThrows(UnreadableStateException.class, loader::finish);
    assertTrue(thrown.getMessage().startsWith("the checkpoint is not whole"), thrown.getMessage());
  }

  @Test
  void whatANewerVersionWroteIsNamed() {
    PartWriter kind = new PartWriter();
    kind.varint(99);
    StateLoader loader = new StateLoader(CODEC);
    var thrown = assertThrows(UnreadableStateException.class, () -> loader.add(kind.toByteArray()));
    assertEquals(
        "the checkpoint has a part of kind 99, which this version does not know; upgrade this"
            + " controller",
        thrown.getMessage());
    PartWriter cluster = new PartWriter();
    cluster.number(77, 1);
    PartWriter section = new PartWriter();
    section.varint(SnapshotParts.CLUSTER);
    section.varint(cluster.size());
    section.raw(cluster);
    thrown = assertThrows(UnreadableStateException.class, () -> loader.add(section.toByteArray()));
    assertEquals(
        "the checkpoint has field 77 in the cluster, which this version does not know; upgrade"
            + " this controller",
        thrown.getMessage());
  }

  @Test
  void damageIsAnErrorAndNeverAnythingElse() {
    RandomLife life = new RandomLife(5);
    for (int i = 0; i < 40; i++) {
      life.step();
    }
    byte[] section = whole(life.scene.state).inOrder.getFirst();
    Random random = new Random(1);
    for (int i = 0; i < 300; i++) {
      byte[] damaged = section.clone();
      damaged[random.nextInt(damaged.length)] ^= (byte) (1 << random.nextInt(8));
      try {
        load(List.of(damaged));
      } catch (RuntimeException expected) {
        // The checksum of the section is what finds damage; here it must only come to an end.
      }
    }
  }
}
