package orch.api.spec;

import java.util.List;

/** The keys of the dialect, in the order in which they are documented and written. */
final class SpecKeys {
  private static final SpecType TEXT = new SpecType.Text();
  private static final SpecType TEXTS = new SpecType.Texts();
  private static final SpecType BOOL = new SpecType.Bool();
  private static final SpecType BYTES = new SpecType.Bytes();
  private static final SpecType CPU = new SpecType.Cpu();
  private static final SpecType TIME = new SpecType.Time();
  private static final SpecType FACTOR = new SpecType.Decimal(1);
  private static final SpecType SIGNAL = new SpecType.SignalName();
  private static final SpecType COUNTS = new SpecType.CountMap();

  private static final SpecType.Section IO =
      section(
          key("weight", "weight", whole(1, 10_000), "100", "200")
              .means("Share under contention (`io.weight`), 1 to 10000."),
          key("readBandwidth", "read_bytes_per_second", BYTES, "no limit", "50M")
              .means("Bytes read a second (`io.max`)."),
          key("writeBandwidth", "write_bytes_per_second", BYTES, "no limit", "20M")
              .means("Bytes written a second."),
          key("readOperations", "read_operations_per_second", whole(), "no limit", "1000")
              .means("Reads a second."),
          key("writeOperations", "write_operations_per_second", whole(), "no limit", "500")
              .means("Writes a second."));

  private static final SpecType.Section MEMORY_PRESSURE =
      section(
          key(
                  "action",
                  "action",
                  word("MEMORY_PRESSURE_ACTION", "none", "notify", "throttle", "freeze", "evict"),
                  "none",
                  "throttle")
              .means(
                  "The most that may be done; each includes those before it. `notify`: the task is"
                      + " told; `throttle`: `memory.high` is lowered; `freeze`: it is frozen while"
                      + " its host is short of memory; `evict`: it is stopped, and restart rules"
                      + " with `preempted` apply."),
          key("signal", "signal", SIGNAL, "none: a line in `MEMORY_PRESSURE_WATCH`", "USR2")
              .means("Tells the leader."),
          key("threshold", "threshold_percent", whole(10, 99), "90", "80")
              .means("Share of `memory`, in percent, from which on the task itself is short."));

  private static final SpecType.Section RESOURCES =
      section(
          key("cpu", "cpu_millis", CPU, "100m", "500m")
              .means(
                  "CPU reserved, also the weight under contention: `500m` or `0.5` is half a CPU."),
          key("cpuMax", "cpu_max_millis", CPU, "no cap", "2")
              .means("Most CPU that the task gets; at least `cpu`."),
          key("memory", "memory_bytes", BYTES, "none reserved, no limit", "256Mi")
              .means("Memory reserved and hard limit: beyond it the kernel kills the task."),
          key("memoryHigh", "memory_high_bytes", BYTES, "none", "200Mi")
              .means("From here on the kernel slows the task down; at most `memory`."),
          key("memoryLow", "memory_low_bytes", BYTES, "none", "100Mi")
              .means(
                  "So much the kernel leaves to the task while it can take from others; at most"
                      + " `memory`."),
          key("swap", "swap_bytes", BYTES, "none where `memory` is set", "0")
              .means("Swap that the task may use."),
          key("pids", "pids", whole(), "16384", "512").means("Most processes and threads."),
          key("cpuset", "cpuset", TEXT, "all CPUs", "\"0-3,8\"")
              .means(
                  "CPUs on which the task runs, or `numa`: those of one NUMA node, with its memory,"
                      + " chosen by the agent."),
          key("io", "io", IO, "no limits", "{weight: 200}")
              .means("Disk; rates hold for each disk of the host."),
          key("ports", "ports", TEXTS, "none", "[http]")
              .means(
                  "Names of TCP ports to allocate; the number is in `ORCH_PORT_HTTP` and"
                      + " `${port.http}`."),
          key("devices", "devices", COUNTS, "none", "{gpu: 1}").means("Devices by class."),
          key("licenses", "licenses", COUNTS, "none", "{ceph: 1}")
              .means("Cluster-wide licences by name."),
          key("memoryPressure", "memory_pressure", MEMORY_PRESSURE, "nothing", "{action: throttle}")
              .means("What is done before the kernel's OOM killer acts."));

