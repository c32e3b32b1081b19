package orch.ctl.command;

/** The version of this build; a test holds it to the one of the project. */
final class Version {
  static final String TEXT = "0.1.0-SNAPSHOT";

  private Version() {}
}
