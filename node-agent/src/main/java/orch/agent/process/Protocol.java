package orch.agent.process;

/** Numbers of docs/launcher-protocol.md, version 1; the same as in {@code protocol.h}. */
final class Protocol {
  static final int MAGIC = 0x4843524F; // "ORCH"
  static final int VERSION = 1;
  static final int HEADER = 32;
  static final int MAX_DATAGRAM = 65_536;
  static final int MAX_START = 4 << 20;
  static final int FLAG_MORE = 1;
  static final int NO_SLOT = -1;

  // Types of messages.
  static final int HELLO = 1;
  static final int GROW = 2;
  static final int ACK = 3;
  static final int SYNC = 4;
  static final int SHUTDOWN = 5;
  static final int KEEP = 6;
  static final int UNKEEP = 7;
  static final int KEPT_GET = 8;
  static final int PING = 15;
  static final int START = 16;
  static final int SIGNAL = 17;
  static final int KILL = 18;
  static final int FREEZE = 19;
  static final int THAW = 20;
  static final int SET_DEADLINE = 21;
  static final int STOP = 22;
  static final int EXTEND_STOP = 23;
  static final int EXEC = 30;
  static final int EXEC_SIGNAL = 31;
  static final int INPUT_GET = 32;
  static final int INPUT_END = 33;
  static final int EXEC_STARTED = 35;
  static final int EXEC_FAILED = 36;
  static final int EXEC_EXITED = 37;
  static final int INPUT = 38;
  static final int SET_LEASE = 50;
  static final int WELCOME = 64;
  static final int SHIM = 65;
  static final int READY = 66;
  static final int GROWN = 67;
  static final int SHIM_DEAD = 68;
  static final int ACKED = 69;
  static final int SYNCED = 70;
  static final int KEPT = 71;
  static final int KEPT_ALL = 72;
  static final int PONG = 78;
  static final int REFUSED = 79;
  static final int STARTED = 80;
  static final int START_FAILED = 81;
  static final int LEADER_EXITED = 82;
  static final int EXITED = 83;
  static final int DONE = 84;
  static final int STOPPING = 85;
  static final int STUCK = 86;

  /** Most uids of one ACK. */
  static final int MAX_ACKS = 56;

  // Why a request was refused.
  static final int REFUSED_BUSY = 2;
  static final int REFUSED_STALE = 5;
  static final int REFUSED_CLAIMED = 7;
  static final int REFUSED_RETIRING = 9;
  static final int REFUSED_LEASE = 20;

  // Capabilities of a launcher.
  static final long CAP_CGROUP = 1;
  static final long CAP_KILL = 1 << 1;
  static final long CAP_ROOT = 1 << 4;
  static final long CAP_MEMORY = 1 << 8;
  static final long CAP_CPU = 1 << 9;
  static final long CAP_PIDS = 1 << 10;
  static final long CAP_IO = 1 << 11;
  static final long CAP_CPUSET = 1 << 12;
  static final long CAP_KEEP = 1 << 14;
  static final long CAP_EXTEND_STOP = 1 << 15;

  static final int KEEP_PLAIN = 0;
  static final int KEEP_QUEUE = 1;
  static final int KEEP_SHUT = 2;

  // TLVs of WELCOME.
  static final int W_RUN_DIR = 1;
  static final int W_JOURNAL_DIR = 2;
  static final int W_SEGMENTS_DIR = 3;
  static final int W_CGROUP = 4;
  static final int W_NOTE = 5;

  // Flags of START.
  static final long S_SETSID = 1;
  static final long S_STDERR_STDOUT = 1 << 1;
  static final long S_WAIT = 1 << 2;
  static final long S_NO_NEW_PRIVS = 1 << 3;
  static final long S_SEARCH_PATH = 1 << 4;
  static final long S_USER = 1 << 5;
  static final long S_CAPS = 1 << 6;
  static final long S_NICE = 1 << 7;
  static final long S_OOM_SCORE = 1 << 8;
  static final long S_UMASK = 1 << 9;
  static final long S_LISTEN_PID = 1 << 12;
  static final long S_PID_NAMESPACE = 1 << 15;
  static final long S_PRE_STOP = 1 << 16;
  static final long S_LEASE = 1L << 40;