  private static final SpecType.Section FILE_ACCESS =
      section(
          key("read", "read", TEXTS, "none", "[/usr, /lib]")
              .means("Absolute paths beneath which it may read, list and execute."),
          key("write", "write", TEXTS, "none", "[/srv/web]")
              .means("Absolute paths beneath which it may also write, make and remove."));

  private static final SpecType.Section AFFINITY =
      shorthand(
          "expression",
          key("expression", "expression", TEXT, "must be said", "ssd").means("As a constraint."),
          key("weight", "weight", new SpecType.Weight(), "50", "-20")
              .means("-100 (rather not) to 100 (rather)."));

  private static final SpecType.Section PLACEMENT =
      section(
          key(
                  "constraints",
                  "constraints",
                  TEXTS,
                  "none",
                  "[\"rack in (a, b)\", \"kernel >= 6.1\"]")
              .means(
                  "Conditions on node labels and attributes, all of which must hold; see"
                      + " [Constraints](#constraints)."),
          key("affinity", "affinity", new SpecType.Sections(AFFINITY), "none", "[ssd]")
              .means("Preferences in the language of constraints; a plain text has weight 50."),
          key("spread", "spread", TEXTS, "none", "[rack]")
              .means("Attributes over whose values the tasks are spread evenly."),
          key(
                  "strategy",
                  "strategy",
                  word("PLACEMENT_STRATEGY", "binpack", "spread"),
                  "binpack",
                  "spread")
              .means("`binpack`: the fullest node first; `spread`: the emptiest."),
          key("everyNode", "every_node", BOOL, "false", "true")
              .means("One task on every matching node; excludes `count`, `array` and `items`."),
          key("pool", "pool", TEXT, "default", "batch").means("Name of the node pool."));

  private static final SpecType.Section RULE =
      section(
          key("exitCodes", "exit_codes", new SpecType.ExitCodes(), "", "[75, \"64-78\"]")
              .means("The leader exited with one of these codes; 0 to 255, ranges in quotes."),
          key("signals", "signals", new SpecType.Signals(), "", "[SEGV, 11]")
              .means("One of these signals ended the leader."),
          key("oom", "oom", BOOL, "false", "true").means("The kernel's OOM killer ended it."),
          key("nodeLost", "node_lost", BOOL, "false", "true")
              .means("The node was lost, or the attempt is gone without a result."),
          key("preempted", "preempted", BOOL, "false", "true")
              .means(
                  "The scheduler took its place for a more important task, or its node evicted"
                      + " it."),
          key("timedOut", "timed_out", BOOL, "false", "true").means("It ran into `timeout`."),
          key("startFailed", "start_failed", BOOL, "false", "true")
              .means("It could not be started."),
          key(
                  "action",
                  "action",
                  word("RESTART_ACTION", "restart", "reschedule", "fail", "succeed"),
                  "must be said",
                  "reschedule")
              .means(
                  "`restart`: on the same node after the back-off; `reschedule`: wherever there is"
                      + " room; `fail`: at once; `succeed`: the end counts as success."),
          key("uncounted", "uncounted", BOOL, "false", "true").means("Uses up no retry."),
          key("memoryFactor", "memory_factor", FACTOR, "1", "1.5")
              .means("Multiplies the memory limit of the next attempt, 1 to 100."));

  private static final SpecType.Section BACKOFF =
      section(
          key("initial", "initial", TIME, "1s", "2s").means("Delay before the first restart."),
          key("factor", "factor", FACTOR, "2", "1.5").means("Growth from one to the next."),
          key("max", "max", TIME, "5m", "10m").means("Longest delay."),
          key("jitter", "jitter", new SpecType.Decimal(0), "0.2", "0.1")
              .means("Share of the delay, 0 to 1, by which it is spread."),
          key("resetAfter", "reset_after", TIME, "10m", "1h")
              .means("A run of this length starts the count anew."));

