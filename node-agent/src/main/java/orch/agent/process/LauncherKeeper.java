package orch.agent.process;

import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.BiConsumer;
import orch.agent.linux.Linux;

/** What the launcher of one connection keeps. Belongs to the agent's loop. */
final class LauncherKeeper implements DescriptorKeeper {
  private final Linux linux;
  private final BiConsumer<byte[], List<Integer>> sending;
  private final List<Held> held = new ArrayList<>();
  private boolean able;
  private boolean complete;
  private boolean closed;

  /** {@code sending} sends a message to the launcher, with descriptors. */
  LauncherKeeper(Linux linux, BiConsumer<byte[], List<Integer>> sending) {
    this.linux = linux;
    this.sending = sending;
  }

  /** Asks a launcher that keeps anything what it has. */
  void welcome(long capabilities) {
    able = (capabilities & Protocol.CAP_KEEP) != 0;
    complete = !able;
    if (able) {
      sending.accept(Outgoing.keptGet(), List.of());
    }
  }

  void found(Incoming.Kept of, int descriptor) {
    if (descriptor >= 0) {
      held.add(new Held(of.name(), descriptor, of.kind() == Protocol.KEEP_SHUT));
    }
  }

  /** There is no more. */
  void foundAll() {
    complete = true;
  }

  boolean complete() {
    return complete;
  }

  void hand(PassedDescriptors to) {
    Set<String> taken = to.connected(List.copyOf(held), this);
    held.removeIf(each -> taken.contains(each.name()));
    closeHeld();
  }

  /** The connection is closed. */
  void close() {
    closed = true;
    closeHeld();
  }

  private void closeHeld() {
    held.forEach(each -> linux.close(each.descriptor()));
    held.clear();
  }

  @Override
  public void keep(String name, int descriptor, boolean queue) {
    if (able && !closed) {
      int kind = queue ? Protocol.KEEP_QUEUE : Protocol.KEEP_PLAIN;
      sending.accept(Outgoing.keep(name, kind), List.of(descriptor));
    }
  }

  @Override
  public void release(String name) {
    if (able && !closed) {
      sending.accept(Outgoing.unkeep(name), List.of());
    }
  }
}
