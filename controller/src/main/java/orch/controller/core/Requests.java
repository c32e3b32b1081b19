package orch.controller.core;

import java.util.LinkedHashMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Answers to requests that may be repeated, oldest first. They come at one end and go at the other,
 * so they lie in pages of {@link #PAGE} by the order in which they came; a page is only ever added
 * to, and a snapshot need only know where they began and ended.
 */
final class Requests {
  /** Answers in a page. */
  static final int PAGE = 256;

  /** An answered request; {@code millis} by the log's clock. */
  record Answered(String principal, long bodyHash, long millis, Answer answer) {}

  /** Some answers, of which those before the oldest kept mean nothing any more. */
  static final class Page {
    final String[] ids = new String[PAGE];
    final @Nullable Answered[] answers = new Answered[PAGE];

    /** In which it was altered last; see {@link Freeze}. */
    int generation;
  }

  private final LinkedHashMap<String, Answered> byId = new LinkedHashMap<>();
  private final TreeMap<Long, Page> pages = new TreeMap<>();
  private final Freeze freeze;
  private long first;
  private long next;

  Requests(Freeze freeze) {
    this.freeze = freeze;
  }

  int size() {
    return byId.size();
  }

  @Nullable Answered find(String requestId) {
    return byId.get(requestId);
  }

  void add(Change.RequestAnswered change, long millis) {
    add(
        change.requestId(),
        new Answered(change.principal(), change.bodyHash(), millis, change.answer()));
  }

  private void add(String id, Answered answered) {
    if (byId.put(id, answered) != null) {
      throw new InvariantError("request " + id + " is answered twice");
    }
    Page page = pages.computeIfAbsent(next / PAGE, _ -> new Page());
    int at = (int) (next % PAGE);
    page.ids[at] = id;
    page.answers[at] = answered;
    page.generation = freeze.generation();
    next++;
  }

  /** Time of the oldest, milliseconds; {@code Long.MAX_VALUE}: there is none. */
  long oldestMillis() {
    Answered oldest = oldest();
    return oldest == null ? Long.MAX_VALUE : oldest.millis();
  }

  private @Nullable Answered oldest() {
    Page page = first == next ? null : pages.get(first / PAGE);
    return page == null ? null : page.answers[(int) (first % PAGE)];
  }

  void expire(long beforeMillis) {
    for (Answered oldest = oldest();
        oldest != null && oldest.millis() < beforeMillis;
        oldest = oldest()) {
      long number = first / PAGE;
      Page page = pages.firstEntry().getValue();
      byId.remove(page.ids[(int) (first % PAGE)]);
      page.generation = freeze.generation();
      first++;
      if (first / PAGE != number) {
        pages.remove(number);
      }
    }
  }

  void write(CanonicalWriter to) {
    to.number(byId.size());
    byId.forEach((id, answered) -> {
      to.text(id);
      to.record(answered);
    });
  }

  // ---- checkpoints

  /** The answers that there are now. */
  Frozen frozen() {
    return new Frozen(new TreeMap<>(pages), first, next);
  }

  /** Answers from {@code first} to before {@code next}; pages may get more meanwhile. */
  record Frozen(TreeMap<Long, Page> pages, long first, long next) {
    /** Numbers are from 0 at the first page that is kept. */
    PartWriter encode(long number, PartCodec codec) {
      PartWriter to = new PartWriter();
      Page page = pages.get(number);
      for (long i = Math.max(first, number * PAGE);
          page != null && i < Math.min(next, (number + 1) * PAGE);
          i++) {
        int at = (int) (i % PAGE);
        Answered answered = page.answers[at];
        if (answered != null) {
          PartWriter one = new PartWriter();
          one.text(1, page.ids[at]);
          one.text(2, answered.principal());
          one.number(3, answered.bodyHash());
          one.number(4, answered.millis());
          one.bytes(5, codec.answer(answered.answer()));
          to.part(1, one);
        }
      }
      return to;
    }
  }

  /** Adds the answers of a page. */
  void decode(PartReader from, PartCodec codec) {
    while (from.next()) {
      if (from.field() != 1) {
        throw from.unknown();
      }
      decodeOne(from.part("an answer"), codec);
    }
  }

  private void decodeOne(PartReader from, PartCodec codec) {
    String id = "";
    String principal = "";
    long bodyHash = 0;
    long millis = 0;
    Answer answer = new Answer.Done();
    while (from.next()) {
      switch (from.field()) {
        case 1 -> id = from.text();
        case 2 -> principal = from.text();
        case 3 -> bodyHash = from.number();
        case 4 -> millis = from.number();
        case 5 -> answer = codec.answer(from.bytes());
        default -> throw from.unknown();
      }
    }
    add(id, new Answered(principal, bodyHash, millis, answer));
  }
}
