package orch.agent.seccomp;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Compiles a profile to classic BPF over {@code struct seccomp_data}: the architecture is checked
 * first, then a binary search over the numbers of the calls ends at what becomes of the call. About
 * seven comparisons a call, where a list in order would take hundreds.
 */
final class Bpf {
  // Instructions, linux/bpf_common.h.
  static final int LOAD = 0x20; // BPF_LD | BPF_W | BPF_ABS
  static final int AND = 0x54; // BPF_ALU | BPF_AND | BPF_K
  static final int JUMP = 0x05; // BPF_JMP | BPF_JA
  static final int JUMP_IF_EQUAL = 0x15; // BPF_JMP | BPF_JEQ | BPF_K
  static final int JUMP_IF_NOT_LESS = 0x35; // BPF_JMP | BPF_JGE | BPF_K, unsigned
  static final int RETURN = 0x06; // BPF_RET | BPF_K

  // Offsets in struct seccomp_data, linux/seccomp.h; little endian.
  static final int NUMBER = 0;
  static final int ARCHITECTURE = 4;
  static final int ARGUMENTS = 16;

  /** Most instructions of a filter, BPF_MAXINSNS. */
  static final int MAX_INSTRUCTIONS = 4_096;

  private static final int MAX_SHORT_JUMP = 255;

  /** struct sock_filter. */
  record Instruction(int code, int ifTrue, int ifFalse, int k) {}

  /** Calls from {@code first} on, up to the next range, end in {@code code}. */
  private record Range(long first, List<Instruction> code) {}

  private Bpf() {}

  /** The filter of {@code profile} on {@code architecture}. */
  static List<Instruction> compile(Profile profile, Architecture architecture) {
    List<Instruction> program = new ArrayList<>();
    program.add(load(ARCHITECTURE));
    program.add(new Instruction(JUMP_IF_EQUAL, 1, 0, architecture.audit()));
    program.add(end(profile.foreign()));
    program.add(load(NUMBER));
    List<Range> ranges = ranges(profile, architecture);
    program.addAll(tree(ranges, 0, ranges.size()));
    if (program.size() > MAX_INSTRUCTIONS) {
      throw new IllegalArgumentException(
          "the profile needs " + program.size() + " instructions; at most " + MAX_INSTRUCTIONS);
    }
    return program;
  }

  /** As the kernel takes it: an array of struct sock_filter. */
  static byte[] bytes(List<Instruction> program) {
    ByteBuffer bytes = ByteBuffer.allocate(8 * program.size()).order(ByteOrder.LITTLE_ENDIAN);
    for (Instruction each : program) {
      bytes
          .putShort((short) each.code())
          .put((byte) each.ifTrue())
          .put((byte) each.ifFalse())
          .putInt(each.k());
    }
    return bytes.array();
  }

  /** Every number from 0 to the largest belongs to one; neighbours differ. */
  private static List<Range> ranges(Profile profile, Architecture architecture) {
    TreeMap<Long, List<Instruction>> byNumber = new TreeMap<>();
    for (Map.Entry<String, Integer> call : architecture.numbers().entrySet()) {
      byNumber.put((long) call.getValue(), code(profile, call.getKey()));
    }
    List<Instruction> unknown = List.of(end(profile.unknown()));
    List<Range> ranges = new ArrayList<>();
    long next = 0;
    for (Map.Entry<Long, List<Instruction>> call : byNumber.entrySet()) {
      if (call.getKey() > next) {
        add(ranges, next, unknown);
      }
      add(ranges, call.getKey(), call.getValue());
      next = call.getKey() + 1;
    }
    add(ranges, next, unknown);
    if (architecture.foreignFrom() != 0) {
      add(ranges, architecture.foreignFrom(), List.of(end(profile.foreign())));
    }
    return ranges;
  }

  private static void add(List<Range> ranges, long first, List<Instruction> code) {
    if (ranges.isEmpty() || !ranges.getLast().code().equals(code)) {
      ranges.add(new Range(first, code));
    }
  }

  private static List<Instruction> code(Profile profile, String call) {
    List<Condition> conditions = profile.conditions().get(call);
    if (conditions == null) {
      return List.of(end(profile.actions().getOrDefault(call, profile.otherwise())));
    }
    List<Instruction> code = new ArrayList<>();
    for (Condition condition : conditions) {
      code.addAll(condition.equal() ? equal(condition) : different(condition));
    }
    code.add(end(profile.otherwise()));
    return code;
  }

  /** Allows when both halves are as wanted; else goes on behind its last instruction. */
  private static List<Instruction> equal(Condition of) {
    List<Instruction> code = new ArrayList<>();
    int lower = (int) of.mask();
    int upper = (int) (of.mask() >>> 32);
    if (upper != 0) {
      code.add(load(ARGUMENTS + 8 * of.argument() + 4));
      code.add(new Instruction(AND, 0, 0, upper));
      code.add(new Instruction(JUMP_IF_EQUAL, 0, 4, (int) (of.value() >>> 32)));
    }
    code.add(load(ARGUMENTS + 8 * of.argument()));
    code.add(new Instruction(AND, 0, 0, lower));
    code.add(new Instruction(JUMP_IF_EQUAL, 0, 1, (int) of.value()));
    code.add(end(Action.ALLOW));
    return code;
  }

  /** Allows when one of the halves differs; else goes on behind its last instruction. */
  private static List<Instruction> different(Condition of) {
    List<Instruction> code = new ArrayList<>();
    int lower = (int) of.mask();
    int upper = (int) (of.mask() >>> 32);
    if (upper != 0) {
      code.add(load(ARGUMENTS + 8 * of.argument() + 4));
      code.add(new Instruction(AND, 0, 0, upper));
      code.add(new Instruction(JUMP_IF_EQUAL, 0, 3, (int) (of.value() >>> 32)));
    }
    code.add(load(ARGUMENTS + 8 * of.argument()));
    code.add(new Instruction(AND, 0, 0, lower));
    code.add(new Instruction(JUMP_IF_EQUAL, 1, 0, (int) of.value()));
    code.add(end(Action.ALLOW));
    return code;
  }

  private static List<Instruction> tree(List<Range> ranges, int from, int to) {
    if (to - from == 1) {
      return ranges.get(from).code();
    }
    int middle = (from + to) >>> 1;
    List<Instruction> below = tree(ranges, from, middle);
    List<Instruction> above = tree(ranges, middle, to);
    List<Instruction> code = new ArrayList<>(below.size() + above.size() + 2);
    int bound = (int) ranges.get(middle).first();
    if (below.size() <= MAX_SHORT_JUMP) {
      code.add(new Instruction(JUMP_IF_NOT_LESS, below.size(), 0, bound));
    } else {
      code.add(new Instruction(JUMP_IF_NOT_LESS, 0, 1, bound));
      code.add(new Instruction(JUMP, 0, 0, below.size()));
    }
    code.addAll(below);
    code.addAll(above);
    return code;
  }

  private static Instruction load(int offset) {
    return new Instruction(LOAD, 0, 0, offset);
  }

  private static Instruction end(Action action) {
    return new Instruction(RETURN, 0, 0, action.value());
  }
}
