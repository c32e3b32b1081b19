package orch.api.yaml;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.snakeyaml.engine.v2.api.LoadSettings;
import org.snakeyaml.engine.v2.api.lowlevel.Parse;
import org.snakeyaml.engine.v2.events.AliasEvent;
import org.snakeyaml.engine.v2.events.CollectionStartEvent;
import org.snakeyaml.engine.v2.events.DocumentStartEvent;
import org.snakeyaml.engine.v2.events.Event;
import org.snakeyaml.engine.v2.events.NodeEvent;
import org.snakeyaml.engine.v2.events.ScalarEvent;
import org.snakeyaml.engine.v2.exceptions.Mark;
import org.snakeyaml.engine.v2.exceptions.MarkedYamlEngineException;
import org.snakeyaml.engine.v2.exceptions.ReaderException;
import org.snakeyaml.engine.v2.exceptions.YamlEngineException;

/**
 * Builds nodes from the parser's events, with a stack of its own, so that neither depth nor aliases
 * can take more than their limits.
 */
final class YamlReader {
  private static final int MAX_DEPTH = 32;
  private static final int MAX_NODES = 200_000;
  private static final int MAX_PROBLEMS = 100;
  private static final String TAG = "tag:yaml.org,2002:";

  private final List<YamlNode> documents = new ArrayList<>();
  private final List<YamlProblem> problems = new ArrayList<>();
  private final Map<String, YamlNode> anchors = new HashMap<>();
  private final Deque<Open> open = new ArrayDeque<>();

  /** A list or mapping whose end has not come yet. */
  private static final class Open {
    private final int line;
    private final int column;
    private final boolean mapping;
    private final @Nullable String anchor;
    private final List<YamlNode> values = new ArrayList<>();
    private final List<YamlNode.Entry> entries = new ArrayList<>();
    private final Map<String, YamlNode.Scalar> keys = new HashMap<>();
    private YamlNode.@Nullable Scalar key;
    private boolean badKey;
    private long size = 1;

    private Open(int line, int column, boolean mapping, @Nullable String anchor) {
      this.line = line;
      this.column = column;
      this.mapping = mapping;
      this.anchor = anchor;
    }
  }

