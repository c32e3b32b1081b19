package orch.controller.store;

import java.time.Duration;
import java.util.List;
import orch.api.seam.Clock;
import orch.api.seam.Timers;
import org.jspecify.annotations.Nullable;

/**
 * Takes the next epoch by compare-and-set on {@code /epoch}. An attempt whose end is unknown finds
 * out by the nonce: the node is read again, and either holds it, or is unchanged (so the same is
 * tried again against the same version), or belongs to somebody else.
 */
final class EpochClaim {
  private static final Duration RETRY = Duration.ofMillis(100);

  interface Listener {
    void taken(Claim claim);

    /** Somebody else was faster. */
    void lost(EpochRecord other);

    void failed(String why);
  }

  private final ZooKeeperPort port;
  private final LogLayout layout;
  private final Clock clock;
  private final Timers timers;
  private final long nonce;
  private final String name;
  private final Listener listener;
  private int baseVersion;
  private @Nullable EpochRecord base;
  private long beganNanos;
  private Timers.@Nullable Timer retry;
  private boolean done;

  EpochClaim(
      ZooKeeperPort port,
      LogLayout layout,
      Clock clock,
      Timers timers,
      long nonce,
      String name,
      Listener listener) {
    this.port = port;
    this.layout = layout;
    this.clock = clock;
    this.timers = timers;
    this.nonce = nonce;
    this.name = name;
    this.listener = listener;
  }

  /** Begins; ends with one call of the listener, unless it is abandoned. */
  void start() {
    port.get(layout.epoch(), this::read);
  }

  /** The listener hears no more; the epoch may be taken all the same. */
  void abandon() {
    done = true;
    if (retry != null) {
      retry.cancel();
    }
  }

  private void read(ResultCode code, byte @Nullable [] data, int version) {
    if (done) {
      return;
    }
    if (code.unknown()) {
      later();
      return;
    }
    if (code != ResultCode.OK || data == null) {
      end().failed("cannot read " + layout.epoch() + ": " + code);
      return;
    }
    EpochRecord record;
    try {
      record = EpochRecord.decode(data);
    } catch (CorruptLogException e) {
      end().failed(String.valueOf(e.getMessage()));
      return;
    }
    if (base == null) {
      base = record;
      baseVersion = version;
    }
    if (record.nonce() == nonce && record.number() == base.number() + 1) {
      end().taken(new Claim(record.number(), nonce, version, beganNanos));
    } else if (version != baseVersion) {
      end().lost(record);
    } else {
      set(base);
    }
  }

  private void set(EpochRecord before) {
    byte[] data = new EpochRecord(before.number() + 1, nonce, name).encode();
    if (beganNanos == 0) {
      // Of several attempts nobody knows which one took it: the first is the safe answer.
      beganNanos = clock.bootNanos();
    }
    port.multi(
        List.of(new Operation.SetData(layout.epoch(), data, baseVersion)),
        result -> {
          if (done) {
            return;
          }
          if (result.code() == ResultCode.OK) {
            end().taken(new Claim(before.number() + 1, nonce, baseVersion + 1, beganNanos));
          } else if (result.code() == ResultCode.BAD_VERSION) {
            // Perhaps by an attempt of ours.
            start();
          } else if (result.code().unknown()) {
            later();
          } else {
            end().failed("cannot take the next epoch at " + layout.epoch() + ": " + result.code());
          }
        });
  }

  private void later() {
    retry = timers.after(RETRY, this::start);
  }

  private Listener end() {
    done = true;
    return listener;
  }
}
