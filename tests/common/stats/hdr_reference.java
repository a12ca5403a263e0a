// HdrHistogram's own implementation, for hdr_log_test.cc to compare ours with.
//
//   java -cp hdrhistogram.jar hdr_reference.java read LOG PERCENTILE...
//   java -cp hdrhistogram.jar hdr_reference.java count VALUES HIGHEST DIGITS PERCENTILE...
//
// `read` prints the start time of a log in seconds, and two lines for each interval: what it read
// (tag, start and end in ms, lowest and highest value, digits, count, smallest, largest, mean, the
// values at the percentiles), and the interval as it would write it itself. `count` records the
// values of a file, one a line, and prints two such lines.

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.HistogramLogReader;
import org.HdrHistogram.HistogramLogWriter;

class HdrReference {
  static final double US_PER_MS = 1000;

  static void print(Histogram histogram, double logStart, List<String> percentiles) {
    List<Object> words = new ArrayList<>();
    words.add(histogram.getTag() == null ? "-" : histogram.getTag());
    words.add(histogram.getStartTimeStamp());
    words.add(histogram.getEndTimeStamp());
    words.add(histogram.getLowestDiscernibleValue());
    words.add(histogram.getHighestTrackableValue());
    words.add(histogram.getNumberOfSignificantValueDigits());
    words.add(histogram.getTotalCount());
    words.add(histogram.getMinValue());
    words.add(histogram.getMaxValue());
    words.add(histogram.getMean());
    for (String percentile : percentiles) {
      words.add(histogram.getValueAtPercentile(Double.parseDouble(percentile)));
    }
    System.out.println(String.join(" ", words.stream().map(Object::toString).toList()));
    new HistogramLogWriter(System.out)
        .outputIntervalHistogram(
            histogram.getStartTimeStamp() / 1000.0 - logStart,
            histogram.getEndTimeStamp() / 1000.0 - logStart,
            histogram,
            US_PER_MS);
  }

  static void read(String log, List<String> percentiles) throws Exception {
    HistogramLogReader reader = new HistogramLogReader(log);
    Histogram interval = (Histogram) reader.nextIntervalHistogram();
    System.out.println(reader.getStartTimeSec());
    while (interval != null) {
      print(interval, reader.getStartTimeSec(), percentiles);
      interval = (Histogram) reader.nextIntervalHistogram();
    }
  }

  static void count(String file, long highest, int digits, List<String> percentiles)
      throws Exception {
    Histogram histogram = new Histogram(1, highest, digits);
    histogram.setStartTimeStamp(0);
    histogram.setEndTimeStamp(0);
    try (Stream<String> values = Files.lines(Path.of(file))) {
      values.mapToLong(Long::parseLong).forEach(histogram::recordValue);
    }
    print(histogram, 0, percentiles);
  }

  public static void main(String[] arguments) throws Exception {
    List<String> all = Arrays.asList(arguments);
    if (arguments[0].equals("read")) {
      read(arguments[1], all.subList(2, all.size()));
    } else {
      count(arguments[1], Long.parseLong(arguments[2]), Integer.parseInt(arguments[3]),
          all.subList(4, all.size()));
    }
  }
}