  static final long S_CTTY = 1 << 13;
  static final long S_INPUT = 1 << 24;
  static final long S_TERMINAL = 1 << 25;

  // TLVs of START.
  static final int T_ARGV = 1;
  static final int T_ENV = 2;
  static final int T_CWD = 3;
  static final int T_STDIN = 4;
  static final int T_STDOUT = 5;
  static final int T_STDERR = 6;
  static final int T_LEAF = 7;
  static final int T_LIMIT = 8;
  static final int T_RLIMIT = 9;
  static final int T_GROUPS = 10;
  static final int T_SECCOMP = 11;
  static final int T_TASK_DIR = 12;
  static final int T_NAME = 13;
  static final int T_FDS = 14;
  static final int T_PRE_STOP = 15;
  static final int T_PATH_RULE = 16;

  /** Target number of a passed descriptor that stays with the shim. */
  static final int FD_KEPT = 63;

  // Flags of an exit.
  static final long E_ADOPTED = 1;
  static final long E_STATUS_UNKNOWN = 1 << 1;
  static final long E_MEMORY = 1 << 2;
  static final long E_CPU = 1 << 3;
  static final long E_STOPPED = 1 << 7;
  static final long E_DEADLINE = 1 << 8;
  static final long E_LEAF_LEFT = 1 << 11;
  static final long E_PRE_STOP_FAILED = 1 << 17;
  static final long E_RUSAGE = 1 << 13;
  static final long E_LOCAL = 1 << 14;
  static final long E_PEAK = 1 << 15;
  static final long E_LEASE = 1 << 24;

  // Records of the journal.
  static final int RECORD_MAGIC = 0x4A43524F; // "ORCJ"
  static final int RECORD_HEADER = 32;
  static final int RECORD_STEP = 64;
  static final int RECORD_MAX = 1_024;
  static final int J_SEGMENT = 1;
  static final int J_CLAIM = 2;
  static final int J_STARTED = 3;
  static final int J_START_FAILED = 4;
  static final int J_LEADER = 5;
  static final int J_EXIT = 6;
  static final int J_ACK = 7;
  static final int J_CARRY = 8;

  private static final String[] STAGES = {
    "",
    "journal",
    "cgroup",
    "limit",
    "task directory",
    "pipe",
    "clone",
    "session",
    "stdio",
    "fds",
    "rlimit",
    "nice",
    "oom score",
    "bounding set",
    "groups",
    "group",
    "user",
    "capabilities",
    "ambient capabilities",
    "chdir",
    "stdin",
    "stdout",
    "stderr",
    "no new privileges",
    "seccomp",
    "signals",
    "exec",
    "terminal",
    "killed",
    "request",
    "file access",
    "pid namespace",
    "pre-stop"
  };

  static final int STAGE_LIMIT = 3;
  static final int STAGE_CLONE = 6;
  static final int STAGE_RLIMIT = 10;
  static final int STAGE_CWD = 19;
  static final int STAGE_STDIN = 20;
  static final int STAGE_STDOUT = 21;
  static final int STAGE_STDERR = 22;
  static final int STAGE_SECCOMP = 24;
  static final int STAGE_EXEC = 26;
  static final int STAGE_KILLED = 28;
  static final int STAGE_LANDLOCK = 30;
  static final int STAGE_PID_NAMESPACE = 31;

  /** Whom a SIGNAL is meant for. */
  static final int SIGNAL_ALL = 1;

  static final int SIGNAL_LEADER = 2;
  static final int SIGNAL_LEADERS_GROUP = 4;

  private Protocol() {}

  /** The mode of SIGNAL for a target of the API: 2 all, 3 the leader's group, else the leader. */
  static int signalMode(int target) {
    return switch (target) {
      case 2 -> SIGNAL_ALL;
      case 3 -> SIGNAL_LEADERS_GROUP;
      default -> SIGNAL_LEADER;
    };
  }

  /** Name of a stage of a start, for people and for {@code StartFailure.stage}. */
  static String stageName(int stage) {
    return stage > 0 && stage < STAGES.length ? STAGES[stage] : "stage " + stage;
  }
}
