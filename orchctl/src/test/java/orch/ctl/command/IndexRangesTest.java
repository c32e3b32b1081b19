package orch.ctl.command;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import orch.ctl.json.Json;
import org.junit.jupiter.api.Test;

final class IndexRangesTest {
  @Test
  void rangesStepsAndParallelismAreReadAsSlurmWritesThem() throws UsageException {
    IndexRanges every = IndexRanges.parse("0-9:2%4");
    assertEquals(4, every.parallelism());
    assertEquals(5, every.count());
    assertEquals("[{\"first\":0,\"last\":9,\"step\":2}]", Json.compact(every.json()));
    IndexRanges list = IndexRanges.parse("1, 3,5-7");
    assertEquals(0, list.parallelism());
    assertEquals(5, list.count());
    assertEquals(
        List.of(
            new IndexRanges.Range(1, 1, 1),
            new IndexRanges.Range(3, 3, 1),
            new IndexRanges.Range(5, 7, 1)),
        list.ranges());
  }

  @Test
  void wrongListIsRefusedWithTheReasonAndAnExample() {
    for (String wrong :
        List.of(
            "",
            "a",
            "1,",
            "3-1",
            "5,3",
            "1-3,2",
            "1:2",
            "0-9:0",
            "0-9%0",
            "0-9%",
            "-1",
            "1--2",
            "+1",
            "99999999999")) {
      UsageException failure =
          assertThrows(UsageException.class, () -> IndexRanges.parse(wrong), wrong);
      assertTrue(String.valueOf(failure.getMessage()).contains("0-9:2%4"), wrong);
    }
  }
}
