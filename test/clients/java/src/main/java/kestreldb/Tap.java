package kestreldb;

import com.google.gson.JsonArray;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonPrimitive;
import io.milvus.v2.exception.MilvusClientException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * One TAP line per check, and what was expected and found when a check fails. A check that throws is a failed check,
 * and the next one runs all the same.
 */
final class Tap {
  interface Call<T> {
    T run() throws Exception;
  }

  interface Act {
    void run() throws Exception;
  }

  private static int count = 0;
  private static int failed = 0;

  private Tap() {}

  private static void line(boolean ok, String what, String... details) {
    count++;
    if (!ok) failed++;
    System.out.println((ok ? "ok " : "not ok ") + count + " - " + what);
    if (ok) return;
    for (String detail : details) System.out.println("# " + detail.replace("\n", "\n# "));
  }

  /** The call answers something like `expected`. */
  static void check(String what, Call<?> call, Object expected) {
    try {
      Object found = plain(call.run());
      line(alike(found, plain(expected)), what, "expected " + plain(expected), "found " + found);
    } catch (Exception error) {
      line(false, what, "expected " + expected, "found " + error + " at " + where(error));
    }
  }

  /** The call throws nothing. */
  static void does(String what, Act call) {
    try {
      call.run();
      line(true, what);
    } catch (Exception error) {
      line(false, what, "expected no exception", "found " + error + " at " + where(error));
    }
  }

  /** The call fails with this code of the server (0: refused by the client itself) and this phrase. */
  static void fails(String what, Act call, int code, String phrase) {
    String expected = "expected code " + code + " with " + phrase;
    try {
      call.run();
      line(false, what, expected, "found no exception");
    } catch (MilvusClientException error) {
      boolean same = (code == 0 || error.getServerErrCode() == code) && String.valueOf(error.getMessage()).contains(phrase);
      line(same, what, expected, "found code " + error.getServerErrCode() + ": " + error.getMessage());
    } catch (Exception error) {
      line(false, what, expected, "found " + error + " at " + where(error));
    }
  }

  private static String where(Exception error) {
    for (StackTraceElement frame : error.getStackTrace()) {
      if (frame.getClassName().startsWith("kestreldb")) return frame.toString();
    }
    return "?";
  }

  /** Values in one form: integers as Long, fractions as Double, buffers as lists of bytes, JSON as maps and lists. */
  static Object plain(Object value) {
    if (value instanceof Float || value instanceof Double) return ((Number) value).doubleValue();
    if (value instanceof Number) return integerOrFraction((Number) value);
    if (value instanceof ByteBuffer) {
      ByteBuffer buffer = ((ByteBuffer) value).duplicate();
      buffer.rewind();
      List<Object> bytes = new ArrayList<>();
      while (buffer.hasRemaining()) bytes.add((long) buffer.get());
      return bytes;
    }
    if (value instanceof JsonElement) return plainJson((JsonElement) value);
    if (value instanceof Map) {
      Map<String, Object> map = new TreeMap<>();
      ((Map<?, ?>) value).forEach((key, one) -> map.put(String.valueOf(key), plain(one)));
      return map;
    }
    if (value instanceof Iterable) {
      List<Object> list = new ArrayList<>();
      for (Object one : (Iterable<?>) value) list.add(plain(one));
      return list;
    }
    return value;
  }

  private static Object integerOrFraction(Number number) {
    String text = number.toString();
    return text.matches("-?\\d+") ? (Object) Long.valueOf(text) : (Object) Double.valueOf(text);
  }

  private static Object plainJson(JsonElement json) {
    if (json.isJsonNull()) return null;
    if (json instanceof JsonObject) {
      Map<String, Object> map = new TreeMap<>();
      ((JsonObject) json).entrySet().forEach(entry -> map.put(entry.getKey(), plainJson(entry.getValue())));
      return map;
    }
    if (json instanceof JsonArray) {
      List<Object> list = new ArrayList<>();
      for (JsonElement one : (JsonArray) json) list.add(plainJson(one));
      return list;
    }
    JsonPrimitive primitive = (JsonPrimitive) json;
    if (primitive.isBoolean()) return primitive.getAsBoolean();
    return primitive.isNumber() ? integerOrFraction(primitive.getAsNumber()) : primitive.getAsString();
  }

  private static boolean alike(Object found, Object expected) {
    if (expected instanceof Double && found instanceof Number) {
      double wanted = (Double) expected;
      return Math.abs(((Number) found).doubleValue() - wanted) <= 1e-6 * Math.max(1, Math.abs(wanted));
    }
    if (expected instanceof Map && found instanceof Map) {
      Map<?, ?> other = (Map<?, ?>) found;
      Map<?, ?> wanted = (Map<?, ?>) expected;
      return other.keySet().equals(wanted.keySet()) && wanted.keySet().stream().allMatch(key -> alike(other.get(key), wanted.get(key)));
    }
    if (expected instanceof List && found instanceof List) {
      List<?> other = (List<?>) found;
      List<?> wanted = (List<?>) expected;
      if (other.size() != wanted.size()) return false;
      for (int i = 0; i < wanted.size(); i++) if (!alike(other.get(i), wanted.get(i))) return false;
      return true;
    }
    return expected == null ? found == null : expected.equals(found);
  }

  static void finish() {
    System.out.println("1.." + count);
    System.exit(failed == 0 ? 0 : 1);
  }
}
