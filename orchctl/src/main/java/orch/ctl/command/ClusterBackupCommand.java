package orch.ctl.command;

import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Base64;
import orch.ctl.http.CallException;
import orch.ctl.http.ConnectStream;
import orch.ctl.json.JsonObject;

/** {@code cluster backup}. */
final class ClusterBackupCommand implements Command {
  @Override
  public void syntax(Syntax syntax) {
    syntax
        .operand("FILE", "1", "where to write it")
        .example("orchctl cluster backup /var/backups/orch-$(date +%F)");
  }

  @Override
  public int run(Session session, Arguments arguments) throws CallException, UsageException {
    Path file = Path.of(arguments.operand(0, "")).toAbsolutePath();
    Path unfinished = file.resolveSibling(file.getFileName() + ".unfinished");
    long bytes = 0;
    try {
      try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(unfinished));
          ConnectStream stream =
              session.client().stream("ClusterService/CreateBackup", new JsonObject())) {
        for (JsonObject chunk = stream.next(); chunk != null; chunk = stream.next()) {
          byte[] data = Base64.getDecoder().decode(chunk.text("data"));
          out.write(data);
          bytes += data.length;
        }
      }
      Files.move(unfinished, file, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw new UsageException("cannot write " + file + ": " + e.getMessage());
    }
    session
        .console()
        .println(
            "wrote "
                + bytes
                + " bytes to "
                + file
                + "; orch-controller check "
                + file
                + " verifies it");
    return ExitCodes.DONE;
  }
}
