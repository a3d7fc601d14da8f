package kestreldb;

import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonNull;
import com.google.gson.JsonObject;
import io.milvus.common.utils.Float16Utils;
import io.milvus.v2.client.MilvusClientV2;
import io.milvus.v2.common.ConsistencyLevel;
import io.milvus.v2.common.DataType;
import io.milvus.v2.common.IndexParam;
import io.milvus.v2.common.IndexParam.IndexType;
import io.milvus.v2.common.IndexParam.MetricType;
import io.milvus.v2.service.collection.request.AddFieldReq;
import io.milvus.v2.service.collection.request.CreateCollectionReq;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/** A collection with every type of field: its schema, and rows that depend on nothing but their number. */
final class Rows {
  static final String NAME = "all_types";
  static final int COUNT = 200;
  static final int DIM = 8;
  static final long LONG = 1L << 60;
  static final String[] WORDS = {"river", "mountain", "kestrel", "harbour", "lantern"};
  private static final Gson GSON = new Gson();

  private Rows() {}

  private static AddFieldReq.AddFieldReqBuilder<?> field(String name, DataType type) {
    return AddFieldReq.builder().fieldName(name).dataType(type);
  }

  private static IndexParam index(String field, IndexType type, MetricType metric) {
    IndexParam.IndexParamBuilder builder = IndexParam.builder().fieldName(field).indexName(field).indexType(type);
    return metric == null ? builder.build() : builder.metricType(metric).build();
  }

  static void create(MilvusClientV2 client) {
    CreateCollectionReq.CollectionSchema schema = MilvusClientV2.CreateSchema();
    schema.setEnableDynamicField(true);
    schema.addField(field("key", DataType.VarChar).isPrimaryKey(true).maxLength(32).build());
    schema.addField(field("yes", DataType.Bool).isNullable(true).build());
    schema.addField(field("tiny", DataType.Int8).isNullable(true).build());
    schema.addField(field("small", DataType.Int16).build());
    schema.addField(field("middle", DataType.Int32).build());
    schema.addField(field("large", DataType.Int64).build());
    schema.addField(field("single", DataType.Float).isNullable(true).build());
    schema.addField(field("real", DataType.Double).build());
    schema.addField(field("body", DataType.VarChar).maxLength(200).build());
    schema.addField(field("label", DataType.VarChar).maxLength(20).defaultValue("none").build());
    schema.addField(field("doc", DataType.JSON).isNullable(true).build());
    schema.addField(field("numbers", DataType.Array).elementType(DataType.Int64).maxCapacity(8).isNullable(true).build());
    schema.addField(field("tags", DataType.Array).elementType(DataType.VarChar).maxCapacity(8).maxLength(20).build());
    schema.addField(field("flags", DataType.Array).elementType(DataType.Bool).maxCapacity(4).build());
    schema.addField(field("dense", DataType.FloatVector).dimension(DIM).build());
    schema.addField(field("half", DataType.Float16Vector).dimension(DIM).build());
    schema.addField(field("brain", DataType.BFloat16Vector).dimension(DIM).build());
    schema.addField(field("bits", DataType.BinaryVector).dimension(16).build());
    schema.addField(field("bytes", DataType.Int8Vector).dimension(DIM).build());
    schema.addField(field("sparse", DataType.SparseFloatVector).build());
    Map<String, Object> graph = new HashMap<>();
    graph.put("M", 16);
    graph.put("efConstruction", 100);
    client.createCollection(CreateCollectionReq.builder().collectionName(NAME).collectionSchema(schema)
        .consistencyLevel(ConsistencyLevel.STRONG)
        .indexParams(Arrays.asList(
            IndexParam.builder().fieldName("dense").indexName("by_dense").indexType(IndexType.HNSW).metricType(MetricType.L2).extraParams(graph).build(),
            index("half", IndexType.AUTOINDEX, MetricType.COSINE),
            index("brain", IndexType.FLAT, MetricType.IP),
            index("bits", IndexType.BIN_FLAT, MetricType.HAMMING),
            IndexParam.builder().fieldName("bytes").indexType(IndexType.HNSW).metricType(MetricType.L2).extraParams(graph).build(),
            index("sparse", IndexType.SPARSE_INVERTED_INDEX, MetricType.IP),
            index("large", IndexType.STL_SORT, null),
            index("body", IndexType.INVERTED, null)))
        .build());
  }

  static String key(int number) {
    return String.format("k%04d", number);
  }

  /** 32nds between -8 and 8, exact in 16 bits as well. No two rows are alike. */
  static List<Float> dense(int number) {
    List<Float> vector = new ArrayList<>();
    for (int place = 0; place < DIM; place++) {
      vector.add(((number * 37 + place * 53 + number * place * 11) % 509 - 254) / 32f);
    }
    return vector;
  }

  static ByteBuffer bytes(int number) {
    ByteBuffer buffer = ByteBuffer.allocate(DIM);
    for (float value : dense(number)) buffer.put((byte) (value * 8));
    buffer.rewind();
    return buffer;
  }

  static ByteBuffer bits(int number) {
    return ByteBuffer.wrap(new byte[] {(byte) number, (byte) (number / 256)});
  }

  static SortedMap<Long, Float> sparse(int number) {
    SortedMap<Long, Float> weights = new TreeMap<>();
    weights.put((long) (number % 50), 1.5f);
    weights.put((long) (100 + number % 10), 0.25f);
    return weights;
  }

  /** Everything of a row but the vectors of bytes, which go in and come out in other forms. */
  private static JsonObject common(int number) {
    JsonObject row = new JsonObject();
    boolean nulls = number % 5 == 0;
    row.addProperty("key", key(number));
    row.addProperty("yes", nulls ? null : (Boolean) (number % 2 == 0));
    row.addProperty("tiny", nulls ? null : (Number) (number % 256 - 128));
    row.addProperty("small", number * 100);
    row.addProperty("middle", number * 1_000_000);
    row.addProperty("large", LONG + number);
    row.addProperty("single", nulls ? null : (Number) (number / 4f));
    row.addProperty("real", number / 3.0);
    row.addProperty("body", WORDS[number % 5] + " number " + number);
    row.add("doc", nulls ? JsonNull.INSTANCE : Page.json("{\"n\":" + number + ",\"deep\":{\"list\":[" + number + ",\"x\",true]},\"text\":\"Grüße ☀\"}"));
    row.add("numbers", nulls ? JsonNull.INSTANCE : GSON.toJsonTree(new long[] {LONG, number}));
    row.add("tags", GSON.toJsonTree(new String[] {WORDS[number % 5], "all"}));
    row.add("flags", GSON.toJsonTree(new boolean[] {number % 2 == 0, true}));
    row.add("dense", GSON.toJsonTree(dense(number)));
    row.add("sparse", GSON.toJsonTree(sparse(number)));
    row.addProperty("color", WORDS[number % 3]);
    row.addProperty("rank", number);
    return row;
  }

  private static JsonArray array(ByteBuffer buffer) {
    return GSON.toJsonTree(buffer.array()).getAsJsonArray();
  }

  /** A row as a user gives it. */
  static JsonObject row(int number) {
    JsonObject row = common(number);
    row.add("half", array(Float16Utils.f32VectorToFp16Buffer(dense(number))));
    row.add("brain", array(Float16Utils.f32VectorToBf16Buffer(dense(number))));
    row.add("bits", array(bits(number)));
    row.add("bytes", array(bytes(number)));
    return row;
  }

  /** What is stored for it. */
  static JsonObject stored(int number) {
    JsonObject row = row(number);
    row.addProperty("label", "none");
    return row;
  }
}