  private static final SpecType.Section RESTART =
      section(
          key(
                  "when",
                  "when",
                  word("RESTART_WHEN", "never", "on-failure", "always"),
                  "on-failure; services: always",
                  "never")
              .means("When an ended attempt is run again if no rule matched."),
          key("rules", "rules", new SpecType.Sections(RULE), "none", "[{oom: true, action: fail}]")
              .means(
                  "Tried in order before `when`; the first whose conditions all hold decides. One"
                      + " without conditions matches every end."),
          key("backoff", "backoff", BACKOFF, "1s, doubled up to 5m", "{initial: 5s}")
              .means("Delay before each restart."),
          key("maxRetries", "max_retries", new SpecType.Retries(), "0; services: unlimited", "5")
              .means("Restarts within `window` (runs are one more), or `unlimited`."),
          key("window", "window", TIME, "the task's whole life", "10m")
              .means("Span in which restarts are counted."),
          key(
                  "exhausted",
                  "exhausted",
                  word("RESTART_EXHAUSTED", "fail", "reschedule", "delay"),
                  "fail",
                  "reschedule")
              .means(
                  "When `maxRetries` are used up: the task fails, starts anew on another node, or"
                      + " is tried again at the longest back-off."));

  private static final SpecType.Section STOP =
      section(
          key("signal", "signal", SIGNAL, "TERM", "INT").means("Signal that asks it to end."),
          key("grace", "grace", TIME, "10s; services: 30s", "1m")
              .means("Time from the signal to the kill."),
          key("maxGrace", "max_grace", TIME, "10m, or `grace` if longer", "1h")
              .means(
                  "Longest time that a stop may take when the task asks for more than `grace`"
                      + " (`EXTEND_TIMEOUT_USEC`)."),
          key("preStop", "pre_stop", TEXTS, "none", "[./drain, --now]")
              .means("Command run before the signal, inside the grace."),
          key("mode", "mode", word("STOP_MODE", "group", "mixed", "process"), "group", "mixed")
              .means(
                  "`group`: the signal goes to every process; `mixed`: to the leader, after the"
                      + " grace all are killed; `process`: to the leader alone."));

  private static final SpecType.Section WARN =
      section(
          key("signal", "signal", SIGNAL, "must be said", "USR2").means("The announcing signal."),
          key("before", "before", TIME, "must be said", "30s").means("How long before `timeout`."),
          key("to", "to_all", new SpecType.BoolWord("leader", "all"), "leader", "all")
              .means("`leader`, or `all` processes."));

  private static final SpecType.Section ON_EXIT =
      section(
          key("command", "command", TEXTS, "must be said", "[./report]")
              .means("Program and arguments; gets `ORCH_RESULT` and `ORCH_EXIT_CODE`."),
          key("timeout", "timeout", TIME, "5m", "1m").means("Longest run."));

  private static final SpecType.Section HEALTH_CHECK =
      section(
          key(
                  "http",
                  "http",
                  section(
                      key("port", "port", TEXT, "must be said", "http")
                          .means("Name of a port of `resources.ports`, or a number."),
                      key("path", "path", TEXT, "/", "/healthz").means("Path of the GET.")),
                  "",
                  "{port: 8080, path: /healthz}")
              .means("A GET that answers 200 to 399."),
          key(
                  "tcp",
                  "tcp",
                  section(
                      key("port", "port", TEXT, "must be said", "8080").means("As for `http`.")),
                  "",
                  "{port: 8080}")
              .means("A connection that opens."),
          key(
                  "grpc",
                  "grpc",
                  section(
                      key("port", "port", TEXT, "must be said", "8080").means("As for `http`."),
                      key("service", "service", TEXT, "the server as a whole", "web")
                          .means("Name of the service.")),
                  "",
                  "{port: 8080}")
              .means("`grpc.health.v1` that answers SERVING."),
          key(
                  "exec",
                  "exec",
                  section(
                      key("command", "command", TEXTS, "must be said", "[./check]")
                          .means("Program and arguments.")),
                  "",
                  "{command: [./check]}")
              .means("A command that exits 0."),
          key("notify", "notify", section(), "", "{}").means("`READY=1` by sd_notify."),
          key("period", "period", TIME, "10s", "5s").means("From one probe to the next."),
          key("timeout", "timeout", TIME, "1s", "3s").means("Longest wait for an answer."),
          key("failures", "failures", whole(1, Integer.MAX_VALUE), "3", "5")
              .means("Failures in a row that count."));

