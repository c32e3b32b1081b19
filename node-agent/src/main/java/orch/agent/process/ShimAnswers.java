package orch.agent.process;

import java.util.HashMap;
import java.util.Map;
import orch.agent.linux.Linux;
import orch.agent.process.CommandPort.InputAnswer;
import orch.agent.process.LauncherPort.SignalOutcome;

/** Who waits for what shims answer to signals and questions. Belongs to the agent's loop. */
final class ShimAnswers {
  private final Linux linux;
  private final Map<Long, SignalOutcome> signals = new HashMap<>();
  private final Map<Long, InputAnswer> inputs = new HashMap<>();

  ShimAnswers(Linux linux) {
    this.linux = linux;
  }

  void expect(int slot, long seq, SignalOutcome outcome) {
    signals.put(key(slot, seq), outcome);
  }

  void expect(int slot, long seq, InputAnswer answer) {
    inputs.put(key(slot, seq), answer);
  }

  void done(Incoming.Done of) {
    SignalOutcome outcome = signals.remove(key(of.slot(), of.seq()));
    if (outcome != null) {
      outcome.done(of.count(), of.errno() == 0 ? "" : "errno " + of.errno());
    }
  }

  /** {@code descriptor} is closed when nobody waits for it any more. */
  void input(Incoming.Input of, int descriptor) {
    InputAnswer answer = inputs.remove(key(of.slot(), of.seq()));
    if (answer != null) {
      answer.input(descriptor);
    } else if (descriptor >= 0) {
      linux.close(descriptor);
    }
  }

  /** Whether it was one of these that was refused. */
  boolean refused(Incoming.Refused of) {
    SignalOutcome outcome = signals.remove(key(of.slot(), of.seq()));
    if (outcome != null) {
      outcome.done(0, of.text());
      return true;
    }
    InputAnswer answer = inputs.remove(key(of.slot(), of.seq()));
    if (answer != null) {
      answer.input(-1);
      return true;
    }
    return false;
  }

  void noSignals(String why) {
    signals.values().forEach(outcome -> outcome.done(0, why));
    signals.clear();
  }

  void noInputs() {
    inputs.values().forEach(answer -> answer.input(-1));
    inputs.clear();
  }

  private static long key(int slot, long seq) {
    return (long) slot << 40 | seq;
  }
}
