package orch.controller.store;

/**
 * A part of a multi. The arrays are not copied: whoever makes an operation leaves them alone from
 * then on. Operations are handed on, never compared.
 */
@SuppressWarnings("ArrayRecordComponent")
public sealed interface Operation {
  /** Stands for any version. */
  int ANY_VERSION = -1;

  String path();

  /** The node exists, with this version. */
  record Check(String path, int version) implements Operation {}

  /** A persistent node, with the access list of the port. */
  record Create(String path, byte[] data) implements Operation {}

  record SetData(String path, byte[] data, int version) implements Operation {}

  record Delete(String path, int version) implements Operation {}
}
