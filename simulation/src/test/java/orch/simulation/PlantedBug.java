package orch.simulation;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import java.util.function.Supplier;
import orch.agent.core.Buried;
import orch.agent.core.KnownAttempt;
import orch.agent.core.Obeyed;
import orch.agent.process.LauncherPort;
import orch.agent.runtime.AgentFiles;
import orch.api.model.AgentMessage;
import orch.api.model.ControllerMessage;
import orch.api.model.NodeCapacity;
import orch.api.model.Result;
import orch.api.model.ResultKind;
import orch.controller.convert.RecordConvert;
import orch.controller.core.Change;
import orch.controller.core.Input;
import orch.controller.core.RequestMeta;
import orch.controller.core.Saboteur;
import orch.controller.core.StateView;
import orch.controller.port.AgentLink;
import orch.controller.port.AgentSession;
import orch.controller.port.CommittedListener;
import orch.controller.port.ControllerPort;
import orch.controller.port.Leadership;
import orch.controller.port.Member;
import orch.controller.store.Entry;
import orch.controller.store.MultiResult;
import orch.controller.store.Operation;
import orch.controller.store.ResultCode;
import orch.controller.store.ZooKeeperPort;
import org.jspecify.annotations.Nullable;

/** Bugs that somebody could make, each put between the real parts and the simulated ones. */
enum PlantedBug {
  /** A deposed leader writes on: the check of {@code /epoch} is skipped. */
  EPOCH_CHECK_SKIPPED(() -> port(EpochUnchecked::new)),
  /** Something is answered and sent before it is durable. */
  ACKED_BEFORE_COMMIT(() -> port(AckedEarly::new)),
  /** A new leader serves before its first entry is durable. */
  SERVED_BEFORE_EPOCH_COMMITTED(() -> port(ServedEarly::new)),
  /** The records of an entry are applied in another order. */
  APPLIED_OUT_OF_ORDER(() -> port(OutOfOrder::new)),
  /** Watches never fire. */
  WATCHES_LOST(() -> port(WatchesLost::new)),
  /** A request is handled though its id is known: a retry makes another job. */
  REQUEST_ID_IGNORED(() ->
      new PlantedBugs() {
        @Override
        public ControllerPort between(SimulatedController controller, ControllerPort port) {
          return new WithoutRequestIds(port);
        }
      }),
  /** A read shows what was a while ago. */
  READ_OF_THE_PAST(() ->
      new PlantedBugs() {
        @Override
        public ControllerPort between(SimulatedController controller, ControllerPort port) {
          return new Past(port);
        }
      }),
  /** The answer to a request id is lost. */
  ANSWERS_FORGOTTEN(() -> state(Saboteur::forgetAnswers)),
  /** What runs is not counted when the next is placed. */
  ALLOCATED_TWICE(() -> state(new Saboteur()::freeWhatLives)),
  /** What ended is not given back in full. */
  CAPACITY_LEAKED(() -> state(Saboteur::leak)),
  /** Restarts are not counted. */
  RESTARTED_BEYOND_POLICY(() -> state(Saboteur::forgetRestarts)),
  /** Restarts come without their delay. */
  BACK_OFF_SKIPPED(() -> state(Saboteur::forgetDelays)),
  /** A held job starts tasks. */
  HOLD_IGNORED(() -> state(Saboteur::forgetHolds)),
  /** A suspended job starts tasks. */
  SUSPENSION_IGNORED(() -> state(Saboteur::forgetSuspensions)),
  /** An agent says that its host has twice of what it has. */
  OVERCOMMITTED(() ->
      new PlantedBugs() {
        @Override
        public NodeCapacity claimed(NodeCapacity of) {
          return new NodeCapacity(
              2 * of.cpuMillis(), 2 * of.memoryBytes(), 2 * of.attempts(), of.devices());
        }
      }),
  /** An agent forgets whom it obeyed. */
  EPOCH_FORGOTTEN_BY_AGENT(() ->
      files(files ->
          new Files(files) {
            @Override
            public void obey(Obeyed leader) {}
          })),
  /** An agent lets the journal forget an attempt, and keeps nothing of it. */
  TOMBSTONE_DROPPED(() ->
      files(files ->
          new Files(files) {
            @Override
            public void bury(Buried tombstone) {}
          })),
  /** A claim is not looked at: a start that comes again forks again. */
  FORKED_TWICE(() ->
      new PlantedBugs() {
        @Override
        public boolean forgetsClaims() {
          return true;
        }
      }),
  /** Ends are not written down. */
  EXIT_RECORD_LOST(() ->
      new PlantedBugs() {
        @Override
        public boolean losesExitRecord() {
          return true;
        }
      }),
  /** What failed is said to have succeeded. */
  EXIT_CODE_INVENTED(() ->
      new PlantedBugs() {
        @Override
        public LauncherPort.End end(LauncherPort.End end) {
          return end.result().kind() == ResultKind.EXITED
              ? new LauncherPort.End(
                  Result.exited(0),
                  end.startNanos(),
                  end.endNanos(),
                  end.recordNanos(),
                  end.stopped())
              : end;
        }
      }),
  /** A shim lets a task run on when its lease has ended. */
  LEASE_FORGOTTEN(() ->
      new PlantedBugs() {
        @Override
        public boolean forgetsLeases() {
          return true;
        }
      }),
  /** What a full outbox cannot hold is dropped, and the session lives on. */
  DELTA_DROPPED(() ->
      new PlantedBugs() {
        private int deltas;

        @Override
        public @Nullable ControllerMessage told(ControllerMessage message) {
          boolean delta = message instanceof ControllerMessage.Desired desired && !desired.full();
          return delta && ++deltas % 10 == 0 ? null : message;
        }
      }),
  /** Stops are taken and nothing happens. */
  STOP_IGNORED(() ->
      new PlantedBugs() {
        @Override
        public boolean ignoresStops() {
          return true;
        }
      });

