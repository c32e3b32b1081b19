package orch.ctl.output;

/** The forms of {@code -o}. */
public enum OutputFormat {
  /** Aligned columns for people. */
  TABLE,
  /** A table with more columns, nothing cut off. */
  WIDE,
  /** The API's proto3 JSON, one document. */
  JSON,
  /** The same as YAML. */
  YAML,
  /** Resource names, one a line. */
  NAME,
  /** The YAML dialect of job specs; of {@code job show} alone. */
  SPEC
}
