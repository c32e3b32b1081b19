package orch.agent.seccomp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Compiled profiles are run as the kernel would, for every number of a system call. */
final class BpfTest {
  private static final int EPERM = 0x00050001;
  private static final int ENOSYS = 0x00050026;
  private static final int ALLOW = 0x7FFF0000;
  private static final int KILL = 0x80000000;
  private static final int LAST = 1_100;

  private static Profile read(String text) throws InvalidProfileException {
    return ProfileReader.read("test.yaml", text, SeccompProfiles.readBuiltIn());
  }

  /** What the program answers to one call. */
  private static int run(
      List<Bpf.Instruction> program, int architecture, int number, long... arguments) {
    long accumulator = 0;
    int at = 0;
    for (int steps = 0; steps < 200; steps++) {
      Bpf.Instruction now = program.get(at++);
      switch (now.code()) {
        case Bpf.LOAD -> accumulator = load(now.k(), architecture, number, arguments);
        case Bpf.AND -> accumulator &= Integer.toUnsignedLong(now.k());
        case Bpf.JUMP -> at += now.k();
        case Bpf.JUMP_IF_EQUAL ->
            at += accumulator == Integer.toUnsignedLong(now.k()) ? now.ifTrue() : now.ifFalse();
        case Bpf.JUMP_IF_NOT_LESS ->
            at += accumulator >= Integer.toUnsignedLong(now.k()) ? now.ifTrue() : now.ifFalse();
        case Bpf.RETURN -> {
          return now.k();
        }
        default -> throw new AssertionError("instruction " + now);
      }
    }
    throw new AssertionError("a call takes more than 200 steps");
  }

  private static long load(int offset, int architecture, int number, long[] arguments) {
    if (offset == Bpf.NUMBER) {
      return Integer.toUnsignedLong(number);
    }
    if (offset == Bpf.ARCHITECTURE) {
      return Integer.toUnsignedLong(architecture);
    }
    int argument = (offset - Bpf.ARGUMENTS) / 8;
    long value = argument < arguments.length ? arguments[argument] : 0;
    return (offset & 4) == 0 ? value & 0xFFFF_FFFFL : value >>> 32;
  }

  private static int expected(Profile profile, Architecture architecture, int number) {
    for (Map.Entry<String, Integer> call : architecture.numbers().entrySet()) {
      if (call.getValue() == number) {
        return profile.actions().getOrDefault(call.getKey(), profile.otherwise()).value();
      }
    }
    return profile.unknown().value();
  }

  @ParameterizedTest
  @EnumSource(Architecture.class)
  void theBuiltInProfileAnswersEveryNumberAsItIsWritten(Architecture architecture)
      throws InvalidProfileException {
    Profile profile = SeccompProfiles.readBuiltIn();
    List<Bpf.Instruction> program = Bpf.compile(profile, architecture);
    List<Integer> conditional =
        profile.conditions().keySet().stream().map(architecture.numbers()::get).toList();
    for (int number = 0; number <= LAST; number++) {
      if (!conditional.contains(number)) {
        assertEquals(
            expected(profile, architecture, number),
            run(program, architecture.audit(), number),
            architecture + " " + number);
      }
      assertEquals(KILL, run(program, 0x40000003, number), "i386 " + number);
    }
    assertEquals(
        architecture == Architecture.X86_64 ? KILL : ENOSYS,
        run(program, architecture.audit(), 0x40000001));
    assertEquals(
        architecture == Architecture.X86_64 ? KILL : ENOSYS,
        run(program, architecture.audit(), -1));
  }

  @ParameterizedTest
  @EnumSource(Architecture.class)
  void whatChangesTheHostIsForbiddenAndWhatProgramsNeedIsNot(Architecture architecture)
      throws InvalidProfileException {
    List<Bpf.Instruction> program = Bpf.compile(SeccompProfiles.readBuiltIn(), architecture);
    for (String call :
        List.of(
            "mount",
            "unshare",
            "setns",
            "bpf",
            "reboot",
            "init_module",
            "io_uring_setup",
            "kexec_load",
            "pivot_root",
            "keyctl",
            "perf_event_open",
            "open_by_handle_at")) {
      int number = architecture.numbers().get(call);
      assertEquals(EPERM, run(program, architecture.audit(), number), call);
    }
    for (String call :
        List.of(
            "read",
            "write",
            "openat",
            "execve",
            "exit_group",
            "mmap",
            "futex",
            "epoll_pwait2",
            "getrandom",
            "rseq",
            "statx",
            "ptrace",
            "setuid",
            "landlock_restrict_self",
            "seccomp")) {
      int number = architecture.numbers().get(call);
      assertEquals(ALLOW, run(program, architecture.audit(), number), call);
    }
    int clone3 = architecture.numbers().get("clone3");
    assertEquals(ENOSYS, run(program, architecture.audit(), clone3));
  }

  @ParameterizedTest
  @EnumSource(Architecture.class)
  void argumentsDecideWhereTheProfileSaysSo(Architecture architecture)
      throws InvalidProfileException {
    List<Bpf.Instruction> program = Bpf.compile(SeccompProfiles.readBuiltIn(), architecture);
    int arch = architecture.audit();
    int clone = architecture.numbers().get("clone");
    assertEquals(ALLOW, run(program, arch, clone, 0x003D0F00)); // what pthread_create asks for
    assertEquals(ALLOW, run(program, arch, clone, 17));
    for (long flag :
        new long[] {0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000}) {
      assertEquals(EPERM, run(program, arch, clone, 17 | flag), Long.toHexString(flag));
    }
    int socket = architecture.numbers().get("socket");
    assertEquals(ALLOW, run(program, arch, socket, 1));
    assertEquals(EPERM, run(program, arch, socket, 40));
    // The kernel passes over the upper half of an int, so the filter must as well.
    assertEquals(EPERM, run(program, arch, socket, 0x1_0000_0028L));
    int personality = architecture.numbers().get("personality");
    assertEquals(ALLOW, run(program, arch, personality, 0));
    assertEquals(ALLOW, run(program, arch, personality, 0xFFFFFFFFL));
    assertEquals(EPERM, run(program, arch, personality, 0x0040000));
  }

