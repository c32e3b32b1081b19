package orch.ctl.command;

import java.io.InputStream;
import java.util.Map;
import orch.ctl.http.Pause;
import orch.ctl.output.Console;

/**
 * What a command finds around it; tests bring their own.
 *
 * @param environment the caller's variables
 * @param input standard input
 * @param console standard output and error
 * @param directory the caller's working directory, absolute
 * @param user the caller's login name
 * @param pause waiting
 * @param notices waiting of what is done beside the command
 * @param signals signals to this process
 * @param nowMillis the moment at which the command was given, milliseconds since the epoch
 */
public record World(
    Map<String, String> environment,
    InputStream input,
    Console console,
    String directory,
    String user,
    Pause pause,
    Pause notices,
    Signals signals,
    long nowMillis) {
  /** A variable; empty where it is not set. */
  String variable(String name) {
    return environment.getOrDefault(name, "");
  }
}