  private final Supplier<PlantedBugs> bugs;

  PlantedBug(Supplier<PlantedBugs> bugs) {
    this.bugs = bugs;
  }

  /** A fresh one, for one run. */
  PlantedBugs plant() {
    return bugs.get();
  }

  private interface PortMaker {
    ZooKeeperPort around(SimulatedController controller, ZooKeeperPort port);
  }

  private static PlantedBugs port(PortMaker maker) {
    return new PlantedBugs() {
      @Override
      public ZooKeeperPort between(SimulatedController controller, ZooKeeperPort port) {
        return maker.around(controller, port);
      }
    };
  }

  private static PlantedBugs state(Consumer<StateView> spoil) {
    return new PlantedBugs() {
      @Override
      public void leads(StateView view) {
        spoil.accept(view);
      }
    };
  }

  private interface FilesMaker {
    AgentFiles around(AgentFiles files);
  }

  private static PlantedBugs files(FilesMaker maker) {
    return new PlantedBugs() {
      @Override
      public AgentFiles between(SimulatedNode node, AgentFiles files) {
        return maker.around(files);
      }
    };
  }

  private static boolean isEntry(Operation operation) {
    return operation instanceof Operation.Create create
        && create.path().startsWith(SimulatedController.LAYOUT.log() + "/")
        && create.data().length > 0;
  }

  private static final class EpochUnchecked extends Port {
    EpochUnchecked(SimulatedController controller, ZooKeeperPort port) {
      super(port);
    }

    @Override
    public void multi(List<Operation> operations, MultiCallback callback) {
      List<Operation> unchecked = new ArrayList<>();
      for (Operation operation : operations) {
        unchecked.add(
            operation instanceof Operation.Check check
                ? new Operation.Check(check.path(), Operation.ANY_VERSION)
                : operation);
      }
      super.multi(unchecked, callback);
    }
  }

  private static class AckedEarly extends Port {
    private final SimulatedController controller;

    AckedEarly(SimulatedController controller, ZooKeeperPort port) {
      super(port);
      this.controller = controller;
    }

    boolean early(List<Operation> operations) {
      return operations.stream().anyMatch(PlantedBug::isEntry);
    }

    @Override
    public void multi(List<Operation> operations, MultiCallback callback) {
      SimulatedProcess process = controller.process();
      if (!early(operations) || process == null) {
        super.multi(operations, callback);
        return;
      }
      super.multi(operations, result -> {});
      process.after(Duration.ZERO, "acked early", () -> callback.done(MultiResult.OK));
    }
  }

  private static final class ServedEarly extends AckedEarly {
    private boolean taken;

    ServedEarly(SimulatedController controller, ZooKeeperPort port) {
      super(controller, port);
    }

    @Override
    boolean early(List<Operation> operations) {
      if (operations.getFirst() instanceof Operation.SetData) {
        taken = true;
        return false;
      }
      boolean first = taken && super.early(operations);
      taken &= !first;
      return first;
    }
  }

  private static final class OutOfOrder extends Port {
    OutOfOrder(SimulatedController controller, ZooKeeperPort port) {
      super(port);
    }

    @Override
    public void get(String path, GetCallback callback) {
      super.get(
          path,
          (code, data, version) -> {
            boolean entry =
                code == ResultCode.OK
                    && data != null
                    && path.startsWith(SimulatedController.LAYOUT.log() + "/");
            callback.done(code, entry ? reversed(path, data) : data, version);
          });
    }

