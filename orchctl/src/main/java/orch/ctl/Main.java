package orch.ctl;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.util.List;
import java.util.Map;
import orch.ctl.command.Orchctl;
import orch.ctl.command.ProcessSignals;
import orch.ctl.command.World;
import orch.ctl.http.Pause;
import orch.ctl.output.Console;
import orch.ctl.output.Terminal;

/** The program {@code orchctl}. */
public final class Main {
  private Main() {}

  /** Runs one command and exits with its code. */
  public static void main(String[] arguments) {
    int code = run(List.of(ProcessWords.arguments(arguments)));
    // A signal may have begun to end this process, and then exit() would wait for its end.
    Runtime.getRuntime().halt(code);
  }

  /** Runs one command in this process's world. */
  static int run(List<String> arguments) {
    Map<String, String> environment = ProcessWords.environment();
    // System.out would translate and buffer; commands write bytes.
    Console console =
        new Console(
            new FileOutputStream(FileDescriptor.out),
            new FileOutputStream(FileDescriptor.err),
            Terminal.ofProcess(environment));
    World world =
        new World(
            environment,
            new FileInputStream(FileDescriptor.in),
            console,
            ProcessWords.directory(environment),
            ProcessWords.user(),
            Pause.real(),
            Pause.real(),
            new ProcessSignals(),
            System.currentTimeMillis());
    return new Orchctl(world).run(arguments);
  }
}
