package orch.controller.store;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/**
 * A member whose state is the list of all records, and whose checkpoints have it in sections of
 * {@link #SECTION} records.
 */
final class ListMember implements LogListener {
  static final int SECTION = 3;

  final List<String> state = new ArrayList<>();
  final FakeZooKeeper.Port port;
  final LogClient log;
  final VirtualLoop loop;
  String failure = "";
  long loadedIndex;
  int resets;
  int checkpoints;
  int sectionsWritten;
  private int sectionsInForce;

  ListMember(String name, FakeZooKeeper server, VirtualLoop loop, CheckpointPolicy policy) {
    this.loop = loop;
    port = server.connect();
    long[] seed = {name.hashCode()};
    log = new LogClient(port, LogMember.LAYOUT, name, loop, loop, () -> ++seed[0], policy, this);
  }

  ListMember reading() {
    log.start();
    loop.run();
    return this;
  }

  ListMember leader() {
    reading();
    log.claim();
    loop.run();
    return this;
  }

  /** Each an entry of its own. */
  void append(String... records) {
    for (String record : records) {
      state.add(record);
      var _ =
          log.append(
              (record + " ".repeat(LogWriter.GATHER_BYTES)).getBytes(StandardCharsets.UTF_8));
    }
  }

  /** Begins a checkpoint of the state as it is. */
  void checkpoint() {
    List<String> frozen = List.copyOf(state);
    int[] next = {0};
    CheckpointSink[] sink = new CheckpointSink[1];
    Runnable write =
        () -> {
          while (sink[0].room() && next[0] * SECTION < frozen.size()) {
            int at = next[0]++;
            if (at < sectionsInForce) {
              sink[0].keep(at);
              continue;
            }
            int to = Math.min(frozen.size(), (at + 1) * SECTION);
            String text = String.join("\n", frozen.subList(at * SECTION, to));
            sink[0].write(to == (at + 1) * SECTION ? at : 1_000 + frozen.size(), bytes(text));
            sectionsWritten++;
          }
          if (next[0] * SECTION >= frozen.size()) {
            next[0] = Integer.MAX_VALUE / SECTION;
            sink[0].finish();
          }
        };
    sink[0] =
        log.beginCheckpoint(
            new CheckpointSink.Listener() {
              @Override
              public void room() {
                write.run();
              }

              @Override
              public void inForce(Manifest manifest) {
                sectionsInForce = frozen.size() / SECTION;
              }

              @Override
              public void done() {
                checkpoints++;
              }
            });
    loop.execute(write);
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  @Override
  public void reset() {
    state.clear();
    resets++;
    loadedIndex = 0;
  }

  @Override
  public void section(byte[] bytes) {
    state.addAll(List.of(new String(bytes, StandardCharsets.UTF_8).split("\n")));
  }

  @Override
  public void loaded(long index) {
    loadedIndex = index;
  }

  @Override
  public void replayed(Entry entry) {
    for (byte[] record : entry.records()) {
      state.add(new String(record, StandardCharsets.UTF_8).strip());
    }
  }

  @Override
  public void caughtUp(long lastIndex) {}

  @Override
  public void claimLost(EpochRecord other) {}

  @Override
  public void leading(long epoch, long lastIndex) {}

  @Override
  public void committed(long index) {}

  @Override
  public void proved() {}

  @Override
  public void deposed(String why) {}

  @Override
  public void failed(String why) {
    failure = why;
  }
}