  private static final SpecType.Section HEALTH =
      section(
          key("startup", "startup", HEALTH_CHECK, "none", "{tcp: {port: 8080}}")
              .means("Until it succeeds once, the others wait."),
          key("readiness", "readiness", HEALTH_CHECK, "none", "{http: {port: 8080}}")
              .means("Whether the task can serve."),
          key("liveness", "liveness", HEALTH_CHECK, "none", "{exec: {command: [./check]}}")
              .means("A task that fails it is ended, and run again by `restart`."));

  private static final SpecType.Section UPDATE =
      section(
          key("maxParallel", "max_parallel", whole(1, Integer.MAX_VALUE), "1", "2")
              .means("Tasks replaced at a time."),
          key("minHealthy", "min_healthy", TIME, "10s", "30s")
              .means("How long a new task must be healthy before it counts."),
          key("healthyDeadline", "healthy_deadline", TIME, "5m", "10m")
              .means("By when it must be healthy."),
          key("canary", "canary", whole(), "0", "1")
              .means("Tasks of the new version that stand beside the old ones first."),
          key("autoRollback", "auto_rollback", BOOL, "false", "true")
              .means("Goes back to the version before when an update fails."));

  private static final SpecType.Section PARTITION =
      section(
          key("mode", "mode", word("PARTITION_MODE", "keep", "stop", "never"), "keep", "stop")
              .means(
                  "Without a connection to the controller a task runs on (`keep`: replaced after"
                      + " `lostAfter`, so two copies are possible), ends itself after `stopAfter`"
                      + " (`stop`: never two copies), or is replaced on proof only (`never`)."),
          key("lostAfter", "lost_after", TIME, "5m", "10m").means("For `keep`."),
          key("stopAfter", "stop_after", TIME, "30s", "1m").means("For `stop`."));

  private static final SpecType.Section DEPENDENCY =
      shorthand(
          "job",
          key("job", "job", TEXT, "must be said", "build")
              .means("Number or name of a job of the namespace."),
          key(
                  "condition",
                  "condition",
                  word("DEPENDENCY_CONDITION", "succeeded", "failed", "finished", "started"),
                  "succeeded",
                  "finished")
              .means("What it must have become."),
          key("index", "same_index", new SpecType.BoolWord("all", "same"), "all", "same")
              .means("`same`: task i waits for task i of the other job only."));

  private static final SpecType.Section SCHEDULE =
      section(
          key("cron", "cron", TEXT, "must be said", "\"*/5 * * * *\"")
              .means("Five fields: minute, hour, day of month, month, day of week."),
          key("timeZone", "time_zone", TEXT, "UTC", "Europe/Berlin").means("IANA name."),
          key(
                  "overlap",
                  "overlap",
                  word("SCHEDULE_OVERLAP", "skip", "allow", "replace"),
                  "skip",
                  "allow")
              .means("When a slot comes while the last one's job lives."),
          key(
                  "catchUp",
                  "catch_up",
                  word("SCHEDULE_CATCH_UP", "none", "last", "all"),
                  "none",
                  "last")
              .means("What happens with slots that were missed."));

  private static final SpecType.Section PARAMETER =
      shorthand(
          "name",
          key("name", "name", TEXT, "must be said", "input")
              .means("Lower-case letters, digits and `_`; `${param.input}` is its value."),
          key("default", "default_value", TEXT, "the dispatch must give one", "/data")
              .means("Value when the dispatch gives none."));

  private static final SpecType.Section SOCKET =
      section(
          key("name", "name", TEXT, "must be said", "http").means("Its entry in `LISTEN_FDNAMES`."),
          key("listen", "listen", TEXT, "must be said", "\":8080\"")
              .means("`host:port`, `:port` or the path of a UNIX socket."));

