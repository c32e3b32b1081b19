package orch.api.spec;

/**
 * One key of the dialect.
 *
 * @param key as people write it
 * @param proto name of the field in its message
 * @param unset what holds when it is not said; empty: nothing worth a word
 * @param example a value in YAML's flow form
 * @param meaning one or two sentences, Markdown
 */
public record SpecField(
    String key, String proto, SpecType type, String unset, String example, String meaning) {}
