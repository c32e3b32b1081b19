package orch.controller.core;

import static orch.controller.core.Scene.describe;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.List;
import orch.api.model.AgentMessage;
import orch.api.model.NodeDescription;
import orch.api.model.NodeState;
import org.junit.jupiter.api.Test;

/** Who may be which node. */
final class IdentityTest {
  private final Scene scene = Scene.given();
  private long session = 100;

  private static NodeDescription machine(String name, String uid, String machineId) {
    NodeDescription of = describe(name, 8, 8);
    return new NodeDescription(
        uid,
        name,
        machineId,
        of.bootId(),
        of.agentVersion(),
        of.labels(),
        of.attributes(),
        of.capacity(),
        of.missingLimits(),
        of.user());
  }

  private String refusal() {
    List<Effect.Refuse> refusals = scene.effects(Effect.Refuse.class);
    return refusals.isEmpty() ? "" : refusals.getFirst().rejection().reason();
  }

  private void gone(String name) {
    scene.on(new Input.NodeSilent("uid-" + name, scene.bootNanos, null));
  }

  private boolean warned(String text) {
    return scene.state.cluster().warnings().stream().anyMatch(of -> of.contains(text));
  }

  // ---- replaced

  @Test
  void anotherMachineUnderATakenNameIsRefusedAndBothAreShown() {
    scene.node("a", 8, 8);
    scene.hello(machine("a", "uid-new", "machine-new"));
    assertEquals("NODE_NAME_TAKEN", refusal());
    assertEquals("uid-a", scene.nodeView("a").uid());
    assertTrue(warned("orchctl node replace a"));
    assertTrue(warned("uid-new"));
  }

  @Test
  void aRefusalThatIsRepeatedIsLoggedOnce() {
    scene.node("a", 8, 8);
    scene.hello(machine("a", "uid-new", "machine-new"));
    assertEquals(1, scene.last.changes().size());
    scene.hello(machine("a", "uid-new", "machine-new"));
    assertEquals(List.of(), scene.last.changes());
  }

  @Test
  void whoAsksNoMoreIsForgottenAfterAWhile() {
    scene.node("a", 8, 8);
    scene.hello(machine("a", "uid-new", "machine-new"));
    scene.after(Duration.ofMinutes(9));
    assertTrue(warned("uid-new"));
    scene.after(Duration.ofMinutes(2));
    assertTrue(!warned("uid-new"));
  }

  @Test
  void anOperatorLetsAnotherMachineHaveTheName() {
    scene.node("a", 8, 8);
    long job = scene.job(Scene.batch("web"));
    scene.running(job, 0);
    scene.hello(machine("a", "uid-new", "machine-new"));
    assertEquals("NODE_ANSWERS", replace("", true));
    gone("a");
    assertEquals("NOT_VERIFIED", replace("", false));
    assertEquals("", replace("", true));
    assertEquals(NodeState.GONE, scene.nodeView("a").state());
    assertEquals("node a is gone", scene.state.attempts(job, 0).getFirst().reason());
    scene.hello(machine("a", "uid-other", "machine-other"));
    assertEquals("NODE_NAME_TAKEN", refusal(), "the name was given to one uid");
    scene.hello(machine("a", "uid-new", "machine-new"));
    assertEquals("", refusal());
    assertEquals("uid-new", scene.nodeView("a").uid());
    assertTrue(!warned("uid-new"));
  }

  private String replace(String uid, boolean verified) {
    Answer answer = scene.answer(new Input.ReplaceNode(Scene.meta(), "a", uid, verified));
    return answer instanceof Answer.Rejected(Rejection why) ? why.reason() : "";
  }

  @Test
  void aMachineThatWasReplacedIsRefusedUnderItsOldName() {
    scene.node("a", 8, 8);
    gone("a");
    assertEquals("NO_SUCCESSOR", replace("", true));
    assertEquals("", replace("uid-new", true));
    scene.hello(describe("a", 8, 8));
    assertEquals("NODE_REPLACED", refusal());
    scene.hello(machine("a-old", "uid-a", "machine-a"));
    assertEquals("", refusal());
    assertEquals(NodeState.READY, scene.nodeView("a-old").state());
  }

  // ---- cloned, doubled

  @Test
  void aDataDirectoryThatWasCopiedToAnotherMachineIsNoSecondNode() {
    scene.node("a", 8, 8);
    scene.hello(machine("a", "uid-a", "machine-other"));
    assertEquals("NODE_CLONED", refusal());
    assertTrue(warned("was made on another machine"));
  }

  @Test
  void theSecondOfTwoLivingAgentsWithOneUidIsRefusedAndBothAreShown() {
    scene.node("a", 8, 8);
    AgentMessage.Hello second =
        new AgentMessage.Hello(1, Scene.CLUSTER, 1, 1, 0, describe("a", 8, 8), 0, 0, 0, "i-2");
    scene.on(new Input.NodeHello(++session, second, true));
    assertEquals("NODE_DOUBLED", refusal());
    assertEquals(NodeState.READY, scene.nodeView("a").state());
    assertTrue(warned("copies of one data directory"));
  }

  // ---- foreign

  @Test
  void aNodeOfAnotherClusterIsTakenInOnAnOperatorsWordOnly() {
    scene.hello("c-other", describe("a", 8, 8));
    assertEquals("FOREIGN_CLUSTER", refusal());
    assertTrue(warned("orchctl node adopt a"));
    scene.hello("c-other", describe("a", 8, 8));
    assertEquals("FOREIGN_CLUSTER", refusal());
    assertInstanceOf(Answer.Done.class, scene.answer(new Input.AdoptNode(Scene.meta(), "a")));
    scene.hello("c-other", describe("a", 8, 8));
    assertEquals("", refusal());
    assertEquals("c-other", scene.effects(Effect.Welcome.class).getFirst().adoptedFrom());
    assertEquals(NodeState.READY, scene.nodeView("a").state());
  }

  @Test
  void afterAnAdoptionNoUidIsMadeThatTheNodeMayKnow() {
    scene.hello("c-other", describe("a", 8, 8));
    scene.answer(new Input.AdoptNode(Scene.meta(), "a"));
    scene.hello("c-other", describe("a", 8, 8));
    long job = scene.job(Scene.batch("web"));
    assertEquals(2, scene.attempt(job, 0).uid().incarnation(), "the node obeyed incarnation 1");
  }

  @Test
  void anotherNodeOfThatClusterIsNotTakenInWithIt() {
    scene.hello("c-other", describe("a", 8, 8));
    scene.answer(new Input.AdoptNode(Scene.meta(), "a"));
    scene.hello("c-other", describe("b", 8, 8));
    assertEquals("FOREIGN_CLUSTER", refusal());
    assertEquals(
        "NOTHING_TO_ADOPT",
        scene.refused(scene.answer(new Input.AdoptNode(Scene.meta(), "nobody"))).reason());
  }
}
