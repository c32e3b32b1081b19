package orch.controller.runtime;

import java.util.concurrent.Executor;
import orch.controller.backup.BackupFile;
import orch.controller.port.ControllerPort.Backup;
import orch.controller.port.ControllerPort.BackupTaker;
import orch.controller.store.Entry;
import orch.controller.store.LogClient;
import orch.controller.store.LogContents;
import orch.controller.store.LogDump;
import orch.controller.store.LogFilter;
import orch.controller.store.LogLayout;
import org.jspecify.annotations.Nullable;

/**
 * Backups that the leader takes: the checkpoint in force and the entries after it, read from
 * ZooKeeper while the loop goes on. Nothing that is read is deleted meanwhile.
 */
final class Backups {
  private final LogClient log;
  private final ControllerLoop.Seams seams;
  private final LogLayout layout;
  private final Executor executor;

  Backups(LogClient log, ControllerLoop.Seams seams, LogLayout layout, Executor executor) {
    this.log = log;
    this.seams = seams;
    this.layout = layout;
    this.executor = executor;
  }

  /** From any thread. */
  Backup begin(BackupTaker taker) {
    Taking taking = new Taking(taker);
    executor.execute(taking::start);
    return taking;
  }

  private final class Taking implements Backup {
    private final BackupTaker taker;
    private @Nullable LogDump dump;
    private @Nullable Runnable unpin;

    Taking(BackupTaker taker) {
      this.taker = taker;
    }

    void start() {
      if (!log.leads()) {
        taker.failed("this controller does not lead; only the leader makes backups");
        return;
      }
      unpin = log.pin();
      LogContents file = BackupFile.writer("backup of Orch, " + seams.clock().now(), taker::data);
      LogDump reader =
          new LogDump(
              seams.zooKeeper(),
              layout,
              seams.timers(),
              LogDump.Extent.FROM_CHECKPOINT,
              new Until(file, log.committedIndex()),
              taker::ready,
              this::failed);
      dump = reader;
      reader.start();
    }

    @Override
    public void resume() {
      executor.execute(() -> {
        if (dump != null) {
          dump.resume();
        }
      });
    }

    @Override
    public void stop() {
      executor.execute(this::end);
    }

    private void failed(String why) {
      end();
      taker.failed(why);
    }

    private void end() {
      if (dump != null) {
        dump.stop();
        dump = null;
      }
      if (unpin != null) {
        unpin.run();
        unpin = null;
      }
    }

    /** The log up to what was committed at the beginning, however it grows. */
    private final class Until extends LogFilter {
      private final long last;
      private boolean over;

      Until(LogContents to, long last) {
        super(to);
        this.last = last;
      }

      @Override
      public void entry(Entry entry) {
        if (over) {
          return;
        }
        to.entry(entry);
        if (entry.index() >= last) {
          end();
        }
      }

      @Override
      public void end() {
        if (!over) {
          over = true;
          to.end();
          Taking.this.end();
          taker.done();
        }
      }
    }
  }
}