    private static byte[] reversed(String path, byte[] data) {
      long index = Long.parseLong(path.substring(path.lastIndexOf('/') + 1));
      Entry entry = Entry.decode(index, data);
      List<byte[]> records = new ArrayList<>();
      for (byte[] record : entry.records()) {
        RecordConvert.Decided decided = RecordConvert.decode(record);
        Instant now = decided.now();
        List<Change> changes = decided.changes();
        records.add(RecordConvert.encode(now, changes.reversed()));
      }
      return new Entry(entry.epoch(), entry.nonce(), index, records).encode();
    }
  }

  private static final class WatchesLost extends Port {
    WatchesLost(SimulatedController controller, ZooKeeperPort port) {
      super(port);
    }

    @Override
    public void exists(String path, Runnable watch, Callback callback) {
      super.exists(path, () -> {}, callback);
    }
  }

  /** Passes everything on. */
  private abstract static class Port implements ZooKeeperPort {
    private final ZooKeeperPort port;

    Port(ZooKeeperPort port) {
      this.port = port;
    }

    @Override
    public void multi(List<Operation> operations, MultiCallback callback) {
      port.multi(operations, callback);
    }

    @Override
    public void get(String path, GetCallback callback) {
      port.get(path, callback);
    }

    @Override
    public void exists(String path, Runnable watch, Callback callback) {
      port.exists(path, watch, callback);
    }

    @Override
    public void sync(String path, Callback callback) {
      port.sync(path, callback);
    }

    @Override
    public void children(String path, ChildrenCallback callback) {
      port.children(path, callback);
    }

    @Override
    public void addSessionListener(SessionListener listener) {
      port.addSessionListener(listener);
    }

    @Override
    public void close() {
      port.close();
    }
  }

  /** Passes everything on. */
  private abstract static class Files implements AgentFiles {
    private final AgentFiles files;

    Files(AgentFiles files) {
      this.files = files;
    }

    @Override
    public Obeyed obeyed() {
      return files.obeyed();
    }

    @Override
    public List<KnownAttempt> known() {
      return files.known();
    }

    @Override
    public List<Buried> buried() {
      return files.buried();
    }

    @Override
    public void obey(Obeyed leader) throws IOException {
      files.obey(leader);
    }

    @Override
    public void remember(KnownAttempt attempt) throws IOException {
      files.remember(attempt);
    }

    @Override
    public void bury(Buried tombstone) throws IOException {
      files.bury(tombstone);
    }

    @Override
    public void compact(List<KnownAttempt> live) throws IOException {
      files.compact(live);
    }

    @Override
    public void sync() throws IOException {
      files.sync();
    }
  }

  /** Passes everything on. */
  private abstract static class Controller implements ControllerPort {
    private final ControllerPort port;

    Controller(ControllerPort port) {
      this.port = port;
    }

    @Override
    public <T> CompletionStage<T> submit(Input.Request request, AnswerReader<T> reader) {
      return port.submit(request, reader);
    }

    @Override
    public <T> CompletionStage<T> read(StateReader<T> reader) {
      return port.read(reader);
    }

    @Override
    public AgentSession openSession(AgentMessage.Hello hello, AgentLink link) {
      return port.openSession(hello, link);
    }

    @Override
    public CompletionStage<Boolean> send(String nodeUid, ControllerMessage message) {
      return port.send(nodeUid, message);
    }

    @Override
    public Backup backup(BackupTaker taker) {
      return port.backup(taker);
    }

    @Override
    public Subscription addListener(CommittedListener listener) {
      return port.addListener(listener);
    }

    @Override
    public Leadership leadership() {
      return port.leadership();
    }

    @Override
    public List<Member> members() {
      return port.members();
    }
  }

  /** Reads are five revisions old. */
  private static final class Past extends Controller {
    Past(ControllerPort port) {
      super(port);
    }

    @Override
    public <T> CompletionStage<T> read(StateReader<T> reader) {
      return super.read((view, revision) -> reader.read(view, Math.max(0, revision - 5)));
    }
  }

  /** Each submit looks like a new one. */
  private static final class WithoutRequestIds extends Controller {
    WithoutRequestIds(ControllerPort port) {
      super(port);
    }

    @Override
    public <T> CompletionStage<T> submit(Input.Request request, AnswerReader<T> reader) {
      return super.submit(
          request instanceof Input.SubmitJob of
              ? new Input.SubmitJob(
                  RequestMeta.of(of.meta().principal()),
                  of.namespace(),
                  of.spec(),
                  of.replace(),
                  of.validateOnly(),
                  of.expectedVersion(),
                  of.traceparent(),
                  of.tracestate())
              : request,
          reader);
    }
  }
}