  static final SpecType.Section JOB =
      section(
          key("name", "name", TEXT, "made from the command", "web")
              .means(
                  "1 to 63 lower-case letters, digits, `-` and `.`; first a letter, last a letter"
                      + " or digit. Unique among the namespace's live jobs."),
          key("title", "title", TEXT, "", "\"The shop's front\"")
              .means("Free text for people, at most 256 characters."),
          key("labels", "labels", new SpecType.TextMap(), "none", "{team: shop}")
              .means("For selection; keys and values at most 63 characters, at most 64 labels."),
          key("type", "type", word("JOB_TYPE", "batch", "service"), "batch", "service")
              .means("`batch` runs to completion, `service` is kept running."),
          key("count", "count", whole(1, 10_000_000), "1", "3")
              .means("Number of tasks, 1 to 10,000,000; excludes `array` and `items`."),
          key("array", "array", new SpecType.Indexes(), "", "\"0-9:2,20-29%4\"")
              .means(
                  "The tasks' indexes: ranges in rising order, `:2` a step, `%4` a `parallelism`."),
          key("items", "items", TEXTS, "", "[a.csv, b.csv]")
              .means("One task an item; `${task.item}` is the item."),
          key("parallelism", "parallelism", whole(), "no limit", "10")
              .means("Most tasks of the job that run at a time."),
          key("maxFailures", "max_failures", whole(-1, Integer.MAX_VALUE), "0", "5")
              .means(
                  "The job fails once more tasks than this failed; 0: all are tried; -1: at the"
                      + " first failure."),
          key("succeedWhen", "succeed_when", whole(), "all", "1")
              .means("The job succeeds once so many tasks did; the rest is cancelled."),
          key("gang", "gang", BOOL, "false", "true")
              .means("All tasks are placed together or none."),
          key("priority", "priority", whole(0, 100), "50", "80")
              .means("0 to 100, higher goes first."),
          key("command", "command", TEXTS, "this or `script`", "[make, test]")
              .means("Program and arguments, run as they are: no shell."),
          key("script", "script", new SpecType.Content(), "this or `command`", "\"echo hi\"")
              .means(
                  "A script kept with the job, run from `ORCH_TASK_DIR` by its `#!` line, else by"
                      + " `/bin/sh`."),
          key("files", "files", new SpecType.Contents(), "none", "{hosts.txt: \"a b c\"}")
              .means("Small inputs laid into `ORCH_TASK_DIR`, by name; see [Files](#files)."),
          key("env", "env", new SpecType.TextMap(), "none", "{LOG_LEVEL: info}")
              .means("Variables beside those that Orch sets."),
          key("stdin", "stdin", TEXT, "/dev/null", "/data/in.%i")
              .means(
                  "Path opened as the job's user; `%j` number, `%n` name, `%i` index, `%a`"
                      + " attempt."),
          key("stdout", "stdout", TEXT, "the log", "/data/out.%i").means("A path, as `stdin`."),
          key("stderr", "stderr", TEXT, "the log", "stdout")
              .means("A path, or `stdout`: both in one stream, in true order."),
          key("user", "user", TEXT, "the agent's own; under root nobody", "web")
              .means("Login name or uid."),
          key("workingDirectory", "working_directory", TEXT, "`ORCH_TASK_DIR`", "/srv/web")
              .means("Absolute path in which the task starts."),
          key("umask", "umask", new SpecType.Octal(), "022", "\"027\"")
              .means("File mode mask, octal."),
          key("nice", "nice", whole(-20, 19), "0", "5").means("-20 to 19."),
          key("oomScoreAdj", "oom_score_adj", whole(-1_000, 1_000), "the agent's", "500")
              .means("-1000 to 1000: higher is killed first when the host is out of memory."),
          key("rlimits", "rlimits", new SpecType.Rlimits(), "the agent's", "{nofile: 4096}")
              .means(
                  "Limits of setrlimit(2) by name: a number, bytes, `unlimited`, or `{soft: …,"
                      + " hard: …}`."),
          key("capabilities", "capabilities", TEXTS, "none", "[net_bind_service]")
              .means("Capabilities kept, without `CAP_`, lower case."),
          key("noNewPrivileges", "no_new_privileges", BOOL, "true", "false")
              .means("Whether set-uid programs gain nothing."),
          key("seccomp", "seccomp", TEXT, "none", "default")
              .means("Name of a [seccomp profile](seccomp.md)."),
          key("pidNamespace", "pid_namespace", BOOL, "false", "true")
              .means(
                  "A PID namespace of its own, with a small init that reaps and forwards signals."),
          key(
                  "fileAccess",
                  "file_access",
                  FILE_ACCESS,
                  "all that its user may",
                  "{read: [/usr, /lib, /lib64, /etc], write: [/srv/web]}")
              .means("Closes all other paths to the task, by Landlock."),
          key("waitForDescendants", "wait_for_descendants", BOOL, "false", "true")
              .means("When the leader exits, waits for its descendants in place of killing them."),
          key("interactive", "interactive", BOOL, "false", "true")
              .means(
                  "Standard input stays open for whoever attaches, until one of them ends it"
                      + " (`run -i`, `attach`)."),
          key("tty", "tty", BOOL, "false", "true")
              .means(
                  "Standard input, output and error are one pseudo-terminal; implies `interactive`"
                      + " (`run -t`)."),
          key(
                  "sockets",
                  "sockets",
                  new SpecType.Sections(SOCKET),
                  "none",
                  "[{name: http, listen: \":8080\"}]")
              .means(
                  "Listening sockets handed to the task (`LISTEN_FDS`); agents of this version"
                      + " refuse them."),
          key("resources", "resources", RESOURCES, "", "{cpu: 500m, memory: 256Mi}")
              .means("What a task needs and may use."),
          key("placement", "placement", PLACEMENT, "anywhere", "{spread: [rack]}")
              .means("Where tasks may run."),
          key("restart", "restart", RESTART, "batch: no; services: always", "{maxRetries: 3}")
              .means("Whether an ended attempt is run again."),
          key("stop", "stop", STOP, "TERM, then KILL", "{grace: 1m}").means("How a task is ended."),
          key("timeout", "timeout", TIME, "none", "1h").means("Longest run of one attempt."),
          key("deadline", "deadline", TIME, "none", "1d").means("Longest life of the whole job."),
          key("warn", "warn", WARN, "none", "{signal: USR2, before: 30s}")
              .means("A signal before `timeout`."),
          key("onExit", "on_exit", ON_EXIT, "none", "{command: [./report]}")
              .means("Runs after the job's end, however it ended."),
          key("health", "health", HEALTH, "none", "{readiness: {tcp: {port: 8080}}}")
              .means("Health checks; each has one of `http`, `tcp`, `grpc`, `exec`, `notify`."),
          key("update", "update", UPDATE, "one after the other", "{maxParallel: 2}")
              .means("How the tasks of a service are replaced by a new version."),
          key("partition", "partition", PARTITION, "keep", "{mode: stop}")
              .means("What a task does that its controller cannot reach."),
          key("dependsOn", "depends_on", new SpecType.Sections(DEPENDENCY), "none", "[build]")
              .means("Jobs to wait for; a plain text is a job that must have succeeded."),
          key("schedule", "schedule", SCHEDULE, "none", "{cron: \"0 3 * * *\"}")
              .means("Makes a template that starts a batch job at each slot."),
          key("parameters", "parameters", new SpecType.Sections(PARAMETER), "none", "[input]")
              .means("Makes a template that `orchctl job dispatch` starts."),
          key(
                  "retention",
                  "retention",
                  section(
                      key("results", "results", TIME, "30d", "90d")
                          .means("How long the finished job's result stays readable."),
                      key("logs", "logs", TIME, "7d", "1d")
                          .means("How long its logs stay on the nodes.")),
                  "",
                  "{logs: 1d}")
              .means("How long what is left of a job is kept."),
          key(
                  "logs",
                  "logs",
                  section(
                      key("maxBytes", "max_bytes", BYTES, "1Gi", "100Mi")
                          .means("Output kept an attempt; what is dropped is counted."),
                      key("journal", "no_journal", new SpecType.InverseBool(), "true", "false")
                          .means("Whether lines go on to journald.")),
                  "",
                  "{maxBytes: 100Mi}")
              .means("What becomes of the output."));

  private SpecKeys() {}

  private static SpecType.Section section(SpecField... fields) {
    return new SpecType.Section(List.of(fields), "");
  }

  private static SpecType.Section shorthand(String key, SpecField... fields) {
    return new SpecType.Section(List.of(fields), key);
  }

  private static SpecType whole() {
    return whole(0, Long.MAX_VALUE);
  }

  private static SpecType whole(long least, long most) {
    return new SpecType.Whole(least, most);
  }

  private static SpecType word(String prefix, String... words) {
    return new SpecType.Word(List.of(words), prefix);
  }

  private record Key(String key, String proto, SpecType type, String unset, String example) {
    SpecField means(String meaning) {
      return new SpecField(key, proto, type, unset, example, meaning);
    }
  }

  private static Key key(String key, String proto, SpecType type, String unset, String example) {
    return new Key(key, proto, type, unset, example);
  }
}
