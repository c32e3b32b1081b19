package orch.api.spec;

import java.util.List;

/** How the value of a key is written, and how it becomes a field of the message. */
public sealed interface SpecType {
  /** One text; numbers and true are taken as they are written. */
  record Text() implements SpecType {}

  record Bool() implements SpecType {}

  /** True in the dialect is false in the message. */
  record InverseBool() implements SpecType {}

  /** A whole number; where 0 would stand for a default, {@code least} is 1. */
  record Whole(long least, long most) implements SpecType {}

  /** A whole number or {@code unlimited}, which is -1. */
  record Retries() implements SpecType {}

  /** A number with a fraction; 0 is not the default in disguise unless {@code least} is 0. */
  record Decimal(int least) implements SpecType {}

  /** A whole number from -100 to 100 except 0. */
  record Weight() implements SpecType {}

  record Bytes() implements SpecType {}

  record Cpu() implements SpecType {}

  record Time() implements SpecType {}

  /** A file mode mask. */
  record Octal() implements SpecType {}

  /** A signal's name or number. */
  record SignalName() implements SpecType {}

  /** An enum: {@code on-failure} is {@code PREFIX_ON_FAILURE}. */
  record Word(List<String> words, String prefix) implements SpecType {}

  /** Two words for a bool of the message, false and true. */
  record BoolWord(String unset, String set) implements SpecType {}

  record Texts() implements SpecType {}

  /** Bytes: a text, {@code !!binary} or {@code {base64: ...}}. */
  record Content() implements SpecType {}

  /** Contents by name. */
  record Contents() implements SpecType {}

  record TextMap() implements SpecType {}

  /** Whole numbers by name. */
  record CountMap() implements SpecType {}

  /** Limits of setrlimit(2) by name. */
  record Rlimits() implements SpecType {}

  /** {@code 0-9:2,20-29%4}. */
  record Indexes() implements SpecType {}

  /** A list of codes and ranges {@code 64-78}. */
  record ExitCodes() implements SpecType {}

  record Signals() implements SpecType {}

  /**
   * Keys below the key.
   *
   * @param shorthand the key that a plain text in place of the mapping stands for; empty: none
   */
  record Section(List<SpecField> fields, String shorthand) implements SpecType {
    public Section {
      fields = List.copyOf(fields);
    }
  }

  /** A list of sections. */
  record Sections(Section item) implements SpecType {}
}