  @Test
  void conditionsLookAtBothHalvesOfAnArgument() throws InvalidProfileException {
    Profile profile =
        read(
            """
            default: errno EACCES
            allow: [execve, exit_group]
            allowWhen:
              lseek: [{argument: 1, mask: 0xFFFFFFFFFFFFFFFF, equals: 0x100000002}]
              mmap: [{argument: 5, mask: 0xFFFFFFFFFFFFFFFF, not: 0x100000002}]
            """);
    List<Bpf.Instruction> program = Bpf.compile(profile, Architecture.X86_64);
    int arch = Architecture.X86_64.audit();
    assertEquals(ALLOW, run(program, arch, 8, 0, 0x1_0000_0002L));
    assertEquals(0x0005000D, run(program, arch, 8, 0, 0x2L));
    assertEquals(0x0005000D, run(program, arch, 8, 0, 0x1_0000_0003L));
    assertEquals(0x0005000D, run(program, arch, 9, 0, 0, 0, 0, 0, 0x1_0000_0002L));
    assertEquals(ALLOW, run(program, arch, 9, 0, 0, 0, 0, 0, 0x2L));
    assertEquals(ALLOW, run(program, arch, 9, 0, 0, 0, 0, 0, 0x1_0000_0003L));
  }

  @Test
  void aProfileOfManyConditionsStillJumpsRight() throws InvalidProfileException {
    StringBuilder text =
        new StringBuilder("default: errno EPERM\nallow: [execve, exit_group]\nallowWhen:\n");
    TreeMap<String, Integer> numbers = new TreeMap<>(Architecture.X86_64.numbers());
    numbers.remove("execve");
    numbers.remove("exit_group");
    numbers.forEach((name, number) ->
        text.append("  ")
            .append(name)
            .append(": [{argument: 0, equals: ")
            .append(number)
            .append("}]\n"));
    List<Bpf.Instruction> program = Bpf.compile(read(text.toString()), Architecture.X86_64);
    assertTrue(
        program.stream().anyMatch(each -> each.code() == Bpf.JUMP), "no far jump was needed");
    int arch = Architecture.X86_64.audit();
    numbers.forEach((name, number) -> {
      assertEquals(ALLOW, run(program, arch, number, number), name);
      assertEquals(EPERM, run(program, arch, number, number + 1), name);
    });
  }

  @Test
  void theTreeIsSmallAndShallow() throws InvalidProfileException {
    List<Bpf.Instruction> program = Bpf.compile(SeccompProfiles.readBuiltIn(), Architecture.X86_64);
    assertTrue(program.size() < 200, program.size() + " instructions");
    assertEquals(8 * program.size(), Bpf.bytes(program).length);
  }

  @Test
  void aFileExtendsTheBuiltInProfile() throws InvalidProfileException {
    Profile profile =
        read("extends: default\nallow: [mount, clone]\nkill: [ptrace]\nforeign: errno ENOSYS\n");
    List<Bpf.Instruction> program = Bpf.compile(profile, Architecture.X86_64);
    int arch = Architecture.X86_64.audit();
    assertEquals(ALLOW, run(program, arch, 165));
    assertEquals(ALLOW, run(program, arch, 56, 0x10000000));
    assertEquals(KILL, run(program, arch, 101));
    assertEquals(ENOSYS, run(program, 0x40000003, 4));
    assertEquals(ALLOW, run(program, arch, 0));
    assertEquals(EPERM, run(program, arch, 321));
  }

  private static void problem(String text, String sentence) {
    InvalidProfileException e = assertThrows(InvalidProfileException.class, () -> read(text));
    assertEquals(sentence, e.getMessage());
  }

  @Test
  void whatIsWrongInAFileIsSaidWithLineAndRemedy() {
    problem(
        "allow: [raed]\n", "test.yaml:1:9: no system call is called 'raed'; did you mean 'read'?");
    problem(
        "alow: [read]\ndefault: deny\n",
        "test.yaml:1:1: there is no key 'alow'; did you mean 'allow'?; test.yaml:2:10: text 'deny'"
            + " is none of allow, log, kill, errno NAME");
    problem(
        "allow: [read]\n",
        "test.yaml: it does not allow execve, so that no program could be run; allow it");
    problem("extends: other\n", "test.yaml:1:10: extends knows one profile: default");
    problem(
        "extends: default\nallow: [mount]\nkill: [mount]\n", "test.yaml:3:8: mount is named twice");
    problem(
        "extends: default\nerrno: {ENONE: [mount]}\n", "test.yaml:2:9: no error is called 'ENONE'");
    problem(
        "extends: default\nallowWhen: {mount: [{argument: 6, equals: 0}]}\n",
        "test.yaml:2:21: a condition needs an argument, 0 to 5");
    problem(
        "extends: default\nallowWhen: {mount: [{argument: 0, mask: 1, equals: 2}]}\n",
        "test.yaml:2:21: a condition needs either equals or not, within its mask");
    problem("- read\n", "test.yaml: is no mapping with keys such as default and allow");
  }
}
