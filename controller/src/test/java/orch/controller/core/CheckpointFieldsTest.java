package orch.controller.core;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.reflect.Modifier;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import orch.api.model.Result;
import orch.api.model.StageTimes;
import orch.api.model.StartFailure;
import orch.api.model.Uid;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every field of the state is either in a checkpoint or made anew from one. Whoever adds a field
 * adds it to the part's {@code encode} and {@code decode} under a new number, or derives it in
 * {@link StateLoader}, and then says so here.
 */
class CheckpointFieldsTest {
  private record Fields(Class<?> of, List<String> encoded, List<String> notEncoded) {
    @Override
    public String toString() {
      return of.getSimpleName();
    }
  }

  private static Fields fields(Class<?> of, String encoded, String notEncoded) {
    return new Fields(of, words(encoded), words(notEncoded));
  }

  private static List<String> words(String text) {
    return text.isEmpty() ? List.of() : List.of(text.split(" "));
  }

  static Stream<Fields> everyClass() throws ClassNotFoundException {
    return Stream.of(
        fields(
            State.class,
            "clusterId incarnation epoch leader formatLevel createNanos epochNanos nowNanos"
                + " nextSequence nextNumber terms requests jobs nodes nodesByName restoreNanos"
                + " restoredIncarnation brake brakeReason refused admitted",
            "jobsBySequence liveJobs jobsByName jobsByOwner runnable jobCounts taskCount workStamp"
                + " decisionNanos fleet nodesByUid jobChanges attemptChanges nodeChanges views"
                + " listings explainer freeze opener plan restoreChanges"),
        fields(State.Term.class, "incarnation epoch", ""),
        fields(
            Job.class,
            "number uid namespace name owner traceId traceState dependsOn afterJob submitNanos"
                + " tasks versions minVersion state reason blocked ending endingReason startNanos"
                + " endNanos exitCode deadlineNanos nodes suspendReason",
            "dependents special watchedByIndex inRunnable cursor infeasibleAt ready"),
        fields(Job.Version.class, "number spec nanos principal", "demand live hash hashed"),
        fields(TaskStore.class, "chunks size rest", "counts freeze generation"),
        fields(
            Chunk.class,
            "state attemptState attempts term sequence node placeNanos startNanos endNanos results"
                + " stages extras",
            "waiting live generation"),
        fields(
            Class.forName("orch.controller.core.Chunk$Results"),
            "kind siCode siStatus oomKilled cpuUserMicros cpuSystemMicros memoryPeakBytes logBytes"
                + " oomKills logLostBytes",
            ""),
        fields(
            Extra.class,
            "taskReason attemptReason ports version startFailure stopCause stopGrace stopReason"
                + " delayMillis nextDelayMillis memoryBytes elsewhere counted step times history"
                + " readiness",
            ""),
        fields(
            Node.class,
            "number registerNanos description labels contact contactReason contactNanos"
                + " availability availabilityReason drainGrace bootSequence settled reconciled"
                + " held heir foreignBelow",
            "slot live generation"),
        fields(
            HeldAttempt.class,
            "uid jobUid jobNumber index attempt startNanos sinceNanos stopping",
            ""),
        fields(Requests.class, "pages", "byId freeze first next"),
        fields(Requests.Answered.class, "principal bodyHash millis answer", ""),
        fields(
            PastAttempt.class,
            "number uid state reason node placeNanos startNanos endNanos result version ports"
                + " stages",
            ""),
        fields(
            Result.class,
            "kind siCode siStatus startFailure oomKilled oomKills cpuUserMicros cpuSystemMicros"
                + " memoryPeakBytes logBytes logLostBytes",
            ""),
        fields(
            StageTimes.class,
            "acceptNanos commitNanos placeNanos sendNanos receiveNanos launchNanos execNanos"
                + " exitNanos recordNanos reportNanos ackNanos",
            ""),
        fields(StartFailure.class, "stage errno message", ""),
        fields(Uid.class, "incarnation epoch sequence", ""));
  }

  @ParameterizedTest
  @MethodSource("everyClass")
  void everyFieldIsInACheckpointOrMadeAnew(Fields fields) {
    TreeSet<String> known = new TreeSet<>(fields.encoded());
    known.addAll(fields.notEncoded());
    TreeSet<String> there =
        Arrays.stream(fields.of().getDeclaredFields())
            .filter(field -> !Modifier.isStatic(field.getModifiers()) && !field.isSynthetic())
            .map(field -> field.getName())
            .collect(Collectors.toCollection(TreeSet::new));
    assertEquals(
        known,
        there,
        "a field of "
            + fields
            + " came or went: see to it in the checkpoint's encode and decode (a new number, never"
            + " an old one), or in StateLoader, then list it here");
  }
}
