package orch.controller.port;

import java.util.List;

/** The controllers of the cluster that are alive. May be used by any thread; nothing blocks. */
public interface Membership {
  /**
   * Joins as {@code self}, which {@link #update} may replace.
   *
   * @param nameTaken called once, by any thread, if another living controller has the same name
   */
  void join(Member self, NameTaken nameTaken);

  /** This member changed: it leads, or no longer does. */
  void update(Member self);

  /** All that are alive, this one included, by name; may lag by a session's length. */
  List<Member> members();

  /** Leaves. */
  void close();

  @FunctionalInterface
  interface NameTaken {
    void by(Member other);
  }
}