  /** Ends the reading: what comes after cannot be understood. */
  private static final class Unreadable extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private Unreadable() {
      super("unreadable", null, false, false);
    }
  }

  YamlText read(String text) {
    if (text.length() > YamlText.MAX_CHARACTERS) {
      problems.add(
          new YamlProblem(
              1,
              1,
              String.format(
                  Locale.ROOT,
                  "the text has %,d characters and may have %,d",
                  text.length(),
                  YamlText.MAX_CHARACTERS)));
      return new YamlText(documents, problems);
    }
    LoadSettings settings =
        LoadSettings.builder().setCodePointLimit(YamlText.MAX_CHARACTERS + 1).build();
    try {
      for (Event event : new Parse(settings).parseString(text)) {
        accept(event);
      }
    } catch (Unreadable e) {
      // The problem is noted.
    } catch (MarkedYamlEngineException e) {
      problems.add(YamlSyntax.explain(e, text));
    } catch (ReaderException e) {
      problems.add(badCharacter(e, text));
    } catch (YamlEngineException e) {
      problems.add(new YamlProblem(1, 1, "cannot be read as YAML: " + e.getMessage()));
    }
    return new YamlText(documents, problems);
  }

  private void accept(Event event) {
    switch (event) {
      case DocumentStartEvent start -> anchors.clear();
      case AliasEvent alias -> alias(alias);
      case ScalarEvent scalar -> {
        YamlNode.Scalar node = scalar(scalar);
        define(anchor(scalar), node);
        complete(node);
      }
      case CollectionStartEvent start -> {
        if (open.size() >= MAX_DEPTH) {
          fatal(start, "is nested deeper than " + MAX_DEPTH + " levels");
        }
        open.push(
            new Open(
                line(start),
                column(start),
                start.getEventId() == Event.ID.MappingStart,
                anchor(start)));
      }
      default -> {
        if (event.getEventId() == Event.ID.MappingEnd
            || event.getEventId() == Event.ID.SequenceEnd) {
          end();
        }
      }
    }
  }

  private void end() {
    Open ended = open.pop();
    YamlNode node =
        ended.mapping
            ? new YamlNode.Mapping(ended.line, ended.column, ended.entries, ended.size)
            : new YamlNode.Sequence(ended.line, ended.column, ended.values, ended.size);
    define(ended.anchor, node);
    complete(node);
  }

  private void alias(AliasEvent alias) {
    String name = alias.getAlias().getValue();
    YamlNode node = anchors.get(name);
    if (node == null) {
      boolean within = open.stream().anyMatch(outer -> name.equals(outer.anchor));
      fatal(
          alias,
          within
              ? "the alias *" + name + " stands within what it names"
              : "the alias *"
                  + name
                  + " has no anchor &"
                  + name
                  + " before it; put a text that begins with '*' in quotes");
    } else {
      complete(node);
    }
  }

  /** A node is whole: it becomes a key, a value, an item or the document. */
  private void complete(YamlNode node) {
    Open parent = open.peek();
    if (parent == null) {
      boolean empty = node instanceof YamlNode.Scalar scalar && scalar.kind() == YamlNode.Kind.NULL;
      if (!empty) {
        documents.add(node);
      }
      return;
    }
    parent.size += node.size();
    if (parent.size > MAX_NODES) {
      problem(
          node,
          String.format(Locale.ROOT, "with its aliases it has more than %,d values", MAX_NODES));
      throw new Unreadable();
    }
    if (!parent.mapping) {
      parent.values.add(node);
    } else if (parent.badKey) {
      parent.badKey = false;
    } else if (parent.key == null) {
      key(parent, node);
    } else {
      parent.entries.add(new YamlNode.Entry(parent.key, node));
      parent.key = null;
    }
  }

  private void key(Open mapping, YamlNode node) {
    if (!(node instanceof YamlNode.Scalar key)) {
      problem(node, "a key must be a word, not " + node.described());
      mapping.badKey = true;
      return;
    }
    YamlNode.Scalar first = mapping.keys.putIfAbsent(key.text(), key);
    if (first != null) {
      problem(
          key,
          "the key '"
              + key.text()
              + "' stands here a second time; the first is in line "
              + first.line()
              + ", column "
              + first.column());
      mapping.badKey = true;
    } else {
      mapping.key = key;
    }
  }

  private YamlNode.Scalar scalar(ScalarEvent event) {
    String text = event.getValue();
    String tag = event.getTag().orElse("");
    YamlNode.Kind kind =
        switch (tag) {
          case "" -> event.isPlain() ? YamlNode.Scalar.kindOf(text) : YamlNode.Kind.TEXT;
          case "!", TAG + "str" -> YamlNode.Kind.TEXT;
          case TAG + "int", TAG + "float", TAG + "bool", TAG + "null" ->
              YamlNode.Scalar.kindOf(text);
          case TAG + "binary" -> YamlNode.Kind.BINARY;
          default -> {
            problems.add(
                new YamlProblem(
                    line(event),
                    column(event),
                    "the tag "
                        + (tag.startsWith(TAG) ? "!!" + tag.substring(TAG.length()) : tag)
                        + " is not known here; !!str and !!binary are"));
            yield YamlNode.Kind.TEXT;
          }
        };
    return new YamlNode.Scalar(line(event), column(event), text, kind);
  }

  private void define(@Nullable String anchor, YamlNode node) {
    if (anchor != null) {
      anchors.put(anchor, node);
    }
  }

  private void problem(YamlNode node, String message) {
    problems.add(new YamlProblem(node.line(), node.column(), message));
    if (problems.size() >= MAX_PROBLEMS) {
      throw new Unreadable();
    }
  }

  private void fatal(Event event, String message) {
    problems.add(new YamlProblem(line(event), column(event), message));
    throw new Unreadable();
  }

  private static @Nullable String anchor(NodeEvent event) {
    return event.getAnchor().map(anchor -> anchor.getValue()).orElse(null);
  }

  private static int line(Event event) {
    return line(event.getStartMark().orElse(null));
  }

  private static int column(Event event) {
    return column(event.getStartMark().orElse(null));
  }

  static int line(@Nullable Mark mark) {
    return (mark == null ? 0 : mark.getLine()) + 1;
  }

  static int column(@Nullable Mark mark) {
    return (mark == null ? 0 : mark.getColumn()) + 1;
  }

  private static YamlProblem badCharacter(ReaderException e, String text) {
    int line = 1;
    int column = 1;
    for (int c : text.codePoints().takeWhile(c -> !isControl(c)).toArray()) {
      line += c == '\n' ? 1 : 0;
      column = c == '\n' ? 1 : column + 1;
    }
    return new YamlProblem(
        line,
        column,
        String.format(
            Locale.ROOT,
            "the character U+%04X may not stand in YAML; write \"\\u%04x\" in double quotes,"
                + " or !!binary with base64 for bytes",
            e.getCodePoint(),
            e.getCodePoint()));
  }

  private static boolean isControl(int c) {
    return (c < 0x20 && c != '\n' && c != '\r' && c != '\t')
        || (c >= 0x7f && c < 0xa0 && c != 0x85)
        || c == 0xfffe
        || c == 0xffff
        || (c >= 0xd800 && c <= 0xdfff);
  }
}
