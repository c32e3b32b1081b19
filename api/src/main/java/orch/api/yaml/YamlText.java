package orch.api.yaml;

import java.util.List;

/**
 * What was read of a text.
 *
 * @param documents those that are complete; empty ones are left out
 * @param problems empty: the text is good YAML
 */
public record YamlText(List<YamlNode> documents, List<YamlProblem> problems) {
  /** Most characters of a text. */
  public static final int MAX_CHARACTERS = 1 << 20;

  public YamlText {
    documents = List.copyOf(documents);
    problems = List.copyOf(problems);
  }

  /** Reads one or several documents. Never fails: what is wrong is in the answer. */
  public static YamlText read(String text) {
    return new YamlReader().read(text);
  }
}
