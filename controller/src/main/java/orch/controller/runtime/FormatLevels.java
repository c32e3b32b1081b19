package orch.controller.runtime;

import java.util.List;
import orch.controller.core.Change;
import orch.controller.core.InvariantError;
import orch.controller.port.Member;
import orch.controller.port.Membership;

/** Which format of the log may be written, and which can be read. */
final class FormatLevels {
  private FormatLevels() {}

  /** The newest format that every member reads. */
  static int readable(Member self, Membership membership) {
    int level = self.maxFormatLevel();
    for (Member member : membership.members()) {
      level = Math.min(level, member.maxFormatLevel());
    }
    return level;
  }

  /**
   * A change above the log's level would stop members that are older than this one.
   *
   * @throws InvariantError when there is one
   */
  static void requireReadable(List<Change> changes, int level) {
    for (Change change : changes) {
      if (change.formatLevel() > level) {
        throw new InvariantError("the log has format level " + level + ", too low for " + change);
      }
    }
  }

  /** Why a member cannot read a log of this level; empty: it can. */
  static String tooNew(int level, Member self) {
    return level <= self.maxFormatLevel()
        ? ""
        : "the log has format level "
            + level
            + ", this controller reads up to "
            + self.maxFormatLevel()
            + ": upgrade this controller";
  }
}
