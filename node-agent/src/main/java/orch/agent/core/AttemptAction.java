package orch.agent.core;

/** What a transition makes the agent do. */
enum AttemptAction {
  NONE("nothing"),
  /** Hands it to the launcher, or keeps it ready while there is none. */
  START("hand it to the launcher"),
  /** Asks the launcher for the stop sequence. */
  STOP("stop its task"),
  /** The same, because its time is over. */
  STOP_LATE("stop its task, timed out"),
  /** The same, because no leader has renewed its lease. */
  STOP_UNLEASED("stop its task, no lease"),
  /** The same, because the agent gives it up. */
  STOP_SURRENDERED("stop its task, given up by the agent"),
  /** Asks for the same again, as its shim may be gone. */
  STOP_AGAIN("ask for the stop again"),
  /** Ends it as never run. */
  DROP("report it dropped"),
  /** Ends it as the launcher says. */
  END("report its result"),
  /** Nobody can tell how it ended. */
  END_UNKNOWN("report an unknown end"),
  /** Says again how it stands. */
  REPORT("report it again"),
  REPORT_STUCK("report it stuck"),
  NOTE_START("report it running"),
  WARN("send its warning signal"),
  /** Takes the order's spec, which sets its timers. */
  TAKE_ORDER("take the order"),
  /** Acknowledges it to the journal and leaves a tombstone. */
  BURY("ack it to the journal, leave a tombstone");

  private final String meaning;

  AttemptAction(String meaning) {
    this.meaning = meaning;
  }

  String meaning() {
    return meaning;
  }
}
