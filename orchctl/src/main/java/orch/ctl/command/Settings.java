package orch.ctl.command;

import java.io.File;
import java.io.IOException;
import java.util.List;
import orch.ctl.http.Address;
import org.jspecify.annotations.Nullable;

/**
 * With which controller a command speaks, and as whom. What stands on the command line goes before
 * the context named there, that before the environment, that before the file's current context.
 *
 * @param addresses of the controllers; any of them will do
 * @param token empty: none
 */
record Settings(List<Address> addresses, String token, String namespace) {
  private static final String DEFAULT_ADDRESS = "http://localhost:7400";

  /** The options of the same names; null: not said. */
  record Flags(
      @Nullable String namespace,
      @Nullable String address,
      @Nullable String token,
      @Nullable String context) {}

  static Settings of(Flags flags, World world) throws UsageException {
    String named = flags.context() == null ? world.variable("ORCH_CONTEXT") : flags.context();
    ContextFile file = read(world);
    ContextFile.Context context = new ContextFile.Context("", "", "");
    String name = named.isEmpty() ? file.current() : named;
    if (!name.isEmpty()) {
      ContextFile.Context found = file.contexts().get(name);
      if (found == null) {
        throw new UsageException(
            "there is no context '"
                + name
                + "' in "
                + path(world)
                + Nearest.hint(name, file.contexts().keySet()));
      }
      context = found;
    }
    boolean chosen = flags.context() != null;
    String address =
        value(flags.address(), context.address(), world.variable("ORCH_ADDRESS"), chosen);
    String token = value(flags.token(), context.token(), world.variable("ORCH_TOKEN"), chosen);
    String namespace =
        value(flags.namespace(), context.namespace(), world.variable("ORCH_NAMESPACE"), chosen);
    try {
      return new Settings(
          Address.parseList(address.isEmpty() ? DEFAULT_ADDRESS : address),
          token,
          namespace.isEmpty() ? "default" : namespace);
    } catch (IllegalArgumentException wrongAddress) {
      throw new UsageException(String.valueOf(wrongAddress.getMessage()));
    }
  }

  private static String value(
      @Nullable String flag, String context, String variable, boolean contextChosen) {
    if (flag != null) {
      return flag;
    }
    boolean takeContext = !context.isEmpty() && (contextChosen || variable.isEmpty());
    return takeContext ? context : variable;
  }

  private static String path(World world) {
    String base = world.variable("XDG_CONFIG_HOME");
    return (base.isEmpty() ? world.variable("HOME") + "/.config" : base) + "/orch/config.yaml";
  }

  private static ContextFile read(World world) throws UsageException {
    File file = new File(path(world));
    if (!file.isFile()) {
      return ContextFile.empty();
    }
    try {
      return ContextFile.parse(file.getPath(), InputFiles.text(file));
    } catch (IOException unreadable) {
      throw new UsageException("cannot read " + file + ": " + unreadable.getMessage());
    }
  }
}
