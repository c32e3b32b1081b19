package orch.controller.core;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The state as it was when this was made, being written as a checkpoint in slices while the state
 * goes on: what is about to be altered and was not written yet is kept here first.
 *
 * <p>A checkpoint is a list of sections of about {@link Sizes#sectionBytes}, each a run of parts:
 * the cluster, pages of answers, nodes, jobs, versions, chunks of tasks, in this order. A section
 * none of whose parts was altered since the last checkpoint is kept; small ones are joined with
 * their successors, large ones cut between parts, so a section is larger only if one part is. The
 * parts that were deleted are found by their number.
 *
 * <p>A part is its kind, its length and {@link PartWriter} fields.
 */
public final class Snapshot {
  /**
   * How much is done at a time.
   *
   * @param sectionBytes a section is cut when it has this size; one that was written before may
   *     grow by half of it, and one below a quarter is joined with the next
   * @param sliceBytes what a slice encodes at most, and one part more
   * @param sliceParts what a slice looks at at most
   */
  public record Sizes(int sectionBytes, int sliceBytes, int sliceParts) {
    public static final Sizes DEFAULT = new Sizes(96 * 1024, 32 * 1024, 2_000);

    public Sizes {
      if (sectionBytes < 1 || sliceBytes < 1 || sliceParts < 1) {
        throw new IllegalArgumentException("sizes must be positive");
      }
    }
  }

  /** Takes the sections, in order. */
  public interface Sink {
    /** A new section. */
    void write(Section section, byte[] bytes);

    /** A section of the checkpoint before that is in this one too. */
    void keep(Section section);
  }

  private final State state;
  private final PartCodec codec;
  private final SectionPlan before;
  private final Sizes sizes;
  private final SnapshotParts parts;
  private final List<Section> done = new ArrayList<>();
  private final int generation;

  /** Index into {@code before} of the section at hand. */
  private int at;

  private boolean encoding;
  private int seen;
  private long nextId;

  // The section in the making.
  private PartWriter open = new PartWriter();
  private Section.@Nullable Key openFirst;
  private int openParts;
  private boolean finished;

  Snapshot(State state, PartCodec codec, SectionPlan before, Sizes sizes) {
    this.state = state;
    this.codec = codec;
    this.before = before;
    this.sizes = sizes;
    this.nextId = before.nextId();
    state.freeze.begin(this);
    this.generation = state.freeze.generation();
    this.parts = new SnapshotParts(state, codec);
    this.encoding = before.sections().isEmpty();
  }

  /**
   * Writes on for a bounded while. Returns whether the checkpoint is whole; then the state is free
   * for the next, and {@link #written} is to be called once it is in force.
   */
  public boolean slice(Sink sink) {
    if (finished) {
      return true;
    }
    int bytes = 0;
    int looked = 0;
    while (bytes < sizes.sliceBytes && looked++ < sizes.sliceParts) {
      if (encoding) {
        int encoded = encodeNext(sink);
        bytes += encoded;
        if (encoded == 0 && done()) {
          cut(sink);
          end();
          return true;
        }
        if (encoded == 0) {
          nextSection(sink);
        }
      } else {
        look(sink);
      }
    }
    return false;
  }

  /** The next checkpoint needs to write only what was altered since this one. */
  public void written() {
    state.planned(new SectionPlan(done, generation, nextId));
  }

  /** Gives it up; to be called unless {@link #slice} has said that it is whole. */
  public void abandon() {
    end();
  }

  private void end() {
    if (!finished) {
      finished = true;
      state.freeze.end();
    }
  }

  void keep(Job job) {
    parts.keep(job);
  }

  void keep(Node node) {
    parts.keep(node);
  }

  private boolean done() {
    return at >= before.sections().size() - 1;
  }

  /** First key after the section at hand; null: it is the last, and has no end. */
  private Section.@Nullable Key limit() {
    return done() ? null : before.sections().get(at + 1).first();
  }

  /** Looks at one part of the section at hand, whether it has to be written anew. */
  private void look(Sink sink) {
    Section section = before.sections().get(at);
    SnapshotParts.Part part = openParts > 0 || done() ? null : parts.next(limit());
    boolean altered = part != null && part.generation() >= before.generation();
    if (part != null && !altered && seen < section.parts()) {
      seen++;
      return;
    }
    boolean same = part == null && openParts == 0 && !done() && seen == section.parts();
    if (same) {
      done.add(section);
      sink.keep(section);
      at++;
    } else {
      parts.seek(section.first());
      encoding = true;
    }
    seen = 0;
    if (same) {
      parts.passed(before.sections().get(at).first());
    }
  }

  /** Returns how many bytes it wrote; 0: the section at hand has no more parts. */
  private int encodeNext(Sink sink) {
    SnapshotParts.Part part = parts.next(limit());
    if (part == null) {
      return 0;
    }
    int size = open.size();
    if (openFirst == null) {
      // The first section begins where all parts do.
      openFirst = done.isEmpty() ? SnapshotParts.FIRST : part.key();
    }
    part.encode(open, codec);
    openParts++;
    int encoded = open.size() - size;
    int most = sizes.sectionBytes;
    // What is left of a section that was cut would have to be joined with the next, and so on.
    if (open.size() >= (limit() == null ? most : most + most / 2)) {
      cut(sink);
    }
    return encoded;
  }

  private void nextSection(Sink sink) {
    if (open.size() >= sizes.sectionBytes / 4) {
      cut(sink);
    }
    if (!done()) {
      at++;
      encoding = false;
      seen = 0;
      if (openParts == 0) {
        parts.passed(before.sections().get(at).first());
      }
    }
  }

  private void cut(Sink sink) {
    Section.Key first = openFirst;
    if (first == null) {
      return;
    }
    byte[] bytes = open.toByteArray();
    Section section = new Section(nextId++, first, openParts, bytes.length);
    done.add(section);
    sink.write(section, bytes);
    open = new PartWriter();
    openFirst = null;
    openParts = 0;
  }
}
