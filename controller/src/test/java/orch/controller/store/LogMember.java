package orch.controller.store;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** A member with a log client of its own, which notes what its listener hears. */
final class LogMember implements LogListener {
  static final LogLayout LAYOUT = new LogLayout("/orch");

  final List<String> heard = new ArrayList<>();
  final FakeZooKeeper.Port port;
  final LogClient log;
  private final VirtualLoop loop;

  LogMember(String name, FakeZooKeeper server, VirtualLoop loop) {
    this.loop = loop;
    port = server.connect();
    long[] seed = {name.hashCode()};
    log = new LogClient(port, LAYOUT, name, loop, loop, () -> ++seed[0], this);
  }

  /** Started, and at the end of the log. */
  LogMember reading() {
    log.start();
    loop.run();
    return this;
  }

  /** Leads, and has nothing in flight. */
  LogMember leader() {
    reading();
    log.claim();
    loop.run();
    return this;
  }

  long append(String record) {
    return log.append(record.getBytes(StandardCharsets.UTF_8));
  }

  /** Appends each record as an entry of its own. */
  void appendEntries(String... records) {
    for (String record : records) {
      // A record of this size is sent at once, whatever is in flight.
      append(record + " ".repeat(LogWriter.GATHER_BYTES));
    }
  }

  /** What was heard since the last call. */
  List<String> heard() {
    List<String> result = List.copyOf(heard);
    heard.clear();
    return result;
  }

  @Override
  public void reset() {
    heard.add("reset");
  }

  @Override
  public void section(byte[] bytes) {
    heard.add("section " + new String(bytes, StandardCharsets.UTF_8));
  }

  @Override
  public void loaded(long index) {
    heard.add("loaded " + index);
  }

  @Override
  public void replayed(Entry entry) {
    heard.add(
        entry.index()
            + " "
            + entry.records().stream()
                .map(record -> new String(record, StandardCharsets.UTF_8).strip())
                .collect(Collectors.joining("+")));
  }

  @Override
  public void caughtUp(long lastIndex) {
    heard.add("caught up at " + lastIndex);
  }

  @Override
  public void claimLost(EpochRecord other) {
    heard.add("claim lost to " + other.leader());
  }

  @Override
  public void leading(long epoch, long lastIndex) {
    heard.add("leading epoch " + epoch + " after " + lastIndex);
  }

  @Override
  public void committed(long index) {
    heard.add("committed " + index);
  }

  @Override
  public void proved() {}

  @Override
  public void deposed(String why) {
    heard.add("deposed");
  }

  @Override
  public void failed(String why) {
    heard.add("failed: " + why);
  }
}
